"""Tests of the three parts of what a step takes."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest

from lpxsched.assembly.headline import (
    ATTENTION,
    FLAGS,
    HEADLINE,
    SHARED,
    Emitted,
    Ranged,
    assumed_ns,
    headline_results,
    not_modelled,
    ranged,
    reserved_results,
)
from lpxsched.options import CompileOptions

ASSUMED = Ranged(Fraction(900), Fraction(300), Fraction(4100))


def told(**changes: Any) -> dict[str, Any]:
    """Return the headline of 600 ns (worst 1,100) beside 900 (300 to 4,100) that are assumed, eight rows."""
    facts: dict[str, Any] = {"proved_ns": Fraction(600), "proved_worst_ns": Fraction(1100), "assumed": ASSUMED}
    return headline_results(**(facts | {"missing": [], "emitted": Emitted(8, Fraction(1))} | changes))


def test_a_step_is_what_is_proved_and_what_is_assumed() -> None:
    """Tests 900 beside 600, and 4,100 beside 1,100."""
    results = told()
    assert tuple(results) == HEADLINE
    assert (results["proved_ns"], results["assumed_ns"], results["step_ns"]) == (600, 900, 1500)
    assert (results["proved_worst_ns"], results["assumed_high_ns"], results["step_high_ns"]) == (1100, 4100, 5200)
    assert results["assumed_low_ns"] == 300


def test_what_layers_take_outside_has_the_range_of_the_hand_over() -> None:
    """Tests two layers with 50 ns on the GPU and 2,000 ns (500 to 10,000) each way, rounded up to picoseconds."""
    options = CompileOptions(model="m", topology="lpx-rack", gpu_ns=50.0001)
    value, low, high = assumed_ns(options, layers=2)
    # 2 x 50.0001 = 100.0002
    assert (value, low, high) == (Fraction("8100.001"), Fraction("2100.001"), Fraction("40100.001"))


def test_a_step_in_flight_is_all_its_windows() -> None:
    """Tests 7,000 ns (7,001 on the slowest clock), of which 600 are proved, 900 assumed and 5,500 waiting; 16 rows."""
    results = reserved_results(
        Fraction(600), Fraction(7000), Fraction(7001), ASSUMED, [], emitted=Emitted(16, Fraction(1))
    )
    assert tuple(results) == (*HEADLINE, "waiting_ns")
    assert (results["proved_ns"], results["assumed_ns"], results["waiting_ns"]) == (600, 900, 5500)
    assert (results["step_ns"], results["step_high_ns"], results["proved_worst_ns"]) == (7000, 7001, 2901)
    # 10^9 / 7,000, and 16 times that.
    assert (results["tokens_per_s_per_user"], results["tokens_per_s"]) == (142_857.142, 2_285_714.285)


def test_tokens_are_steps_a_second() -> None:
    """Tests 10^9 / 1,500 and 10^9 / 5,200 rounded down to a thousandth, and eight users in all."""
    results = told()
    assert results["tokens_per_s_per_user"] == 666_666.666
    assert results["tokens_per_s_per_user_low"] == 192_307.692
    assert results["tokens_per_s"] == 5_333_333.333


def test_drafts_that_are_accepted_are_tokens_of_the_same_step() -> None:
    """Tests 2.5 tokens a step: 2.5 x 10^9 / 1,500, eight users; a step may still emit one token alone."""
    results = told(emitted=Emitted(8, Fraction("2.5")))
    assert results["tokens_per_s_per_user"] == 1_666_666.666
    assert results["tokens_per_s_per_user_low"] == 192_307.692
    assert results["tokens_per_s"] == 13_333_333.333


def test_the_parts_sum_to_the_step_in_picoseconds() -> None:
    """Tests thirds of a nanosecond: what is told is rounded up, and the sum is that of what is told."""
    assumed = Ranged(Fraction("101.334"), Fraction("100"), Fraction("101.334"))
    results = told(proved_ns=Fraction(1, 3), assumed=assumed)
    assert (results["proved_ns"], results["assumed_ns"], results["step_ns"]) == (0.334, 101.334, 101.668)


@pytest.mark.parametrize(
    ("gpu_ns", "polled", "in_flight"), [(0.0, False, 1), (0.0, True, 1), (50.0, True, 1), (50.0, True, 2)]
)
def test_what_no_part_contains_is_named(gpu_ns: float, polled: bool, in_flight: int) -> None:
    """Tests attention while it takes no time, flags where chips poll, what micro-batches share, what is never there."""
    left_out = not_modelled(gpu_ns, polled=polled, in_flight=in_flight)
    assert {"LM head", "sampling", "embedding"} <= set(left_out)
    assert (left_out[0] == f"{ATTENTION} (--gpu-ns is 0)") == (gpu_ns == 0)
    assert (FLAGS in left_out) == polled
    assert (SHARED in left_out) == (in_flight > 1)


def test_a_number_without_a_range_is_what_it_is() -> None:
    """Tests a tagged number of a file with and without its range."""
    assert ranged({"value": 0.1}) == (Fraction(1, 10), Fraction(1, 10), Fraction(1, 10))
    assert ranged({"value": 2, "range": [1, 3]}) == (2, 1, 3)
