"""Tests of layers onto placements."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from typing import TYPE_CHECKING

import numpy as np

from lpxsched.program.mapping.packing import Offer, by_rule, packed, room_bytes
from tests.fabric.examples import hosted_grid
from tests.program.loads import load_on
from tests.workload.examples import toy

if TYPE_CHECKING:
    from lpxsched.program.load import Load

GRID = hosted_grid(1, 4)


def load_with(room: int) -> Load:
    """Return a load whose chips have so many bytes for weights."""
    load = load_on(GRID, toy())
    spare = load.chip.sram_bytes - room_bytes(load)
    return replace(load, chip=replace(load.chip, sram_bytes=room + spare))


def offered(cycles: int, places: list[list[int]], shares: list[int], kind: int = 0) -> Offer:
    """Return a kind of layer on some chips with some bytes of each share."""
    return Offer(kind, 0, cycles, np.array(places), np.array(shares), np.arange(len(places)))


def held(layers: list[int], offers: list[Offer], chosen: tuple[tuple[int, int], ...]) -> list[int]:
    """Return what lies on each of four chips."""
    total = np.zeros(4, dtype=np.int64)
    for _, (number, place) in zip(layers, chosen, strict=True):
        total[offers[number].chips[place]] += offers[number].shares
    return total.tolist()


def test_layers_spread_over_equal_placements() -> None:
    """Tests four layers on pairs of chips with room for two each: two on each pair, in turn."""
    offers = [offered(10, [[0, 1], [2, 3]], [5, 5])]
    found = by_rule(load_with(10), [0] * 4, offers, 4)
    assert found is not None
    assert found.places == (0, 1, 0, 1)
    assert (found.cycles, found.optimal) == (40, True)


def test_larger_shares_are_turned_so_that_they_do_not_pile_up() -> None:
    """Tests two layers with shares of 8 and 2 on a pair with room for 10: the second is turned."""
    offers = [offered(10, [[0, 1], [1, 0]], [8, 2])]
    found = by_rule(load_with(10), [0, 0], offers, 4)
    assert found is not None
    assert found.places == (0, 1)
    assert by_rule(load_with(9), [0, 0], offers, 4) is None


def test_cp_sat_finds_what_the_rule_does_not() -> None:
    """Tests a short offer that leaves no room for what the second kind needs: 10 + 50 against 20 + 20.

    The first kind takes 10 cycles on chips 0 and 1, or 20 on chip 2; the second 20 on chips 0 and 1, or 50 on chip 3.
    """
    offers = [
        offered(10, [[0, 1]], [6, 6]),
        offered(20, [[2]], [6]),
        offered(20, [[0, 1]], [6, 6], kind=1),
        offered(50, [[3]], [6], kind=1),
    ]
    load = load_with(10)
    rule = by_rule(load, [0, 1], offers, 4)
    assert rule is not None
    assert (rule.cycles, rule.optimal) == (60, False)
    thorough = packed(load, [0, 1], offers, 4, seed=0, thorough=True)
    assert thorough is not None
    assert (thorough.cycles, thorough.offers, thorough.optimal) == (40, (1, 2), True)
    assert packed(load, [0, 1], offers, 4, seed=0, thorough=False) == rule


def test_what_has_no_room_is_not_packed() -> None:
    """Tests three layers of 6 bytes on two chips with room for 10."""
    offers = [offered(10, [[0], [1]], [6])]
    assert packed(load_with(10), [0] * 3, offers, 4, seed=0, thorough=True) is None


def test_cp_sat_is_as_short_as_all_choices_tried() -> None:
    """Tests four layers on two shapes of unequal shares against all their placements."""
    offers = [
        offered(7, [[0, 1], [1, 0], [2, 3], [3, 2]], [5, 3]),
        offered(9, [[0, 1, 2, 3], [2, 3, 0, 1]], [2, 2, 1, 1]),
    ]
    layers, load = [0] * 5, load_with(10)
    every = [(number, place) for number, one in enumerate(offers) for place in range(len(one.chips))]
    fitting = [chosen for chosen in product(every, repeat=5) if max(held(layers, offers, chosen)) <= 10]
    best = min(sum(offers[number].cycles for number, _ in chosen) for chosen in fitting)
    found = packed(load, layers, offers, 4, seed=0, thorough=True)
    assert found is not None
    assert found.cycles == best
    assert max(held(layers, offers, tuple(zip(found.offers, found.places, strict=True)))) <= 10
