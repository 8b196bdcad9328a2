"""Timetables that repeat: links, units and ports are judged modulo the period."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from lpxsched.verify.links import link_violations
from tests.builds import signed
from tests.verify.changes import breaks, rules
from tests.verify.collectives import LAID, Sum, build_of

if TYPE_CHECKING:
    from lpxsched.timetable.build import Build

ALL_GATHER = LAID["all-gather"]


@pytest.mark.parametrize(("period", "kept"), [(4, False), (5, True), (6, True), (100, True)])
def test_a_slot_fits_into_the_period(period: int, kept: bool) -> None:
    """Tests that two vectors of 5/2 cycles hold their link again after 5 cycles at the earliest."""
    build = build_of(ALL_GATHER, period=period)
    assert (not rules(build)) == kept
    assert breaks(build, "R1", "link 0 is held during [0, 5), longer than the period 4") != kept


@pytest.mark.parametrize(("depart", "period", "kept"), [(7, 10, True), (7, 6, False), (9, 6, True), (9, 8, False)])
def test_slots_do_not_overlap_those_of_other_iterations(depart: int, period: int, kept: bool) -> None:
    """Tests that a slot [7, 10) or [9, 12) keeps clear of every shift of [0, 3)."""
    # Modulo 6, [7, 10) is [1, 4); modulo 8, [9, 12) is [1, 4).
    slots = [(0, 0, 1, 0, 0), (0, 1, 1, 0, depart), *ALL_GATHER.slots[1:]]
    build = build_of(replace(ALL_GATHER, slots=slots, starts=[16, depart + 13, 16]), period=period)
    text = f"link 0 is held during [0, 3) and taken again at {depart}, modulo the period {period}"
    assert (not rules(build)) == kept
    assert breaks(build, "R1", text) != kept


def test_a_slot_does_not_run_into_the_next_iteration_of_an_earlier_one() -> None:
    """Tests the way around: [3, 6) meets [5, 8), the next iteration of [0, 3)."""
    slots = [(0, 0, 1, 0, 0), (0, 1, 1, 0, 3), *ALL_GATHER.slots[1:]]
    build = build_of(replace(ALL_GATHER, slots=slots), period=5)
    found = "link 0 is held during [3, 6) and taken again at 0, modulo the period 5"
    assert any(found in violation for violation in _links(build))
    assert not _links(build_of(replace(ALL_GATHER, slots=slots), period=6))


def _links(build: Build) -> list[str]:
    return [violation.message for violation in link_violations(build)]


@pytest.mark.parametrize(("period", "kept"), [(5, False), (6, True)])
def test_a_sum_fits_into_the_period(period: int, kept: bool) -> None:
    """Tests that a sum of 6 cycles runs again after 6 cycles at the earliest."""
    build = build_of(LAID["reduce-scatter"], period=period)
    text = "unit vector of chip 0 runs operator 6 during [13, 19), longer than the period 5"
    assert (not rules(build)) == kept
    assert breaks(build, "R4", text) != kept


@pytest.mark.parametrize(("period", "kept"), [(12, True), (10, False)])
def test_sums_do_not_overlap_those_of_other_iterations(period: int, kept: bool) -> None:
    """Tests that [16, 22) and [22, 28) keep clear of each other modulo 12, and not modulo 10."""
    # Modulo 10 the second one is [2, 8), and the first one begins at 6.
    operands = [((0, k), (1, k), (2, k)) for k in range(2)]
    sums = [Sum(0, 16, 0, 1, operands[0]), Sum(0, 22, 1, 1, operands[1])]
    laid = replace(LAID["reduce"], sums=sums, reads=[(0, 3, 0, 1), (0, 4, 0, 1)], starts=[28, 0, 0])
    build = build_of(laid, period=period)
    text = "unit vector of chip 0 runs operator 7 during [22, 28) and operator 6 from 16 on, modulo the period 10"
    assert (not rules(build)) == kept
    assert breaks(build, "R4", text) != kept


def test_what_a_vector_waits_for_is_of_its_own_iteration() -> None:
    """Tests that a vector is sent on after its own arrival, not after that of an earlier iteration."""
    slots = [(0, 0, 3, 0, 0), (0, 0, 3, 3, 8)]
    laid = replace(LAID["broadcast"], slots=slots, starts=[0, 18, 26])
    assert breaks(build_of(laid, period=8), "R2", "leaves chip 1 at 8 but is read there and turned around at 16")


@pytest.mark.parametrize(
    ("key", "right"),
    [
        ("period_cycles", "the longest period of the frames is 6"),
        ("period_lower_bound_cycles", "the longest bound of the frames is 6"),
    ],
)
def test_a_period_other_than_that_of_the_results_is_found(key: str, right: str) -> None:
    """Tests that the period told is the one that was proved, and so is its bound, which the hand meets."""
    build = build_of(ALL_GATHER, period=6)
    manifest = build.manifest.model_copy(update={"results": build.manifest.results | {key: 5}})
    told = signed(replace(build, manifest=manifest))
    assert breaks(told, "R3", f"manifest.json: results {key} is 5, {right}")
