"""Tests of the picture of a fabric."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations, permutations
from math import prod
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lpxsched.fabric.facts import fabric_facts
from lpxsched.fabric.profile import load_fabric
from lpxsched.report.topology.figure import _draw, render_topology
from lpxsched.report.topology.layout import along_the_grid, arcs, bundles_between_chips, circle, grid_of
from lpxsched.report.topology.panels import _apart, _matrix_unit, _pairs, _round_step, _strongest
from tests.fabric.examples import fabric_of, hosted_grid, write_topology

if TYPE_CHECKING:
    from pathlib import Path

    from lpxsched.fabric.fabric import Fabric

SHAPES = st.lists(st.integers(1, 9), min_size=1, max_size=5).map(tuple)


def rendered(fabric: Fabric) -> dict[str, bytes]:
    """Return both pictures of a fabric."""
    return render_topology(fabric, fabric_facts(fabric), ["svg", "png"])


@pytest.mark.parametrize("name", ["ring-8", "tsp-rack"])
def test_two_runs_give_equal_bytes(name: str) -> None:
    """Tests that a fabric drawn twice, small or large, is equal byte for byte, with another one drawn between."""
    first = rendered(load_fabric(name))
    rendered(load_fabric("torus-4x4"))
    assert rendered(load_fabric(name)) == first
    assert first["svg"].startswith(b"<?xml")
    assert first["png"].startswith(b"\x89PNG")
    assert b"dc:date" not in first["svg"]


def test_faults_change_the_picture() -> None:
    """Tests that a chip out of service is drawn otherwise, on few chips and on many."""
    for fabric in (hosted_grid(2, 3), hosted_grid(5, 6)):
        down = fabric.node_down.copy()
        down[0] = True
        assert rendered(replace(fabric, node_down=down))["svg"] != rendered(fabric)["svg"]


@pytest.mark.parametrize(
    "fabric",
    [
        pytest.param(fabric_of([], grid=(1, 1)), id="one chip"),
        pytest.param(fabric_of([], grid=(5, 6)), id="no links"),
        pytest.param(fabric_of([(0, 1), (1, 2), (2, 0)], grid=(1, 3)), id="one way"),
        pytest.param(fabric_of([(a, (a + 1) % 350) for a in range(350)], grid=(1, 350)), id="long ring"),
    ],
)
def test_odd_fabrics_are_drawn(fabric: Fabric) -> None:
    """Tests that fabrics without links, with one chip, of one way, or of one long row give a picture."""
    assert set(rendered(fabric)) == {"svg", "png"}


@pytest.mark.parametrize("chips", [12, 30])
def test_a_legend_of_many_classes_is_whole(tmp_path: Path, chips: int) -> None:
    """Tests a ring of a class a pair of chips: the legend lies inside the figure, below every panel.

    Colours are as many as 14 classes need.
    """
    pairs = [(chip, (chip + 1) % chips) for chip in range(chips)]
    lines = [f"{a},{b},1{min(a, b):02}.125,117.25" for pair in pairs for a, b in (pair, pair[::-1])]
    table = "\n".join(["src,dst,latency_ns,gbps", *lines, ""])
    fabric = load_fabric(write_topology(tmp_path, table, chips=chips))
    assert len(fabric.link_classes) > 8
    figure = _draw(fabric, fabric_facts(fabric))
    figure.canvas.draw()
    (legend,) = figure.legends
    box, whole = legend.get_window_extent(), figure.bbox
    assert 0 <= box.x0 < box.x1 <= whole.x1
    assert 0 <= box.y0 < box.y1 <= min(axes.bbox.y0 for axes in figure.axes)
    told = f"and {len(fabric.link_classes) - 7} more classes"
    assert legend.get_texts()[-1].get_text() == told + (", whose colours repeat" if chips == 30 else "")


def test_bundles_leave_hosts_out() -> None:
    """Tests that two parallel links are one bundle, of which one link is up, and that hosts are not drawn."""
    fabric = fabric_of([(0, 1), (0, 1), (1, 0), (0, 2), (2, 0)], grid=(1, 2), hosts=1)
    bundles = bundles_between_chips(replace(fabric, link_down=np.array([True, False, False, False, False])))
    assert (bundles.source.tolist(), bundles.destination.tolist()) == ([0, 1], [1, 0])
    assert (bundles.lanes.tolist(), bundles.lanes_up.tolist()) == ([2, 1], [1, 1])


@pytest.mark.parametrize(
    ("name", "blocks", "rows", "columns", "names"),
    [
        ("lpx-rack", 1, 16, 16, ("", "tray", "position")),
        ("lpx-9-racks", 9, 16, 16, ("rack", "tray", "position")),
        ("tsp-rack", 1, 9, 8, ("", "node", "TSP")),
        ("dragonfly-20", 1, 5, 4, ("", "group", "chip")),
        # 2 x 2 x 2 x 2 as rows of the first two coordinates and columns of the last two
        ("hypercube-16", 1, 4, 4, ("", "", "")),
        ("ring-8", 1, 3, 3, ("", "", "")),
    ],
)
def test_grid_of_shipped_fabrics(name: str, blocks: int, rows: int, columns: int, names: tuple[str, str, str]) -> None:
    """Tests that racks are blocks, and trays, nodes and groups rows."""
    grid = grid_of(load_fabric(name))
    assert (grid.blocks, grid.rows, grid.columns, grid.names) == (blocks, rows, columns, names)


@given(SHAPES)
def test_no_two_chips_share_a_place(shape: tuple[int, ...]) -> None:
    """Tests that on every grid and every circle each chip has a place of its own, inside the stated size."""
    fabric = replace(fabric_of([], grid=(1, 1)), shape=shape)
    grid = grid_of(fabric)
    places = grid.places(fabric.chips)
    assert len(np.unique(places, axis=0)) == fabric.chips
    assert (places >= 0).all()
    assert (places < np.array(grid.size)).all()
    assert len(np.unique(circle(shape).round(9), axis=0)) == prod(shape)


def test_corners_are_the_first_chips_of_blocks() -> None:
    """Tests that the corner of a rack is the place of its first chip: racks of 16 x 16 stand 19 apart, 3 abreast."""
    fabric = load_fabric("lpx-9-racks")
    grid = grid_of(fabric)
    assert grid.corner(4) == (19, 19)
    assert grid.places(fabric.chips)[4 * 256].tolist() == [19, 19]


def test_which_fabrics_run_along_their_grid() -> None:
    """Tests that meshes are drawn on their grid, and that rings, diagonals and dragonflies are not."""
    for name, along in (("torus-4x4", True), ("hypercube-16", True), ("dragonfly-20", False)):
        fabric = load_fabric(name)
        assert along_the_grid(grid_of(fabric), bundles_between_chips(fabric)) is along
    for links, grid, along in (([(0, 1)], (2, 2), True), ([(0, 3)], (2, 2), False), ([(0, 1)], (1, 4), True)):
        fabric = fabric_of(links, grid=grid)
        assert along_the_grid(grid_of(fabric), bundles_between_chips(fabric)) is along
    line = fabric_of([(0, 1)], grid=(1, 2))
    assert not along_the_grid(grid_of(line), bundles_between_chips(line))


def test_circle_starts_at_the_top_and_runs_clockwise() -> None:
    """Tests the places of four chips of one row; y points downwards."""
    assert circle((4,)).round(9).tolist() == [[0, -1], [1, 0], [0, 1], [-1, 0]]


def test_groups_on_the_circle_are_apart() -> None:
    """Tests that two groups of three stand at angles of 45 degrees, with a gap of 90 between the groups."""
    places = circle((2, 3))
    angles = np.degrees(np.arctan2(places[:, 0], -places[:, 1])).round(6)
    assert angles.tolist() == [-45, 0, 45, 135, 180, -135]


def test_an_arc_bulges_to_the_left() -> None:
    """Tests ends and middle of an arc of height 1 from (0, 0) to (4, 0): to the left of a way to the right is up."""
    line = arcs(np.array([[0.0, 0.0]]), np.array([[4.0, 0.0]]), np.array([1.0]))[0]
    assert (line[0].tolist(), line[12].tolist(), line[24].tolist()) == ([0, 0], [2, -1], [4, 0])


def test_both_ways_are_one_line() -> None:
    """Tests that 0 <-> 1 is one line, and 1 -> 2 and a pair of which one way is down are lines of one way."""
    fabric = fabric_of([(0, 1), (1, 0), (1, 2), (2, 3), (3, 2)], grid=(1, 4))
    down = replace(fabric, link_down=np.array([False, False, False, True, False]))
    pairs, both = _pairs(bundles_between_chips(down), 4)
    assert list(zip(pairs.source.tolist(), pairs.destination.tolist(), both.tolist(), strict=True)) == [
        (0, 1, True),
        (1, 2, False),
        (2, 3, False),
        (3, 2, False),
    ]
    # The two lines between 2 and 3 must not hide each other.
    assert _apart(pairs, 4).tolist() == [0, 0, 0, 1]


def test_every_pair_of_a_full_mesh_is_one_line() -> None:
    """Tests that six chips have 15 lines."""
    pairs, both = _pairs(bundles_between_chips(fabric_of(list(permutations(range(6), 2)), grid=(1, 6))), 6)
    assert list(zip(pairs.source.tolist(), pairs.destination.tolist(), strict=True)) == list(combinations(range(6), 2))
    assert both.all()


def test_the_class_with_most_lanes_colours_a_cell() -> None:
    """Tests that 3 + 1 lanes of class 1 win over 2 of class 0, and that half the most lanes is half as dark."""
    cell, link_class, lanes = np.array([[7, 0, 2], [7, 1, 3], [7, 1, 1], [9, 1, 2]]).T
    joined, strongest, tint = _strongest(cell, link_class, lanes, 2)
    assert (joined.tolist(), strongest.tolist()) == ([7, 9], [1, 1])
    # 0.45 for none up to 1 for the four lanes of cell 7
    assert tint.tolist() == pytest.approx([1.0, 0.45 + 0.55 / 2])


@pytest.mark.parametrize(
    ("kind", "shape", "size", "name"),
    [
        ("lpx", (16, 16), 1, "chip"),
        ("lpx", (9, 16, 16), 16, "tray"),
        ("tsp", (145, 9, 8), 72, "rack"),
        ("torus", (20, 20), 20, "row"),
        # 350 chips in rows of at most 300 cells: two by two
        ("ring", (350,), 2, "2 chips"),
    ],
)
def test_rows_of_the_matrix(kind: str, shape: tuple[int, ...], size: int, name: str) -> None:
    """Tests that a row of the matrix is a chip where they fit, or else a tray, a rack or a few chips."""
    assert _matrix_unit(replace(fabric_of([], grid=(1, 1)), kind=kind, shape=shape)) == (size, name)


@pytest.mark.parametrize(("rows", "step"), [(1, 1), (20, 1), (21, 2), (64, 5), (145, 10), (300, 20)])
def test_ticks_are_round_numbers(rows: int, step: int) -> None:
    """Tests that there are at most twenty steps, of 1, 2 or 5 times a power of ten."""
    assert _round_step(rows) == step
