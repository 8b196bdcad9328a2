"""The rows of one segment as tasks: its slots, then its operators, and what each waits for (R2, R3).

All waits are from start to start, as `schedule.times.placement.Tasks` has them. A sum pays like a relay: what it
leaves waits for the read of the last vector of each operand that arrived, a turnaround, and the sums from there on.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from lpxsched.schedule.problem.ragged import matching
from lpxsched.schedule.times.placement import Precedences
from lpxsched.timetable.columns import REDUCE, WEIGHT
from lpxsched.units import NONE

if TYPE_CHECKING:
    from lpxsched.compiled.kernels import Integers
    from lpxsched.reschedule.wires import WireTimes
    from lpxsched.timetable.build import Build


class Moves(NamedTuple):
    """Slots in columns, shape (slots,): vectors of tensors on links, from a cycle on.

    `source` and `destination` are the nodes in whose place vectors leave and arrive: those of the link, or the spare
    that took over from one.
    """

    tensor: Integers
    first: Integers
    vectors: Integers
    link: Integers
    depart: Integers
    hop: Integers
    source: Integers
    destination: Integers

    def taken(self, rows: Integers) -> Moves:
        """Return some of the slots."""
        return Moves(*(column[rows] for column in self))


@dataclass(frozen=True, slots=True, eq=False)
class Work:
    """The operators of a segment and what they read.

    Attributes
    ----------
    operator : ndarray of int64, shape (operators,)
        Rows of ``operators.parquet``, in order.
    chip, start, cycles, unit : ndarray of int64, shape (operators,)
        `unit` numbers what runs one operator at a time, `NONE` where nothing does.
    reader, tensor, first, vectors : ndarray of int64, shape (operands,)
        Operands that are no weights; `reader` counts within `operator`.
    summed : ndarray of bool, shape (operands,)
    producer, made_at : ndarray of int64, shape (tensors,)
        Of all tensors of the build: its maker within `operator`, `NONE` where it is another's, and where it was made.
    """

    operator: Integers
    chip: Integers
    start: Integers
    cycles: Integers
    unit: Integers
    reader: Integers
    tensor: Integers
    first: Integers
    vectors: Integers
    summed: np.ndarray
    producer: Integers
    made_at: Integers


def work_of(build: Build, segment: int) -> Work:
    """Return the operators of a segment of a build."""
    operators, operands, tensors = build.operators, build.operands, build.tensors
    mine = np.flatnonzero(operators.segment == segment)
    number = np.full(len(operators) + 1, NONE, dtype=np.int64)
    number[mine] = np.arange(len(mine))
    rows = np.flatnonzero((number[operands.operator] != NONE) & (operands.role != WEIGHT))
    one_at_a_time = {"matrix": 0, "vector": 1}
    unit = np.array([one_at_a_time.get(name, NONE) for name in operators.unit[mine].tolist()], dtype=np.int64)
    return Work(
        operator=mine,
        chip=operators.chip[mine],
        start=operators.start[mine],
        cycles=operators.cycles[mine],
        unit=np.where(unit == NONE, NONE, len(one_at_a_time) * operators.chip[mine] + unit),
        reader=number[operands.operator[rows]],
        tensor=operands.tensor[rows],
        first=operands.first_vector[rows],
        vectors=operands.vectors[rows],
        summed=(operands.role == REDUCE)[rows],
        producer=number[tensors.producer],
        made_at=tensors.chip,
    )


def moves_of(build: Build, role: Integers) -> Moves:
    """Return all slots of a build.

    Parameters
    ----------
    build : Build
    role : ndarray of int64, shape (nodes,)
        The node that stands in the place of each.
    """
    slots, links = build.slots, build.links
    ends = role[links.src[slots.link]], role[links.dst[slots.link]]
    columns = slots.tensor, slots.first_vector, slots.vectors, slots.link, slots.depart, slots.read - slots.depart
    return Moves(*columns, *ends)


def precedences(moves: Moves, work: Work, wires: WireTimes) -> Precedences:
    """Return what slots (numbered from 0) and operators (numbered behind them) wait for."""
    slots, tensors = len(moves.tensor), len(work.made_at)
    arriving = moves.destination * tensors + moves.tensor
    after, before = matching(moves.source * tensors + moves.tensor, arriving)
    rows = [_relays(moves, wires, before, after)]
    made = np.flatnonzero(work.made_at[moves.tensor] == moves.source)
    maker = work.producer[moves.tensor[made]]
    rows.append(Precedences(slots + maker, made, work.cycles[maker]))
    reading, brought = matching(work.chip[work.reader] * tensors + work.tensor, arriving)
    fed, reading, last_read = _last_reads(moves, work, wires, brought, reading)
    rows.append(Precedences(fed, slots + work.reader[reading], last_read))
    local = np.flatnonzero(work.made_at[work.tensor] == work.chip[work.reader])
    maker = work.producer[work.tensor[local]]
    rows.append(Precedences(slots + maker, slots + work.reader[local], work.cycles[maker]))
    if wires.turnaround.any():
        summed = work.summed[reading]
        sums = Precedences(fed[summed], work.reader[reading[summed]], last_read[summed])
        rows.append(_leaving_sums(moves, work, wires, sums, made))
    return Precedences(*(np.concatenate(columns) for columns in zip(*rows, strict=True)))


def _relays(moves: Moves, wires: WireTimes, before: Integers, after: Integers) -> Precedences:
    """Slots wait for those that bring their vectors to where they leave, vector by vector, and turn around."""
    low = np.maximum(moves.first[before], moves.first[after])
    high = np.minimum(moves.first[before] + moves.vectors[before], moves.first[after] + moves.vectors[after])
    both = low < high
    before, after, low, high = before[both], after[both], low[both], high[both]
    arriving, leaving = moves.link[before], moves.link[after]
    slow = wires.pitch[arriving] * wires.denominator[leaving]
    fast = wires.pitch[leaving] * wires.denominator[arriving]
    ends = [(k - moves.first[before]) * slow - (k - moves.first[after]) * fast for k in (low, high - 1)]
    lead = -(-np.maximum(*ends) // (wires.denominator[arriving] * wires.denominator[leaving]))
    return Precedences(before, after, moves.hop[before] + wires.turnaround[moves.source[after]] + lead)


def _last_reads(
    moves: Moves, work: Work, wires: WireTimes, before: Integers, operand: Integers
) -> tuple[Integers, Integers, Integers]:
    """Return slots that bring vectors of operands, these operands, and the cycles to the read of the last of them."""
    low = np.maximum(moves.first[before], work.first[operand])
    high = np.minimum(moves.first[before] + moves.vectors[before], work.first[operand] + work.vectors[operand])
    both = low < high
    before, operand = before[both], operand[both]
    passed = high[both] - 1 - moves.first[before]
    return before, operand, moves.hop[before] + wires.hold_cycles(moves.link[before], passed)


def _leaving_sums(moves: Moves, work: Work, wires: WireTimes, arrived: Precedences, made: Integers) -> Precedences:
    """Slots that a sum leaves wait for the operands of it, and of the sums on its chip that it adds.

    Parameters
    ----------
    arrived : Precedences
        Slots that bring summands, the sums that add them, and the cycles to the read of the last vector.
    made : ndarray of int64
        Slots that leave where their tensor was made.
    """
    chained = np.flatnonzero(work.summed & (work.made_at[work.tensor] == work.chip[work.reader]))
    maker, reader = work.producer[work.tensor[chained]], work.reader[chained]
    turned = arrived.delay + wires.turnaround[work.chip[arrived.after]] + work.cycles[arrived.after]
    found = [Precedences(arrived.before, arrived.after, turned)]
    while len(found[-1].before):
        last = found[-1]
        row, further = matching(last.after, maker)
        into = reader[further]
        found.append(Precedences(last.before[row], into, last.delay[row] + work.cycles[into]))
    before, sums, delay = (np.concatenate(columns) for columns in zip(*found, strict=True))
    row, place = matching(sums, work.producer[moves.tensor[made]])
    return Precedences(before[row], made[place], delay[row])
