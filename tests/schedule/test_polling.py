"""Tests of what one pass of polling chips sends."""

from __future__ import annotations

import pytest

from lpxsched.schedule.layers import solve_layers
from lpxsched.schedule.options import SolveOptions
from lpxsched.schedule.polling import pass_load_cycles
from tests.schedule.layers import layers_on

GREEDY = SolveOptions("greedy", 1, 0)


def load(chips: range, batch: int) -> int:
    """Return the load of a layer on some chips of the rack; 2 vectors a row enter."""
    rack = layers_on("lpx-rack", [chips], batch=batch)
    (layer,) = solve_layers(rack.problems, GREEDY, progress=lambda *_: None)
    return pass_load_cycles(layer.problem, layer.distinct.result.schedule)


@pytest.mark.parametrize(
    ("chips", "batch", "expected"),
    [
        # One chip: its lane carries 4 vectors of 26.24 cycles, 104.96, and one of flags, 26.24.
        (range(1), 2, 105 + 27),
        # Eight chips of one tray with one host: 2 vectors a lane, 53, and one of flags; between chips two vectors at
        # most on each of four lanes, and one of flags.
        (range(8), 8, 53 + 27),
        # Sixteen chips with two hosts: 16 vectors, 420 cycles, on a lane from a host with one of flags, and on one lane
        # between chips with two.
        (range(16), 128, 420 + 53),
    ],
)
def test_the_busiest_link_of_a_pass(chips: range, batch: int, expected: int) -> None:
    """Tests slots of the ingress and one vector of flags a host."""
    assert load(chips, batch) == expected


def test_flags_of_every_host_travel_between_chips() -> None:
    """Tests two rows on sixteen chips: each of 4 vectors on its own lane, beside the flags of two hosts."""
    # 27 + ceil(2 x 26.24) = 80 between chips, 27 + 27 = 54 from a host.
    assert load(range(16), 2) == 80
