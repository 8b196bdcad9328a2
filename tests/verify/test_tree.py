"""R8: the tree along which chips align."""

from __future__ import annotations

from dataclasses import fields, replace

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from lpxsched.units import NONE
from lpxsched.verify.tree import Tree
from tests.builds import signed, two_chip_build
from tests.verify.changes import breaks, change, changed, reports
from tests.verify.collectives import collective_build


@st.composite
def forests(draw: st.DrawFn) -> list[int]:
    """Draw the parents of some nodes: roots are their own, nodes in no tree have none."""
    choices = [st.one_of(st.integers(0, max(node - 1, 0)), st.sampled_from([node, NONE])) for node in range(9)]
    parents = [draw(choice) for choice in choices]
    # What hangs from a node in no tree hangs nowhere.
    for node, parent in enumerate(parents):
        if parent not in (node, NONE) and parents[parent] == NONE:
            parents[node] = NONE
    return parents


def way_up(parents: list[int], node: int) -> list[int]:
    """Return a node and all above it; nothing for a node in no tree."""
    if parents[node] == NONE:
        return []
    return [node] if parents[node] == node else [node, *way_up(parents, parents[node])]


def walked(parents: list[int], a: int, b: int) -> int:
    """Return the edges between two nodes, found by walking."""
    above_a, above_b = way_up(parents, a), way_up(parents, b)
    common = [node for node in above_a if node in above_b]
    return above_a.index(common[0]) + above_b.index(common[0]) if common else NONE


@given(forests())
def test_levels_are_the_edges_between_two_nodes(parents: list[int]) -> None:
    """Tests all pairs of a random forest against a walk."""
    build = collective_build("all-gather")
    depth = np.array([len(way_up(parents, node)) - 1 for node in range(9)])
    nine = {field.name: np.resize(getattr(build.chips, field.name), 9) for field in fields(build.chips)}
    chips = replace(build.chips, **nine | {"hac_parent": np.array(parents), "hac_depth": depth})
    tree = Tree.of(replace(build, chips=chips))
    a, b = np.divmod(np.arange(81), 9)
    assert tree.levels_between(a, b).tolist() == [walked(parents, *divmod(pair, 9)) for pair in range(81)]


def test_a_depth_that_does_not_follow_from_the_parent_is_found() -> None:
    """Tests that the tree is judged before anything is reckoned with it."""
    assert breaks(changed("chips", 1, hac_depth=3), "R8", "chip 1 hangs from chip 0 at depth 3, must be 1")
    assert breaks(changed("chips", 1, hac_parent=-1), "R8", "chip 1 hangs from no node at depth 1, must be -1")
    assert breaks(changed("chips", 1, hac_parent=7), "R8", "chips.parquet row 1: hac_parent is 7, must be -1 to 2")


def test_a_host_is_in_no_tree() -> None:
    """Tests that hosts follow the chips at the other ends of their lanes."""
    build = changed("chips", 2, hac_parent=0, hac_depth=1)
    assert breaks(build, "R8", "host 0 is in the tree of counters; hosts follow the chips at their lanes")


def test_an_edge_along_which_no_link_sends_is_found() -> None:
    """Tests that a child hears its parent over a link that is up: the tree goes from chip 0 to 1, over link 0."""
    text = "the tree of counters goes from chip 0 to chip 1, but no link that is up does"
    assert reports(changed("links", 0, down=True), "R8", text)
    assert reports(changed("links", 0, dst=2), "R8", text)
    down = replace(two_chip_build().chips, down=np.array([True, False, False]))
    assert reports(signed(replace(two_chip_build(), chips=down)), "R8", text)


def test_ends_of_different_trees_are_found_where_clocks_must_align() -> None:
    """Tests that two roots never agree, which only perfect clocks need not."""
    text = "link 0 (chip 0 -> chip 1) carries slots, but no one tree of counters holds both ends"
    assert reports(changed("chips", 1, hac_parent=1, hac_depth=0), "R8", text)
    apart = change(collective_build("all-gather"), "chips", 0, hac_parent=0, hac_depth=0)
    assert not reports(apart, "R8", "")
