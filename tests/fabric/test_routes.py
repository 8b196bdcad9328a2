"""Tests of routes between chips."""

from __future__ import annotations

from itertools import islice, pairwise
from typing import TYPE_CHECKING

import networkx as nx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lpxsched.fabric.adjacency import adjacency
from lpxsched.fabric.profile import load_fabric
from lpxsched.fabric.routes import routes
from tests.fabric.examples import digraphs, joined_of

if TYPE_CHECKING:
    from lpxsched.fabric.fabric import Fabric

SQUARE = [ends for a, b in ((0, 1), (1, 3), (0, 2), (2, 3)) for ends in ((a, b), (b, a))]


def test_the_shortest_routes_of_a_square_in_order() -> None:
    """Tests chips 0-1-3-2-0: two ways from 0 to 3, by chip 1 first."""
    assert list(routes(joined_of(SQUARE, 4), 0, 3)) == [(0, 1, 3), (0, 2, 3)]


def test_longer_routes_stand_between_shorter_ones_by_their_chips() -> None:
    """Tests 0 to 1 of the same square with two hops more: directly, or round 2 and 3."""
    joined = joined_of(SQUARE, 4)
    assert list(routes(joined, 0, 1, extra_hops=1)) == [(0, 1)]
    assert list(routes(joined, 0, 1, extra_hops=2)) == [(0, 1), (0, 2, 3, 1)]


def test_the_route_of_a_chip_to_itself_is_the_chip() -> None:
    """Tests that there is one, whatever the bound."""
    assert list(routes(joined_of(SQUARE, 4), 2, 2, extra_hops=4)) == [(2,)]


def test_no_route_leads_against_a_one_way_link() -> None:
    """Tests a link 0 -> 1: no route from 1 to 0, nor to a chip without links."""
    joined = joined_of([(0, 1)], 3)
    assert list(routes(joined, 0, 1)) == [(0, 1)]
    assert list(routes(joined, 1, 0)) == list(routes(joined, 0, 2, extra_hops=9)) == []


def test_parallel_links_make_one_route() -> None:
    """Tests two chips of a tray, joined by four lanes."""
    assert list(routes(adjacency(load_fabric("lpx-rack")), 0, 1)) == [(0, 1)]


@given(digraphs(6), st.data())
def test_shortest_routes_agree_with_networkx(graph: nx.DiGraph[int], data: st.DataObject) -> None:
    """Tests all shortest routes of any directed graph, in lexicographic order."""
    chips = st.integers(0, len(graph) - 1)
    source, destination = data.draw(chips), data.draw(chips)
    known = nx.has_path(graph, source, destination)
    expected = sorted(map(tuple, nx.all_shortest_paths(graph, source, destination))) if known else []
    assert list(routes(joined_of(list(graph.edges), len(graph)), source, destination)) == expected


@given(digraphs(6), st.data())
def test_longer_routes_agree_with_networkx(graph: nx.DiGraph[int], data: st.DataObject) -> None:
    """Tests all simple routes up to a length, in lexicographic order."""
    chips = st.integers(0, len(graph) - 1)
    source, destination, extra = data.draw(chips), data.draw(chips), data.draw(st.integers(0, 4))
    expected = []
    if source == destination:
        expected = [(source,)]
    elif nx.has_path(graph, source, destination):
        cutoff = nx.shortest_path_length(graph, source, destination) + extra
        expected = sorted(map(tuple, nx.all_simple_paths(graph, source, destination, cutoff=cutoff)))
    joined = joined_of(list(graph.edges), len(graph))
    assert list(routes(joined, source, destination, extra_hops=extra)) == expected


def test_a_few_of_very_many_routes_are_found_at_once() -> None:
    """Tests that only what is asked for is searched: billions of routes are 40 hops longer than these at most.

    From chip 0 to chip 5000 = rack 69, node 4, TSP 0 of 10,440.
    """
    joined = adjacency(load_fabric("tsp-10440"))
    found = list(islice(routes(joined, 0, 5000, extra_hops=40), 3))
    assert found == sorted(set(found))
    for route in found:
        assert (route[0], route[-1], len(route)) == (0, 5000, len(set(route)))
        assert all(b in joined.neighbours(a) for a, b in pairwise(route))


def least_ns(fabric: Fabric, route: tuple[int, ...]) -> int:
    """Return the time of a route in ns: hops of the class between each two chips, and the turnaround between hops."""
    joined = adjacency(fabric)
    total_cycles = fabric.turnaround_cycles * (len(route) - 2)
    for a, b in pairwise(route):
        bundle = joined.offsets[a] + joined.destination[joined.offsets[a] : joined.offsets[a + 1]].tolist().index(b)
        wire = fabric.link_classes[joined.kind[bundle]]
        total_cycles += wire.latency_cycles + -(-wire.vector_time_cycles // 1)
    assert fabric.chip.clock_mhz == 1000
    return int(total_cycles)


@pytest.fixture(scope="module")
def nine_racks() -> Fabric:
    """Return the largest shipped LPX system."""
    return load_fabric("lpx-9-racks")


@pytest.mark.parametrize(
    ("route", "time_ns"),
    [
        ((0, 1), 350),  # published: 0.35 us, one hop
        ((0, 1, 17), 750),  # 350 + 50 + 350; published: 0.75 us
        ((0, 1, 17, 18), 1150),  # 750 + 50 + 350; published: 1.15 us
        ((0, 1, 17, 18, 274), 1600),  # a rack further: 1150 + 50 + 400; published: 1.60 us
        ((0, 1, 17, 18, 274, 530), 2050),
        ((0, 1, 17, 18, 274, 530, 786), 2500),
        ((0, 1, 17, 18, 274, 530, 786, 1042), 2950),  # published: 2.95 us, 2304 LPUs
    ],
)
def test_three_hops_and_racks_take_the_published_time(nine_racks: Fabric, route: tuple[int, ...], time_ns: int) -> None:
    """Tests the published staircase, which counts three hops in the rack and one a rack further."""
    assert least_ns(nine_racks, route) == time_ns


@pytest.mark.parametrize(
    ("destination", "time_ns"),
    [
        (1, 350),
        (17, 750),
        (256 + 17, 1200),  # 750 + 450
        (2 * 256 + 17, 1650),
        (3 * 256 + 17, 2100),
        (4 * 256 + 17, 2550),
        (5 * 256 + 17, 2550),  # four racks the other way round the ring
        (8 * 256 + 17, 1200),
    ],
)
def test_minimal_routes_take_400_ns_less(nine_racks: Fabric, destination: int, time_ns: int) -> None:
    """Tests the first minimal route: two hops suffice in a rack, so the staircase is met less one hop of 400 ns."""
    route = next(routes(adjacency(nine_racks), 0, destination))
    assert least_ns(nine_racks, route) == time_ns
