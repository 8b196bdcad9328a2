"""The judge of all tests of layers finds what is wrong."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from lpxsched.schedule.result import Schedule, Sums
from tests.schedule.changes import moved_slot, single_vectors, started, with_slot, with_sums, without_slot
from tests.schedule.instances import ints, two_chips
from tests.schedule.problem.test_wires import shared_host
from tests.schedule.rules import violations

if TYPE_CHECKING:
    from collections.abc import Callable

# Sums of single_vectors(): the first vectors of both shares, then the second ones.
FIRST_SUM = 10


def broken(change: Callable[[Schedule], Schedule]) -> set[str]:
    """Return the rules that a changed schedule of two chips breaks."""
    return {text[:2] for text in violations(two_chips(), change(single_vectors()))}


def test_the_layer_of_two_chips_breaks_no_rule() -> None:
    """Tests the schedule from which every change starts."""
    assert violations(two_chips(), single_vectors()) == []


@pytest.mark.parametrize(
    ("rule", "change"),
    [
        # The first summand leaves at 81, but the second at 83, and each holds the link for 3 cycles.
        ("R1", moved_slot(2, 80, 1)),
        # The first input vector is read at 20 and relayed at 23, not at 22.
        ("R2", moved_slot(0, 23, -1)),
        # The first sum ends at 103, but leaves for the host at 106, not at 105.
        ("R2", moved_slot(1, 106, -1)),
        # Chip 1 never receives the first input vector.
        ("R3", without_slot(0, 23)),
        # The router starts when the last vector is read.
        ("R3", started(2, -1)),
        # The experts start when the router has ended.
        ("R3", started(4, -1)),
        # The second sum starts while the first is running.
        ("R4", with_sums("start", 2, -1)),
        # The summand of chip 1 never comes to the first sum on chip 0.
        ("R2", without_slot(2, 80)),
        # A second copy of the first input vector on chip 0, by the same link later.
        ("R3", with_slot(0, 0, 1, 4, 0, 60)),
        # The sum of chip 0's first vector also goes to chip 1, where nothing reads it.
        ("R3", with_slot(FIRST_SUM, 0, 1, 0, 0, 110)),
        # Chip 1 sends its summand twice.
        ("R3", with_slot(7, 0, 1, 2, 0, 110)),
        # A sum starts before what it adds is read.
        ("R2", with_sums("start", 0, -1)),
        # A sum takes a cycle less than two operands do.
        ("R4", with_sums("cycles", 0, -1)),
        # A sum adds the second vector of a summand to the first of another.
        ("R5", with_sums("operand_first", 0, 1)),
        # An ingress during the opening deskew, [0, 2).
        ("R9", started(0, -1)),
        # Egress starts when the last vector is read.
        ("R3", started(8, -1)),
        # The first vector of chip 0's input never enters.
        ("R2", without_slot(4, 2)),
        # A lane that the bundle does not have.
        ("R1", with_slot(0, 0, 1, 0, 1, 200)),
    ],
)
def test_what_is_wrong_is_found(rule: str, change: Callable[[Schedule], Schedule]) -> None:
    """Tests changes that each break a rule."""
    assert rule in broken(change)


def test_a_read_of_other_vectors_is_found() -> None:
    """Tests a reader that takes the second vector of an input twice and the first never."""
    assert "R3" in broken(lambda schedule: replace(schedule, read_first=np.ones_like(schedule.read_first)))


def test_a_sum_that_enters_itself_is_found() -> None:
    """Tests a sum one of whose operands is its own result."""
    assert "R5" in broken(with_sums("operand_value", 0, FIRST_SUM - int(single_vectors().sums.operand_value[0])))


def test_a_makespan_that_is_not_the_last_start_is_found() -> None:
    """Tests one cycle too many."""
    assert "R3" in broken(lambda schedule: replace(schedule, makespan_cycles=schedule.makespan_cycles + 1))


def test_a_host_is_no_relay() -> None:
    """Tests that a copy over a host that two chips share is found, though every time is right."""
    # Bundles: 0 -> 1, 0 -> 4, .., 4 -> 0, 4 -> 3.
    none = ints([])
    sums = Sums(none, none, none, none, none, none, none.astype(np.bool_), none, none, none)
    slots = ints([0, 0]), ints([0, 0]), ints([1, 1]), ints([1, 9]), ints([0, 0]), ints([0, 21])
    reads = ints([1]), ints([0]), ints([0]), ints([1])
    found = violations(shared_host(), Schedule(39, 0, ints([0, 39]), *slots, sums, *reads))
    assert [text[:2] for text in found] == ["R2"]
