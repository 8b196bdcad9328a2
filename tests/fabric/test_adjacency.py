"""Tests of which chips are joined."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from lpxsched.fabric.adjacency import adjacency
from lpxsched.fabric.profile import load_fabric
from tests.fabric.examples import fabric_of


def test_bundles_between_chips_without_hosts() -> None:
    """Tests chips 0 and 1 and host 2: two lanes one way, one the other, and none of the host's."""
    fabric = fabric_of([(0, 1), (0, 1), (1, 0), (0, 2), (2, 1)], grid=(1, 2), hosts=1)
    joined = adjacency(replace(fabric, lane=np.array([0, 1, 0, 0, 0])))
    assert joined.chips == 2
    assert (joined.source.tolist(), joined.destination.tolist()) == ([0, 1], [1, 0])
    assert (joined.lanes.tolist(), joined.kind.tolist(), joined.offsets.tolist()) == ([2, 1], [0, 0], [0, 1, 2])


def test_a_neighbour_through_two_classes_counts_once() -> None:
    """Tests a chip with two bundles to its only neighbour."""
    fabric = replace(fabric_of([(0, 1), (0, 1)], grid=(1, 3)), link_class=np.array([0, 1]))
    fabric = replace(fabric, link_classes=fabric.link_classes * 2)
    joined = adjacency(fabric)
    assert joined.kind.tolist() == [0, 1]
    assert [joined.neighbours(chip).tolist() for chip in range(3)] == [[1], [], []]


def test_the_bundles_reversed() -> None:
    """Tests that 0 -> 2 and 1 -> 0 become 0 -> 1 and 2 -> 0, sorted again."""
    joined = adjacency(fabric_of([(0, 2), (1, 0)], grid=(1, 3))).reversed()
    assert (joined.source.tolist(), joined.destination.tolist()) == ([0, 2], [1, 0])
    assert joined.offsets.tolist() == [0, 1, 1, 2]


def test_a_part_is_numbered_in_the_order_given() -> None:
    """Tests chips 3, 0, 1 of a ring of four: 3 - 0 becomes 0 - 1, 0 - 1 becomes 1 - 2, chip 2 is left out."""
    ring = fabric_of([(a, (a + step) % 4) for a in range(4) for step in (1, 3)], grid=(1, 4))
    joined = adjacency(ring, [3, 0, 1])
    pairs = list(zip(joined.source.tolist(), joined.destination.tolist(), strict=True))
    assert (joined.chips, pairs) == (3, [(0, 1), (1, 0), (1, 2), (2, 1)])


def test_what_is_down_joins_nothing() -> None:
    """Tests a link that is down, and the links of a chip that is."""
    ring = fabric_of([(0, 1), (1, 2), (2, 3), (3, 0)], grid=(1, 4))
    link_down = replace(ring, link_down=np.array([True, False, False, False]))
    chip_down = replace(ring, node_down=np.array([False, False, True, False]))
    assert adjacency(link_down).source.tolist() == [1, 2, 3]
    assert adjacency(chip_down).source.tolist() == [0, 3]


def test_a_fabric_without_links() -> None:
    """Tests the empty case."""
    joined = adjacency(fabric_of([], grid=(1, 2)))
    assert (joined.chips, joined.offsets.tolist()) == (2, [0, 0, 0])
    assert joined.neighbours(1).tolist() == []


def test_the_neighbours_of_a_chip_of_a_rack() -> None:
    """Tests chip 17 = 1.1: 15 chips of its tray, and position 1 of 15 other trays."""
    joined = adjacency(load_fabric("lpx-rack"))
    expected = {*range(16, 32), *range(1, 256, 16)} - {17}
    assert joined.neighbours(17).tolist() == sorted(expected)
