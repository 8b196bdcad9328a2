"""R3, parts: what is assumed, wires and deskews of the manifest sum to what it tells of the whole."""

from __future__ import annotations

from typing import Any

import pytest

from tests.builds import two_chip_build
from tests.verify.changes import breaks, rules
from tests.verify.test_results import claiming

# Each part is rounded up: 0.7 and 0.6 ps are told as 1 and 1, their sum of 1.3 as 2, or of 0.3 each as 1.
PARTS = {"mixers": [0.001, 0.001, 2.0], "hand-over": [0.001, 0.001, 1.0]}
WIRES = [
    {"layers": [0], "wires": {"makespan_cycles": 3, "lower_bound_cycles": 2}},
    {"layers": [1, 2], "wires": {"makespan_cycles": 5, "lower_bound_cycles": 4}},
]


@pytest.mark.parametrize(
    ("told", "text"),
    [
        ({"assumed_low_ns": 0.002, "assumed_high_ns": 3.0}, ""),
        ({"assumed_low_ns": 0.001, "assumed_high_ns": 3.0}, ""),
        ({"assumed_low_ns": 0.003}, "assumed_low_ns is 0.003, assumed_parts_ns sum to 0.002"),
        ({"assumed_high_ns": 2.998}, "assumed_high_ns is 2.998, assumed_parts_ns sum to 3.000"),
        ({"assumed_parts_ns": {"mixers": [1.0]}}, "must tell three times of each part"),
        ({"assumed_parts_ns": {}}, "must tell three times of each part"),
    ],
)
def test_parts_sum_to_what_is_assumed(told: dict[str, Any], text: str) -> None:
    """Tests sums that are off by no more than their rounding, and beyond it."""
    build = claiming(two_chip_build(), **({"assumed_parts_ns": PARTS} | told))
    assert breaks(build, "R3", text) if text else not rules(build)


def test_the_gap_of_wires_is_that_of_all_layers() -> None:
    """Tests 3 + 2 x 5 cycles over 2 + 2 x 4; two chips of one layer alone are counted."""
    build = claiming(two_chip_build(), problems=WIRES[:1], wire_gap=1.5)
    assert not rules(build)
    wrong = claiming(two_chip_build(), problems=WIRES[:1], wire_gap=1.4)
    assert breaks(wrong, "R3", "results wire_gap is 1.4, of 3 cycles over 2 it is 1.5")
    both = claiming(two_chip_build(), problems=WIRES, wire_gap=1.5)
    assert breaks(both, "R3", "results wire_gap is 1.5, of 13 cycles over 10 it is 1.3")
    assert breaks(claiming(two_chip_build(), problems=[{"layers": [0]}], wire_gap=1.0), "R3", "problems tell no wires")


def test_deskews_are_counted() -> None:
    """Tests the one deskew of a frame on demand."""
    assert not rules(claiming(two_chip_build(), deskews={"count": 1}))
    assert breaks(claiming(two_chip_build(), deskews={"count": 2}), "R3", "deskews.count is 2, the first frame has 1")
