r"""How many runs of an expert a static program needs, whatever the routing.

A timetable cannot depend on the routing, so a program runs a fixed number of *runs*: each reads one expert's weights
and multiplies up to c rows with it, in max(R, c M) cycles for R cycles of reading and M of arithmetic a row. Which
expert a run takes is data; how many runs there are is not. An expert that meets n rows takes ceil(n / c) runs.

**Runs in the worst case.** A chip holds s experts, none of which gets more than m pairs of a row and an expert, and P
pairs at most come to all of them, P <= s m. The largest number of runs is

    S(c) = P                                            if P <= s,
    S(c) = min(s ceil(m / c), s + floor((P - s) / c))   else.

*Upper bound.* The runs are the sum of ceil(n_e / c) over the experts with n_e > 0. No expert takes more than
ceil(m / c), so there are at most s ceil(m / c). And ceil(n / c) <= 1 + (n - 1) / c for n >= 1, so u touched experts
take at most u + floor((P - u) / c), which grows with u <= min(s, P). With P <= s that is P.

*Some numbers of pairs meet it.* If P <= s let P experts have one pair each. Else give every expert one pair and deal c
more, again and again, to experts while they have room for them (n_e + c <= m); each gives one run more. Either the
pairs run out, after floor((P - s) / c) further runs, or every expert has 1 + c floor((m - 1) / c) pairs and takes
1 + floor((m - 1) / c) = ceil(m / c) runs. What is left over is put wherever n_e < m; it never takes a run away.

**What P and m are.** B rows meet k different ones of E experts each.

``sharded``: every chip holds a slice of all, s = E, m = B, P = B k.

``sharded`` in blocks (`expert_blocks`): a chip holds q + 1 blocks of u experts and q of the other E - u, and a run
reads g blocks of one expert. Where q = 0 it is as if it held u experts whole: s = u, m = B, P = B min(k, u). Else s =
E, m = B, P = B k as with slices, but each run of c rows of an expert is one for each of its *parts*, p = ceil(q / g)
or, of the u, p + 1 (where ceil((q + 1) / g) is p, none has more: u = 0). Where g = q + 1 these are the runs of slices
of q + 1 blocks of every expert; the g with the least worst case is taken, so that none is worse.

**Runs of parts.** With at most F = ceil(m / c) - 1 further runs of an expert after its first one the largest number is

    S(c) = p P + min(P, u m)                     if c = 1,
    S(c) = p P + min(P, u)                       if P <= s,
    S(c) = p (s + f) + u + min(f, u F) + d       else, with f = min(floor((P - s) / c), s F),

where d is 1 if u < s, P - s leaves c - 1 when it is divided by c, and f < u F; else 0. With c = 1 every pair takes all
parts of its expert, and u m pairs at most take p + 1. With P <= s a pair takes those of an expert of its own; a further
run takes c pairs, which would take p c >= p + 1 otherwise. Else let z experts meet no row. The others take their parts
once, and again for floor((P - s + z) / c) further runs at most, the u first. With z = 0 that is S(c) without d. That z
brings r further runs more, it is (r - 1) c + 1 at least. They bring r (p + 1) at most and cost z p >= (2 r - 1) p, so
that r + (1 - r) p <= 1 is won at most; and where something is won, r = z = 1 wins it as well: one of the s - u goes
without, and its pair completes a further run of one of the u.

``whole``: a chip holds s of the experts whole, m = B, and P = B min(k, s), since a row meets at most min(k, s) of them.

*Some routing gives these numbers.* Let j = min(k, s) and 0 <= n_e <= B any numbers of the chip's experts that sum to
B j. Deal the pairs to the rows cyclically, expert after expert: an expert's at most B pairs meet different rows, and
each row gets j. The k - j that a row still lacks it finds among the E - s experts of other chips, since k <= E.

``dispatch``: as ``whole``, but in a window an expert has room for only so many rows of each source (a chip on which
some B_h of the rows are routed, or the GPUs, which route all B): C_h <= B_h of them. So m is the sum of C_h over the
sources, and P that of min(B_h min(k, s), s C_h). Where C_h = B_h these are m = B and P = B min(k, s) as before, and
some routing meets them; else they bound what does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from lpxsched.units import ceil_div

if TYPE_CHECKING:
    from collections.abc import Callable


class Pairs(NamedTuple):
    """Pairs of a row and an expert that may come to the experts of a chip.

    Attributes
    ----------
    experts : int
        Experts there, s.
    most : int
        Pairs of one expert at most, m.
    total : int
        Pairs of all of them at most, P.
    parts : int
        Runs of an expert for the same rows, p.
    larger : int
        Experts with one part more, u.
    """

    experts: int
    most: int
    total: int
    parts: int = 1
    larger: int = 0


class ExpertRuns(NamedTuple):
    """A static plan of experts: so many runs of so many rows each."""

    runs: int
    rows: int


def met_pairs(batch: int, experts: int, per_token: int) -> Pairs:
    """Return the pairs of some experts that rows meet, all of those there are or those of one chip."""
    return Pairs(experts, batch, batch * min(per_token, experts))


def worst_runs(pairs: Pairs, rows: int) -> int:
    """Return S(c), the largest number of runs of `rows` rows over all routings (proof: this module's docstring)."""
    experts, most, total, parts, larger = pairs
    if rows == 1:
        return parts * total + min(total, larger * most)
    if total <= experts:
        return parts * total + min(total, larger)
    each, (further, left) = ceil_div(most, rows) - 1, divmod(total - experts, rows)
    further = min(further, experts * each)
    instead = larger < experts and left == rows - 1 and further < larger * each
    return parts * (experts + further) + larger + min(further, larger * each) + instead


def cheapest_runs(pairs: Pairs, *, run_time: Callable[[int], int]) -> ExpertRuns:
    """Return the plan with the least worst case, min over c of S(c) times that of a run; of equal ones the fewest rows.

    Parameters
    ----------
    pairs : Pairs
    run_time : callable
        Time of a run of a number of rows, max(R, c M), in any unit.
    """

    def cost(rows: int) -> tuple[int, int]:
        return worst_runs(pairs, rows) * run_time(rows), rows

    best = min(range(1, max(1, pairs.most) + 1), key=cost)
    return ExpertRuns(worst_runs(pairs, best), best)
