"""Tests of the wiring of the families."""

from __future__ import annotations

import networkx as nx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lpxsched.fabric.families import lpx, lpx_pairs, tsp, tsp_pairs


def test_the_smallest_rack_with_every_class() -> None:
    """Tests two trays of two chips, one host a tray: chips 0 1 | 2 3, hosts 4 | 5."""
    wiring = lpx(2, 2, 2)
    assert (wiring.chips, wiring.hosts, wiring.grid) == (4, 2, (2, 2))
    assert wiring.pairs == {
        "tray": [(0, 1), (2, 3)],
        "spine": [(0, 2), (1, 3)],
        "host": [(0, 4), (1, 4), (2, 5), (3, 5)],
        "fpga": [(4, 5)],
    }


def test_hosts_take_consecutive_chips_of_one_tray() -> None:
    """Tests three chips a tray, two a host: the last host of a tray has one chip, and none is shared by trays."""
    wiring = lpx(2, 3, 2)
    assert wiring.hosts == 4
    assert wiring.pairs["host"] == [(0, 6), (1, 6), (2, 7), (3, 8), (4, 8), (5, 9)]
    assert wiring.pairs["fpga"] == [(6, 8), (7, 9)]


@pytest.mark.parametrize(("trays", "chips_per_tray"), [(1, 1), (1, 4), (4, 1)])
def test_a_rack_may_be_one_tray_or_one_chip_a_tray(trays: int, chips_per_tray: int) -> None:
    """Tests that the least sizes work, with more chips asked for a host than a tray has: one host a tray."""
    wiring = lpx(trays, chips_per_tray, 8)
    assert (wiring.chips, wiring.hosts) == (trays * chips_per_tray, trays)


def test_a_node_of_tsps_is_fully_connected() -> None:
    """Tests eight chips: 8 x 7 / 2 = 28 cables, and one host for all."""
    wiring = tsp(8, 8)
    assert (wiring.chips, wiring.hosts, wiring.grid) == (8, 1, (1, 8))
    assert len(wiring.pairs["local"]) == 28
    assert wiring.pairs["host"] == [(chip, 8) for chip in range(8)]


@given(st.integers(1, 6), st.integers(1, 6), st.integers(1, 8))
def test_every_rack_is_sound(trays: int, chips_per_tray: int, chips_per_host: int) -> None:
    """Tests that a rack is connected, joins no pair twice, has two hops at most, and its size is known before."""
    wiring = lpx(trays, chips_per_tray, chips_per_host)
    pairs = [pair for members in wiring.pairs.values() for pair in members]
    assert len(pairs) == len({frozenset(pair) for pair in pairs})
    assert {name: len(members) for name, members in wiring.pairs.items()} == lpx_pairs(
        trays, chips_per_tray, chips_per_host
    )
    graph = nx.Graph(wiring.pairs["tray"] + wiring.pairs["spine"])
    graph.add_nodes_from(range(wiring.chips))
    assert nx.diameter(graph) <= 2
    graph.add_edges_from(wiring.pairs["host"])
    assert sorted(graph) == list(range(wiring.chips + wiring.hosts))


@given(st.integers(1, 12), st.integers(1, 12))
def test_the_size_of_a_node_is_known_before(chips: int, chips_per_host: int) -> None:
    """Tests that the count of pairs agrees with the pairs."""
    wiring = tsp(chips, chips_per_host)
    assert {name: len(members) for name, members in wiring.pairs.items()} == tsp_pairs(chips)
