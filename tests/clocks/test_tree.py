"""Tests of the trees along which clocks are aligned."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import networkx as nx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lpxsched.clocks.specification import load_clock
from lpxsched.clocks.tree import AlignmentTree, TimeDomain, alignment_tree, least_depth, needs_alignment, time_domains
from lpxsched.errors import InputError
from lpxsched.fabric.profile import load_fabric
from tests.builds import ints
from tests.fabric.examples import connected_fabrics, digraphs, fabric_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lpxsched.fabric.fabric import Fabric

CRYSTAL = load_clock("xo-100ppm")


def tree_of(fabric: Fabric, chips: Sequence[int] | None = None, others: Sequence[int] = ()) -> AlignmentTree:
    """Return the tree of one time domain, of all chips when none are named."""
    members = tuple(range(fabric.chips) if chips is None else chips)
    return alignment_tree(fabric, CRYSTAL, [TimeDomain(members, tuple(others))])


def levels(tree: AlignmentTree, a: int, b: int) -> int:
    """Return the tree edges between two nodes."""
    return int(tree.levels_between(ints(a), ints(b))[0])


@pytest.mark.parametrize(
    ("chips", "depth"),
    [
        ((1,), 0),
        ((0, 2), 1),  # both hang from chip 1, which is not among them
        ((0, 1, 2), 1),
        ((0, 1, 3), 1),  # from chip 0
        ((0, 2, 3), 2),  # chip 2 is two hops from chip 3
    ],
)
def test_chips_that_no_chip_neighbours_lie_two_levels_deep(chips: tuple[int, ...], depth: int) -> None:
    """Tests the line of chips 2, 1, 0 and 3, and a tree as it is grown."""
    fabric = fabric_of([(0, 1), (1, 0), (1, 2), (2, 1), (0, 3), (3, 0)], grid=(1, 4))
    assert least_depth(fabric, chips) == depth
    assert tree_of(fabric).depth[list(chips)].max() >= depth


@given(connected_fabrics(), st.data())
def test_no_tree_brings_chips_nearer_to_its_root(fabric: Fabric, data: st.DataObject) -> None:
    """Tests trees at every root from which ways over chips lead to some chips."""
    chips = sorted(data.draw(st.sets(st.integers(0, fabric.chips - 1), min_size=1)))
    for root in range(fabric.chips):
        domain = TimeDomain((root,), tuple(range(fabric.chips)), root=root)
        depth = alignment_tree(fabric, CRYSTAL, [domain]).depth[chips]
        assert depth.min() < 0 or depth.max() >= least_depth(fabric, chips)


@pytest.fixture(scope="module")
def rack() -> AlignmentTree:
    """Return the tree of the shipped rack: chip = 16 x tray + position, host = 256 + 2 x tray + half."""
    return tree_of(load_fabric("lpx-rack"))


@pytest.mark.parametrize(
    ("node", "parent", "depth"),
    [
        (0, 0, 0),  # the root
        (5, 0, 1),  # a chip of tray 0 hangs from the root
        (16, 0, 1),  # the first chip of tray 1 too
        (21, 16, 2),  # the others of tray 1 hang from it, though chip 5 is as near
        (255, 240, 2),
        (256, -1, -1),  # hosts follow their chips lane by lane
    ],
)
def test_the_tree_of_a_rack(rack: AlignmentTree, node: int, parent: int, depth: int) -> None:
    """Tests parents and depths of each kind of node."""
    assert (rack.parent[node], rack.depth[node]) == (parent, depth)


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        (7, 7, 0),
        (0, 255, 2),
        (17, 31, 2),  # one tray: 17 - 16 - 31
        (16, 32, 2),  # two heads: 16 - 0 - 32
        (17, 1, 3),  # 17 - 16 - 0 - 1
        (17, 33, 4),  # over the spine: 17 - 16 - 0 - 32 - 33
        (256, 257, 0),  # two hosts, in no tree
    ],
)
def test_levels_between_nodes_of_a_rack(rack: AlignmentTree, a: int, b: int, expected: int) -> None:
    """Tests the number of tree edges on the way from one node to another."""
    assert levels(rack, a, b) == expected == levels(rack, b, a)


@pytest.mark.parametrize("ends", [(0, 2), (2, 0), (0, 4), (4, 0)])
def test_nodes_of_different_trees_have_no_levels(ends: tuple[int, int]) -> None:
    """Tests two trees 0 - 1 and 2 - 3, and node 4 in none."""
    forest = AlignmentTree(ints(0, 0, 2, 2, -1), ints(0, 1, 0, 1, -1))
    with pytest.raises(ValueError, match="nodes of different trees never agree"):
        levels(forest, *ends)
    assert forest.root.tolist() == [0, 0, 2, 2, -1]
    assert [forest.height(node) for node in (1, 3, 4)] == [1, 1, 0]


def test_all_of_a_tsp_node_hang_from_its_first_chip() -> None:
    """Tests a full mesh with one host."""
    tree = tree_of(load_fabric("tsp-node"))
    assert tree.parent.tolist() == [0] * 8 + [-1]
    assert tree.depth.tolist() == [0] + [1] * 7 + [-1]


def test_a_chain_is_rooted_in_its_middle() -> None:
    """Tests 0 - 1 - 2 - 3: two chips are two hops from the farthest, and the lower one is taken."""
    links = [ends for chip in range(3) for ends in ((chip, chip + 1), (chip + 1, chip))]
    tree = tree_of(fabric_of(links, grid=(1, 4)))
    assert tree.parent.tolist() == [1, 1, 1, 2]
    assert tree.depth.tolist() == [1, 0, 1, 2]


def test_a_slow_link_is_left_out_where_fast_ones_are_no_deeper() -> None:
    """Tests a line 0 - 1 - 2 beside a slow link from 0 to 2: rooted at 1, as deep as from 0 over the slow link."""
    ring = fabric_of([(0, 1), (1, 0), (1, 2), (2, 1), (0, 2)], grid=(1, 3))
    wire = ring.link_classes[0]
    slow = replace(ring, link_classes=(wire, replace(wire, latency_cycles=1000)), link_class=ints(0, 1, 0, 0, 0))
    assert tree_of(ring).parent.tolist() == [0, 0, 0]
    assert tree_of(slow).parent.tolist() == [1, 1, 1]


def test_edges_lead_from_parent_to_child() -> None:
    """Tests a ring of one direction, 0 -> 1 -> 2 -> 0, and one link alone: its start is the root."""
    assert tree_of(fabric_of([(0, 1), (1, 2), (2, 0)], grid=(1, 3))).parent.tolist() == [0, 0, 1]
    assert tree_of(fabric_of([(1, 0)], grid=(1, 2))).parent.tolist() == [1, 1]


def test_one_chip_is_a_tree() -> None:
    """Tests the least fabric."""
    assert tree_of(fabric_of([], grid=(1, 1))).depth.tolist() == [0]


def test_links_that_are_down_align_nothing() -> None:
    """Tests a full mesh of three without 0 -> 2: chip 1 alone reaches both others at once."""
    fabric = fabric_of([(0, 1), (0, 2), (1, 0), (1, 2), (2, 0), (2, 1)], grid=(1, 3))
    down = replace(fabric, link_down=np.array([False, True, False, False, False, False]))
    assert tree_of(fabric).parent.tolist() == [0, 0, 0]
    assert tree_of(down).parent.tolist() == [1, 1, 1]


@pytest.mark.parametrize("name", ["lpx-9-racks", "lpx-2-racks"])
def test_every_tray_of_every_rack_is_aligned_alike(name: str) -> None:
    """Tests a group a tray: each rack has its own root, and two chips of a tray differ by two levels in all of them."""
    fabric = load_fabric(name)
    trays = [range(start, start + 16) for start in range(0, fabric.chips, 16)]
    tree = alignment_tree(fabric, CRYSTAL, time_domains(fabric, trays))
    assert np.flatnonzero(tree.depth == 0).tolist() == list(range(0, fabric.chips, 256))
    assert tree.depth.max() == 2
    first, second = ints(*(tray[1] for tray in trays)), ints(*(tray[9] for tray in trays))
    assert set(tree.levels_between(first, second).tolist()) == {2}


def test_racks_that_a_group_spans_are_one_domain() -> None:
    """Tests nine racks in a ring under one root: four racks to the farthest, and two levels in it."""
    fabric = load_fabric("lpx-9-racks")
    domains = time_domains(fabric, [range(256), range(2304)])
    assert [(len(domain.chips), len(domain.others)) for domain in domains] == [(2304, 0)]
    tree = alignment_tree(fabric, CRYSTAL, domains)
    assert (tree.height(0), int(tree.depth.max())) == (6, 6)
    # A head hangs from the first head of its own rack, so trays and spines have the distances of rack 0.
    assert (levels(tree, 4 * 256 + 17, 4 * 256 + 31), levels(tree, 4 * 256 + 17, 4 * 256 + 33)) == (2, 4)


def test_racks_without_groups_have_no_tree() -> None:
    """Tests one group in the second of two racks: its other chips may carry alignment, the first rack has no tree."""
    fabric = load_fabric("lpx-2-racks")
    (domain,) = time_domains(fabric, [range(256, 260)])
    assert (domain.chips, len(domain.others)) == ((256, 257, 258, 259), 252)
    tree = alignment_tree(fabric, CRYSTAL, [domain])
    assert set(tree.depth[:256].tolist()) == {-1}
    assert tree.depth[256:512].min() == 0


def test_clocks_that_agree_need_no_tree() -> None:
    """Tests that isolated chips are no fault of perfect clocks, nor of one oscillator."""
    apart = fabric_of([], grid=(1, 2))
    for name in ("none", "common"):
        clock = load_clock(name)
        tree = alignment_tree(apart, clock, [TimeDomain((0, 1), ())])
        assert not needs_alignment(clock)
        assert (tree.parent.tolist(), tree.depth.tolist()) == ([-1, -1], [-1, -1])
        assert levels(tree, 0, 1) == 0


def test_others_that_are_isolated_do_not_matter() -> None:
    """Tests chip 2 without links beside a pair: as one of the others, and as no member."""
    fabric = fabric_of([(0, 1), (1, 0)], grid=(1, 3))
    assert tree_of(fabric, (0, 1), (2,)).depth.tolist() == [0, 1, -1] == tree_of(fabric, (0, 1)).depth.tolist()


def test_others_carry_alignment() -> None:
    """Tests 1 - 0 - 2 where 0 takes no part: it is the root all the same, as the nearest to both."""
    fabric = fabric_of([(0, 1), (1, 0), (0, 2), (2, 0)], grid=(1, 3))
    assert tree_of(fabric, (1, 2), (0,)).depth.tolist() == [0, 1, 1]


@pytest.mark.parametrize(
    ("links", "ends"),
    [
        ([], ("chip 0", "chip 1")),
        ([(1, 0), (2, 0)], ("chip 0", "chip 1")),  # both lead to 0, and nothing reaches both
        ([(0, 1), (1, 0)], ("chip 0", "chip 2")),
    ],
)
def test_chips_that_no_root_reaches_are_named(links: list[tuple[int, int]], ends: tuple[str, str]) -> None:
    """Tests that two chips are named as the user's file does where clocks need a tree and there is none."""
    expected = rf"^toy: no links lead from {ends[0]} to {ends[1]} over chips that take part, .* clocks of xo-100ppm "
    with pytest.raises(InputError, match=expected):
        tree_of(fabric_of(links, grid=(1, 3)))


@given(connected_fabrics())
def test_each_chip_hangs_from_a_neighbour(fabric: Fabric) -> None:
    """Tests that a parent has a link to its child and is one level above, and that there is one root."""
    tree = _whole(fabric)
    links = set(zip(fabric.source.tolist(), fabric.destination.tolist(), strict=True))
    inside = np.flatnonzero(tree.depth >= 0)
    assert len(np.flatnonzero(tree.depth == 0)) == 1
    for node in inside[tree.depth[inside] > 0].tolist():
        assert (int(tree.parent[node]), node) in links
        assert tree.depth[node] == tree.depth[tree.parent[node]] + 1


@given(digraphs())
def test_the_root_is_nearest_to_all(graph: nx.DiGraph[int]) -> None:
    """Tests against distances of networkx: the least largest distance, the lowest chip of several, or a refusal."""
    fabric = fabric_of(list(graph.edges), grid=(1, len(graph)))
    hops = {chip: nx.single_source_shortest_path_length(graph, chip) for chip in graph}
    reach = {chip: max(found.values()) for chip, found in hops.items() if len(found) == len(graph)}
    if not reach:
        with pytest.raises(InputError, match="cannot be aligned"):
            tree_of(fabric)
        return
    tree = tree_of(fabric)
    root = min(reach, key=lambda chip: (reach[chip], chip))
    assert np.flatnonzero(tree.depth == 0).tolist() == [root]
    assert tree.height(root) == reach[root]


@given(connected_fabrics(), st.data())
def test_levels_are_a_distance(fabric: Fabric, data: st.DataObject) -> None:
    """Tests that levels are symmetric, zero for a chip and itself only, and no way around is shorter."""
    tree = _whole(fabric)
    a, b, c = (data.draw(st.sampled_from(np.flatnonzero(tree.depth >= 0).tolist())) for _ in range(3))
    assert levels(tree, a, b) == levels(tree, b, a)
    assert (levels(tree, a, b) == 0) == (a == b)
    assert levels(tree, a, c) <= levels(tree, a, b) + levels(tree, b, c)
    assert levels(tree, int(tree.root[a]), a) == tree.depth[a]


@given(connected_fabrics())
def test_the_tree_is_reproducible(fabric: Fabric) -> None:
    """Tests that equal fabrics give equal trees."""
    assert np.array_equal(_whole(fabric).parent, _whole(fabric).parent)


def _whole(fabric: Fabric) -> AlignmentTree:
    """Return the tree of chip 0 and all that it reaches over chips."""
    return tree_of(fabric, (0,), range(1, fabric.chips))


def test_one_of_two_nodes_is_the_farthest_from_any() -> None:
    """Tests a chain 3 - 1 - 0 - 2 - 4 with a leaf 5 at node 0: nodes 3 and 4 are the ends."""
    tree = AlignmentTree(ints(0, 0, 0, 1, 2, 0), ints(0, 1, 1, 2, 2, 1))
    nodes = [1, 2, 3, 4, 5]
    assert set(tree.farthest(nodes)) == {3, 4}
    for node in nodes:
        by_ends = tree.levels_between(ints(node, node), ints(*tree.farthest(nodes)))
        assert by_ends.max() == tree.levels_between(np.full(5, node), ints(*nodes)).max()


def test_a_chip_hangs_from_one_of_its_own_group() -> None:
    """Tests columns of a rack as groups: chip 21, in tray 1 at position 5, hangs from chip 5, so 21 and 37 are 2 apart.

    Chips that share no group hang from their own tray: here those of position 0, all of which hang from the root.
    """
    columns = [range(position, 256, 16) for position in range(16)]
    fabric = load_fabric("lpx-rack")
    tree = alignment_tree(fabric, CRYSTAL, time_domains(fabric, columns))
    assert (tree.parent[21], tree.parent[16], tree.parent[5]) == (5, 0, 0)
    assert (levels(tree, 21, 37), levels(tree, 21, 22)) == (2, 4)
    # The smaller group decides: all chips together leave the trays as they are.
    trays = [range(tray * 16, tray * 16 + 16) for tray in range(16)]
    assert alignment_tree(fabric, CRYSTAL, time_domains(fabric, [range(256), *trays])).parent[21] == 16
