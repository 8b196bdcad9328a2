"""Which nodes reach each other, against networkx."""

from __future__ import annotations

from typing import TYPE_CHECKING

import networkx as nx
import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from lpxsched.fabric.reach import component_numbers, joined_with, reached_from

if TYPE_CHECKING:
    from numpy.typing import NDArray

NODES = 6
EDGES = st.lists(st.tuples(st.integers(0, NODES - 1), st.integers(0, NODES - 1)), max_size=12)


def columns(edges: list[tuple[int, int]]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the ends of edges."""
    ends = np.array(edges, dtype=np.int64).reshape(-1, 2)
    return ends[:, 0], ends[:, 1]


def graph_of(edges: list[tuple[int, int]]) -> nx.DiGraph[int]:
    """Return the same graph."""
    graph: nx.DiGraph[int] = nx.DiGraph(edges)
    graph.add_nodes_from(range(NODES))
    return graph


@given(EDGES)
def test_descendants_are_reached(edges: list[tuple[int, int]]) -> None:
    """Tests what node 0 reaches."""
    reached = reached_from(0, *columns(edges), NODES)
    assert set(np.flatnonzero(reached).tolist()) == nx.descendants(graph_of(edges), 0) | {0}


@given(EDGES)
def test_strong_components_reach_each_other(edges: list[tuple[int, int]]) -> None:
    """Tests the component of node 0."""
    (expected,) = [part for part in nx.strongly_connected_components(graph_of(edges)) if 0 in part]
    assert set(np.flatnonzero(joined_with(0, *columns(edges), NODES)).tolist()) == expected


@given(EDGES)
def test_components_are_numbered_by_their_first_node(edges: list[tuple[int, int]]) -> None:
    """Tests weak components in the order of their least nodes."""
    parts = sorted(nx.weakly_connected_components(graph_of(edges)), key=min)
    expected = [next(number for number, part in enumerate(parts) if node in part) for node in range(NODES)]
    assert component_numbers(*columns(edges), NODES).tolist() == expected
