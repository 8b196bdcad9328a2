"""Collectives scheduled by hand on a line of three chips, 0 - 1 - 2.

A vector takes 5/2 cycles on a link, a hop 3 + 10 = 13, the turnaround 3. The sum of two vectors takes
max(3 x 320 / 10, 160 / 2) + 3 = 99 cycles.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from lpxsched.assembly.assembled import machine_tables
from lpxsched.assembly.collective_segment import collective_segment
from lpxsched.assembly.program import assemble
from lpxsched.clocks.specification import load_clock
from lpxsched.clocks.tree import AlignmentTree, TimeDomain, alignment_tree
from lpxsched.schedule.collective import ScheduledCollective
from lpxsched.schedule.problem.collective import collective_instance
from lpxsched.schedule.result import LowerBound, Result, Schedule, Sums
from lpxsched.traffic.collectives import Collective, source_values
from tests.fabric.examples import fabric_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lpxsched.assembly.assembled import MachineTables
    from lpxsched.assembly.program import Program
    from lpxsched.assembly.segment import Segment
    from lpxsched.fabric.fabric import Fabric
    from lpxsched.schedule.problem.instance import Instance

Slot = tuple[int, int, int, tuple[int, int], int]
Delivery = tuple[int, int, int, int]
SUM_CYCLES = 99


def line() -> Fabric:
    """Return chips 0 - 1 - 2 and no host."""
    return fabric_of([(0, 1), (1, 0), (1, 2), (2, 1)], grid=(1, 3))


def all_gather() -> ScheduledCollective:
    """Return an all-gather of two vectors a chip: chip 1 sends its own at 0, and passes the others on.

    Vectors 0, 1 of an end are read in the middle at 13, 15.5, leave at 16 and are read at the far end at 29, 31.5.
    """
    slots = [
        (0, 0, 2, (0, 1), 0),
        (2, 0, 2, (2, 1), 0),
        (1, 0, 2, (1, 0), 0),
        (1, 0, 2, (1, 2), 0),
        (2, 0, 2, (1, 0), 16),
        (0, 0, 2, (1, 2), 16),
    ]
    reads = [(node, value, 0, 2) for node in range(3) for value in range(3)]
    problem = collective_instance(line(), [0, 1, 2], Collective("all-gather", 3, 2), relays=False)
    return scheduled(problem, slots, reads, delivered=[32, 16, 32])


def all_reduce() -> ScheduledCollective:
    """Return an all-reduce of one vector on chips 2 and 1: chip 2 is shard 0 and makes the sum.

    Chip 1 sends at 0, read at 13; the sum runs [13, 112), leaves a turnaround of 3 later and is read at 128.
    """
    problem = collective_instance(line(), [2, 1], Collective("all-reduce", 2, 1), relays=False)
    slots = [(1, 0, 1, (1, 0), 0), (2, 0, 1, (0, 1), 16 + SUM_CYCLES)]
    sums = sums_of([(0, 13, True)], [(0, 0), (0, 1)])
    return scheduled(problem, slots, [(0, 2, 0, 1), (1, 2, 0, 1)], sums=sums, delivered=[112, 128])


def relayed_all_reduce() -> ScheduledCollective:
    """Return an all-reduce of one vector on chips 0 and 2, which chip 1 between them, node 2, sums and sends back."""
    problem = collective_instance(line(), [0, 2], Collective("all-reduce", 2, 1), relays=True)
    out = 16 + SUM_CYCLES
    slots = [(0, 0, 1, (0, 2), 0), (1, 0, 1, (1, 2), 0), (2, 0, 1, (2, 0), out), (2, 0, 1, (2, 1), out)]
    sums = sums_of([(2, 13, True)], [(0, 0), (0, 1)])
    return scheduled(problem, slots, [(0, 2, 0, 1), (1, 2, 0, 1)], sums=sums, delivered=[128, 128])


def sums_of(rows: Sequence[tuple[int, int, bool]], operands: Sequence[tuple[int, int]]) -> Sums:
    """Return sums of one vector from node, start and whether complete, and pairs of a sum and a value."""
    node, start, complete = zip(*rows, strict=True)
    operand_sum, operand_value = zip(*operands, strict=True)
    return Sums(
        node=np.array(node, dtype=np.int64),
        start=np.array(start, dtype=np.int64),
        cycles=np.full(len(rows), SUM_CYCLES, dtype=np.int64),
        piece=np.zeros(len(rows), dtype=np.int64),
        first=np.zeros(len(rows), dtype=np.int64),
        vectors=np.ones(len(rows), dtype=np.int64),
        complete=np.array(complete, dtype=np.bool_),
        operand_sum=np.array(operand_sum, dtype=np.int64),
        operand_value=np.array(operand_value, dtype=np.int64),
        operand_first=np.zeros(len(operands), dtype=np.int64),
    )


def no_sums() -> Sums:
    """Return an empty table of sums."""
    none = np.zeros(0, dtype=np.int64)
    return Sums(none, none, none, none, none, none, none.astype(np.bool_), none, none, none)


def scheduled(
    problem: Instance,
    slots: Sequence[Slot],
    reads: Sequence[Delivery],
    *,
    delivered: Sequence[int],
    sums: Sums | None = None,
    stall_cycles: int = 0,
) -> ScheduledCollective:
    """Return a collective with a schedule by hand, whose bound is its makespan.

    Parameters
    ----------
    problem : Instance
    slots : sequence
        Value, first vector, vectors, source and destination node, departure. Values are what chips hold at first, by
        chip, then sums.
    reads : sequence
        Node, value, first vector, vectors.
    delivered : sequence of int
        When each chip that takes part has all that it reads.
    sums : Sums, optional
    stall_cycles : int
        Stall of the opening deskew, by which everything is shifted.
    """
    width, holders = problem.network.width, source_values(problem.stage).shard
    number = np.concatenate([holders, 2 * width + np.arange(99)])
    sums = no_sums() if sums is None else replace(sums, operand_value=number[sums.operand_value])
    ends = list(zip(problem.network.source.tolist(), problem.network.destination.tolist(), strict=True))
    rows = [(number[value], first, vectors, ends.index(hop), 0, depart) for value, first, vectors, hop, depart in slots]
    read = [(width + node, number[value], first, vectors) for node, value, first, vectors in reads]
    schedule = Schedule(
        max(delivered),
        0,
        np.array([0] * width + list(delivered), dtype=np.int64),
        *np.array(rows, dtype=np.int64).T.copy(),
        sums,
        *np.array(read, dtype=np.int64).T.copy(),
    )
    result = Result(schedule, LowerBound(max(delivered), "by hand"), "hand").later(stall_cycles)
    return ScheduledCollective(replace(problem, release_cycles=stall_cycles), result, _tree(), 0.5)


def segment_of(scheduled: ScheduledCollective, clock: str = "none", deadline_cycles: int | None = None) -> Segment:
    """Return a collective as the one segment of a program."""
    return collective_segment(line(), load_clock(clock), scheduled, deadline_cycles=deadline_cycles)


def program_of(scheduled: ScheduledCollective) -> Program:
    """Return the tables of a collective."""
    return assemble([segment_of(scheduled)])


def around_of(scheduled: ScheduledCollective, clock: str = "none", deadline_cycles: int | None = None) -> MachineTables:
    """Return the tables of the line with a collective on it."""
    return machine_tables(line(), scheduled.tree, [segment_of(scheduled, clock, deadline_cycles)])


def _tree() -> AlignmentTree:
    """Return the tree of the whole line."""
    return alignment_tree(line(), load_clock("xo-100ppm"), [TimeDomain((0, 1, 2), ())])
