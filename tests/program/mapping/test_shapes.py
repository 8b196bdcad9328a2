"""Tests of the family of placements."""

from __future__ import annotations

from dataclasses import replace
from math import prod

import numpy as np
import pytest

from lpxsched.fabric.profile import load_fabric
from lpxsched.program.mapping.shapes import (
    MOST_TURNS,
    Axes,
    ShapePlacement,
    axes_of,
    chips_of,
    family,
    placements_of,
    racks_of,
    turns_of,
    whole_fabric,
    whole_trays,
)
from tests.fabric.examples import fabric_of, hosted_grid


def test_a_grid_has_rectangles_and_unions_of_two() -> None:
    """Tests 2 trays of 3: 6 rectangles; a tray and 1 or 2 positions more, and 1 or 2 columns and a chip more."""
    shapes = family(hosted_grid(2, 3))
    assert len(shapes) == 6 + 2 + 2
    named = {shape.name: shape.chips for shape in shapes}
    assert named["1 tray x 2 positions"] == (0, 1)
    assert named["1 tray x 3 positions and 1 tray x 2 positions"] == (0, 1, 2, 3, 4)
    assert named["2 trays x 1 position and 1 tray x 1 position"] == (0, 3, 1)
    assert [shape.width for shape in shapes] == sorted(shape.width for shape in shapes)


def test_a_symmetric_fabric_has_one_shape_for_all_places() -> None:
    """Tests that a step along trays or positions keeps the grid, so that a shape has 2 x 3 places, each other chips."""
    fabric = hosted_grid(2, 3)
    (shape,) = (one for one in family(fabric) if one.name == "1 tray x 2 positions")
    places = placements_of(fabric, shape)
    assert len(shape.placements) == 1
    assert [chips_of(fabric, place) for place in places] == [(0, 1), (1, 2), (2, 0), (3, 4), (4, 5), (5, 3)]


def test_what_is_not_symmetric_is_told_apart() -> None:
    """Tests a row of three chips, the ends of which are not joined: two pairs alike, and no pair over the ends."""
    links = [(0, 1), (1, 0), (1, 2), (2, 1), *((chip, 3) for chip in range(3)), *((3, chip) for chip in range(3))]
    row = fabric_of(links, grid=(1, 3), hosts=1)
    pairs = [shape for shape in family(row) if shape.width == 2]
    assert [[chips_of(row, place) for place in placements_of(row, pair)] for pair in pairs] == [[(0, 1), (1, 2)]]


def test_chips_that_are_down_are_left_out() -> None:
    """Tests a tray of four with chip 1 down: all of it are three chips, told so, and no place has chip 1."""
    fabric = hosted_grid(1, 4)
    down = fabric.node_down.copy()
    down[1] = True
    fabric = replace(fabric, node_down=down)
    names = [shape.name for shape in family(fabric)]
    assert "4 positions without 1 that are down" in names
    places = [place for shape in family(fabric) for place in placements_of(fabric, shape)]
    assert {chip for place in places for chip in chips_of(fabric, place)} == {0, 2, 3}


@pytest.mark.parametrize(
    ("name", "axes"), [("lpx-rack", (1, 16, 16)), ("lpx-9-racks", (9, 16, 16)), ("tsp-node", (1, 1, 8))]
)
def test_the_axes_of_shipped_fabrics(name: str, axes: tuple[int, ...]) -> None:
    """Tests racks, trays and positions."""
    fabric = load_fabric(name)
    assert axes_of(fabric) == axes
    assert chips_of(fabric, whole_fabric(fabric)) == tuple(range(prod(axes)))


def test_turned_shares_are_the_same_chips() -> None:
    """Tests the turns of a tray and of several: the first leaves all as it is, each begins at another chip."""
    fabric = load_fabric("lpx-rack")
    for place in (whole_trays(0, 3, 1, 16), whole_trays(0, 3, 5, 16)):
        turned = [chips_of(fabric, place, turn) for turn in turns_of(place)]
        assert len({chips[0] for chips in turned}) == len(turned) <= MOST_TURNS
        assert {tuple(sorted(chips)) for chips in turned} == {chips_of(fabric, place)}
        assert turned[0] == chips_of(fabric, place)


def test_racks_of_a_group() -> None:
    """Tests the first chip in each rack of a group over two racks of 256."""
    fabric = load_fabric("lpx-2-racks")
    assert racks_of(fabric, (300, 5, 3, 511)) == (3, 300)
    place = ShapePlacement(((Axes(1, 1, 16), Axes(0, 0, 0)),), Axes(1, 15, 0))
    assert np.array_equal(chips_of(fabric, place), np.arange(496, 512))


def test_turns_that_are_joined_otherwise_are_shapes_of_their_own() -> None:
    """Tests two chips, the second with a lane more from its host: whose share comes first makes two shapes."""
    links = [(0, 1), (1, 0), (0, 2), (1, 2), (2, 0), (2, 1)]
    alike = fabric_of(links, grid=(1, 2), hosts=1)
    unlike = fabric_of([*links, (2, 1)], grid=(1, 2), hosts=1)
    pairs = [[(one.name, one.chips) for one in family(fabric) if one.width == 2] for fabric in (alike, unlike)]
    assert pairs == [
        [("2 positions", (0, 1))],
        [("2 positions", (0, 1)), ("2 positions, shares turned by 1", (1, 0))],
    ]
