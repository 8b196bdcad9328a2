"""Tests of mappings that anybody would think of first."""

from __future__ import annotations

from dataclasses import replace

import pytest

from lpxsched.errors import InfeasibleError
from lpxsched.fabric.profile import load_fabric
from lpxsched.program.mapping.baselines import daisy_chain, whole
from lpxsched.program.memory import why_unfit
from tests.fabric.examples import hosted_grid
from tests.program.loads import load_on
from tests.workload.examples import toy


def test_a_daisy_chain_takes_as_few_trays_a_stage_as_fit() -> None:
    """Tests five layers of the toy on 4 trays of 2: on two chips 198 and 174 bytes, and 32 besides.

    410 bytes hold two layers a tray, their larger shares on different chips (198 + 174 + 32 = 404), so three trays do.
    """
    grid = hosted_grid(4, 2, sram_bytes=410)
    groups = daisy_chain(load_on(grid, toy(layers=5)), grid)
    assert [group.chips for group in groups] == [(0, 1), (1, 0), (2, 3), (3, 2), (4, 5)]


def test_stages_are_wider_where_one_tray_holds_no_layer() -> None:
    """Tests three layers with 160 bytes a chip: 182 for two columns do not fit, so all four trays are one stage.

    On 8 chips the first six have a column, 30 + 3 x (12 + 2 x 2) + 24 at most, and 32 besides; one such layer fits.
    """
    grid = hosted_grid(4, 2, sram_bytes=140)
    assert [len(group.chips) for group in daisy_chain(load_on(grid, toy(layers=1)), grid)] == [6]
    with pytest.raises(InfeasibleError, match=r"stages of whole trays, .* do not hold 3 layers with fp8 weights"):
        daisy_chain(load_on(grid, toy(layers=3)), grid)


def test_whole_is_all_chips_in_service_for_each_layer() -> None:
    """Tests eight layers of a rack: each on all but the chip that is down, with shares that begin elsewhere."""
    rack = load_fabric("lpx-rack")
    down = rack.node_down.copy()
    down[17] = True
    rack = replace(rack, node_down=down)
    load = load_on(rack, toy(layers=8))
    groups = whole(load, rack)
    assert {tuple(sorted(group.chips)) for group in groups} == {tuple(chip for chip in range(256) if chip != 17)}
    assert len({group.chips[0] for group in groups}) == 8
    assert why_unfit(load, groups) is None


def test_whole_says_which_chip_is_full() -> None:
    """Tests eleven layers of 30 bytes of router and more on chips of 300."""
    grid = hosted_grid(1, 4, sram_bytes=300)
    with pytest.raises(InfeasibleError, match=r"chip \d needs .* bytes at least for layer \d+ and 10 more"):
        whole(load_on(grid, toy(layers=11)), grid)
