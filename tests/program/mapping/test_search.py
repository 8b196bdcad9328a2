"""Tests of the mapping that is chosen, against baselines, its bound and all shapes alike."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from lpxsched.errors import InfeasibleError, NothingFoundError
from lpxsched.program.mapping.choose import shortest_mapping
from lpxsched.program.mapping.family_bound import Bounds, mapping_bound
from lpxsched.program.mapping.packing import offer, room_bytes
from lpxsched.program.mapping.search import chosen_mapping
from lpxsched.program.mapping.shapes import family
from lpxsched.program.memory import weight_bytes, why_unfit
from tests.program.mapping.markets import market_on

if TYPE_CHECKING:
    from pathlib import Path

    from lpxsched.program.mapping.pricing import Market


def quiet(*_: object) -> None:
    """Tell nothing."""


def with_sram(market: Market, sram_bytes: int) -> Market:
    """Return a market whose chips have so many bytes."""
    chip = replace(market.fabric.chip, sram_bytes=sram_bytes)
    return replace(market, load=replace(market.load, chip=chip), fabric=replace(market.fabric, chip=chip))


def test_the_chosen_mapping_is_between_its_bound_and_every_baseline(tmp_path: Path) -> None:
    """Tests three layers on two trays of four: what it takes beside the bound, the baselines and one shape for all."""
    market = market_on(tmp_path)
    mapping = shortest_mapping(market, progress=quiet)
    (shape,) = {len(group.chips) for group in mapping.groups}
    prices = [
        market.price(0, one.chips).makespan_cycles + market.handover_cycles(0, one.chips)
        for one in family(market.fabric)
    ]
    taken = market.price(0, mapping.groups[0].chips).makespan_cycles + market.handover_cycles(
        0, mapping.groups[0].chips
    )
    assert taken == min(prices)
    assert mapping.bound_cycles is not None
    assert mapping.bound_cycles <= 3 * (taken - market.handover_cycles(0, mapping.groups[0].chips))
    assert mapping.bound_cycles == 3 * min(
        max(market.quick(0, one.chips), market.bound(0, one.chips)) for one in family(market.fabric)
    )
    assert (mapping.chosen, mapping.packed_optimally, len(mapping.reasons)) == ("auto", True, 3)
    assert mapping.baselines is not None
    assert {name: one.missing for name, one in mapping.baselines.items()} == dict.fromkeys(
        ("daisy-chain", "disjoint", "whole"), ""
    )
    assert shape <= 8
    assert shortest_mapping(market, progress=quiet) == mapping


def test_shares_are_turned_to_where_they_are_shortest(tmp_path: Path) -> None:
    """Tests one row on five chips, 0 without a link to 1: turned by two, shares of 0 and 1 come last.

    All other turns take longer; of those whose bound is no less than what this one takes none is scheduled.
    """
    market = market_on(tmp_path, trays=1, positions=5, batch=1, layers=1, down={"links": [[0, 1]]})
    turned = family(market.fabric)[-5:]
    assert [shape.chips[0] for shape in turned] == [0, 1, 2, 3, 4]
    lengths = [market.price(0, shape.chips).makespan_cycles for shape in turned]
    assert min(length for turn, length in enumerate(lengths) if turn != 2) > lengths[2]
    found = chosen_mapping(market, Bounds(market, turned), quiet)
    assert found is not None
    assert (found.chips, found.optimal) == (((2, 3, 4, 0, 1),), True)
    assert found.reasons[0].startswith(f"5 positions, shares turned by 2: {lengths[2]} cycles")


def test_shapes_without_a_place_that_is_offered_are_passed_over(tmp_path: Path) -> None:
    """Tests five chips, 0 without a link to 1: trios around the end of the row begin at no multiple of three."""
    market = market_on(tmp_path, trays=1, positions=5, batch=1, down={"links": [[0, 1]]})
    trios = [number for number, shape in enumerate(family(market.fabric)) if shape.width == 3]
    places = [len(offer(market, family(market.fabric), 0, number, 1, 0).places) for number in trios]
    assert min(places) == 0 < max(places)
    assert shortest_mapping(market, progress=quiet).packed_optimally


def test_layers_without_room_for_the_shortest_shape_go_elsewhere(tmp_path: Path) -> None:
    """Tests chips with room for three layers on all eight: two on a tray of four each, and one on both trays.

    A share of four chips is twice that of eight, so that each chip is full. The bound is still below.
    """
    market = market_on(tmp_path, layers=3)
    whole = int(weight_bytes(market.load, 0, 8).max())
    spare = market.load.chip.sram_bytes - room_bytes(market.load)
    tight = with_sram(market, 3 * whole + spare)
    mapping = shortest_mapping(tight, progress=quiet)
    assert [len(group.chips) for group in mapping.groups] == [4, 4, 8]
    assert not set(mapping.groups[0].chips) & set(mapping.groups[1].chips)
    assert why_unfit(tight.load, mapping.groups) is None
    bounds = Bounds(tight, family(tight.fabric))
    assert mapping_bound(bounds) <= sum(tight.price(0, group.chips).makespan_cycles for group in mapping.groups)
    # With room for any shape the bound is no larger.
    assert mapping_bound(Bounds(market, family(market.fabric))) <= mapping_bound(bounds)


def test_more_weights_than_all_chips_hold_are_infeasible(tmp_path: Path) -> None:
    """Tests three layers of which the weights alone are one byte more than the SRAM."""
    market = market_on(tmp_path)
    total = 3 * int(weight_bytes(market.load, 0, 1).sum())
    with pytest.raises(InfeasibleError, match=rf"3 layers of toy with fp8 weights are {total:,} bytes of weights"):
        shortest_mapping(with_sram(market, (total - 1) // 8), progress=quiet)


def test_a_layer_that_all_chips_do_not_hold_is_infeasible(tmp_path: Path) -> None:
    """Tests chips without room for what an operator reads and writes besides the weights."""
    market = market_on(tmp_path, layers=1)
    with pytest.raises(InfeasibleError, match=r"one layer of toy with fp8 weights needs .* on each of all 8 chips"):
        shortest_mapping(with_sram(market, int(weight_bytes(market.load, 0, 8).max())), progress=quiet)


def test_what_no_placement_holds_is_not_called_infeasible(tmp_path: Path) -> None:
    """Tests three layers that fit in bytes, but not in whole shares: each baseline says why not."""
    market = market_on(tmp_path)
    whole = int(weight_bytes(market.load, 0, 8).max())
    spare = market.load.chip.sram_bytes - room_bytes(market.load)
    with pytest.raises(NothingFoundError, match=r"no placements found .*; daisy-chain: .*; disjoint: .*; whole: "):
        shortest_mapping(with_sram(market, 3 * whole - 1), progress=quiet)
    assert spare > 0
