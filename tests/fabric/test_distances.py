"""Tests of hops between chips."""

from __future__ import annotations

import networkx as nx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lpxsched.fabric import distances
from lpxsched.fabric.adjacency import adjacency
from lpxsched.fabric.distances import centre, diameter, hops_from
from lpxsched.fabric.profile import load_fabric
from tests.fabric.examples import digraphs, joined_of


@given(digraphs())
def test_hops_agree_with_networkx(graph: nx.DiGraph[int]) -> None:
    """Tests the search from every chip of any directed graph; -1 where there is no way."""
    joined = joined_of(list(graph.edges), len(graph))
    for chip in graph:
        known = nx.single_source_shortest_path_length(graph, chip)
        assert hops_from(chip, joined).tolist() == [known.get(other, -1) for other in range(len(graph))]


@given(digraphs())
def test_the_diameter_agrees_with_networkx(graph: nx.DiGraph[int]) -> None:
    """Tests any directed graph; None when it is not strongly connected."""
    expected = nx.diameter(graph) if nx.is_strongly_connected(graph) else None
    assert diameter(joined_of(list(graph.edges), len(graph))) == expected


@given(digraphs(), st.data())
def test_the_centre_agrees_with_networkx(graph: nx.DiGraph[int], data: st.DataObject) -> None:
    """Tests the chip with the least largest distance to some chips, the lowest of several; None when none has ways."""
    ends = sorted(data.draw(st.sets(st.sampled_from(range(len(graph))), min_size=1)))
    hops = {chip: nx.single_source_shortest_path_length(graph, chip) for chip in graph}
    farthest = {chip: max(known[end] for end in ends) for chip, known in hops.items() if known.keys() >= set(ends)}
    expected = min(farthest, key=lambda chip: (farthest[chip], chip), default=None)
    assert centre(joined_of(list(graph.edges), len(graph)), np.array(ends)) == expected


def test_one_chip_has_diameter_zero() -> None:
    """Tests the smallest fabric."""
    assert diameter(joined_of([], 1)) == 0


def test_a_one_way_ring_is_as_long_as_it_has_chips(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests 130 chips: more than two words of 64 bits, gathered a column at a time; 129 hops all the way round."""
    monkeypatch.setattr(distances, "CHUNK_BYTES", 1)
    assert diameter(joined_of([(chip, (chip + 1) % 130) for chip in range(130)], 130)) == 129


def test_some_ends_may_stand_for_all() -> None:
    """Tests a line 0 - 1 - 2: two hops to an end, one to the middle; 1 -> 2 alone reaches chip 2 but not 0."""
    line = joined_of([(0, 1), (1, 0), (1, 2), (2, 1)], 3)
    assert [diameter(line, np.array([end])) for end in range(3)] == [2, 1, 2]
    one_way = joined_of([(0, 1), (1, 2)], 3)
    assert [diameter(one_way, np.array([end])) for end in range(3)] == [None, None, 2]


@pytest.mark.parametrize(
    ("name", "hops"),
    [
        ("lpx-rack", 2),  # tray, then spine
        ("lpx-rack-32x8", 2),
        ("lpx-2-racks", 3),  # and one rack further
        ("lpx-4-racks", 5),  # three racks along the chain
        ("lpx-9-racks", 6),  # four racks round the ring of nine
        ("tsp-node", 1),
        ("tsp-264", 3),  # local, global, local (published)
        ("tsp-rack", 3),
        ("ring-8", 4),
        ("mesh-4x4", 6),
        ("torus-4x4", 4),
        ("hypercube-16", 4),
        ("dragonfly-20", 3),
    ],
)
def test_the_diameters_of_shipped_fabrics(name: str, hops: int) -> None:
    """Tests published and plain diameters, all chips against all."""
    assert diameter(adjacency(load_fabric(name))) == hops


def test_a_large_line_is_searched_level_by_level() -> None:
    """Tests hops along 5000 chips."""
    line = joined_of([ends for a in range(4999) for ends in ((a, a + 1), (a + 1, a))], 5000)
    assert hops_from(0, line).tolist() == list(range(5000))
