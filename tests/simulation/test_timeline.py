"""Tests of how a build becomes flat columns."""

from __future__ import annotations

from dataclasses import replace

import pytest

from lpxsched.errors import InputError
from lpxsched.simulation.alignment import read_alignment
from lpxsched.timetable.columns import Deskews
from tests.builds import ints, two_chip_build
from tests.simulation.examples import clock, deskewed_in_flight, one_slot, timeline_of


def test_oscillators_are_shared_by_tray_or_rack() -> None:
    """Tests chips 0.0 and 0.1 of one tray, whose host's lanes have none in common with them."""
    build = two_chip_build()
    assert [read_alignment(build, shared).oscillator.tolist() for shared in ("chip", "tray", "rack")] == [
        [0, 1, 2, 3, 4],
        [0, 0, 2, 3, 4],
        [0, 0, 2, 3, 4],
    ]


def test_links_of_a_class_have_a_place_of_their_own() -> None:
    """Tests that the links between the chips, of class tray, are told from those of the host."""
    timeline = timeline_of(two_chip_build(), clock(jitter_by_class_ns={"tray": 2}))
    assert timeline.delay.tolist() == [1, 1, 1, 1, 0, 0]


def test_times_count_from_the_end_of_the_deskew() -> None:
    """Tests that departure and read count from cycle 2, where the deskew [0, 2) ends."""
    timeline = timeline_of(one_slot(two_chip_build(), 1))
    # Link 0: depart 80, read 98, two vectors of 5/2 cycles.
    assert timeline.depart_cycles.tolist() == [[78], [78]]
    assert timeline.sent_cycles.tolist() == [[80.5], [83.0]]
    assert timeline.due_cycles.tolist() == [[96.0], [98.5]]


def test_levels_are_tree_edges_between_the_ends() -> None:
    """Tests chips 0 and 1, and the lanes of the host, nodes 3 and 4, each one edge from the chip that it follows."""
    timeline = timeline_of(two_chip_build())
    # Rows on links 0 0 2 2 4 5; links 1 and 3 lead to the host.
    assert timeline.src.tolist() == [0, 0, 1, 1, 3, 4]
    assert timeline.dst.tolist() == [1, 1, 0, 0, 0, 1]
    assert timeline.levels[0].tolist() == [1] * 6


def test_slots_to_hosts_are_not_judged() -> None:
    """Tests that what leads to the host has no scheduled read, and that there must be something else."""
    assert set(timeline_of(two_chip_build()).link.tolist()) == {0, 2, 4, 5}
    with pytest.raises(InputError, match="has no slot to a chip"):
        timeline_of(one_slot(two_chip_build(), 2))


def test_chips_in_no_tree_agree() -> None:
    """Tests a build for clocks that need no alignment: no levels, and the lanes of its host are in no tree either."""
    build = two_chip_build()
    build = replace(build, chips=replace(build.chips, hac_parent=ints(-1, -1, -1), hac_depth=ints(-1, -1, -1)))
    assert timeline_of(build).levels.max() == 0
    assert read_alignment(build).root.tolist() == [0, 1, 2, 3, 4]


def test_a_slot_in_flight_across_a_deskew_keeps_both_of_them() -> None:
    """Tests that a slot sent before a deskew and read after it counts each end from its own."""
    timeline = timeline_of(one_slot(deskewed_in_flight(), 1))
    # Depart 80 after the deskew that ends at 2, read 98 after the one that ends at 90.
    assert timeline.depart_cycles[:, 0].tolist() == [78, 78]
    assert timeline.read_cycles[:, 0].tolist() == [8, 8]
    assert timeline.apart_cycles[:, 0].tolist() == [88, 88]


def test_two_deskews_share_no_alignment_errors() -> None:
    """Tests that across a deskew the residuals of both ends up to the root count."""
    build = one_slot(deskewed_in_flight(), 1)
    # Node 0 is the root and node 1 at depth 1; below node 2 they are at depths 1 and 2.
    chips = replace(build.chips, hac_parent=ints(2, 0, 2), hac_depth=ints(1, 2, 0))
    assert timeline_of(build).levels[0].tolist() == [1]
    assert timeline_of(replace(build, chips=chips)).levels[0].tolist() == [3]


def test_a_time_at_the_end_of_a_deskew_belongs_to_it() -> None:
    """Tests that cycle 90 lies after the deskew [86, 90) and cycle 89 before its end."""
    alignment = read_alignment(deskewed_in_flight())
    assert alignment.deskew_before(ints(0, 0), ints(89, 90)).tolist() == [0, 1]


def test_deskews_may_stand_in_any_order() -> None:
    """Tests that the order of rows in deskews.parquet does not matter."""
    build = replace(two_chip_build(), deskews=Deskews(ints(0, 0), ints(86, 0), ints(4, 2), ints(0, 0)))
    assert read_alignment(build).end_cycle.tolist() == [2, 90]


def test_a_segment_must_open_with_a_deskew() -> None:
    """Tests that a segment whose first deskew comes later is refused."""
    build = replace(two_chip_build(), deskews=Deskews(ints(0), ints(5), ints(2), ints(0)))
    with pytest.raises(InputError, match="segment 0 has no deskew at cycle 0"):
        read_alignment(build)


def test_a_link_between_two_trees_is_refused() -> None:
    """Tests that the ends of a link must have a common ancestor, or nothing bounds their difference."""
    build = two_chip_build()
    chips = replace(build.chips, hac_parent=ints(0, 1, -1), hac_depth=ints(0, 0, -1))
    with pytest.raises(InputError, match="different roots"):
        timeline_of(replace(build, chips=chips))


def test_an_empty_timetable_is_refused() -> None:
    """Tests that a build without slots is told apart from one whose slots are all in time."""
    build = two_chip_build()
    nothing = {name: ints() for name in build.slots.__slots__}
    with pytest.raises(InputError, match="has no slot"):
        timeline_of(replace(build, slots=replace(build.slots, **nothing)))


def test_a_slot_of_weights_is_refused() -> None:
    """Tests that a slot must carry what an operator produced, since that tells its segment."""
    build = one_slot(two_chip_build(), 0)
    slots = replace(build.slots, tensor=ints(10))
    with pytest.raises(InputError, match="row 0 carries a tensor that no operator produced"):
        timeline_of(replace(build, slots=slots))
