"""Tests of circulant graphs."""

from __future__ import annotations

import networkx as nx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lpxsched.fabric.families.circulant import circulant

Pair = tuple[int, int]


@pytest.mark.parametrize(
    ("chips", "offsets", "pairs"),
    [
        (5, [1], [(0, 1), (0, 4), (1, 2), (2, 3), (3, 4)]),
        (4, [2], [(0, 2), (1, 3)]),  # half of the chips: one link a pair, not two
        (4, [2, 2], [(0, 2), (1, 3)]),  # the same offset twice
        (5, [2, 3], [(0, 2), (0, 3), (1, 3), (1, 4), (2, 4)]),  # 3 is 2 the other way round
        (5, [7], [(0, 2), (0, 3), (1, 3), (1, 4), (2, 4)]),  # 7 is 2 modulo 5
        (4, [4, 8], []),  # every chip and itself
        (1, [1], []),
    ],
)
def test_a_pair_is_joined_once_and_no_chip_to_itself(chips: int, offsets: list[int], pairs: list[Pair]) -> None:
    """Tests offsets that name pairs more than once, or no pair."""
    wiring = circulant(chips, offsets)
    assert (wiring.shape, wiring.hosts) == ((chips,), 0)
    assert [tuple(pair) for pair in wiring.pairs["link"].tolist()] == pairs


@given(st.integers(2, 20), st.lists(st.integers(1, 30), min_size=1, max_size=4))
def test_circulants_agree_with_networkx(chips: int, offsets: list[int]) -> None:
    """Tests any offsets against the graph of another library, without its loops."""
    graph = nx.circulant_graph(chips, offsets)
    expected = sorted((min(a, b), max(a, b)) for a, b in graph.edges if a != b)
    assert circulant(chips, offsets).pairs["link"].tolist() == [list(pair) for pair in expected]
