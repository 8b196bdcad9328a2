"""Frames: segments that share chips and links, on demand one at a time or at phases of one period, with gaps."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from lpxsched.timetable.columns import Frames
from lpxsched.verify.gaps import since_deskew
from tests.builds import ints, signed, two_chip_build
from tests.verify.changes import breaks, change, messages, repeating, reports, rules, with_rows, without
from tests.verify.collectives import LAID, build_of
from tests.verify.doubled import shared_build, two_segment_build
from tests.verify.test_memory import most_bytes

if TYPE_CHECKING:
    from lpxsched.timetable.build import Build


def perfect(build: Build) -> Build:
    """Return a build whose clocks need no deskew; links keep their jitter."""
    clock = build.manifest.clock | {key: {"value": 0} for key in ("offset_ppm", "residual_ns")}
    return signed(replace(build, manifest=build.manifest.model_copy(update={"clock": clock})))


def phased(period: int, phase: int) -> Build:
    """Return both layers on the same chips, the second one some cycles later, every period."""
    return change(perfect(repeating(shared_build(), period)), "segments", 1, phase_cycles=phase)


# Of each segment, on chip 0: matrix [44, 75), vector [75, 80) and [101, 107); link 0 [23, 28) and [80, 85), link 4
# [2, 7), link 1 [110, 115); reads on link 4 at 20 and 22.5, on link 2 at 41, 43.5 and 98, 100.5.
def test_segments_on_demand_share_chips_and_links() -> None:
    """Tests that two segments of one frame run one at a time, so that equal cycles are no clash."""
    assert not rules(shared_build())


def test_what_belongs_to_no_frame_of_its_own_is_found() -> None:
    """Tests two frames on the same chips."""
    build = shared_build()
    frames = Frames(ints(0, 1), ints(0, 0), ints(0, 0), ints(0, 0), (ints(), ints()), ints(0, 0))
    build = with_rows(replace(build, frames=frames), "deskews", (1, 0, 2, 0))
    text = "chip 0 is in frames 0 and 1; segments that share a chip are of one frame"
    assert breaks(change(build, "segments", 1, frame=1), "R1", text)


def test_a_frame_of_segments_that_share_nothing_is_no_fault() -> None:
    """Tests two segments far apart in one frame on demand."""
    build = without(change(two_segment_build(), "segments", 1, frame=0), "deskews", 1)
    build = replace(build, frames=Frames(ints(0), ints(0), ints(0), ints(0), (ints(),), ints(0)))
    # Chips 2 and 3 hang from chip 2, which is another time domain.
    assert rules(signed(build)) == {"R8"}
    one_tree = change(change(build, "chips", 2, hac_parent=0, hac_depth=1), "chips", 3, hac_depth=2)
    assert reports(one_tree, "R8", "the tree of counters goes from chip 0 to chip 2, but no link that is up does")


@pytest.mark.parametrize(("period", "phase"), [(128, 64), (200, 100), (200, 79), (108, 34), (200, 34)])
def test_segments_that_keep_clear_of_each_other_pass(period: int, phase: int) -> None:
    """Tests phases at which no unit, link or buffer is used twice."""
    assert not rules(phased(period, phase))


@pytest.mark.parametrize(
    ("period", "phase", "rule", "text"),
    [
        (200, 57, "R1", "link 0 is held during [80, 85) and taken again at 80, modulo the period 200"),
        (200, 0, "R1", "link 1 is held during [110, 115) and taken again at 110, modulo the period 200"),
        (200, 30, "R4", "unit matrix of chip 0 runs operator 4 during [55, 75) and operator 14 from 74 on"),
        (100, 80, "R4", "unit matrix of chip 0 runs operator 16 during [135, 155) and operator 2 from 44 on, modulo"),
        # Link 0 is held during [80, 85) and, 103 cycles later modulo 100, during [26, 31).
        (100, 3, "R1", "modulo the period 100"),
    ],
)
def test_segments_that_clash_are_found(period: int, phase: int, rule: str, text: str) -> None:
    """Tests links and units of two segments of one frame, modulo its period."""
    assert reports(phased(period, phase), rule, text)


def test_segments_share_the_ports_of_a_chip() -> None:
    """Tests that at a phase of 78 what link 4 brings to the second segment at 98 meets what link 2 brings the first."""
    for phase, found in ((78, True), (79, False)):
        build = change(phased(200, phase), "chips", 0, eject_per_cycle=1)
        text = "2 vectors end at chip 0 in cycle 98, at most 1 may, modulo the period 200"
        assert breaks(build, "R7", text) == found
        assert (not rules(build)) != found


@pytest.mark.parametrize("period", [36, 65, 500])
def test_memory_holds_all_iterations(period: int) -> None:
    """Tests the SRAM that all iterations need together against a count cycle by cycle."""
    build = perfect(repeating(two_chip_build(), period))
    needed = most_bytes(build, 0)
    assert not rules(change(build, "chips", 0, sram_bytes=needed))
    assert breaks(change(build, "chips", 0, sram_bytes=needed - 1), "R6", f"modulo the period {period}")
    # Inputs lie for 55 cycles. Modulo 65 none of them is there while most is.
    assert (needed > most_bytes(two_chip_build(), 0)) == (period == 36)


def test_memory_holds_all_segments_of_a_frame_that_repeats() -> None:
    """Tests that of two segments on demand the larger counts, and at phases of a period both."""
    alone = most_bytes(two_chip_build(), 0) + 960
    assert not rules(change(shared_build(), "chips", 0, sram_bytes=alone))
    assert rules(change(shared_build(), "chips", 0, sram_bytes=alone - 1)) == {"R6"}
    # At a phase of 34 inputs of the second one are there while most of the first one is.
    assert rules(change(phased(108, 34), "chips", 0, sram_bytes=alone)) == {"R6"}


def test_segments_share_a_buffer() -> None:
    """Tests that vectors of both segments wait on link 0 side by side, modulo the period."""
    laid = LAID["all-gather"]
    build = change(build_of(replace(laid, starts=[60, 60, 60]), period=10), "slots", 0, read=33)
    assert reports(change(build, "chips", 1, deskew_buffer_vectors=3), "R8", "modulo the period 10")
    assert not rules(change(build, "chips", 1, deskew_buffer_vectors=16))


def gapped(**cells: Any) -> Build:
    """Return the build of two chips every 200 cycles, eight windows the last of which is a gap for a deskew of 3."""
    build = with_rows(repeating(two_chip_build(), 200), "deskews", (0, 1400, 3, 8))
    return change(build, "frames", 0, **({"windows": 8, "gaps": [7]} | cells))


def test_deskews_in_gaps_pass() -> None:
    """Tests 1.8 + 2 x 10^-4 x 1597 = 2.12 cycles of disagreement; an iteration begins 1,397 cycles after a deskew."""
    build = gapped()
    assert not rules(build)
    assert since_deskew(build).tolist() == [1397, 0]


def test_a_later_iteration_is_judged_with_all_its_drift() -> None:
    """Tests that with 26 windows, 5,200 cycles, a read has not the guard that it had: 17 + 2 x 10^-4 x 5,038 > 18."""
    build = change(gapped(windows=26, gaps=[25]), "deskews", 0, cycle=5000, every_periods=26)
    assert breaks(build, "R8", "that departs at 80 is read at 98: its vector 1 may come")
    assert not rules(change(gapped(windows=25, gaps=[24]), "deskews", 0, cycle=4800, every_periods=25))


@pytest.mark.parametrize(
    ("build", "text"),
    [
        (without(gapped(), "deskews", 0), "frame 0 repeats every 200 cycles without a deskew"),
        (gapped(gaps=[]), "an iteration of segment 0 runs during [1400, 1528], but frame 0 deskews at 1400"),
        (gapped(gaps=[6]), "an iteration of segment 0 runs during [1400, 1528], but frame 0 deskews at 1400"),
        (change(gapped(), "deskews", 0, cycle=1320), "runs during [1200, 1328], but frame 0 deskews at 1320"),
        (change(gapped(), "deskews", 0, cycle=1598), "runs during [0, 128], but frame 0 deskews at -2"),
        (change(gapped(), "deskews", 0, stall=2), "its stall is 2, must be at least 3"),
        (
            change(gapped(), "deskews", 0, every_periods=3),
            "repeats every 3 periods, must be a divisor of the 8 windows",
        ),
        (
            change(gapped(), "deskews", 0, every_periods=0),
            "repeats every 0 periods, must be a divisor of the 8 windows",
        ),
        (change(gapped(), "deskews", 0, every_periods=4), "deskew 0 begins at 1400, must be before 800"),
        (with_rows(gapped(), "deskews", (0, 1402, 3, 8)), "deskew 1 begins at 1402, within deskew 0"),
        (gapped(gaps=[8]), "frame 0 has gaps [8], must be some of its 8 windows in order, not all"),
        (gapped(gaps=[6, 6]), "frame 0 has gaps [6, 6], must be some"),
        (gapped(gaps=list(range(8))), "must be some of its 8 windows in order, not all"),
    ],
)
def test_deskews_that_lie_in_no_gap_are_found(build: Build, text: str) -> None:
    """Tests deskews that are missing, in the way, too short, or that never come round."""
    assert reports(build, "R9", text)


def test_several_deskews_a_round() -> None:
    """Tests two deskews in eight windows, in gaps 3 and 7."""
    build = change(gapped(gaps=[3, 7]), "deskews", 0, cycle=600, every_periods=4)
    assert not rules(build)
    assert since_deskew(build).tolist() == [597, 0]
    assert reports(change(build, "frames", 0, gaps=[7]), "R9", "runs during [600, 728], but frame 0 deskews at 600")


@pytest.mark.parametrize(
    ("build", "rule", "text"),
    [
        (change(two_chip_build(), "frames", 0, windows=1), "R1", "frame 0 runs on demand, but has windows"),
        (change(two_chip_build(), "frames", 0, gaps=[0]), "R1", "frame 0 runs on demand, but has windows, gaps"),
        (change(two_chip_build(), "segments", 0, phase_cycles=1), "R1", "segment 0 has phase 1, must be 0 to 0"),
        (change(phased(200, 100), "segments", 1, phase_cycles=200), "R1", "segment 1 has phase 200, must be 0 to 199"),
        (change(phased(200, 100), "frames", 0, windows=0), "R1", "frame 0 repeats with 0 windows"),
        (change(two_chip_build(), "deskews", 0, every_periods=1), "R9", "frame 0, which runs on demand"),
        (
            change(phased(600, 100), "segments", 0, waiting_cycles=599),
            "R9",
            "the period of its frame takes 600 at least",
        ),
        (change(two_chip_build(), "frames", 0, time_domain=1), "R8", "the time domain of frame 0 is that of chip 1"),
        (change(two_chip_build(), "frames", 0, time_domain=-1), "R8", "the time domain of frame 0 is no domain"),
    ],
)
def test_a_frame_that_is_none_is_found(build: Build, rule: str, text: str) -> None:
    """Tests what contradicts a frame on demand, one that repeats, and its time domain."""
    assert breaks(build, rule, text)


def test_a_frame_without_segments_is_found() -> None:
    """Tests a second frame in which nothing runs."""
    frames = Frames(ints(0, 1), ints(0, 0), ints(0, 0), ints(0, 0), (ints(), ints()), ints(0, 0))
    build = signed(replace(two_chip_build(), frames=frames))
    assert breaks(build, "R1", "frame 1 holds no segment")


def test_the_longest_time_holds_drift_before_an_iteration() -> None:
    """Tests a claim of the worst step: 1,397 cycles in which two chips run apart, 0.2794 ns."""
    build = gapped()
    slow, fast = 1 - 1e-4, 1 + 1e-4
    worst = (504 + 128 + 1 + 1397) / slow - 1397 / fast + 0.9 + 2.6
    for claim, kept in ((worst + 0.001, True), (worst - 0.001, False)):
        results = build.manifest.results | {"proved_worst_ns": round(claim, 6)}
        told = signed(replace(build, manifest=build.manifest.model_copy(update={"results": results})))
        assert (not rules(told)) == kept


def test_every_message_is_one_line() -> None:
    """Tests that no message of a frame breaks its line."""
    build = phased(100, 3)
    assert all("\n" not in message for rule in ("R1", "R4") for message in messages(build, rule))
    assert np.all(build.frames.period_cycles == 100)
