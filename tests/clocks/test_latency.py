"""Tests of the latency of one token."""

from __future__ import annotations

from fractions import Fraction

import pytest

from lpxsched.clocks.latency import (
    gpu_part_ns,
    largest_levels,
    nominal_ns,
    segment_levels,
    start_allowance_cycles,
    worst_case_ns,
)
from lpxsched.clocks.specification import ClockSpecification
from lpxsched.clocks.tree import AlignmentTree
from tests.builds import ints


def clock(ppm: float, residual_ns: float) -> ClockSpecification:
    """Return a clock whose counter has a period of 252 cycles."""
    return ClockSpecification.model_validate(
        {
            "name": "test",
            "offset_ppm": ppm,
            "residual_ns": residual_ns,
            "jitter_peak_to_peak_ns": 0,
            "crossing_cycles": 0,
            "temperature_ns": 0,
            "hac_period_cycles": 252,
        }
    )


@pytest.mark.parametrize(
    ("depth", "latency_cycles", "expected"),
    [
        (0, 0, 252),  # waiting alone
        (1, 251, 252 + 252),  # floor(251 / 252) + 1 = 1 epoch a level
        (1, 252, 252 + 504),  # floor(252 / 252) + 1 = 2
        (3, 600, 252 + 3 * 756),  # floor(600 / 252) + 1 = 3
    ],
)
def test_start_up_takes_epochs_for_each_level(depth: int, latency_cycles: int, expected: int) -> None:
    """Tests one epoch of waiting and floor(latency / period) + 1 epochs a level."""
    assert start_allowance_cycles(clock(0, 0), depth, latency_cycles) == expected


def tree() -> AlignmentTree:
    """Return 0 with the children 1 and 2, 3 below 1, 4 below 3, and 5 below 2."""
    return AlignmentTree(ints(0, 0, 0, 1, 3, 2), ints(0, 1, 1, 2, 3, 2))


@pytest.mark.parametrize(
    ("nodes", "expected"), [([3], 0), ([1, 3, 4], 2), ([0, 1, 2], 2), ([1, 4, 5], 5), ([0, 1, 2, 3, 4, 5], 5)]
)
def test_largest_levels_is_the_longest_path_between_the_nodes(nodes: list[int], expected: int) -> None:
    """Tests paths such as 4-3-1-0-2-5 with five edges."""
    assert largest_levels(tree(), nodes) == expected


def test_two_deskews_share_no_ancestors() -> None:
    """Tests that nodes 3 and 4, one edge apart, differ by twice their largest depth across deskews."""
    assert segment_levels(tree(), [3, 4], deskews=1) == 1
    assert segment_levels(tree(), [3, 4], deskews=2) == 6


def test_the_gpu_counts_once_a_layer_and_its_link_twice() -> None:
    """Tests 3 x (0.1 + 2 x 0.2) = 1.5 ns, exactly, and that nothing given is nothing counted."""
    assert gpu_part_ns(3, 0.1, 0.2) == Fraction(3, 2)
    assert gpu_part_ns(3, None, None) == 0


def test_nominal_latency_is_the_sum_of_the_segments() -> None:
    """Tests 100 + 200 cycles at 1200 MHz and 5 ns elsewhere."""
    assert nominal_ns(Fraction(1200), makespan_cycles=[100, 200], gpu_ns=Fraction(5)) == 255


def test_worst_case_is_the_sum_of_its_parts() -> None:
    """Tests two segments of 252 + 738 cycles at up to 1 % slow, with 1 and 3 levels of 10.6 ns."""
    worst = worst_case_ns(
        clock(10_000, 10.6),
        Fraction(1000),
        start_allowance_cycles=[252, 252],
        makespan_cycles=ints(738, 738),
        levels=[1, 3],
        gpu_ns=Fraction(7),
    )
    # 2 x 990 / 0.99 = 2000, 4 x 10.6 = 42.4
    assert worst == 2000 + Fraction(424, 10) + 7
