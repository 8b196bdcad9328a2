"""A bound of a reduce on a line that weighs depth against traffic: few sums in a row cross many links, many take time.

*Near-Optimal Wafer-Scale Reduce* (HPDC 2024, arXiv 2404.15888, section 5) bounds the time by max(E(D) / links) and D
sums, E(D) being the least traffic of a tree of depth D whose sums lie at the first of their chips. Ours may lie
anywhere and summands may go both ways, so:

- In T cycles a summand d hops from the root passes at most (T - d hop) / sum sums, each of which takes a sum of two
  operands at least.
- **Trees of intervals cross the fewest links.** Fill a tree up to D levels with sums of one operand, which take no time
  here. From the lowest level upwards what lies on a level may be exchanged among the sums above it. Both sorted by
  where they lie, the way of all together is the least, so the summands of each sum are neighbours. None lies outside
  them: one hop towards them saves as much as it costs.
- So the least traffic of m neighbours with d levels, brought to a chip y, is e(d, m, y): parts that lie behind each
  other are summed at a chip z of them and sent to y, e(d, m, y) = min over z and parts of
  sum of e(d - 1, part, z) + |z - y|, and e(0, 1, y) is the way of one summand.
- A link p hops from the root carries what is still to go p hops, within T cycles; its reverse what has to come back.

No summands but those from d hops on are needed for it: the bound is the least T that all d allow.
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from lpxsched.schedule.problem.instance import Instance

    Integers = NDArray[np.int64]

# More than any traffic; twice this is no overflow.
NONE_SO_FEW = np.int64(1) << 40


def traffic_bound(problem: Instance) -> int:
    """Return the bound in cycles of a reduce to the first chip of a line of equal links each way, of a cycle a vector.

    Parameters
    ----------
    problem : Instance
    """
    chips, vectors = problem.network.width, problem.stage.vectors
    hop, add = int(problem.network.hop_cycles[0]), problem.add_cost.cycles(2, 1)
    traffic: list[Integers] = []
    levels = traffic_by_levels(chips)
    least, most = 0, chips * (vectors + hop + add)
    while least < most:
        cycles = (least + most) // 2
        traffic += islice(levels, max(0, min(cycles // add, chips) + 1 - len(traffic)))
        fits = all(
            vectors * _to_root(traffic, (cycles - first * hop) // add, first) <= _room(cycles, chips, hop)
            for first in range(chips)
            if cycles >= first * hop
        )
        least, most = (least, cycles) if fits and cycles >= (chips - 1) * hop else (cycles + 1, most)
    return least


def traffic_by_levels(chips: int) -> Iterator[Integers]:
    """Yield the least traffic of 0, 1, 2, ... levels: of 0 to `chips` neighbours, by target.

    Targets are counted from `chips` chips before the first.
    """
    traffic = _first_level(chips)
    while True:
        yield traffic
        traffic = _next_level(traffic)


def _to_root(traffic: list[Integers], levels: int, first: int) -> int:
    """Return the least traffic of the summands from a chip on to the end of the line."""
    least = traffic[min(levels, len(traffic) - 1)]
    chips = len(least) - 1
    return int(least[chips - first, chips - first])


def _room(cycles: int, chips: int, hop: int) -> int:
    """Return how many vectors all links carry in time, there and back."""
    hops = np.arange(1, chips)
    return int(sum(np.maximum(cycles - way * hop + 1, 0).sum() for way in (hops, hops + 1)))


def _first_level(chips: int) -> Integers:
    """Return the traffic of summands by their number and the target, counted from `chips` chips before the first."""
    least = np.full((chips + 1, 3 * chips), NONE_SO_FEW)
    least[1] = abs(np.arange(3 * chips) - chips)
    return least


def _next_level(below: Integers) -> Integers:
    """Return the traffic with one level more."""
    chips = len(below) - 1
    summed = np.full((chips + 1, chips), NONE_SO_FEW)
    summed[0], at, target = 0, np.arange(chips), np.arange(3 * chips) - chips
    above = np.full_like(below, NONE_SO_FEW)
    for count in range(1, chips + 1):
        part = np.arange(1, count + 1)[:, None]
        # Behind all parts before it a last part begins, count - part chips after the first.
        summed[count] = (summed[count - part, at] + below[part, at - (count - part) + chips]).min(axis=0)
        inside = at[:count, None]
        above[count] = (summed[count, :count, None] + abs(target - inside)).min(axis=0)
    return np.minimum(above, NONE_SO_FEW)
