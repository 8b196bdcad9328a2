"""Tests of the tables of chips, links, segments, frames and deskews.

Of layers on the TSP node and its published numbers, then of collectives, which have one segment.
"""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from math import ceil
from typing import TYPE_CHECKING

import numpy as np
import pytest

from lpxsched.clocks.specification import load_clock
from lpxsched.clocks.tree import alignment_tree
from tests.timetable.collectives import all_gather, all_reduce, around_of, line, relayed_all_reduce
from tests.timetable.small import compiled

if TYPE_CHECKING:
    from pathlib import Path

    from lpxsched.timetable.build import Build

PERFECT = load_clock("none")


def test_chips_come_first_then_the_host(small_build: Build) -> None:
    """Tests eight chips and one host, with the chip's published numbers on chips and none on the host."""
    chips = small_build.chips
    assert chips.position.tolist() == [*map(str, range(8)), "host 0"]
    assert chips.host.tolist() == [False] * 8 + [True]
    # 80000 bytes and 375000, 94000 multiply-accumulates a ns at 0.9 GHz, rounded down.
    expected = {
        "sram_bytes": 230686720,
        "sram_bytes_per_cycle": 88888,
        "matrix_fp8_macs_per_cycle": 416666,
        "matrix_bf16_macs_per_cycle": 104444,
        "vector_operations_per_cycle": 5120,
        "sum_cycles_in_hop": 1,
        "turnaround_cycles": 0,
    }
    for name, value in expected.items():
        assert getattr(chips, name).tolist() == [value] * 8 + [0], name
    # 11 links to chips and one to the host; nothing else is limited.
    assert chips.ports[:8].tolist() == [12] * 8
    for name in ("inject_per_cycle", "eject_per_cycle"):
        assert getattr(chips, name).tolist() == [-1] * 9
    assert not chips.down.any()


def test_all_hang_from_the_first_chip(small_build: Build) -> None:
    """Tests the tree of counters of a full mesh: every other chip one level below chip 0, the host in no tree."""
    assert small_build.chips.hac_parent.tolist() == [0] * 8 + [-1]
    assert small_build.chips.hac_depth.tolist() == [0] + [1] * 7 + [-1]


def test_weight_bytes_are_those_of_the_tensors(small_build: Build) -> None:
    """Tests each chip's sum over the tensors without producer: 640 x 4 and 4 x 3 x 640 x 80 elements of 2 bytes."""
    tensors = small_build.tensors
    held = tensors.producer < 0
    summed = np.bincount(tensors.chip[held], weights=tensors.bytes[held], minlength=9).astype(int)
    assert small_build.chips.weight_bytes.tolist() == summed.tolist() == [2 * (2560 + 614400)] * 8 + [0]


def test_every_link_of_the_fabric_is_there(small_build: Build) -> None:
    """Tests 28 cables and 8 interfaces to the host, both ways, with the times that follow from published hops."""
    links = small_build.links
    assert sorted(zip(links.link_class.tolist(), links.src.tolist(), links.dst.tolist(), strict=True)) == sorted(
        [("local", a, b) for a in range(8) for b in range(8) if a != b]
        + [("host", a, 8) for a in range(8)]
        + [("host", 8, a) for a in range(8)]
    )
    for name, gbps, hop_ns in (("local", 100, 722), ("host", 252, 1000)):
        mine = links.link_class == name
        v = Fraction(328 * 8, gbps) * Fraction(9, 10)
        assert set(links.vector_time_numerator[mine].tolist()) == {v.numerator}
        assert set(links.vector_time_denominator[mine].tolist()) == {v.denominator}
        assert set(links.latency_cycles[mine].tolist()) == {ceil(hop_ns * Fraction(9, 10)) - ceil(v)}
    assert not links.down.any()


def test_only_links_inside_a_segment_have_a_guard(small_build: Build) -> None:
    """Tests that links between chips 0-3 and 4-7, which no segment uses, have none.

    At 900 MHz a residual is 9.54 cycles, and 200 ppm of 4032 cycles are 0.81. Jitter and crossing lie in the hop, so
    two levels between chips make 19.89, one from the host 10.35. To the host nothing is scheduled to be read.
    """
    links = small_build.links
    crossing = (links.src != 8) & (links.dst != 8) & (links.src // 4 != links.dst // 4)
    assert crossing.sum() == 2 * 16
    assert (links.guard_cycles[crossing] == -1).all()
    assert set(links.guard_cycles[~crossing & (links.link_class == "local")].tolist()) == {20}
    assert set(links.guard_cycles[links.src == 8].tolist()) == {11}
    assert set(links.guard_cycles[links.dst == 8].tolist()) == {0}


def test_segments_are_the_layers(small_build: Build) -> None:
    """Tests frame, makespan and deadline of both segments.

    Waiting: an epoch of 252 cycles, and a start-up of one level of floor(217 / 252) + 1 = 1 epoch.
    """
    segments, operators = small_build.segments, small_build.operators
    assert (segments.frame.tolist(), segments.phase_cycles.tolist()) == ([0, 1], [0, 0])
    assert segments.waiting_cycles.tolist() == [504, 504]
    for segment in range(2):
        assert segments.makespan_cycles[segment] == operators.start[operators.segment == segment].max()
    assert (segments.lower_bound_cycles <= segments.makespan_cycles).all()
    assert segments.deadline_cycles.tolist() == [-1, -1]


def test_each_segment_is_a_frame_of_its_own(small_build: Build) -> None:
    """Tests two frames on demand in the time domain of chip 0, from which all hang."""
    frames = small_build.frames
    assert (frames.frame.tolist(), frames.time_domain.tolist()) == ([0, 1], [0, 0])
    for column in (frames.period_cycles, frames.windows, frames.lower_bound_cycles):
        assert column.tolist() == [0, 0]
    assert [gaps.tolist() for gaps in frames.gaps] == [[], []]


def test_each_segment_opens_with_its_deskew(small_build: Build) -> None:
    """Tests that it is at cycle 0, and that nothing leaves or runs before it has ended."""
    deskews = small_build.deskews
    assert (deskews.frame.tolist(), deskews.cycle.tolist()) == ([0, 1], [0, 0])
    assert deskews.every_periods.tolist() == [0, 0]
    stall = deskews.stall[0]
    assert stall > 0
    assert small_build.slots.depart.min() >= stall
    assert small_build.operators.start.min() >= stall


@pytest.mark.parametrize("clock", ["none", "common", "xo-100ppm"])
def test_a_worse_clock_needs_a_larger_guard(tmp_path: Path, clock: str) -> None:
    """Tests no guard and no stall on clocks without drift and residual, since jitter and crossing lie in the hop.

    Others: 2 x 9.54 + 0.81 cycles for guard and stall alike.
    """
    build = compiled(tmp_path, clock=clock)
    guard, stall = int(build.links.guard_cycles.max()), int(build.deskews.stall.max())
    assert (guard, stall) == ((20, 20) if clock == "xo-100ppm" else (0, 0))


def test_chips_that_poll_wait_for_one_pass(tmp_path: Path) -> None:
    """Tests eight chips of LPX trays with one host each, which all chips have a lane from: two epochs.

    Flags leave at 44, after the deskew, and are read at 429; two vectors of 26.24 cycles behind each at 456 and 482.24.
    """
    build = compiled(tmp_path, topology="lpx-rack", chips=[list(range(8)), list(range(16, 24))])
    assert build.segments.waiting_cycles.tolist() == [504, 504]


def test_every_rack_has_the_guard_of_the_first(tmp_path: Path) -> None:
    """Tests a tray of rack 0 and one of rack 4: two levels, 21.2 + 0.8 + 23.2 cycles, in both."""
    build = compiled(tmp_path, topology="lpx-9-racks", chips=[list(range(16, 32)), list(range(1040, 1056))])
    links = build.links
    tray = links.link_class == "tray"
    assert set(links.guard_cycles[tray & (links.src < 256)].tolist()) == {-1, 46}
    assert set(links.guard_cycles[tray & (links.src >= 1024)].tolist()) == {-1, 46}


def test_a_collective_runs_on_demand() -> None:
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


def test_a_collective_opens_with_its_deskew() -> None:
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


def test_chips_of_a_collective_hold_no_weights() -> None:
    """Tests that all SRAM is free."""
    around = around_of(all_gather())
    assert around.chips.weight_bytes.tolist() == [0, 0, 0]
    assert around.chips.hac_depth.tolist() == [1, 0, 1]
