"""When a chip has all that it reads in the end of a collective."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lpxsched.traffic.collectives import source_values

if TYPE_CHECKING:
    from lpxsched.schedule.problem.instance import Instance
    from lpxsched.schedule.transfer_result import TransferSchedule
    from lpxsched.timetable.columns import Integers


def delivered_cycles(problem: Instance, schedule: TransferSchedule) -> Integers:
    """Return the cycle at which each chip that takes part has read or summed all that it is delivered.

    A run that a chip is delivered came by slots or was held or summed there; slots to one chip never overlap. Vector k
    of a slot is read k pitches after its first, so of what a run and a slot have in common the last vector counts.

    Returns
    -------
    ndarray of int64, shape (width,)
        0 where a chip waits for nothing.
    """
    last = np.zeros(problem.network.width, dtype=np.int64)
    run, slot, vector = _slots_of_runs(problem, schedule)
    bundle = schedule.slot_bundle[slot]
    numerator, denominator = problem.network.pitch_numerator[bundle], problem.network.pitch_denominator[bundle]
    since_first = -(-vector * numerator // denominator)
    reads = schedule.slot_depart[slot] + problem.network.hop_cycles[bundle] + since_first
    np.maximum.at(last, schedule.delivery_node[run], reads)
    run, made = _sums_of_runs(problem, schedule)
    np.maximum.at(last, schedule.delivery_node[run], schedule.sums.start[made] + schedule.sums.cycles[made])
    return last


def _slots_of_runs(problem: Instance, schedule: TransferSchedule) -> tuple[Integers, Integers, Integers]:
    """Return each pair of a delivered run and a slot that brings vectors of it, and the last common vector."""
    arriving = _points(problem, schedule, problem.network.destination[schedule.slot_bundle], schedule.slot_value)
    arriving += schedule.slot_first
    order = np.argsort(arriving, kind="stable")
    start, end = arriving[order], (arriving + schedule.slot_vectors)[order]
    first = _points(problem, schedule, schedule.delivery_node, schedule.delivery_value) + schedule.delivery_first
    after = first + schedule.delivery_vectors
    lowest, highest = np.searchsorted(end, first, side="right"), np.searchsorted(start, after, side="left")
    pairs = np.maximum(highest - lowest, 0)
    run = np.repeat(np.arange(len(pairs)), pairs)
    row = np.arange(len(run)) - np.repeat(np.cumsum(pairs) - pairs - lowest, pairs)
    return run, order[row], np.minimum(end[row], after[run]) - 1 - start[row]


def _sums_of_runs(problem: Instance, schedule: TransferSchedule) -> tuple[Integers, Integers]:
    """Return each pair of a delivered run and the sum that made it on the same chip."""
    made = schedule.delivery_value - len(source_values(problem.stage))
    run = np.flatnonzero(made >= 0)
    here = schedule.sums.node[made[run]] == schedule.delivery_node[run]
    return run[here], made[run[here]]


def _points(problem: Instance, schedule: TransferSchedule, node: Integers, value: Integers) -> Integers:
    """Return where the first vectors of values at nodes lie on one axis: node after node, in each all values."""
    vectors = np.concatenate([source_values(problem.stage).vectors, schedule.sums.vectors])
    return np.asarray(node * int(vectors.sum()) + (np.cumsum(vectors) - vectors)[value])
