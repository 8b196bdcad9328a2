"""A build on drifting clocks: what is proved for every run, and what random, hostile and event-driven runs show.

`alignment`, `timeline` and `egress` read a build, `limits` a clock. `bound` proves, `trials` runs vectors on whole
clocks, `reference` executes the program event by event and knows neither; `summary` judges trials. `frames` runs the
discipline of windows that micro-batches own.

Every node i has a clock and counts program time with it. After a deskew that ends at program time c_d it is aligned
with an error e_i,d: the sum of one residual for each edge from the root of the tree down to i. The true time at which
it reaches program time p, before the next deskew, is

    t_i(p) = T_d + e_i,d + (p - c_d) / rate_i + x_i(p - c_d)

T_d is when the root ends the deskew, and counts from deskew to deskew with the root's own clock; x_i is how far a clock
strays from its mean rate, by a ramp and the phase of its spread. That cancels unless a vector leaves before a deskew
and is read after it. In a frame that repeats every iteration is the same, i periods later, and none lasts into a
deskew. The bound looks at that iteration of each segment which begins longest after its deskew, where clocks are
farthest apart; trials and reference run all between two deskews. Each
lane of a host is a node that follows the chip at its other end; a vector to a host has no scheduled read and cannot be
late. Rule R9 is taken for granted but in the reference: stalls are long enough, and no departures or reads of one slot
lie on both sides of a deskew.

Times of trials are float64 cycles, counted from a deskew of their own segment: below 1e7 cycles their rounding stays
below 1e-8 cycles. A vector counts as late when its slack is below -1e-6 cycles.
"""
