"""Tests of the busy time of groups of links."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lpxsched.report.figures.lanes_in_use import lanes_in_use
from lpxsched.report.utilisation import trays, utilisation
from tests.builds import MAKESPAN_CYCLES, ints, two_chip_build
from tests.report.builds import repeated_build
from tests.timetable.small import compiled
from tests.verify.test_frames import phased

if TYPE_CHECKING:
    from pathlib import Path

    from lpxsched.timetable.build import Build


def direct_count(build: Build, link_class: str, first: Fraction, last: Fraction) -> Fraction:
    """Return the busy cycles of a class in an interval of a build of one segment, slot by slot."""
    busy = Fraction(0)
    slots, links = build.slots, build.links
    for depart, vectors, link in zip(slots.depart, slots.vectors, slots.link, strict=True):
        v = Fraction(int(links.vector_time_numerator[link]), int(links.vector_time_denominator[link]))
        overlap = min(last, int(depart) + int(vectors) * v) - max(first, Fraction(int(depart)))
        busy += max(overlap, Fraction(0)) if links.link_class[link] == link_class else 0
    return busy


def assert_counts_agree(build: Build, bins: int) -> None:
    """Compare every group and bin with the direct count."""
    busy = utilisation(build, bins=bins)
    edges = busy.edges_cycles
    for row, group in enumerate(busy.groups):
        for column in range(bins):
            expected = direct_count(build, group.link_class, edges[column], edges[column + 1])
            assert Fraction(int(busy.busy_ticks[row, column]), busy.ticks_per_cycle) == expected


def test_busy_time_of_each_half_cycle() -> None:
    """Tests that bins of half a cycle are busy exactly when a loop over slots and half cycles says so."""
    build = two_chip_build()
    bins = 2 * MAKESPAN_CYCLES
    busy = utilisation(build, bins=bins)
    names = [group.name for group in busy.groups]
    for moment in range(bins):
        lanes = {"tray": 0, "host": 0}
        # v = 5/2, so that two vectors hold their link for 10 half cycles.
        for depart, link in zip(build.slots.depart.tolist(), build.slots.link.tolist(), strict=True):
            lanes[str(build.links.link_class[link])] += 2 * depart <= moment < 2 * depart + 10
        for row, name in enumerate(names):
            assert 2 * busy.busy_ticks[row, moment] == lanes[name] * busy.ticks_per_cycle


@pytest.mark.parametrize("bins", [1, 3, 7, 16, 200])
def test_bins_agree_with_a_direct_count(bins: int) -> None:
    """Tests that bins whose edges are no whole cycles hold what a count slot by slot gives."""
    assert_counts_agree(two_chip_build(), bins)


def test_shares_of_the_two_chip_build() -> None:
    """Tests the shares of both classes against the numbers worked out by hand."""
    busy = utilisation(two_chip_build(), bins=8)
    tray, host = busy.groups
    assert (tray.name, tray.links, tray.used_links, tray.vectors) == ("tray", 2, 2, 8)
    assert (host.name, host.links, host.used_links, host.vectors) == ("host", 4, 4, 8)
    # 8 vectors x 5/2 = 20 cycles of 2 x 128, and of 4 x 128
    assert busy.busy_cycles(0) == busy.busy_cycles(1) == 20
    assert busy.share(0) == busy.running_share(0) == 20 / 256
    assert busy.share(1) == busy.running_share(1) == 20 / 512
    assert busy.running_bin_shares().mean() == pytest.approx((20 / 256 + 20 / 512) / 2)


def test_running_share_counts_the_links_of_the_running_layer_only() -> None:
    """Tests that of 3 layers one runs at a time, so that a third of the share is left of the token."""
    busy = utilisation(repeated_build(3), bins=12)
    assert busy.last_cycle == 3 * MAKESPAN_CYCLES
    assert busy.running_share(0) == 20 / 256
    assert busy.share(0) == pytest.approx(20 / 256 / 3)
    assert busy.busy_cycles(0) == 60


def test_layers_stand_end_to_end() -> None:
    """Tests that the bins of the second layer repeat those of the first, each layer with its own zero."""
    busy = utilisation(repeated_build(2), bins=32)
    assert np.array_equal(busy.busy_ticks[:, :16], busy.busy_ticks[:, 16:])


def test_layers_that_share_chips_use_the_same_links_each_in_its_turn(tmp_path: Path) -> None:
    """Tests two equal layers on the same two chips: both halves of the time are alike, and the links run in both."""
    build = compiled(tmp_path, num_hidden_layers=2, chips=[[0, 1], [0, 1]])
    found = utilisation(build, bins=2)
    used = found.busy_ticks.sum(axis=1) > 0
    assert used.any()
    assert np.array_equal(found.busy_ticks[:, 0], found.busy_ticks[:, 1])
    assert np.array_equal(found.running_ticks[:, 0], found.running_ticks[:, 1])
    assert (found.running_ticks[used] > 0).all()
    first, second = (lanes_in_use(build, segment, 0) for segment in (0, 1))
    assert [row.vectors for row in first] == [row.vectors for row in second] != []


def test_a_window_is_a_part_of_the_whole() -> None:
    """Tests that the window of the second of three layers has what the whole has there."""
    build = repeated_build(3)
    part = utilisation(build, bins=16, window=(MAKESPAN_CYCLES, 2 * MAKESPAN_CYCLES))
    whole = utilisation(build, bins=48)
    assert (part.first_cycle, part.last_cycle) == (128, 256)
    assert np.array_equal(part.busy_ticks / part.ticks_per_cycle, whole.busy_ticks[:, 16:32] / whole.ticks_per_cycle)


def test_links_of_each_tray_are_told_apart() -> None:
    """Tests that four segments in two trays give two groups of tray links; two layers run in each."""
    busy = utilisation(repeated_build(4), bins=4, by="tray")
    assert [group.name for group in busy.groups] == ["tray 0", "tray 1", "host"]
    assert [group.links for group in busy.groups] == [4, 4, 16]
    # Bins are layers here: tray 1 has no running link during the first two.
    assert np.isnan(busy.running_bin_shares()[1, :2]).all()
    assert busy.running_bin_shares()[1, 2:].tolist() == [20 / 256, 20 / 256]


def test_one_tray_is_not_split() -> None:
    """Tests that a fabric of one tray has one group a class."""
    assert len(utilisation(two_chip_build(), bins=1, by="tray").groups) == 2


def test_links_out_of_service_do_not_count() -> None:
    """Tests that a link that is down leaves the denominators."""
    build = two_chip_build()
    slots = replace(build.slots, link=ints(0, 0, 1, 0, 0, 3, 4, 5))
    links = replace(build.links, down=build.links.link == 2)
    busy = utilisation(replace(build, slots=slots, links=links), bins=1)
    assert busy.groups[0].links == 1
    assert busy.running_share(0) == busy.share(0) == 20 / 128


def test_sums_beyond_64_bits_stay_exact() -> None:
    """Tests that rates with large denominators do not overflow."""
    build = two_chip_build()
    denominators = ints(*(10**9 + prime for prime in (7, 9, 21, 33, 87, 93)))
    busy = utilisation(replace(build, links=replace(build.links, vector_time_denominator=denominators)), bins=3)
    # 4 vectors on each of links 0 and 2
    assert busy.busy_cycles(0) == 4 * Fraction(5, 10**9 + 7) + 4 * Fraction(5, 10**9 + 21)


@pytest.mark.parametrize(("position", "tray"), [("7", ""), ("3.1", "3"), ("0.3.5", "0.3")])
def test_trays_come_from_positions(position: str, tray: str) -> None:
    """Tests that 3.1 is in tray 3 and 0.3.5 in tray 3 of rack 0; chip 7 without trays and hosts are in none."""
    build = two_chip_build()
    chips = replace(build.chips, position=np.array([position, "0.0", "host 0"]))
    assert trays(replace(build, chips=chips)) == [tray, "0", ""]


def test_trays_of_several_racks_are_told_apart() -> None:
    """Tests that four trays, two in each of two racks, give four groups of tray links in the order of the chips."""
    build = repeated_build(4)
    position = build.chips.position.astype("U6")
    on_chips = np.flatnonzero(~build.chips.host)
    position[on_chips] = [f"{row // 4}.{9 + row // 2 % 2}.{row % 2}" for row in range(len(on_chips))]
    busy = utilisation(replace(build, chips=replace(build.chips, position=position)), bins=4, by="tray")
    assert [group.name for group in busy.groups] == ["tray 0.9", "tray 0.10", "tray 1.9", "tray 1.10", "host"]
    assert [group.links for group in busy.groups] == [2, 2, 2, 2, 16]


slot_times = st.lists(
    st.tuples(st.integers(0, 7), st.integers(0, 5), st.integers(1, 9), st.integers(0, 140)), max_size=12
)
rates = st.lists(st.tuples(st.integers(1, 40), st.integers(1, 12)), min_size=6, max_size=6)


@given(rows=slot_times, rates=rates, bins=st.integers(1, 20))
def test_random_slots_agree_with_a_direct_count(
    rows: list[tuple[int, int, int, int]], rates: list[tuple[int, int]], bins: int
) -> None:
    """Tests that any slots, overlapping ones and ones beyond the makespan too, are counted exactly."""
    build = two_chip_build()
    tensor, link, vectors, depart = (ints(*(row[column] for row in rows)) for column in range(4))
    zeros = np.zeros(len(rows), dtype=np.int64)
    slots = replace(
        build.slots, tensor=tensor, first_vector=zeros, vectors=vectors, link=link, depart=depart, read=zeros
    )
    numerator, denominator = (ints(*(rate[column] for rate in rates)) for column in range(2))
    links = replace(build.links, vector_time_numerator=numerator, vector_time_denominator=denominator)
    assert_counts_agree(replace(build, slots=slots, links=links), bins)


def test_segments_of_a_frame_are_folded_at_their_phases() -> None:
    """Tests two layers every 200 cycles, 100 apart: tray links are held from 23, 80, 123 and 180 on, 5 cycles each."""
    use = utilisation(phased(200, 100), bins=4)
    tray = next(row for row, group in enumerate(use.groups) if group.name == "tray")
    assert use.last_cycle == 200
    # Two links, one a direction, do the same.
    assert [Fraction(int(busy), use.ticks_per_cycle) for busy in use.busy_ticks[tray]] == [10, 10, 10, 10]
    third = utilisation(phased(200, 34), bins=4)
    # [57, 62) and [114, 119) of the second layer.
    assert [Fraction(int(busy), third.ticks_per_cycle) for busy in third.busy_ticks[tray]] == [10, 20, 10, 0]
