"""Tests of the tree along which clocks are aligned."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lpxsched.clocks.tree import AlignmentTree, alignment_tree
from lpxsched.errors import InputError
from lpxsched.fabric.profile import load_fabric
from tests.fabric.examples import connected_fabrics, fabric_of

if TYPE_CHECKING:
    from lpxsched.fabric.fabric import Fabric


@pytest.fixture(scope="module")
def rack() -> AlignmentTree:
    """Return the tree of the shipped rack: chip = 16 x tray + position, host = 256 + 2 x tray + half."""
    return alignment_tree(load_fabric("lpx-rack"))


@pytest.mark.parametrize(
    ("node", "parent", "depth"),
    [
        (0, 0, 0),  # the root
        (5, 0, 1),  # a chip of tray 0 hangs from the root
        (16, 0, 1),  # the first chip of tray 1 too
        (21, 16, 2),  # the others of tray 1 hang from it, though chip 5 is as near
        (255, 240, 2),
        (256, 0, 1),  # a host hangs from its first chip
        (257, 8, 2),
        (258, 16, 2),
        (259, 24, 3),
    ],
)
def test_the_tree_of_a_rack(rack: AlignmentTree, node: int, parent: int, depth: int) -> None:
    """Tests parents and depths of each kind of node."""
    assert (rack.parent[node], rack.depth[node]) == (parent, depth)


@pytest.mark.parametrize(
    ("a", "b", "levels"),
    [
        (7, 7, 0),
        (0, 255, 2),
        (17, 31, 2),  # one tray: 17 - 16 - 31
        (16, 32, 2),  # two heads: 16 - 0 - 32
        (17, 1, 3),  # 17 - 16 - 0 - 1
        (17, 33, 4),  # 17 - 16 - 0 - 32 - 33
        (24, 259, 1),  # a chip and its host
        (25, 259, 3),  # 25 - 16 - 24 - 259
        (257, 259, 5),  # 257 - 8 - 0 - 16 - 24 - 259
    ],
)
def test_levels_between_nodes_of_a_rack(rack: AlignmentTree, a: int, b: int, levels: int) -> None:
    """Tests the number of tree edges on the way from one node to another."""
    assert rack.levels_between(a, b) == levels == rack.levels_between(b, a)


def test_all_of_a_tsp_node_hang_from_its_first_chip() -> None:
    """Tests a full mesh with one host."""
    tree = alignment_tree(load_fabric("tsp-node"))
    assert tree.parent.tolist() == [0] * 9
    assert tree.depth.tolist() == [0] + [1] * 8


def test_a_chain_is_its_own_tree() -> None:
    """Tests 0 - 1 - 2 - 3 in one tray."""
    links = [ends for chip in range(3) for ends in ((chip, chip + 1), (chip + 1, chip))]
    tree = alignment_tree(fabric_of(links, grid=(1, 4)))
    assert tree.parent.tolist() == [0, 0, 1, 2]
    assert tree.depth.tolist() == [0, 1, 2, 3]


def test_one_chip_is_a_tree() -> None:
    """Tests the least fabric."""
    assert alignment_tree(fabric_of([], grid=(1, 1))).depth.tolist() == [0]


@pytest.mark.parametrize("links", [[], [(2, 0), (0, 1), (1, 0)]])
def test_a_chip_that_no_link_reaches_is_refused(links: list[tuple[int, int]]) -> None:
    """Tests that a chip without links, or with links out only, is named: it could follow no counter."""
    with pytest.raises(InputError, match=r"^toy: no links lead from 0\.0 to 0\.[12], so no clock can reach it$"):
        alignment_tree(fabric_of(links, grid=(1, 3)))


@given(connected_fabrics())
def test_each_node_hangs_from_a_neighbour(fabric: Fabric) -> None:
    """Tests that a parent has a link to its child and is one level above, and that node 0 is the only root."""
    tree = alignment_tree(fabric)
    links = set(zip(fabric.source.tolist(), fabric.destination.tolist(), strict=True))
    assert (tree.parent[0], tree.depth[0]) == (0, 0)
    for node in range(1, fabric.nodes):
        assert (int(tree.parent[node]), node) in links
        assert tree.depth[node] == tree.depth[tree.parent[node]] + 1


@given(connected_fabrics(), st.data())
def test_levels_are_a_distance(fabric: Fabric, data: st.DataObject) -> None:
    """Tests that levels are symmetric, zero for a node and itself only, and no way around is shorter."""
    tree = alignment_tree(fabric)
    a, b, c = (data.draw(st.integers(0, fabric.nodes - 1)) for _ in range(3))
    assert tree.levels_between(a, b) == tree.levels_between(b, a)
    assert (tree.levels_between(a, b) == 0) == (a == b)
    assert tree.levels_between(a, c) <= tree.levels_between(a, b) + tree.levels_between(b, c)
    assert tree.levels_between(0, a) == tree.depth[a]


@given(connected_fabrics())
def test_the_tree_is_reproducible(fabric: Fabric) -> None:
    """Tests that equal fabrics give equal trees."""
    first, second = alignment_tree(fabric), alignment_tree(fabric)
    assert np.array_equal(first.parent, second.parent)
