"""Tests of numbers that make translations visible."""

from __future__ import annotations

import numpy as np
import pytest

from lpxsched.fabric.adjacency import adjacency
from lpxsched.fabric.numbering import cyclic_order, found_numbering
from lpxsched.fabric.profile import load_fabric
from tests.fabric.examples import joined_of

SQUARE = [(0, 1), (1, 2), (2, 3), (3, 0)]


def both_ways(cables: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return each cable as two bundles."""
    return cables + [(b, a) for a, b in cables]


def circulant(chips: int, *offsets: int) -> np.ndarray[tuple[int, int], np.dtype[np.int64]]:
    """Return 1 for chips that are joined, 0 for others."""
    colour = np.zeros((chips, chips), dtype=np.int64)
    for offset in offsets:
        for chip in range(chips):
            colour[chip, (chip + offset) % chips] = colour[(chip + offset) % chips, chip] = 1
    return colour


def test_the_entries_of_a_chip_are_digits_of_its_number() -> None:
    """Tests two triangles, 0 4 2 and 3 1 5, joined by 0 - 3, 4 - 1, 2 - 5: Z2 x Z3 by chip = 2 x corner + triangle."""
    triangles = [(0, 4), (4, 2), (2, 0), (3, 1), (1, 5), (5, 3)]
    number = found_numbering(joined_of(both_ways([*triangles, (0, 3), (4, 1), (2, 5)]), 6))
    assert number is not None
    assert sorted(number.tolist()) == list(range(6))
    triangle, corner = number % 2, number // 2
    assert triangle[[0, 4, 2]].tolist() == [triangle[0]] * 3
    assert (triangle[0] != triangle[3], corner[0] == corner[3], corner[4] == corner[1]) == (True, True, True)


def test_a_ring_of_four_is_two_pairs_by_two() -> None:
    """Tests that a square is a product: neighbours differ in one digit of size 2, opposite corners in both."""
    number = found_numbering(joined_of(both_ways(SQUARE), 4))
    assert number is not None
    assert (number[0] ^ number[2], number[1] ^ number[3]) == (3, 3)


def test_a_factor_that_does_not_turn_keeps_its_entries() -> None:
    """Tests a cylinder, three rings of five: the smaller factor, the line of three, is the low digit."""
    rings = [(5 * height + angle, 5 * height + (angle + 1) % 5) for height in range(3) for angle in range(5)]
    lines = [(chip, chip + 5) for chip in range(10)]
    number = found_numbering(joined_of(both_ways(rings + lines), 15))
    assert number is not None
    heights = (number % 3).reshape(3, 5)
    assert (heights == heights[:, :1]).all()


def test_what_only_looks_like_a_product_is_one_factor() -> None:
    """Tests a circulant of 65 chips that is a grid of squares all round, yet no product: one cyclic order of all."""
    shuffled = np.random.default_rng(0).permutation(65).tolist()
    cables = [(shuffled[chip], shuffled[(chip + step) % 65]) for chip in range(65) for step in (1, 9)]
    number = found_numbering(joined_of(both_ways(cables), 65))
    assert number is not None
    steps = {int((number[b] - number[a]) % 65) for a, b in both_ways(cables)}
    assert len(steps) == 4


@pytest.mark.parametrize(
    "cables",
    [
        [(0, 1), (1, 2)],  # a line
        [(0, 1), (0, 2), (0, 3)],  # a star
        [*SQUARE, (0, 2)],  # a square with one diagonal
    ],
)
def test_what_no_turn_leaves_as_it_is_has_no_numbers(cables: list[tuple[int, int]]) -> None:
    """Tests fabrics without translations."""
    assert found_numbering(joined_of(both_ways(cables), 4)) is None


def test_large_fabrics_are_left_as_they_are() -> None:
    """Tests 10,440 chips: tables of chips by chips would be too large."""
    assert found_numbering(adjacency(load_fabric("tsp-10440"))) is None


@pytest.mark.parametrize(("chips", "offsets"), [(5, (1,)), (9, (1, 3)), (16, (1, 4)), (13, (1, 5)), (12, (3, 4))])
def test_a_shuffled_circulant_gets_a_cyclic_order(chips: int, offsets: tuple[int, ...]) -> None:
    """Tests that every step round the order keeps what is joined."""
    shuffled = np.random.default_rng(chips).permutation(chips)
    colour = circulant(chips, *offsets)[np.ix_(shuffled, shuffled)]
    order = cyclic_order(colour)
    assert order is not None
    turned = colour[np.ix_(order, order)]
    assert sorted(order) == list(range(chips))
    assert (np.roll(turned, (1, 1), axis=(0, 1)) == turned).all()


def test_the_petersen_graph_has_no_cyclic_order() -> None:
    """Tests ten chips that all look alike: no permutation of the Petersen graph is one cycle over all ten."""
    outer = [(a, (a + 1) % 5) for a in range(5)]
    inner = [(5 + a, 5 + (a + 2) % 5) for a in range(5)]
    spokes = [(a, 5 + a) for a in range(5)]
    colour = np.zeros((10, 10), dtype=np.int64)
    for a, b in both_ways([*outer, *inner, *spokes]):
        colour[a, b] = 1
    assert cyclic_order(colour) is None
