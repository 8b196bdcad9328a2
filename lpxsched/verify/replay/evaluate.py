"""One round in numbers: operators compute on what they found, which is compared with the dense run."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from lpxsched.units import NONE
from lpxsched.verify.replay.arithmetic import PRIME, drawn, generator
from lpxsched.verify.replay.sources import OUTSIDE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lpxsched.timetable.columns import Integers
    from lpxsched.verify.replay.dense import Dense
    from lpxsched.verify.replay.functions import Values
    from lpxsched.verify.replay.plan import Plan, Sums
    from lpxsched.verify.replay.runs import Run


class Difference(NamedTuple):
    """Vectors of one thing that a run uses which are not what they should be, and how many were compared.

    Attributes
    ----------
    run : Run
    name : str
        A tensor, or what was kept of earlier steps, or rows outside.
    first, compared : int
        The first vector that was compared, and how many were.
    wrong : ndarray of int64
        Counted from the first.
    expected, found : ndarray of int64, shape (wrong, numbers)
    moved : ndarray of int64, optional
        Row of the movement of each wrong vector; None where it is no vector of a tensor.
    """

    run: Run
    name: str
    first: int
    compared: int
    wrong: Integers
    expected: Integers
    found: Integers
    moved: Integers | None


class Found:
    """What is found of one micro-batch, from round to round.

    Attributes
    ----------
    kept : dict
        What each shard keeps, by its name and the shard.
    outside : ndarray of int64, or None
        The rows that hosts have for the segment.
    left : dict
        What hosts got of the segment, by name of the tensor.
    """

    def __init__(self) -> None:
        self.kept: dict[tuple[str, int], Integers] = {}
        self.outside: Integers | None = None
        self.left: Values = {}

    def beside(self, run: Run, expected: Values, noise: np.random.Generator) -> Values:
        """Return what a run uses that is no tensor, noise where there is none of it."""
        there = {name: self.kept[name, run.shard] for name in expected if (name, run.shard) in self.kept}
        if self.outside is not None:
            there[OUTSIDE] = self.outside
        return {
            name: there[name] if name in there and there[name].shape == should.shape else drawn(noise, *should.shape)
            for name, should in expected.items()
        }


def evaluate(plan: Plan, dense: Dense, found: Found, seed: int) -> Iterator[Difference]:
    """Yield the comparison of all that the runs of a segment use.

    Parameters
    ----------
    plan : Plan
    dense : Dense
        Of the same seed.
    found : Found
        Of the rounds of this micro-batch before; those of this one are added.
    seed : int
        The noise of vectors that nobody wrote follows from it.
    """
    noise = generator(seed, "noise", dense.segment, *dense.now)
    stored = drawn(noise, plan.points, dense.model.lanes)
    # What no host reads is noise.
    found.left = {name: drawn(noise, *dense.whole[name].shape) for name in dense.model.ends if name in dense.whole}
    for sums, runs in plan.segments[dense.segment]:
        _add(plan, sums, stored, noise)
        for run in runs:
            reads = {read.tensor: _gather(plan, read.moved, stored, noise) for read in run.reads}
            should = dense.beside(run.number, run.shard)
            first = _at_first(dense, run.number, should)
            later = {name: values for name, values in should.items() if name not in first}
            beside = first | found.beside(run, later, noise)
            differences = [*_of_reads(run, dense, reads), *_of_beside(run, should, beside)]
            yield from differences
            _leave(run, dense, reads | beside, stored, found, right=not any(len(one.wrong) for one in differences))
            _take(run, dense, reads, found)


def _at_first(dense: Dense, number: int, should: Values) -> Values:
    """Return what chips keep before the first step: all that there should be; nothing later, or of rows."""
    kept = [] if dense.now.step else [name for name in should if name != OUTSIDE and dense.begins_with(number, name)]
    return {name: should[name] for name in kept}


def _leave(run: Run, dense: Dense, inputs: Values, stored: Integers, found: Found, *, right: bool) -> None:
    """Store what a run leaves where its tensors say, and what it keeps; nothing where it lacked what is resident."""
    # What it found is what it should have: so is what it leaves.
    outputs = dense.leaves(run.number, run.shard) if right else dense.functions[run.number].part(run.shard, inputs)
    for write in run.writes if run.ready else ():
        part = outputs[write.tensor]
        first, end = max(0, write.cut), min(len(part), write.cut + write.stored)
        if first < end:
            stored[write.point + first - write.cut : write.point + end - write.cut] = part[first:end]
    if run.ready:
        kept = outputs.keys() - dense.functions[run.number].setting.operator.outputs
        found.kept |= {(name, run.shard): outputs[name] for name in kept}


def _take(run: Run, dense: Dense, reads: Values, found: Found) -> None:
    """Add what hosts take to what they got."""
    if dense.functions[run.number].setting.operator.outputs:
        return
    for read in run.reads:
        if read.tensor in found.left:
            found.left[read.tensor][read.view.first : read.view.end] = reads[read.tensor]


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


def _of_reads(run: Run, dense: Dense, found: Values) -> Iterator[Difference]:
    expected = dense.expected(run.number, run.shard)
    for read in run.reads:
        should, values = expected[read.tensor], found[read.tensor]
        wrong = np.flatnonzero((should != values).any(axis=1))
        of_read = (read.tensor, read.view.first, len(values))
        yield Difference(run, *of_read, wrong, should[wrong], values[wrong], read.moved[wrong])


def _of_beside(run: Run, expected: Values, found: Values) -> Iterator[Difference]:
    for name, should in expected.items():
        if not len(should):
            continue
        rows, values = (part.reshape(len(part), -1) for part in (should, found[name]))
        wrong = np.flatnonzero((rows != values).any(axis=1))
        yield Difference(run, name, 0, len(rows), wrong, rows[wrong], values[wrong], None)
