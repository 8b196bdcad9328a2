"""Tests of a fabric's columns and views."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given

from lpxsched.fabric.profile import load_fabric
from tests.fabric.examples import connected_fabrics, fabric_of

if TYPE_CHECKING:
    from lpxsched.fabric.fabric import Fabric


def test_positions_name_tray_and_place() -> None:
    """Tests that chip 5 of a grid of 2 x 4 is tray 1, position 1, and that hosts count from 0."""
    fabric = fabric_of([], grid=(2, 4), hosts=2)
    assert [fabric.position(node) for node in (0, 3, 5, 8, 9)] == ["0.0", "0.3", "1.1", "host 0", "host 1"]


def test_chips_of_one_coordinate_are_named_as_in_their_file() -> None:
    """Tests that chip 5 of a ring is 5, and not place 5 of row 0."""
    fabric = load_fabric("ring-8")
    assert [fabric.position(chip) for chip in (0, 5)] == ["0", "5"]


def test_positions_of_more_than_two_coordinates() -> None:
    """Tests chip 256 + 16 + 2 of two racks: rack 1, tray 1, position 2; host 3 of rack 0 is node 512 + 3."""
    fabric = load_fabric("lpx-2-racks")
    assert (fabric.position(274), fabric.position(515)) == ("1.1.2", "host 3")
    assert fabric.grid == (32, 16)


def test_what_is_down_is_in_no_bundle() -> None:
    """Tests one of two lanes, and the links of a host."""
    fabric = fabric_of([(0, 1), (0, 1), (1, 0), (0, 2), (2, 0)], grid=(1, 2), hosts=1)
    down = replace(fabric, link_down=np.array([False, True, False, False, False]), node_down=np.array([0, 0, 1]) > 0)
    assert {key: links.tolist() for key, links in down.bundle_links().items()} == {(0, 1, 0): [0], (1, 0, 0): [3]}
    assert down.link_up.tolist() == [True, False, False, True, False]
    assert (fabric.host_of_chip(), down.host_of_chip()) == ({0: 2}, {})


def test_a_bundle_is_the_links_of_equal_ends_and_class() -> None:
    """Tests that the lanes of each pair of chips stand together, as indices of links."""
    fabric = load_fabric("lpx-rack")
    bundles = fabric.bundle_links()
    assert sum(map(len, bundles.values())) == fabric.links
    for (source, destination, link_class), links in bundles.items():
        assert set(fabric.source[links]) == {source}
        assert set(fabric.destination[links]) == {destination}
        assert set(fabric.link_class[links]) == {link_class}
        assert fabric.lane[links].tolist() == list(range(len(links)))


def test_a_fabric_without_links_has_no_bundle() -> None:
    """Tests the empty case."""
    assert fabric_of([], grid=(1, 2)).bundle_links() == {}


@given(connected_fabrics())
def test_each_link_is_in_one_bundle(fabric: Fabric) -> None:
    """Tests that bundles divide the links of any fabric."""
    links = [link for part in fabric.bundle_links().values() for link in part.tolist()]
    assert sorted(links) == list(range(fabric.links))


def test_a_chips_host_is_joined_both_ways() -> None:
    """Tests that a host counts only with a link from it and a link to it.

    Hosts 2 and 3: chip 0 and host 2 are joined both ways, chip 1 only hears host 3.
    """
    assert fabric_of([(0, 2), (2, 0), (3, 1)], grid=(1, 2), hosts=2).host_of_chip() == {0: 2}


def test_the_first_of_two_hosts_counts() -> None:
    """Tests that a chip with two hosts belongs to the one with the lower number."""
    links = [(0, 1), (1, 0), (0, 2), (2, 0)]
    assert fabric_of(links, grid=(1, 1), hosts=2).host_of_chip() == {0: 1}


@pytest.mark.parametrize(("chip", "host"), [(0, 256), (7, 256), (8, 257), (15, 257), (16, 258), (255, 287)])
def test_the_hosts_of_a_rack(chip: int, host: int) -> None:
    """Tests that each eight chips of a tray share a host: host = 256 + 2 x tray + position // 8."""
    assert load_fabric("lpx-rack").host_of_chip()[chip] == host
