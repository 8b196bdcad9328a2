"""Busy wires: each vector holds its link for v + latency = 12.5 cycles."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.verify.changes import breaks, change, reports, rules
from tests.verify.collectives import LAID, Laid, build_of

# Two vectors are read at 13 and 25.5.
ALL_GATHER = replace(LAID["all-gather"], starts=[26, 26, 26])
# Chip 1 reads at 13, 25.5 and 38; it sends on at 16, 28.5 and 41, chip 2 reads at 29, 41.5 and 54.
BROADCAST = replace(LAID["broadcast"], starts=[0, 38, 54])


def second_at(depart: int) -> Laid:
    """Return the all-gather with the second vector of chip 0 in a slot of its own on link 0."""
    slots = [(0, 0, 1, 0, 0), (0, 1, 1, 0, depart), *ALL_GATHER.slots[1:]]
    return replace(ALL_GATHER, slots=slots)


@pytest.mark.parametrize("laid", [ALL_GATHER, BROADCAST])
def test_vectors_follow_each_other_when_the_link_is_free(laid: Laid) -> None:
    """Tests that reads within a slot are v + latency apart, through relays too."""
    assert not rules(build_of(laid, wire="busy"))


@pytest.mark.parametrize("laid", [ALL_GATHER, BROADCAST])
def test_on_pipelined_wires_the_same_ends_earlier(laid: Laid) -> None:
    """Tests that the wire of the manifest decides: what is in time on busy wires has slack on pipelined ones."""
    assert not rules(build_of(laid))
    assert "R3" in rules(build_of(LAID["all-gather"], wire="busy"))


def test_an_operator_that_starts_before_its_last_vector_is_through_is_found() -> None:
    """Tests that a delivery waits for 25.5, not for the 15.5 of a pipelined wire."""
    build = change(build_of(ALL_GATHER, wire="busy"), "operators", 3, start=25)
    assert breaks(build, "R3", "operator 3 starts at 25, before vector 1 of tensor 1 is there at 25 1/2")


@pytest.mark.parametrize(("depart", "found"), [(12, True), (13, False)])
def test_a_vector_holds_its_link_until_it_is_through(depart: int, found: bool) -> None:
    """Tests that one vector holds a link during [0, 13)."""
    build = build_of(replace(second_at(depart), starts=[26, 26, 26]), wire="busy")
    assert reports(build, "R1", f"link 0 is held during [0, 13) and taken again at {depart}") == found
    assert ("R1" in rules(build)) == found


def test_a_pipelined_link_is_free_when_the_vector_has_entered_it() -> None:
    """Tests that the same slot on a pipelined wire may follow after 3 cycles."""
    assert not rules(build_of(second_at(3)))


def test_the_time_on_a_busy_link_is_rounded_up_over_the_whole_slot() -> None:
    """Tests that two vectors hold a link for 25 cycles, not for twice 13."""
    slots = [*LAID["all-to-all"].slots[1:], (0, 1, 1, 0, 25)]
    # Vectors 0 and 2 of tensor 0 are of no use to chip 1, but are on the link.
    build = build_of(replace(LAID["all-to-all"], slots=[(0, 1, 2, 0, 0), *slots]), wire="busy")
    assert "R1" not in rules(build)
    assert reports(change(build, "slots", 1, depart=24, read=37), "R1", "held during [0, 25) and taken again at 24")


def test_a_read_waits_for_v_and_latency_alone() -> None:
    """Tests that the first vector of a slot is read at ceil(depart + v + latency), as on pipelined wires."""
    build = build_of(ALL_GATHER, wire="busy")
    assert reports(change(build, "slots", 0, read=12), "R2", "departs at 0 is read at 12, earliest is 13")


def test_a_latency_that_cannot_be_multiplied_with_vectors_is_found() -> None:
    """Tests that v + latency of a busy wire stays within the numbers that are reckoned with."""
    build = build_of(ALL_GATHER, wire="busy")
    text = "links.parquet row 0: a latency of 2147483648 cycles on a busy wire is too large to check"
    assert breaks(change(build, "links", 0, latency_cycles=1 << 31), "R2", text)
