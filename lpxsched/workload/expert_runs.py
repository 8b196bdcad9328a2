r"""How many runs of an expert a static program needs, whatever the routing.

A timetable cannot depend on the routing, so a program runs a fixed number of *runs*: each reads one expert's weights
and multiplies up to c rows with it, in max(R, c M) cycles for R cycles of reading and M of arithmetic a row. Which
expert a run takes is data; how many runs there are is not. An expert that meets n rows takes ceil(n / c) runs.

**Runs in the worst case.** B rows meet k different ones of E experts each, so B k pairs, of which no expert has more
than B. The largest number of runs over all routings is

    S(c) = B k                                               if B k <= E,
    S(c) = min(E ceil(B / c), E + floor((B k - E) / c))      else.

*Upper bound.* The runs are the sum of ceil(n_e / c) over the experts with n_e > 0. No expert takes more than
ceil(B / c), so there are at most E ceil(B / c). And ceil(n / c) <= 1 + (n - 1) / c for n >= 1, so u touched experts
take at most u + floor((B k - u) / c), which grows with u <= min(E, B k). With B k <= E that is B k.

*It is met.* Any numbers 0 <= n_e <= B that sum to B k are those of some routing (deal the pairs to the rows cyclically,
expert after expert: an expert's at most B pairs meet different rows, and each row gets k). If B k <= E let B k experts
have one pair each. Else give every expert one pair and deal c more, again and again, to experts while they have room
for them (n_e + c <= B); each gives one run more. Either the pairs run out, after floor((B k - E) / c) further runs, or
every expert has 1 + c floor((B - 1) / c) pairs and takes 1 + floor((B - 1) / c) = ceil(B / c) runs. What is left over
is put wherever n_e < B; it never takes a run away.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from lpxsched.units import ceil_div

if TYPE_CHECKING:
    from collections.abc import Callable


class ExpertRuns(NamedTuple):
    """A static plan of experts: so many runs of so many rows each."""

    runs: int
    rows: int


def worst_runs(batch: int, experts: int, experts_per_token: int, rows: int) -> int:
    """Return S(c), the largest number of runs of `rows` rows over all routings (proof: this module's docstring)."""
    pairs = batch * experts_per_token
    if pairs <= experts:
        return pairs
    return min(experts * ceil_div(batch, rows), experts + (pairs - experts) // rows)


def cheapest_runs(batch: int, experts: int, experts_per_token: int, *, run_time: Callable[[int], int]) -> ExpertRuns:
    """Return the plan with the least worst case, min over c of S(c) times that of a run; of equal ones the fewest rows.

    Parameters
    ----------
    batch, experts, experts_per_token : int
    run_time : callable
        Time of a run of a number of rows, max(R, c M), in any unit.
    """

    def cost(rows: int) -> tuple[int, int]:
        return worst_runs(batch, experts, experts_per_token, rows) * run_time(rows), rows

    best = min(range(1, batch + 1), key=cost)
    return ExpertRuns(worst_runs(batch, experts, experts_per_token, best), best)
