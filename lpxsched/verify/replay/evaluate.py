"""One iteration in numbers: operators compute on what they found, which is compared with the dense run."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from lpxsched.units import NONE
from lpxsched.verify.replay.arithmetic import PRIME, drawn, generator

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lpxsched.timetable.columns import Integers
    from lpxsched.verify.replay.dense import Dense
    from lpxsched.verify.replay.functions import Values
    from lpxsched.verify.replay.plan import Plan, Sums
    from lpxsched.verify.replay.runs import Read, Run


class Difference(NamedTuple):
    """Vectors of one input of one run that are not what they should be, and how many were compared.

    Attributes
    ----------
    run : Run
    read : Read
    compared : int
    wrong : ndarray of int64
        Vectors of the view, counted from its first.
    expected, found : ndarray of int64, shape (wrong, lanes)
    """

    run: Run
    read: Read
    compared: int
    wrong: Integers
    expected: Integers
    found: Integers


def evaluate(plan: Plan, dense: Dense, seed: int, iteration: int) -> Iterator[Difference]:
    """Yield the comparison of every input of every run.

    Parameters
    ----------
    plan : Plan
    dense : Dense
        Of the same seed and iteration.
    seed, iteration : int
        The noise of vectors that nobody wrote follows from them.
    """
    noise = generator(seed, "noise", iteration)
    stored = drawn(noise, plan.points, dense.lanes)
    for sums, runs in plan.levels:
        _add(plan, sums, stored, noise)
        for run in runs:
            found = {read.tensor: _gather(plan, read.moved, stored, noise) for read in run.reads}
            expected = dense.expected(run.number, run.shard)
            differences = [_compared(run, read, expected[read.tensor], found[read.tensor]) for read in run.reads]
            yield from differences
            if any(len(one.wrong) for one in differences):
                outputs = dense.functions[run.number].part(run.shard, found)
            else:
                # What it found is what it should have: so is what it leaves.
                outputs = dense.leaves(run.number, run.shard)
            _store(run, outputs, stored)


def _gather(plan: Plan, moved: Integers, stored: Integers, noise: np.random.Generator) -> Integers:
    """Return the vectors of rows of the movement, noise where they are not there."""
    there = moved != NONE
    there[there] = plan.movement.got[moved[there]]
    values = np.zeros((len(moved), stored.shape[1]), dtype=np.int64)
    values[there] = stored[plan.movement.point[moved[there]]]
    values[~there] = drawn(noise, len(moved) - int(there.sum()), values.shape[1])
    return values


def _add(plan: Plan, sums: Sums, stored: Integers, noise: np.random.Generator) -> None:
    """Store the results of all sums of one level."""
    values = _gather(plan, sums.moved, stored, noise)
    stored[sums.results] = 0
    np.add.at(stored, sums.target, values)
    stored[sums.results] %= PRIME


def _store(run: Run, outputs: Values, stored: Integers) -> None:
    """Store what a run leaves, where its tensors say; nothing where it lacked what is resident."""
    for write in run.writes if run.ready else ():
        part = outputs[write.tensor]
        first, end = max(0, write.cut), min(len(part), write.cut + write.stored)
        if first < end:
            stored[write.point + first - write.cut : write.point + end - write.cut] = part[first:end]


def _compared(run: Run, read: Read, expected: Integers, found: Integers) -> Difference:
    wrong = np.flatnonzero((expected != found).any(axis=1))
    return Difference(run, read, len(found), wrong, expected[wrong], found[wrong])
