"""R1 link."""

from __future__ import annotations

import pytest

from lpxsched.verify.links import link_violations
from tests.builds import two_chip_build
from tests.verify.changes import (
    breaks,
    change,
    changed,
    messages,
    reports,
    rules,
    with_graph,
    with_rows,
    without,
)
from tests.verify.doubled import two_segment_build


def test_slots_that_share_a_link_in_time_are_found() -> None:
    """Tests that two slots on one link overlap when the second departs within ceil(n v) cycles."""
    # v = 5/2, so one vector holds the link for 3 cycles: [24, 27).
    one = without(two_chip_build(), "slots", 0)
    split = with_rows(one, "slots", (0, 0, 1, 0, 24, 42), (0, 1, 1, 0, 26, 44))
    assert breaks(split, "R1", "link 0 is held during [24, 27) and taken again at 26")


def test_slots_that_touch_do_not_overlap() -> None:
    """Tests that a slot may depart in the cycle in which the one before it sets the link free."""
    one = without(two_chip_build(), "slots", 0)
    split = with_rows(one, "slots", (0, 0, 1, 0, 23, 41), (0, 1, 1, 0, 26, 44))
    assert not rules(split)


def test_the_time_on_a_link_is_rounded_up_over_the_whole_slot() -> None:
    """Tests that two vectors of 5/2 cycles hold a link for 5 cycles, not for twice 3."""
    # Slot 0 holds link 0 during [23, 28); the other tensor may follow at once, though nothing uses it there.
    follows = with_rows(two_chip_build(), "slots", (4, 0, 2, 0, 28, 46))
    assert not reports(follows, "R1", "is held during")


@pytest.mark.parametrize(
    ("table", "row", "text"),
    [
        ("links", 0, "on link 0 (0 -> 1), which is down"),
        ("chips", 1, "on link 0 (0 -> 1), an end of which is down"),
        ("chips", 2, "on link 4 (2 -> 0), an end of which is down"),
    ],
)
def test_a_slot_on_a_link_that_is_down_is_found(table: str, row: int, text: str) -> None:
    """Tests that neither a link nor one of its ends may be out of service."""
    assert reports(changed(table, row, down=True), "R1", text)


@pytest.mark.parametrize(
    ("cells", "text"),
    [
        ({"link": 6}, "link is 6, must be 0 to 5"),
        ({"link": -1}, "link is -1, must be 0 to 5"),
        ({"tensor": 14}, "tensor is 14, must be 0 to 13"),
        ({"first_vector": -1}, "first_vector is -1"),
        ({"vectors": 0}, "vectors is 0"),
        ({"vectors": 3}, "vectors 0 to 2 of tensor 0, which has only 2"),
        ({"first_vector": 1}, "vectors 1 to 2 of tensor 0, which has only 2"),
    ],
)
def test_a_slot_of_what_does_not_exist_is_found(cells: dict[str, int], text: str) -> None:
    """Tests that link, tensor and vectors of a slot are there."""
    assert breaks(changed("slots", 0, **cells), "R1", text)


def test_a_slot_that_leaves_from_where_nothing_is_is_found() -> None:
    """Tests that a chip sends only what it produced or what slots delivered to it."""
    build = without(two_chip_build(), "slots", 6)
    text = "takes vectors 0 to 1 of tensor 0 from chip 0, where not all of them were produced or delivered"
    assert reports(build, "R1", text)


def test_a_slot_of_which_one_vector_is_not_there_is_found() -> None:
    """Tests that it is looked at each vector of a slot."""
    assert reports(changed("slots", 6, vectors=1), "R1", "link 0 takes vectors 0 to 1 of tensor 0 from chip 0")


def test_weights_do_not_travel() -> None:
    """Tests that a tensor that no operator produced is nowhere for a slot to take."""
    build = with_rows(two_chip_build(), "slots", (10, 0, 1, 0, 60, 78))
    assert reports(build, "R1", "takes vectors 0 to 0 of tensor 10 from chip 0")


def test_segments_may_share_a_host() -> None:
    """Tests that two segments with a common host and links of their own are valid."""
    assert not rules(two_segment_build())


def test_a_link_with_slots_of_two_segments_is_found() -> None:
    """Tests that segments share no link, whatever the cycles."""
    # Slot 8 is the first of segment 1; link 0 joins chips of segment 0.
    build = change(two_segment_build(), "slots", 8, link=0, depart=300, read=318)
    assert reports(build, "R1", "link 0 carries slots of segments 0 and 1; segments that share a link are of one frame")


def test_a_slot_that_leaves_its_segment_is_found() -> None:
    """Tests that both ends of a slot's link belong to its segment."""
    # Link 10 leads from the shared host to chip 2 of segment 1; tensor 0 is of segment 0.
    build = with_rows(two_segment_build(), "slots", (0, 0, 2, 10, 300, 318))
    assert reports(build, "R1", "a slot of segment 0 goes to chip 2 on link 10; that node is no chip, relay or host")
    # Link 6 leaves chip 2.
    away = with_rows(two_segment_build(), "slots", (0, 0, 2, 6, 300, 318))
    assert reports(away, "R1", "a slot of segment 0 leaves chip 2 on link 6")


def _groups(*chips: list[int], hosts: int = 2) -> list[dict[str, object]]:
    return [{"group": index, "chips": part, "hosts": [4] * hosts} for index, part in enumerate(chips)]


@pytest.mark.parametrize(
    ("groups", "text"),
    [
        (_groups([0, 1], [1, 3]), "chip 1 is in frames 0 and 1; segments that share a chip are of one frame"),
        (_groups([0, 1], [3, 3]), "group 1 lists node 3 more than once"),
        (_groups([0, 1], [2, 4]), "group 1 names node 4, no chip"),
        (_groups([0, 1], [2, 9]), "group 1 names node 9, no chip"),
        (_groups([0, 1], [2, 3], hosts=1), "group 0 has 2 chips and 1 hosts of them"),
        (_groups([0, 1], []), "group 1 has 0 chips and 2 hosts of them"),
        (_groups([0, 1], [2, 3])[1:] * 2, "groups are [1, 1], must count from 0"),
    ],
)
def test_a_partition_that_contradicts_itself_is_found(groups: list[dict[str, object]], text: str) -> None:
    """Tests that a group lists each chip once and a host for each, and that frames share none."""
    build = with_graph(two_segment_build(), groups=groups)
    assert any(text in message for message in messages(build, "R1"))


def test_a_segment_that_the_graph_does_not_name_is_found() -> None:
    """Tests that graph.json lists the segments of segments.parquet."""
    build = with_graph(two_segment_build(), segments=[{"segment": 0, "layers": [0, 1]}])
    assert any("segments are [0], segments.parquet has 2 of them" in message for message in messages(build, "R1"))


def test_a_graph_without_operators_is_found() -> None:
    """Tests that nothing is reckoned from a graph that names no operator of twelve rows."""
    build = with_graph(two_chip_build(), operators=[])
    assert breaks(build, "R4", "graph.json: no operators, operators.parquet has 12 of them")


def test_the_rule_itself_finds_nothing_in_a_valid_build() -> None:
    """Tests that the function of the rule can be called alone."""
    assert link_violations(two_chip_build()) == []


def test_a_host_passes_nothing_on() -> None:
    """Tests vectors that go from chip 0 to the host and from there to chip 1: nobody knows when they are there."""
    build = without(two_chip_build(), "slots", 0)
    # Tensor 6 was made by chip 0. It is at the host at 80 + 15, and goes on in that cycle over link 5.
    by_host = with_rows(build, "slots", (6, 2, 2, 1, 80, 95), (6, 2, 2, 5, 95, 113))
    text = "link 5 takes vectors 2 to 3 of tensor 6 from host 0, where not all of them were produced"
    assert reports(by_host, "R1", f"{text}; a host passes nothing on")
