"""R2 causality."""

from __future__ import annotations

import pytest

from tests.builds import two_chip_build
from tests.verify.changes import breaks, change, changed, messages, reports, rules, with_rows, without


def test_a_vector_that_leaves_before_it_is_produced_is_found() -> None:
    """Tests that a slot departs no earlier than the end of the operator that produced its tensor."""
    # combine runs during [75, 80).
    assert breaks(changed("slots", 1, depart=79), "R2", "leaves chip 0 at 79 but is produced there at 80")


def test_a_vector_that_leaves_before_its_turnaround_is_found() -> None:
    """Tests that a relay departs no earlier than its read plus turnaround."""
    # read 20 + turnaround 3 = 23
    text = "vector 0 of tensor 0 leaves chip 0 at 22 but is read there and turned around at 23"
    assert breaks(changed("slots", 0, depart=22), "R2", text)


def test_the_last_vector_of_a_faster_link_decides() -> None:
    """Tests that on a faster link the second vector would leave too early, though the first one does not."""
    # v = 2 on link 0: the second vector leaves at 25, it is read at 20 + 5/2 and turned around at 51/2.
    text = "vector 1 of tensor 0 leaves chip 0 at 25 but is read there and turned around at 25 1/2"
    assert breaks(changed("links", 0, vector_time_numerator=2, vector_time_denominator=1), "R2", text)


def test_the_first_vector_of_a_slower_link_decides() -> None:
    """Tests that a relay on a slower link needs to wait for its first vector only."""
    # v = 3 on link 0: 23 and 26, after 23 and 51/2; read 23 + 3 + 15 = 41 and 44, when the router starts.
    assert not rules(changed("links", 0, vector_time_numerator=3, vector_time_denominator=1))


@pytest.mark.parametrize(("depart", "early"), [(25, True), (26, False)])
def test_slots_may_be_cut_otherwise_at_a_relay(depart: int, early: bool) -> None:
    """Tests that a slot of one vector is compared with the second vector of the slot that brought it."""
    # That vector is read at 45/2 and turned around at 51/2.
    build = without(two_chip_build(), "slots", 0)
    build = with_rows(build, "slots", (0, 0, 1, 0, 30, 48), (0, 1, 1, 0, depart, depart + 18))
    text = f"vector 1 of tensor 0 leaves chip 0 at {depart} but is read there and turned around at 25 1/2"
    assert reports(build, "R2", text) == early


@pytest.mark.parametrize(
    ("slot", "read", "text"),
    [
        # 23 + 5/2 + 10 = 35.5; 110 + 5/2 + 12 = 124.5
        (0, 35, "departs at 23 is read at 35, earliest is 36 (latency 10)"),
        (2, 124, "departs at 110 is read at 124, earliest is 125 (latency 12)"),
    ],
)
def test_a_read_before_the_nominal_arrival_is_found(slot: int, read: int, text: str) -> None:
    """Tests that a read is at least ceil(depart + v + latency), at hosts too."""
    assert reports(changed("slots", slot, read=read), "R2", text)


@pytest.mark.parametrize("guard", [-1, 0, 1 << 50])
def test_no_guard_is_believed(guard: int) -> None:
    """Tests that the column of guards is of no consequence."""
    assert not rules(changed("links", 0, guard_cycles=guard))


def test_a_sum_pays_like_a_relay() -> None:
    """Tests that a sum leaves its chip no earlier than the last read, the turnaround and its duration."""
    # 100.5 + 3 + 6 = 109.5; on the chip itself the sum is there at 107.
    text = "vector 0 of tensor 8 leaves chip 0 at 109 but is summed there, which pays its way until 110"
    assert breaks(changed("slots", 2, depart=109), "R2", text)


@pytest.mark.parametrize(
    ("table", "cells", "text"),
    [
        ("slots", {"depart": -1}, "timetable.parquet row 0: depart is -1"),
        ("slots", {"read": -(1 << 62)}, "read is -4611686018427387904"),
        ("slots", {"read": 1 << 62}, "read is 4611686018427387904"),
        ("operators", {"start": -2}, "operators.parquet row 0: start is -2"),
        ("links", {"latency_cycles": -1}, "latency_cycles is -1"),
        ("links", {"vector_time_numerator": 0}, "vector_time_numerator is 0"),
        ("links", {"vector_time_denominator": 0}, "vector_time_denominator is 0"),
        ("chips", {"turnaround_cycles": -1}, "turnaround_cycles is -1"),
    ],
)
def test_times_out_of_bounds_are_found(table: str, cells: dict[str, int], text: str) -> None:
    """Tests that no time is negative or too large to reckon with."""
    assert breaks(changed(table, 0, **cells), "R2", text)


def test_slots_that_deliver_to_each_other_in_a_circle_are_found() -> None:
    """Tests that vectors do not come into being by being sent around."""
    # The host no longer sends tensor 0; chip 1 sends to chip 0 what chip 0 sends to chip 1.
    build = with_rows(without(two_chip_build(), "slots", 6), "slots", (0, 0, 2, 2, 2, 20))
    assert not messages(build, "R1")
    # Chip 1 reads it at 41 + turnaround 3 = 44 and would have to send it at 2.
    assert breaks(build, "R2", "leaves chip 1 at 2 but is read there and turned around at 44")


def test_times_near_the_bounds_are_compared_exactly() -> None:
    """Tests that a difference of half a cycle is seen at 2^59 cycles, where a float would lose it."""
    late = 1 << 49
    build = change(changed("slots", 6, depart=2, read=late), "slots", 0, depart=late + 2, read=late + 21)
    assert reports(build, "R2", f"leaves chip 0 at {late + 2} but is read there and turned around at {late + 3}")
