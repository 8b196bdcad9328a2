"""A build on drifting clocks: what is proven for every run, and what trials and an adversary observe.

Simulation writes, analysis judges. `alignment`, `timeline` and `egress` read a build; `drift`, `adversary`
and `monte_carlo` choose clocks, `propagation` tells what then happens. `margin` proves, `buffers` counts, and
`summary` alone decides whether a vector is late.

Every node i has a clock of constant frequency error delta_i, at most rho, and counts program time with it.
After a deskew that ends at program time c_d it is aligned with an error e_i,d: the sum of one residual for
each edge from the root of the tree down to i. The true time at which it reaches program time p, before the
next deskew, is

    t_i(p) = T_d + e_i,d + (p - c_d) / (1 + delta_i)

T_d is when the root ends the deskew. Its own clock drifts too: T_d = T_0 + (c_d - c_0) / (1 + delta_root).
That cancels unless a vector leaves before a deskew and is read after it. In a frame that repeats every iteration is the
same, i periods later, and none lasts into a deskew: of each segment the iteration is run that begins longest after its
deskew, where clocks are farthest apart. Each lane of a host is a node that follows the
chip at its other end; a vector to a host has no scheduled read and cannot be late. Rule R9 is taken for granted: stalls
are long enough, and no departures or reads of one slot lie on both sides of a deskew, so that the slack of
vector k is linear in k and the first and the last vector of a slot decide.

Times are float64 cycles, counted from a deskew of their own segment: below 1e7 cycles their rounding stays
below 1e-8 cycles. A vector counts as late when its slack is below -1e-6 cycles.
"""
