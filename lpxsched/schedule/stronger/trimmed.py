"""The schedule of a stronger collective as it is, without what a weaker one has no need of.

Nothing is placed anew and no sum is cut: a sum of two vectors takes less than two sums, so that what `kept` cuts
into the shares of a weaker collective may end later than the stronger one does.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from lpxsched.schedule.problem.instance import sum_cycles
from lpxsched.schedule.result import Schedule, Sums
from lpxsched.schedule.stronger.kept import cells_between, first_of
from lpxsched.traffic.collectives import EVERY
from lpxsched.units import NONE

if TYPE_CHECKING:
    from lpxsched.compiled.kernels import Flags, Integers
    from lpxsched.schedule.problem.instance import Instance
    from lpxsched.schedule.problem.network import Network
    from lpxsched.traffic.collectives import Collective


class _ValueRuns(NamedTuple):
    """Runs of values at nodes; `low` and `high` are counted within the tensor."""

    node: Integers
    value: Integers
    low: Integers
    high: Integers

    def taken(self, rows: Integers) -> _ValueRuns:
        return _ValueRuns(*(column[rows] for column in self))


def trimmed(problem: Instance, stage: Collective, schedule: Schedule) -> Schedule | None:
    """Return what a weaker collective needs of a stronger one, at the times that it has there; both sum or neither.

    None where a slot would be cut between two cycles. With parts of a sum all that lies between them is added. The
    weaker one is of one tensor, of which each chip reads one run.
    """
    network, first = problem.network, first_of(stage, schedule)
    reads, wanted = _wanted(problem, schedule, first)
    slot, made = _needed(network, schedule, first, wanted)
    sums = _sums(problem, schedule, made)
    rows, bundle = slot.node, schedule.slot_bundle[slot.node]
    before = slot.low - first[schedule.slot_value[rows]] - schedule.slot_first[rows]
    before = before * network.pitch_numerator[bundle]
    if (before % network.pitch_denominator[bundle]).any():
        return None
    number = np.cumsum(np.isin(np.arange(len(first)), made.value) | (np.arange(len(first)) < schedule.operators)) - 1
    value, first = number[schedule.slot_value[rows]], np.append(first[: schedule.operators], sums.first)
    wanted = wanted._replace(value=number[wanted.value])
    part = replace(
        schedule,
        slot_value=value,
        slot_first=slot.low - first[value],
        slot_vectors=slot.high - slot.low,
        slot_bundle=bundle,
        slot_lane=schedule.slot_lane[rows],
        slot_depart=schedule.slot_depart[rows] + before // network.pitch_denominator[bundle],
        sums=replace(
            sums,
            operand_value=number[sums.operand_value],
            operand_first=sums.first[sums.operand_sum] - first[number[sums.operand_value]],
        ),
        read_operator=schedule.read_operator[reads],
        read_value=wanted.value,
        read_first=wanted.low - first[wanted.value],
        read_vectors=wanted.high - wanted.low,
    )
    start = np.zeros(schedule.operators, dtype=np.int64)
    np.maximum.at(start, part.read_operator, _read_at(network, part, first, wanted))
    return replace(part, makespan_cycles=int(start.max(initial=0)), operator_start=start)


def _wanted(problem: Instance, schedule: Schedule, first: Integers) -> tuple[Integers, _ValueRuns]:
    """Return which reads the weaker collective has, and the runs that it reads of them."""
    pieces, width = problem.stage.pieces(), problem.network.width
    begin, end = np.full(width, np.iinfo(np.int64).max), np.zeros(width, dtype=np.int64)
    for reader in range(width):
        own = (pieces.target == EVERY) | (pieces.target == reader)
        if own.any():
            begin[reader] = pieces.first_vector[own].min()
            end[reader] = (pieces.first_vector + pieces.vectors)[own].max()
    chip = schedule.read_operator - width
    low: Integers = first[schedule.read_value] + schedule.read_first
    low, high = np.maximum(low, begin[chip]), np.minimum(low + schedule.read_vectors, end[chip])
    runs = _ValueRuns(chip, schedule.read_value, low, high)
    rows = np.flatnonzero(runs.low < runs.high)
    return rows, runs.taken(rows)


def _slots(schedule: Schedule, first: Integers, ends: Integers) -> _ValueRuns:
    low = first[schedule.slot_value] + schedule.slot_first
    return _ValueRuns(ends[schedule.slot_bundle], schedule.slot_value, low, low + schedule.slot_vectors)


def _keys(network: Network, cuts: Integers, runs: _ValueRuns) -> tuple[Integers, Integers, Integers]:
    """Return the row and the cell of each part of runs, and a key by node, value and cell."""
    row, cell = cells_between(cuts, runs.low, runs.high)
    return row, cell, (runs.value[row] * network.nodes + runs.node[row]) * len(cuts) + cell


def _needed(network: Network, schedule: Schedule, first: Integers, wanted: _ValueRuns) -> tuple[_ValueRuns, _ValueRuns]:
    """Return which parts of slots, by row instead of node, and of sums bring readers what they read."""
    sums = schedule.sums
    arriving, leaving = (_slots(schedule, first, ends) for ends in (network.destination, network.source))
    total = schedule.operators + np.arange(len(sums))
    made = _ValueRuns(sums.node, total, sums.first, sums.first + sums.vectors)
    into = made.taken(sums.operand_sum)
    cuts = np.unique(np.concatenate([end for runs in (wanted, arriving, made) for end in runs[2:]]))
    row, cell, key = _keys(network, cuts, arriving)
    number, at, made_key = _keys(network, cuts, made)
    added_key, into_key = (_keys(network, cuts, runs)[2] for runs in (into._replace(value=sums.operand_value), into))
    before, needed = _keys(network, cuts, leaving)[2], np.unique(_keys(network, cuts, wanted)[2])
    while True:
        pair, summed = np.isin(key, needed), _between(number, np.isin(made_key, needed))
        keys = [needed, before[pair], made_key[summed], added_key[np.isin(into_key, needed)]]
        grown = np.unique(np.concatenate(keys))
        if len(grown) == len(needed):
            break
        needed = grown
    return _joined(row[pair], arriving.value, cell[pair], cuts), _joined(number[summed], total, at[summed], cuts)


def _between(row: Integers, flagged: Flags) -> Flags:
    """Return which places lie between the first and the last that are flagged of their row."""
    places, at = np.arange(len(row)), np.flatnonzero(flagged)
    first, last = np.full(int(row.max(initial=0)) + 1, len(row)), np.full(int(row.max(initial=0)) + 1, NONE)
    np.minimum.at(first, row[at], at)
    np.maximum.at(last, row[at], at)
    return np.asarray((first[row] <= places) & (places <= last[row]))


def _joined(row: Integers, value: Integers, cell: Integers, cuts: Integers) -> _ValueRuns:
    """Return runs of cells that follow each other in one row."""
    apart = (np.diff(row) != 0) | (np.diff(cell) != 1)
    some = np.ones(min(1, len(row)), dtype=np.bool_)
    begin, end = np.flatnonzero(np.append(some, apart)), np.flatnonzero(np.append(apart, some))
    row = row[begin]
    return _ValueRuns(row, value[row], cuts[cell[begin]], cuts[cell[end] + 1])


def _read_at(network: Network, schedule: Schedule, first: Integers, wanted: _ValueRuns) -> Integers:
    """Return when all of each run has been read, or summed, at its node; 0 of what was there at first."""
    arriving = _slots(schedule, first, network.destination)
    cuts = np.unique(np.concatenate([end for runs in (wanted, arriving) for end in runs[2:]]))
    row, cell, key = _keys(network, cuts, arriving)
    bundle, last = schedule.slot_bundle[row], cuts[cell + 1] - 1 - arriving.low[row]
    stream = -(-last * network.pitch_numerator[bundle] // network.pitch_denominator[bundle])
    end = schedule.slot_depart[row] + network.hop_cycles[bundle] + stream
    order = np.lexsort((end, key))
    keys, earliest = np.unique(key[order], return_index=True)
    row, _, read = _keys(network, cuts, wanted)
    at = np.searchsorted(keys, read)
    arrived = np.append(keys, NONE)[at] == read
    read_at = np.zeros(len(wanted.node), dtype=np.int64)
    np.maximum.at(read_at, row[arrived], end[order[earliest[at[arrived]]]])
    total = wanted.value - schedule.operators
    local = np.flatnonzero((total >= 0) & (np.append(schedule.sums.node, NONE)[np.maximum(total, NONE)] == wanted.node))
    read_at[local] = (schedule.sums.start + schedule.sums.cycles)[total[local]]
    return read_at


def _sums(problem: Instance, schedule: Schedule, made: _ValueRuns) -> Sums:
    """Return the sums of some runs, operands by the values of the schedule."""
    sums, rows, vectors = schedule.sums, made.node, made.high - made.low
    number = np.full(len(sums), NONE)
    number[rows] = np.arange(len(rows))
    operand = number[sums.operand_sum]
    operand_sum, counts = operand[operand >= 0], np.bincount(sums.operand_sum, minlength=len(sums))[rows]
    return Sums(
        node=sums.node[rows],
        start=sums.start[rows],
        cycles=sum_cycles(problem.add_cost, counts, vectors),
        piece=sums.piece[rows],
        first=made.low,
        vectors=vectors,
        complete=sums.complete[rows],
        operand_sum=operand_sum,
        operand_value=sums.operand_value[operand >= 0],
        operand_first=0 * operand_sum,
    )
