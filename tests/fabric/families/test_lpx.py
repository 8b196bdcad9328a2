"""Tests of the wiring of LPX racks."""

from __future__ import annotations

import networkx as nx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lpxsched.fabric.families.lpx import lpx

Joined = dict[str, set[tuple[int, ...]]]


def joined(racks: int, trays: int, chips_per_tray: int, chips_per_host: int, *, ring: bool = False) -> Joined:
    """Return the pairs of each class."""
    wiring = lpx(racks, trays, chips_per_tray, chips_per_host, ring=ring)
    return {name: {tuple(pair) for pair in pairs.tolist()} for name, pairs in wiring.pairs.items()}


def test_the_smallest_rack_with_every_class() -> None:
    """Tests two trays of two chips, one host a tray: chips 0 1 | 2 3, hosts 4 | 5."""
    wiring = lpx(1, 2, 2, 2, ring=False)
    assert (wiring.shape, wiring.hosts) == ((2, 2), 2)
    assert joined(1, 2, 2, 2) == {
        "tray": {(0, 1), (2, 3)},
        "spine": {(0, 2), (1, 3)},
        "host": {(0, 4), (1, 4), (2, 5), (3, 5)},
        "fpga": {(4, 5)},
    }


def test_hosts_take_consecutive_chips_of_one_tray() -> None:
    """Tests three chips a tray, two a host: the last host of a tray has one chip, and none is shared by trays."""
    pairs = joined(1, 2, 3, 2)
    assert pairs["host"] == {(0, 6), (1, 6), (2, 7), (3, 8), (4, 8), (5, 9)}
    assert pairs["fpga"] == {(6, 8), (7, 9)}


@pytest.mark.parametrize(("trays", "chips_per_tray"), [(1, 1), (1, 4), (4, 1)])
def test_a_rack_may_be_one_tray_or_one_chip_a_tray(trays: int, chips_per_tray: int) -> None:
    """Tests that the least sizes work, with more chips asked for a host than a tray has: one host a tray."""
    wiring = lpx(1, trays, chips_per_tray, 8, ring=False)
    assert (wiring.shape, wiring.hosts) == ((trays, chips_per_tray), trays)


def test_racks_in_a_chain_join_equal_places() -> None:
    """Tests three racks of 1 x 2 chips: 0 1 | 2 3 | 4 5, the ends of the chain are not joined."""
    assert lpx(3, 1, 2, 2, ring=False).shape == (3, 1, 2)
    assert joined(3, 1, 2, 2)["rack"] == {(0, 2), (1, 3), (2, 4), (3, 5)}


def test_racks_in_a_ring_join_their_ends() -> None:
    """Tests the same racks closed: 0 and 4, 1 and 5 are joined as well."""
    assert joined(3, 1, 2, 2, ring=True)["rack"] == {(0, 2), (1, 3), (2, 4), (3, 5), (0, 4), (1, 5)}


def test_two_racks_in_a_ring_are_joined_once() -> None:
    """Tests that a ring of two is a chain: no pair stands twice."""
    wiring = lpx(2, 1, 2, 2, ring=True)
    assert wiring.pairs["rack"].tolist() == [[0, 2], [1, 3]]


def test_spines_and_fpgas_stay_in_their_rack() -> None:
    """Tests two racks of two trays of one chip, hosts 4..7: no spine and no lane between FPGAs leaves a rack."""
    pairs = joined(2, 2, 1, 1)
    assert pairs["spine"] == {(0, 1), (2, 3)}
    assert pairs["fpga"] == {(4, 5), (6, 7)}


@given(st.integers(1, 6), st.integers(1, 6), st.integers(1, 8))
def test_every_rack_is_sound(trays: int, chips_per_tray: int, chips_per_host: int) -> None:
    """Tests that a rack is connected, joins no pair twice, and has two hops at most."""
    wiring = lpx(1, trays, chips_per_tray, chips_per_host, ring=False)
    pairs = {name: [tuple(pair) for pair in members.tolist()] for name, members in wiring.pairs.items()}
    listed = [pair for members in pairs.values() for pair in members]
    assert len(listed) == len({frozenset(pair) for pair in listed})
    graph = nx.Graph(pairs.get("tray", []) + pairs.get("spine", []))
    graph.add_nodes_from(range(trays * chips_per_tray))
    assert nx.diameter(graph) <= 2
    graph.add_edges_from(pairs["host"])
    assert sorted(graph) == list(range(trays * chips_per_tray + wiring.hosts))
