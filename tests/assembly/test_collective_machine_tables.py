"""Tests of where a collective runs: its one segment, its deskew, and the guards of its links."""

from __future__ import annotations

from dataclasses import replace

from lpxsched.clocks.specification import load_clock
from lpxsched.clocks.tree import alignment_tree
from tests.timetable.collectives import all_gather, all_reduce, around_of, line, relayed_all_reduce

PERFECT = load_clock("none")


def test_the_segment_runs_on_demand() -> None:
    """Tests frame, phase, makespan and bound of the schedule, no deadline, and the time domain of chip 1."""
    around = around_of(all_reduce())
    columns = ("segment", "frame", "phase_cycles", "makespan_cycles", "lower_bound_cycles", "deadline_cycles")
    told = [getattr(around.segments, column).tolist() for column in columns]
    assert told == [[0], [0], [0], [128], [128], [-1]]
    frames = around.frames
    assert (frames.time_domain.tolist(), frames.period_cycles.tolist(), frames.windows.tolist()) == ([1], [0], [0])
    assert frames.lower_bound_cycles.tolist() == [0]


def test_a_schedule_that_repeats_has_a_frame_with_its_period() -> None:
    """Tests a period of 48 cycles: its bound is that of the frame, who comes too late waits for it, nothing deskews."""
    one = all_gather()
    cyclic = replace(one, result=replace(one.result, schedule=replace(one.result.schedule, period_cycles=48)))
    around = around_of(cyclic)
    frames, segments = around.frames, around.segments
    assert (frames.period_cycles.tolist(), frames.windows.tolist()) == ([48], [1])
    assert [gaps.tolist() for gaps in frames.gaps] == [[]]
    assert frames.lower_bound_cycles.tolist() == [one.result.bound.cycles]
    assert (segments.waiting_cycles.tolist(), segments.lower_bound_cycles.tolist()) == ([48], [0])
    assert len(around.deskews) == 0


def test_a_deadline_is_told() -> None:
    """Tests the latency that was asked for."""
    around = around_of(all_gather(), deadline_cycles=400)
    assert around.segments.deadline_cycles.tolist() == [400]


def test_only_links_that_may_carry_vectors_have_a_guard() -> None:
    """Tests that of links 0 -> 1, 1 -> 0, 1 -> 2, 2 -> 1 the first two are not between chips 2 and 1."""
    one = all_reduce()
    guarded = replace(one, problem=replace(one.problem, network=one.problem.network.with_guards(7)))
    around = around_of(guarded)
    assert around.links.guard_cycles.tolist() == [-1, -1, 7, 7]


def test_the_segment_opens_with_its_deskew() -> None:
    """Tests the stall of the clock, 0 for perfect clocks."""
    for stall in (0, 40):
        one = all_gather()
        stalled = replace(one, problem=replace(one.problem, release_cycles=stall))
        deskews = around_of(stalled).deskews
        assert (deskews.frame.tolist(), deskews.cycle.tolist(), deskews.stall.tolist()) == ([0], [0], [stall])


def test_waiting_covers_an_epoch_and_the_start_up_along_the_tree() -> None:
    """Tests epochs of 252 cycles: one of waiting, one of start-up for each level, as latency 10 is below an epoch.

    Chip 1 in the middle is the root of all three; of chips 2 and 1 too, for the tests align the whole line.
    """
    for collective in (all_gather(), all_reduce(), relayed_all_reduce()):
        around = around_of(collective, "xo-100ppm")
        assert around.segments.waiting_cycles.tolist() == [252 * 2]


def test_without_a_tree_there_is_no_start_up() -> None:
    """Tests chips whose clocks always agree: they start at the next epoch."""
    tree = alignment_tree(line(), PERFECT, [])
    around = around_of(replace(all_gather(), tree=tree))
    assert around.segments.waiting_cycles.tolist() == [252]
    assert around.chips.hac_depth.tolist() == [-1, -1, -1]


def test_chips_hold_no_weights() -> None:
    """Tests that all SRAM is free."""
    around = around_of(all_gather())
    assert around.chips.weight_bytes.tolist() == [0, 0, 0]
    assert around.chips.hac_depth.tolist() == [1, 0, 1]
