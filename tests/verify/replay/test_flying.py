"""Iterations of a timetable that repeats, all in flight at once: memory, units, links and windows that they share."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from lpxsched.verify.replay.movement import copies_of, movement
from lpxsched.verify.replay.replay import replay
from tests.timetable.small import compiled
from tests.verify.changes import change, with_rows, without
from tests.verify.collectives import LAID, build_of, collective_build
from tests.verify.doubled import shared_build
from tests.verify.test_frames import phased

if TYPE_CHECKING:
    from lpxsched.timetable.build import Build

MICRO_BATCHES = 5


@pytest.fixture(scope="module")
def flying(tmp_path_factory: pytest.TempPathFactory) -> Build:
    """Return two layers that share chips, five micro-batches in flight."""
    folder = tmp_path_factory.mktemp("flying")
    return compiled(folder, chips=[[0, 1, 2, 3], [2, 3, 4, 5]], in_flight=MICRO_BATCHES, batch=4)


def told(build: Build, **results: Any) -> Build:
    """Return a build that tells other results."""
    manifest = build.manifest
    return replace(build, manifest=manifest.model_copy(update={"results": manifest.results | results}))


def test_all_micro_batches_in_flight_are_replayed(flying: Build) -> None:
    """Tests five micro-batches for three steps each, in a frame whose period is shorter than a segment."""
    assert flying.segments.makespan_cycles.max() > flying.frames.period_cycles[0]
    report = replay(flying)
    assert (report.ok, report.micro_batches, report.steps) == (True, MICRO_BATCHES, 3)


@pytest.mark.slow
def test_a_row_that_is_moved_or_dropped_is_found(flying: Build) -> None:
    """Tests every eleventh slot a thousand cycles earlier, or left out."""
    for row in range(0, len(flying.slots), 11):
        early = int(flying.slots.depart[row]) - 1000
        assert not replay(change(flying, "slots", row, depart=early, read=int(flying.slots.read[row]) - 1000)).ok
        assert not replay(without(flying, "slots", row)).ok


def test_a_tensor_outlives_the_period() -> None:
    """Tests an all-gather every five cycles: what a chip has at 0 is delivered there at 16, and used for a cycle.

    17 cycles ask for four copies. What comes from 13 on is used until 17; of a delivery at 40 until 41, for 28 cycles
    from the first vector that is read at 13, which asks for six copies.
    """
    build = build_of(LAID["all-gather"], period=5)
    assert copies_of(build) == {(0, 0): 4, (1, 1): 4, (2, 2): 4}
    late = change(build, "operators", 3, start=40)
    assert copies_of(late) == {(0, 0): 9, (0, 1): 6, (0, 2): 6, (1, 1): 4, (2, 2): 4}
    assert not replay(late, copies=copies_of(late)).mismatches
    found = replay(late, copies=copies_of(late) | {(0, 1): 5})
    # The two vectors are read at 13 and 15.5, those of the fifth iteration after it 25 cycles later.
    causes = {f"a later iteration writes over it in cycle {cycle}" for cycle in (38, 40)}
    assert {(one.node, one.cause) for one in found.first} >= {(0, cause) for cause in causes}


@pytest.mark.parametrize("fewer", [1, 2])
def test_a_buffer_that_is_used_again_while_alive_is_found(flying: Build, fewer: int) -> None:
    """Tests tensors that must lie twice or more often at a node with fewer copies: numbers of a later iteration."""
    copies = copies_of(flying)
    short = [key for key, number in copies.items() if number > fewer]
    assert short
    assert all(replay(flying, copies={**copies, key: copies[key] - fewer}).mismatches for key in short[:8])
    assert replay(flying, copies=copies).ok


def test_an_operator_that_starts_an_iteration_late_reads_what_the_next_one_wrote(flying: Build) -> None:
    """Tests the last operator of chips a period later, in memory that was laid for the timetable as it was."""
    copies, period = copies_of(flying), int(flying.frames.period_cycles[0])
    last = int(np.flatnonzero(flying.operators.kind == "combine")[-1])
    start = int(flying.operators.start[last])
    report = replay(change(flying, "operators", last, start=start + period), copies=copies)
    causes = {one.cause for one in report.first if one.operator.endswith("combine")}
    assert any("a later iteration writes over it in cycle" in cause for cause in causes)
    assert not report.ok


def test_units_of_all_iterations_are_one_unit() -> None:
    """Tests layers of one frame every 200 cycles: at 100 apart they keep clear, at 30 two operators meet."""
    assert replay(shared_build()).ok
    assert replay(phased(200, 100)).ok
    assert "unit matrix of chip 0 runs operators 4 and 14 at once" in replay(phased(200, 30)).faults


def test_a_phase_at_which_links_meet_is_found(flying: Build) -> None:
    """Tests the second segment at the phase of the first."""
    phase = int(flying.segments.phase_cycles[0])
    report = replay(change(flying, "segments", 1, phase_cycles=phase))
    assert not report.ok


def test_a_link_delivers_in_order() -> None:
    """Tests a slot that leaves later and is read earlier than another one on its link, which waits for long."""
    build = collective_build("gather")
    behind = with_rows(build, "slots", (0, 0, 1, 1, 20, 33))
    assert movement(behind).whole.tolist() == [True, True, True]
    waits = change(behind, "slots", 0, read=40)
    assert movement(waits).whole.tolist() == [False, True, False]
    # Read at the same time is in nobody's order either.
    assert not movement(change(behind, "slots", 0, read=33)).whole[0]


@pytest.mark.parametrize(("period", "whole"), [(40, True), (20, False)])
def test_iterations_are_read_in_order(period: int, *, whole: bool) -> None:
    """Tests slots on a link at 0 and at 22; read at 13 and 35, then the first at 30, behind the second of before.

    Every 20 cycles the slot of 0 leaves at 40 again, at 42 that of 22, which is read at 35 + 20 = 55.
    """
    build = build_of(LAID["all-reduce"], period=period)
    build = change(build, "slots", 0, read=13)
    assert movement(build).whole[0] == whole


@pytest.mark.parametrize(
    ("results", "text"),
    [
        ({"residues": [7] * MICRO_BATCHES}, "micro-batches 0 and 1 own one window, 7 modulo"),
        ({"residues": [0]}, "no windows of theirs are told"),
        ({"residues": "none"}, "no windows of theirs are told"),
        ({"rest_cycles": [0, 10_000_000]}, "its window of the next step opens after"),
    ],
)
def test_windows_that_nobody_can_keep_are_found(flying: Build, results: dict[str, Any], text: str) -> None:
    """Tests windows that two own, none, and a way that takes longer than a step."""
    report = replay(told(flying, **results))
    assert any(text in fault for fault in report.faults)


def test_a_step_of_fewer_windows_is_found(flying: Build) -> None:
    """Tests a frame that says one window less: the micro-batch is not back when its window opens."""
    windows = int(flying.frames.windows[0])
    assert any("is back" in fault for fault in replay(change(flying, "frames", 0, windows=windows - 1)).faults)
