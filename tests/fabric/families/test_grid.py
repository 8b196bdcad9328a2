"""Tests of families whose chips have coordinates."""

from __future__ import annotations

from itertools import pairwise, product
from typing import TYPE_CHECKING

import pytest

from lpxsched.fabric.families.grid import full_mesh, hypercube, hyperx, mesh, ring, torus

if TYPE_CHECKING:
    from lpxsched.fabric.families.wiring import Wiring

Pair = tuple[int, int]


def joined(wiring: Wiring) -> dict[str, list[Pair]]:
    """Return the pairs of each class, the smaller chip first, sorted."""
    return {name: sorted((min(a, b), max(a, b)) for a, b in pairs.tolist()) for name, pairs in wiring.pairs.items()}


@pytest.mark.parametrize(
    ("chips", "pairs"),
    [(1, []), (2, [(0, 1)]), (3, [(0, 1), (0, 2), (1, 2)]), (4, [(0, 1), (0, 3), (1, 2), (2, 3)])],
)
def test_rings(chips: int, pairs: list[Pair]) -> None:
    """Tests that one chip is not joined to itself, and that two are joined once."""
    assert joined(ring(chips)) == {"link": pairs}
    assert (ring(chips).shape, ring(chips).hosts) == ((chips,), 0)


@pytest.mark.parametrize(("chips", "pairs"), [(1, 0), (2, 1), (3, 3), (64, 2016)])
def test_full_meshes(chips: int, pairs: int) -> None:
    """Tests n (n - 1) / 2 pairs, none twice."""
    found = joined(full_mesh(chips))["link"]
    assert len(found) == len(set(found)) == pairs


def test_a_torus_of_axes_of_three_two_and_one() -> None:
    """Tests shape 3 x 2 x 1, chips 2 r + c: rings 0-2-4 and 1-3-5 along axis 0, single links along axis 1.

    An axis of two chips has one link, not two, and an axis of one has none.
    """
    wiring = torus([3, 2, 1])
    assert wiring.shape == (3, 2, 1)
    assert joined(wiring) == {
        "axis 0": [(0, 2), (0, 4), (1, 3), (1, 5), (2, 4), (3, 5)],
        "axis 1": [(0, 1), (2, 3), (4, 5)],
        "axis 2": [],
    }


def test_the_ends_of_a_mesh_are_not_joined() -> None:
    """Tests shape 3 x 3: neither 0 and 2, nor 0 and 6; 12 pairs."""
    assert joined(mesh([3, 3])) == {
        "axis 0": [(0, 3), (1, 4), (2, 5), (3, 6), (4, 7), (5, 8)],
        "axis 1": [(0, 1), (1, 2), (3, 4), (4, 5), (6, 7), (7, 8)],
    }


def test_a_mesh_of_one_axis_is_a_line() -> None:
    """Tests the name of the only class."""
    assert joined(mesh([4])) == {"link": [(0, 1), (1, 2), (2, 3)]}


@pytest.mark.parametrize("dimensions", [1, 2, 3, 4])
def test_hypercubes_join_numbers_that_differ_in_one_bit(dimensions: int) -> None:
    """Tests all pairs against exclusive-or; a cube of one dimension is a pair."""
    wiring = hypercube(dimensions)
    found = [pair for pairs in joined(wiring).values() for pair in pairs]
    chips = range(2**dimensions)
    assert sorted(found) == [(a, b) for a, b in product(chips, chips) if a < b and (a ^ b).bit_count() == 1]
    assert wiring.shape == (2,) * dimensions


def test_a_hyperx_joins_all_of_a_line() -> None:
    """Tests shape 3 x 2: along axis 0 the triangles 0-2-4 and 1-3-5, along axis 1 three pairs."""
    assert joined(hyperx([3, 2])) == {
        "axis 0": [(0, 2), (0, 4), (1, 3), (1, 5), (2, 4), (3, 5)],
        "axis 1": [(0, 1), (2, 3), (4, 5)],
    }


def test_a_grid_of_many_axes_joins_neighbours_of_each() -> None:
    """Tests a mesh of 2 x 3 x 4: 24 chips, 12 + 16 + 18 pairs, each one step on its axis."""
    pairs = joined(mesh([2, 3, 4]))
    assert {name: len(found) for name, found in pairs.items()} == {"axis 0": 12, "axis 1": 16, "axis 2": 18}
    assert {b - a for a, b in pairs["axis 0"]} == {12}
    assert {b - a for a, b in pairs["axis 1"]} == {4}
    assert pairs["axis 2"] == sorted(pair for row in range(0, 24, 4) for pair in pairwise(range(row, row + 4)))
