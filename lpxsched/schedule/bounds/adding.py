"""Work of sums, on links and on vector units.

**Sums that everyone reads.** Take one vector of an all-reduce over m shards, and put the chips into m >= 2 groups with
a shard in each. Order all moves of this vector between groups by their reads, and let y be the first group that has met
the summands of all groups. By then each other group made a move that was read: m - 1 moves. After that each other group
with a shard still lacks a summand and reads another one: m - 1 moves more. So N vectors make 2 (m - 1) N departures
between groups. If every chip is a group, those after y's are read no earlier than the least cost r of meeting all
summands, the least over y of the greatest over x of way(x, y): (m - 1) N departures have idle_b = max(hop_b, r). With
time reversed, where y is the last chip from which something can still reach everyone, the same holds for the spread.

**Vector units.** A result over m summands takes m - 1 additions of two vectors, however it is made: expanded down to
leaves, each enters exactly once (R5), and a sum of k operands makes k - 1 of them. A sum of k <= m operands of n
vectors takes at least

    (k - 1) n max(elements / operations per cycle, (m + 1) / (m - 1) * vector bytes / bytes per cycle) + fixed cycles,

since (k + 1) / (k - 1) falls with k. Where a hop contains more cycles of a sum than are fixed, every sum is shorter by
the difference d, and least time goes into additions one by one: max(0, a c - d) / a grows with a. A chip makes one sum
at a time (R4), so of A additions on C chips some chip makes ceil(A / C) or more, and before the first an operand
from elsewhere is read. In a timetable that repeats, the same fits into each period.
"""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np

from lpxsched.schedule.bounds.cuts import partitions
from lpxsched.schedule.bounds.view import View, is_small
from lpxsched.units import ceil_cycles, ceil_div

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lpxsched.compiled.kernels import Integers
    from lpxsched.schedule.bounds.crossings import Lanes
    from lpxsched.schedule.problem.instance import Instance


def sums_cycles(problem: Instance, *, repeats: bool = False) -> int:
    """Return the bound of the makespan, or period, by the work of the vector units."""
    summands, cost = problem.network.width, problem.add_cost
    if not problem.stage.is_sum or summands < 2 or not cost.operations_per_cycle:
        return 0
    results = int(np.sum(problem.stage.pieces().vectors))
    additions = ceil_div(results * (summands - 1), problem.network.nodes)
    moved = Fraction((summands + 1) * cost.vector_bytes, (summands - 1) * cost.sram_bytes_per_cycle)
    added = Fraction(cost.elements_per_vector, cost.operations_per_cycle)
    fixed_cycles = cost.fixed_cycles - cost.cycles_in_hop
    if fixed_cycles < 0:
        work = ceil_cycles(additions * max(Fraction(0), max(moved, added) + fixed_cycles))
    else:
        work = ceil_cycles(additions * max(moved, added)) + fixed_cycles
    return work + int(problem.network.hop_cycles.min()) if work and not repeats else work


def everyones_sums(problem: Instance, view: View) -> Iterator[tuple[Lanes, int, Integers]]:
    """Yield lanes, departures on them and idle cycles of sums that everyone reads, for several groupings."""
    network, width = view.network, problem.network.width
    if view.wants.holders_differ or view.wants.readers_differ or width < 2:
        return
    vectors = problem.stage.vectors
    if is_small(view):
        cost = view.into(np.arange(network.nodes))[:, :width]
        met = int(cost.max(axis=1).min()) - view.between_cycles
        yield view.lanes, (width - 1) * vectors, np.maximum(view.hop, met)
    for group in (np.arange(problem.network.nodes), *partitions(problem)):
        between = np.flatnonzero(group[network.source] != group[network.destination])
        groups = len(np.unique(group[:width]))
        if groups > 1:
            yield view.lanes.at(between), 2 * (groups - 1) * vectors, view.hop[between]
