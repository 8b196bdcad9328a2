"""Work of the vector units.

A result over m summands takes m - 1 additions of two vectors, however it is made: expanded down to leaves, each enters
exactly once (R5), and a sum of k operands makes k - 1 of them. A sum of k <= m operands of n vectors takes at least

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

from lpxsched.units import ceil_cycles, ceil_div

if TYPE_CHECKING:
    from lpxsched.schedule.problem.instance import Instance


def sums_cycles(problem: Instance) -> int:
    """Return the bound of the makespan by the work of the vector units."""
    work = sums_period(problem)
    return work + int(problem.network.hop_cycles.min()) if work else 0


def sums_period(problem: Instance) -> int:
    """Return the cycles that some vector unit spends on sums at least."""
    summands, cost = problem.network.width, problem.add_cost
    if not problem.stage.is_sum or summands < 2 or not cost.operations_per_cycle:
        return 0
    results = int(np.sum(problem.stage.pieces().vectors))
    additions = ceil_div(results * (summands - 1), problem.network.nodes)
    moved = Fraction((summands + 1) * cost.vector_bytes, (summands - 1) * cost.sram_bytes_per_cycle)
    added = Fraction(cost.elements_per_vector, cost.operations_per_cycle)
    fixed_cycles = cost.fixed_cycles - cost.cycles_in_hop
    if fixed_cycles < 0:
        return ceil_cycles(additions * max(Fraction(0), max(moved, added) + fixed_cycles))
    return ceil_cycles(additions * max(moved, added)) + fixed_cycles
