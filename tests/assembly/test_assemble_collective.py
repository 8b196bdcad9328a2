"""Tests of the tables of a collective, on schedules made by hand on a line of three chips."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from lpxsched.schedule.problem.ragged import Ragged
from tests.timetable.collectives import SUM_CYCLES, all_gather, all_reduce, program_of, relayed_all_reduce

if TYPE_CHECKING:
    from lpxsched.timetable.columns import Table


def rows(table: Table, *columns: str) -> list[tuple[Any, ...]]:
    """Return some columns of a table as rows."""
    names = columns or tuple(field.name for field in fields(table))
    return list(zip(*(getattr(table, name).tolist() for name in names), strict=True))


def test_slots_are_told_by_link_and_departure() -> None:
    """Tests links 0: 0 -> 1, 1: 1 -> 0, 2: 1 -> 2, 3: 2 -> 1, and reads 13 cycles after departures."""
    slots = program_of(all_gather()).slots
    assert rows(slots) == [
        # tensor, first_vector, vectors, link, depart, read
        (0, 0, 2, 0, 0, 13),
        (1, 0, 2, 1, 0, 13),
        (2, 0, 2, 1, 16, 29),
        (1, 0, 2, 2, 0, 13),
        (0, 0, 2, 2, 16, 29),
        (2, 0, 2, 3, 0, 13),
    ]


def test_a_lane_is_a_link_of_its_bundle() -> None:
    """Tests a slot on the second of two links of a bundle that is not the first of the problem."""
    one = all_gather()
    links = Ragged.of([[5], [7, 9], [1], [3]])
    network = replace(one.problem.network, lanes=np.array([1, 2, 1, 1]), links=links)
    problem = replace(one.problem, network=network)
    # The third slot is on bundle 1.
    lanes = replace(one.result.schedule, slot_lane=np.array([0, 0, 1, 0, 0, 0]))
    slots = program_of(replace(one, problem=problem, result=replace(one.result, schedule=lanes))).slots
    assert rows(slots, "tensor", "link") == [(1, 1), (0, 1), (2, 3), (0, 5), (2, 7), (1, 9)]


def test_what_chips_hold_at_first_comes_from_sources() -> None:
    """Tests one tensor of two vectors a chip, on its chip, made by the chip's source."""
    tensors = program_of(all_gather()).tensors
    assert rows(tensors) == [
        # tensor, name, offset, vectors, dtype, layout, chip, producer, bytes
        (0, "data", 0, 2, "bf16", "sharded", 0, 0, 640),
        (1, "data", 2, 2, "bf16", "sharded", 1, 1, 640),
        (2, "data", 4, 2, "bf16", "sharded", 2, 2, 640),
    ]


def test_a_chip_delivers_when_the_schedule_says() -> None:
    """Tests the starts of the schedule; operators take no time and no unit."""
    operators = program_of(all_gather()).operators
    assert rows(operators, "kind", "chip", "shard", "start") == [
        *(("source", chip, chip, 0) for chip in range(3)),
        ("deliver", 0, 0, 32),
        ("deliver", 1, 1, 16),
        ("deliver", 2, 2, 32),
    ]
    nothing = ("none", "bf16", 0, 0, 0, 0, 0, 0)
    told = rows(operators, "unit", "dtype", "segment", "layer", "cycles", "sram_bytes", "macs", "fixed_cycles")
    assert set(told) == {nothing}


def test_a_chip_reads_all_vectors_its_own_included() -> None:
    """Tests three runs for each of the three deliver operators."""
    operands = program_of(all_gather()).operands
    assert rows(operands) == [(3 + chip, value, 0, 2, "copy") for chip in range(3) for value in range(3)]


def test_a_sum_is_an_operator_and_a_tensor() -> None:
    """Tests the add on chip 2, shard 0: two operands of one vector, 160 additions, 3 x 320 bytes."""
    program = program_of(all_reduce())
    columns = ("kind", "unit", "chip", "shard", "start", "cycles", "dtype", "sram_bytes", "macs", "fixed_cycles")
    assert rows(program.operators, *columns)[4:] == [
        ("add", "vector", 2, 0, 13, SUM_CYCLES, "bf16", 960, 160, 3),
    ]
    assert rows(program.tensors) == [
        (0, "data", 0, 1, "bf16", "partial", 2, 0, 320),
        (1, "data", 0, 1, "bf16", "partial", 1, 1, 320),
        (2, "data", 0, 1, "bf16", "sharded", 2, 4, 320),
    ]


def test_a_sum_reads_summands_and_is_delivered() -> None:
    """Tests operands of the two deliver operators, 2 and 3, and of the add, 4; the sum ends at 112, is read at 128."""
    program = program_of(all_reduce())
    assert rows(program.operands) == [
        (2, 2, 0, 1, "copy"),
        (3, 2, 0, 1, "copy"),
        (4, 0, 0, 1, "reduce"),
        (4, 1, 0, 1, "reduce"),
    ]
    assert program.operators.start[2:4].tolist() == [112, 128]


def test_a_sum_of_some_summands_is_partial() -> None:
    """Tests the layout of a sum that is not complete."""
    one = all_reduce()
    sums = replace(one.result.schedule.sums, complete=np.array([False]))
    result = replace(one.result, schedule=replace(one.result.schedule, sums=sums))
    assert program_of(replace(one, result=result)).tensors.layout[2] == "partial"


def test_a_relay_counts_as_a_shard_after_those_that_take_part() -> None:
    """Tests the sum on chip 1, which is node 2 of two that take part."""
    program = program_of(relayed_all_reduce())
    assert rows(program.operators, "kind", "chip", "shard", "start") == [
        ("source", 0, 0, 0),
        ("source", 2, 1, 0),
        ("deliver", 0, 0, 128),
        ("deliver", 2, 1, 128),
        ("add", 1, 2, 13),
    ]
    assert program.tensors.chip.tolist() == [0, 2, 1]


@pytest.mark.parametrize("collective", [all_gather, all_reduce, relayed_all_reduce])
def test_everything_waits_for_the_opening_deskew(collective: Any) -> None:
    """Tests that a stall of 40 cycles moves every departure, read and start by 40."""
    one = collective()
    early = program_of(one)
    later = replace(one.problem, release_cycles=40)
    late = program_of(replace(one, result=one.result.later(40), problem=later))
    for column in ("depart", "read"):
        assert (getattr(late.slots, column) == getattr(early.slots, column) + 40).all()
    assert (late.operators.start == early.operators.start + 40).all()
