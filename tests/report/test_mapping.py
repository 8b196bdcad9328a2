"""Tests of which chips hold which layers."""

from __future__ import annotations

import pytest

from lpxsched.report.mapping import mapping, position_ranges
from tests.builds import two_chip_build


def test_what_holds_a_layer() -> None:
    """Tests two chips and how far their weights fill them."""
    build = two_chip_build()
    (held,) = mapping(build)
    filled = build.chips.weight_bytes[:2] / build.chips.sram_bytes[:2]
    assert (held.layers, held.chips, held.count) == ((0,), "0.0-1", 2)
    assert (held.least_filled, held.most_filled) == (filled.min(), filled.max())


@pytest.mark.parametrize(
    ("positions", "told"),
    [
        (["0.0", "0.1", "0.2", "1.3"], "0.0-2, 1.3"),
        (["3", "4", "9"], "3-4, 9"),
        (["0.1.2", "0.2.3"], "0.1.2, 0.2.3"),
        (["0.3", "1.3", "2.3", "4.3"], "0-2.3, 4.3"),
        (["0.7.1", "0.7.2", "0.8.1", "0.8.2", "1.9.1", "1.9.2"], "0.7-8.1-2, 1.9.1-2"),
        (["host a", "host b"], "host a, host b"),
        ([], ""),
    ],
)
def test_positions_are_joined(positions: list[str], told: str) -> None:
    """Tests runs inside a tray, chips without trays, racks, names, and the same places of trays in a row."""
    assert position_ranges(positions) == told
