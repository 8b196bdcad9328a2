"""The judge of all solver tests finds what is wrong."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from lpxsched.schedule.result import SPREADING, SUMMING
from tests.schedule.changes import BREAKS, SLOT_COLUMNS, moved, single_vectors, without_slot
from tests.schedule.instances import blocks_of, schedule_of, two_chips
from tests.schedule.problem.test_distances import shared_host
from tests.schedule.rules import violations

if TYPE_CHECKING:
    from collections.abc import Callable

    from lpxsched.schedule.result import Schedule


def with_slot(*slot: int) -> Callable[[Schedule], Schedule]:
    """Return a change that adds a slot: block, phase, bundle, departure."""

    def change(schedule: Schedule) -> Schedule:
        cells = zip(SLOT_COLUMNS, slot, strict=True)
        columns: dict[str, Any] = {name: np.append(getattr(schedule, name), value) for name, value in cells}
        return replace(schedule, **columns)

    return change


def broken(change: Callable[[Schedule], Schedule]) -> set[str]:
    """Return the rules that a changed schedule of two chips breaks."""
    return {text[:2] for text in violations(two_chips(), change(single_vectors()))}


def test_the_layer_of_two_chips_breaks_no_rule() -> None:
    """Tests the schedule from which every change starts."""
    assert violations(two_chips(), single_vectors()) == []


@pytest.mark.parametrize(("rule", "change"), BREAKS)
def test_each_broken_rule_is_named(rule: str, change: Callable[[Schedule], Schedule]) -> None:
    """Tests the changes that the model refuses: the same rule is found here."""
    assert rule[:2].upper() in broken(change)


@pytest.mark.parametrize(
    ("rule", "change"),
    [
        # A second copy of block 0 on chip 0, by the same link later.
        ("R3", with_slot(0, SPREADING, 4, 60)),
        # The result of chip 0's share also goes to chip 1, where nothing reads it. Bundle 0 leads 0 -> 1.
        ("R3", with_slot(4, SPREADING, 0, 110)),
        # A summand of what is no sum.
        ("R5", with_slot(0, SUMMING, 0, 60)),
        # Chip 1 sends its summand of block 4 twice. Bundle 2 leads 1 -> 0.
        ("R5", with_slot(4, SUMMING, 2, 110)),
        # A sum starts before what it adds is read.
        ("R3", lambda schedule: moved(schedule, "sum_start", 0, -1)),
        # A sum says that it has three operands.
        ("R5", lambda schedule: moved(schedule, "sum_operands", 0, 1)),
        # An ingress during the opening deskew, [0, 2).
        ("R9", lambda schedule: moved(schedule, "operator_start", 0, -1)),
        # Egress starts when the last vector is read.
        ("R3", lambda schedule: moved(schedule, "operator_start", 8, -1)),
        # Nothing enters chip 0 at all.
        ("R2", without_slot(0, 2)),
        # A block that is no part of its demand.
        ("R3", lambda schedule: replace(schedule, blocks=replace(schedule.blocks, first_vector=np.zeros(8, np.int64)))),
    ],
)
def test_more_that_is_wrong_is_found(rule: str, change: Callable[[Schedule], Schedule]) -> None:
    """Tests changes that a model cannot even express, and some that it keeps under another rule."""
    assert rule in broken(change)


def test_summands_that_go_round_in_a_circle_are_found() -> None:
    """Tests that two chips that send each other their summand of a block are no sum."""
    # Bundle 0 leads 0 -> 1; block 4 is summed on chip 0.
    assert "R5" in broken(with_slot(4, SUMMING, 0, 90))


def test_a_host_is_no_relay() -> None:
    """Tests that a copy over a host that two chips share is found, though every time is right."""
    # Bundles: 0 -> 1, 0 -> 4, .., 4 -> 0, 4 -> 3.
    slots = [(0, SPREADING, 1, 0), (0, SPREADING, 9, 21)]
    found = violations(shared_host(), schedule_of(blocks_of((0, 0, 1)), slots, (), [0, 39]))
    assert [text[:2] for text in found] == ["R2"]
