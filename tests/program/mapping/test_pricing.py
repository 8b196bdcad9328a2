"""Tests of bounds and prices of layers on chips."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from lpxsched.clocks.limits import DomainClock
from lpxsched.program.load import costs_on
from lpxsched.program.mapping.pricing import least_wires_of
from lpxsched.program.mapping.quick_bound import chain_cycles
from lpxsched.program.mapping.shapes import family
from lpxsched.workload.costs import cycles
from tests.program.mapping.markets import market_on

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("batch", [1, 4, 40])
def test_no_schedule_is_shorter_than_the_bounds(tmp_path: Path, batch: int) -> None:
    """Tests every shape of a rack of two trays of four."""
    market = market_on(tmp_path, batch=batch)
    for shape in family(market.fabric):
        quick, bound = market.quick(0, shape.chips), market.bound(0, shape.chips)
        price = market.price(0, shape.chips)
        assert 0 < quick <= price.makespan_cycles, shape.name
        assert 0 < bound <= price.bound_cycles <= price.makespan_cycles, shape.name


def test_a_bound_counts_the_stall_of_two_levels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests both trays, in which no chip neighbours all others, against a tray, in which every chip does."""
    trays, tray = tuple(range(8)), tuple(range(4))
    deep, shallow = (market_on(tmp_path) for _ in range(2))
    two, one = (
        DomainClock(deep.clock, levels, deep.fabric.chip.clock_mhz, in_hop=False).stall_cycles(0) for levels in (2, 1)
    )
    before = {chips: deep.bound(0, chips) for chips in (trays, tray)}
    monkeypatch.setattr("lpxsched.program.mapping.pricing.least_depth", lambda *_: 1)
    assert before[trays] - shallow.bound(0, trays) == two - one > 0
    assert before[tray] == shallow.bound(0, tray)


def test_the_quick_bound_of_one_chip_is_its_whole_way(tmp_path: Path) -> None:
    """Tests that one chip takes the stall, a hop in, its operators and a hop out, and nothing between chips."""
    market = market_on(tmp_path)
    chip, works = market.load.chip, costs_on(market.load, 0, 1)
    units = {operator.kind: operator.unit for operator in market.load.graph.layer(0).operators}
    ran = sum(cycles(works[0][kind], unit, chip) for kind, unit in units.items())
    assert chain_cycles(market.load, 0, 1) == ran
    # Hops of 5 + 25.6 cycles, rounded up; the guard of one level on the way in, and the stall of a tree of one.
    wires = least_wires_of(market)
    assert market.quick(0, (0,)) == ran + wires.stall_cycles + wires.from_host_cycles + wires.to_host_cycles
    assert wires.to_host_cycles == 31


def test_more_hosts_take_less_hand_over(tmp_path: Path) -> None:
    """Tests one tray of four, with two hosts of two chips each, against both trays with four."""
    market = market_on(tmp_path, batch=64)
    assert market.handover_cycles(0, tuple(range(4))) > market.handover_cycles(0, tuple(range(8)))
