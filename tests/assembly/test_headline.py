"""Tests of the three parts of what a step takes."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest

from lpxsched.assembly.headline import ATTENTION, FLAGS, HEADLINE, Ranged, headline_results, ranged


def told(**changes: Any) -> dict[str, Any]:
    """Return the headline of 2 layers of 600 ns (worst 1,100), 50 ns on the GPU and 200 (50 to 1,000) on each way."""
    facts: dict[str, Any] = {
        "proved_ns": Fraction(600),
        "proved_worst_ns": Fraction(1100),
        "layers": 2,
        "batch": 8,
        "gpu_ns": 50.0,
        "hand_over_ns": Ranged(Fraction(200), Fraction(50), Fraction(1000)),
        "polled": False,
    }
    return headline_results(**(facts | changes))


def test_a_step_is_what_is_proved_and_what_is_assumed() -> None:
    """Tests 2 x (50 + 2 x 200) = 900 beside 600, and 2 x (50 + 2 x 1000) = 4,100 beside 1,100."""
    results = told()
    assert tuple(results) == HEADLINE
    assert (results["proved_ns"], results["assumed_ns"], results["step_ns"]) == (600, 900, 1500)
    assert (results["proved_worst_ns"], results["assumed_high_ns"], results["step_high_ns"]) == (1100, 4100, 5200)
    # 2 x (50 + 2 x 50)
    assert results["assumed_low_ns"] == 300


def test_tokens_are_steps_a_second() -> None:
    """Tests 10^9 / 1,500 and 10^9 / 5,200 rounded down to a thousandth, and eight users in all."""
    results = told()
    assert results["tokens_per_s_per_user"] == 666_666.666
    assert results["tokens_per_s_per_user_low"] == 192_307.692
    assert results["tokens_per_s"] == 5_333_333.333


def test_the_parts_sum_to_the_step_in_picoseconds() -> None:
    """Tests thirds of a nanosecond: what is told is rounded up, and the sum is that of what is told."""
    results = told(proved_ns=Fraction(1, 3), hand_over_ns=Ranged(Fraction(1, 3), Fraction(0), Fraction(1, 3)))
    assert (results["proved_ns"], results["assumed_ns"], results["step_ns"]) == (0.334, 101.334, 101.668)


@pytest.mark.parametrize(("gpu_ns", "polled"), [(0.0, False), (0.0, True), (50.0, True)])
def test_what_no_part_contains_is_named(gpu_ns: float, polled: bool) -> None:
    """Tests attention while it takes no time, flags where chips poll, and what is never there."""
    left_out = told(gpu_ns=gpu_ns, polled=polled)["not_modelled"]
    assert {"LM head", "sampling", "embedding"} <= set(left_out)
    assert (left_out[0] == f"{ATTENTION} (--gpu-ns is 0)") == (gpu_ns == 0)
    assert (FLAGS in left_out) == polled


def test_a_number_without_a_range_is_what_it_is() -> None:
    """Tests a tagged number of a file with and without its range."""
    assert ranged({"value": 0.1}) == (Fraction(1, 10), Fraction(1, 10), Fraction(1, 10))
    assert ranged({"value": 2, "range": [1, 3]}) == (2, 1, 3)
