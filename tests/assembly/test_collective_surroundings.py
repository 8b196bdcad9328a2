"""Tests of where a collective runs: its one segment, its deskew, and the guards of its links."""

from __future__ import annotations

from dataclasses import replace

from lpxsched.clocks.specification import load_clock
from lpxsched.clocks.tree import alignment_tree
from tests.timetable.collectives import all_gather, all_reduce, around_of, line, relayed_all_reduce

PERFECT = load_clock("none")


def test_the_segment_has_those_that_take_part_in_the_order_of_shards() -> None:
    """Tests chips 2 and 1, makespan and bound of the schedule, and no deadline."""
    segments = around_of(all_reduce()).segments
    assert [chips.tolist() for chips in segments.chips] == [[2, 1]]
    columns = ("segment", "makespan_cycles", "lower_bound_cycles", "deadline_cycles")
    assert [getattr(segments, column).tolist() for column in columns] == [[0], [128], [128], [-1]]


def test_a_relay_is_no_chip_of_the_segment() -> None:
    """Tests chips 0 and 2 with chip 1 between them."""
    segments = around_of(relayed_all_reduce()).segments
    assert [chips.tolist() for chips in segments.chips] == [[0, 2]]


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
        stalled = replace(all_gather(), stall_cycles=stall)
        deskews = around_of(stalled).deskews
        assert (deskews.segment.tolist(), deskews.cycle.tolist(), deskews.stall.tolist()) == ([0], [0], [stall])


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
