"""R9 deskew."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.builds import signed, two_chip_build
from tests.polled import polled_build
from tests.verify.changes import breaks, change, changed, messages, reports, rules, with_rows, without
from tests.verify.collectives import collective_build
from tests.verify.doubled import two_segment_build

# Of two chips that poll: 2 x 0.9 cycles of residual, and 2 x 10^-4 of drift a cycle, over 126 cycles of the segment
# after its deskew and 504 of waiting.


def test_a_stall_covers_drift_and_residual() -> None:
    """Tests 1.8 + 2 x 10^-4 x 630 = 1.926 cycles against stalls of 2 and 1."""
    assert not rules(polled_build(504))
    # With a stall of 1 the segment runs 127 cycles after it.
    text = "deskew 0 of frame 0 comes 631 cycles after the one before, 1 level deep: clocks disagree by 1 4631/5000"
    assert breaks(
        change(polled_build(504), "deskews", 0, stall=1),
        "R9",
        f"{text} cycles at most; its stall is 1, must be at least 2",
    )


@pytest.mark.parametrize(("waiting", "found"), [(874, False), (875, True)])
def test_waiting_is_a_part_of_the_interval(waiting: int, found: bool) -> None:
    """Tests that 1.8 + 2 x 10^-4 x (126 + 874) is just covered by a stall of 2."""
    assert ("R9" in rules(polled_build(waiting))) == found


def test_a_start_up_is_no_time_of_drift() -> None:
    """Tests a wait of a million cycles of chips that cannot poll: they are aligned when the segment opens."""
    assert reports(polled_build(1_000_000), "R9", "its stall is 2")
    # The proved worst, which is told, does not hold so long a wait.
    assert rules(changed("segments", 0, waiting_cycles=1_000_000)) == {"R3"}


@pytest.mark.parametrize(("period", "found"), [(4, False), (3, True)])
def test_clocks_stay_within_half_a_period_of_the_counter(period: int, found: bool) -> None:
    """Tests that 1.926 is below half of 4, not of 3."""
    build = two_chip_build()
    clock = build.manifest.clock | {"hac_period_cycles": {"value": period}}
    build = signed(replace(build, manifest=build.manifest.model_copy(update={"clock": clock})))
    assert reports(build, "R9", f"not below half of the counter's period {period}") == found


def test_a_segment_opens_with_a_deskew() -> None:
    """Tests that clocks which must align do so at time zero; in each segment, and perfect ones nowhere."""
    text = "does not open with a deskew at cycle 0"
    assert breaks(without(two_chip_build(), "deskews", 0), "R9", f"segment 0 {text}")
    assert breaks(changed("deskews", 0, cycle=1, stall=1), "R9", f"segment 0 {text}")
    assert breaks(without(two_segment_build(), "deskews", 1), "R9", f"segment 1 {text}")
    assert not rules(without(collective_build("all-reduce"), "deskews", 0))


@pytest.mark.parametrize(
    ("cycle", "stall", "text"),
    [
        # Link 0 is held during [23, 28), and its vectors are read at 41 and 43.5; the router runs during [44, 55).
        (27, 1, "slot 0 of segment 0 departs during [23, 28), within the deskew [27, 28)"),
        (41, 1, "slot 0 of segment 0 is read during [41, 44), within the deskew [41, 42)"),
        (43, 1, "slot 0 of segment 0 is read during [41, 44), within the deskew [43, 44)"),
        (54, 1, "operator 2 of segment 0 runs during [44, 55), within the deskew [54, 55)"),
        (30, 99, "operator 8 of segment 0 runs during [101, 107), within the deskew [30, 129)"),
    ],
)
def test_what_overlaps_a_deskew_is_found(cycle: int, stall: int, text: str) -> None:
    """Tests departures while the link is held, reads to the last vector, and operators."""
    assert reports(with_rows(two_chip_build(), "deskews", (0, cycle, stall, 0)), "R9", text)


@pytest.mark.parametrize(("cycle", "stall"), [(28, 13), (127, 1), (30, 0), (60, 0)])
def test_what_keeps_clear_of_a_deskew_is_not_called_an_overlap(cycle: int, stall: int) -> None:
    """Tests vectors in flight, reads at hosts (which nobody schedules), and deskews that take no time."""
    build = with_rows(two_chip_build(), "deskews", (0, cycle, stall, 0))
    assert not [message for message in messages(build, "R9") if "within the deskew" in message]


def test_a_deskew_that_takes_no_time_hides_none_before_it() -> None:
    """Tests [30, 50) and [52, 52) against the router of [44, 55)."""
    build = with_rows(two_chip_build(), "deskews", (0, 30, 20, 0), (0, 52, 0, 0))
    assert reports(build, "R9", "operator 2 of segment 0 runs during [44, 55), within the deskew [30, 50)")


def test_deskews_that_overlap_each_other_are_found() -> None:
    """Tests [0, 2) and [1, 2) of one segment."""
    build = with_rows(two_chip_build(), "deskews", (0, 1, 1, 0))
    assert reports(build, "R9", "deskew 1 of frame 0 begins at 1, within deskew 0")


def test_deskews_of_other_segments_are_in_nobodys_way() -> None:
    """Tests that a deskew is one of the chips of its segment."""
    build = two_segment_build()
    late = with_rows(build, "deskews", (1, 45, 2, 0))
    assert {message.split(" of segment ")[1][0] for message in messages(late, "R9")} == {"1"}
