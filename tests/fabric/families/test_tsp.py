"""Tests of the wiring of TSP systems."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import numpy as np
import pytest

from lpxsched.fabric.families.tsp import tsp_node, tsp_nodes, tsp_racks

if TYPE_CHECKING:
    from lpxsched.fabric.families.wiring import Pairs


def blocks(pairs: Pairs, chips: int) -> Counter[frozenset[int]]:
    """Return how many cables join each two blocks of so many chips."""
    return Counter(frozenset(pair) for pair in (pairs // chips).tolist())


def ports(pairs: Pairs, chips: int) -> list[int]:
    """Return the different numbers of cables that chips have."""
    return sorted(set(np.bincount(pairs.ravel(), minlength=chips).tolist()))


def test_a_node_is_fully_connected() -> None:
    """Tests eight chips: 8 x 7 / 2 = 28 cables, and one host for all."""
    wiring = tsp_node(8, 8)
    assert (wiring.shape, wiring.hosts) == ((8,), 1)
    assert len(wiring.pairs["local"]) == 28
    assert wiring.pairs["host"].tolist() == [[chip, 8] for chip in range(8)]


def test_two_nodes_share_one_cable() -> None:
    """Tests that port 0 of each, on its TSP 0, leads to the other."""
    wiring = tsp_nodes(2, 8, 8)
    assert (wiring.shape, wiring.hosts) == ((2, 8), 2)
    assert wiring.pairs["global"].tolist() == [[0, 8]]


def test_33_nodes_use_every_port() -> None:
    """Tests 7 local and 4 global cables on each of 264 TSPs, and one cable for each of 33 x 32 / 2 = 528 node pairs."""
    wiring = tsp_nodes(33, 8, 8)
    assert wiring.shape == (33, 8)
    assert ports(wiring.pairs["local"], 264) == [7]
    assert ports(wiring.pairs["global"], 264) == [4]
    between = blocks(wiring.pairs["global"], 8)
    assert (len(between), set(between.values()), {len(pair) for pair in between}) == (528, {1}, {2})


def test_the_ports_of_a_node_are_taken_in_order() -> None:
    """Tests port p on TSP p // 4, to the node p + 1 further on: node 5 is on port 4, TSP 1, of node 0.

    Seen from node 5 node 0 is 28 further on: port 27, TSP 6, chip 5 x 8 + 6 = 46.
    """
    assert [1, 46] in tsp_nodes(33, 8, 8).pairs["global"].tolist()


@pytest.mark.parametrize("racks", [1, 2, 145])
def test_each_two_nodes_of_a_rack_are_joined_twice(racks: int) -> None:
    """Tests 36 node pairs a rack x 2 cables, two ports of each TSP, and no cable that leaves the rack."""
    inside = tsp_racks(racks, 9, 8, 8).pairs["rack"]
    assert ports(inside, 72 * racks) == [2]
    assert set(blocks(inside, 8).values()) == {2}
    assert len(blocks(inside, 8)) == 36 * racks
    assert all(len(rack) == 1 for rack in blocks(inside, 72))


def test_each_two_racks_of_145_are_joined_once() -> None:
    """Tests 145 x 144 / 2 = 10,440 cables on two ports of each TSP."""
    between = tsp_racks(145, 9, 8, 8).pairs["global"]
    assert ports(between, 10_440) == [2]
    racks = blocks(between, 72)
    assert (len(racks), set(racks.values())) == (10_440, {1})


def test_a_rack_has_288_global_ports() -> None:
    """Tests that 144 ports of rack 0 lead into it (36 pairs x 2 cables x 2 ends) and 144 to the other 144 racks."""
    wiring = tsp_racks(145, 9, 8, 8)
    assert int((wiring.pairs["rack"] < 72).sum()) == 144
    assert int((wiring.pairs["global"] < 72).sum()) == 144


def test_a_single_rack_keeps_its_other_ports_free() -> None:
    """Tests that a rack alone has no cable to others, and 8 x 7 / 2 x 9 = 252 local ones."""
    wiring = tsp_racks(1, 9, 8, 8)
    assert (len(wiring.pairs["global"]), len(wiring.pairs["local"])) == (0, 252)
