"""Tests of the three parts of what a step takes."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest

from lpxsched.assembly.headline import (
    HEADLINE,
    assumed_parts,
    headline_results,
    not_modelled,
)
from lpxsched.files.ranged import Ranged, known
from lpxsched.program.outside.gpus import gpus_of, read_gpus
from lpxsched.program.outside.handover import handover_of, read_handover
from lpxsched.program.outside.micro_batch import Outside, Visit

ASSUMED = Ranged(Fraction(900), Fraction(300), Fraction(4100))


def told(**changes: Any) -> dict[str, Any]:
    """Return the headline of 600 ns (worst 1,100) beside 900 (300 to 4,100) that are assumed, eight rows."""
    facts: dict[str, Any] = {"proved_ns": Fraction(600), "proved_worst_ns": Fraction(1100), "assumed": ASSUMED}
    return headline_results(**(facts | {"missing": [], "emitted": (8, Fraction(1))} | changes))


def test_a_step_is_what_is_proved_and_what_is_assumed() -> None:
    """Tests 900 beside 600, and 4,100 beside 1,100."""
    results = told()
    assert tuple(results) == HEADLINE
    assert (results["proved_ns"], results["assumed_ns"], results["step_ns"]) == (600, 900, 1500)
    assert (results["proved_worst_ns"], results["assumed_high_ns"], results["step_high_ns"]) == (1100, 4100, 5200)
    assert results["assumed_low_ns"] == 300


def test_what_is_assumed_is_told_by_its_parts() -> None:
    """Tests two visits of 10 ns (5 to 20) on GPUs, 1 in and 2 out, and a third of a nanosecond at the end."""
    visit = Visit(Ranged(Fraction(10), Fraction(5), Fraction(20)), known(1), known(2), {})
    gpus, handover = gpus_of(read_gpus("nvl72")), handover_of(read_handover("fpga-400g"))
    parts = assumed_parts(Outside((visit, visit), known(Fraction(1, 3)), (), gpus, handover))
    assert parts == {"mixers": [20, 10, 40], "hand-over": [6, 6, 6], "LM head and sampling": [0.334, 0.334, 0.334]}
    # The second visit is of a module that guesses a draft.
    guessed = assumed_parts(Outside((visit, visit), known(1), (), gpus, handover, draft_visits=1))
    assert guessed == {
        "mixers": [10, 5, 20],
        "hand-over": [6, 6, 6],
        "LM head and sampling": [1, 1, 1],
        "drafts": [10, 5, 20],
    }


def test_a_step_in_flight_is_all_its_windows() -> None:
    """Tests 7,000 ns (7,001 on the slowest clock), of which 600 are proved, 900 assumed and 5,500 waiting; 16 rows."""
    worst_ns = 7001 - ASSUMED.high
    results = told(proved_worst_ns=worst_ns, step_ns=Fraction(7000), emitted=(16, Fraction(1)))
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
    results = told(emitted=(8, Fraction("2.5")))
    assert results["tokens_per_s_per_user"] == 1_666_666.666
    assert results["tokens_per_s_per_user_low"] == 192_307.692
    assert results["tokens_per_s"] == 13_333_333.333


def test_the_parts_sum_to_the_step_in_picoseconds() -> None:
    """Tests thirds of a nanosecond: what is told is rounded up, and the sum is that of what is told."""
    assumed = Ranged(Fraction("101.334"), Fraction("100"), Fraction("101.334"))
    results = told(proved_ns=Fraction(1, 3), assumed=assumed)
    assert (results["proved_ns"], results["assumed_ns"], results["step_ns"]) == (0.334, 101.334, 101.668)


@pytest.mark.parametrize("unread", [2, 0])
def test_what_no_part_contains_is_named(unread: int) -> None:
    """Tests mixers that cannot be reckoned, and what is never there."""
    left_out = not_modelled(unread)
    assert {"embedding", "drafter (speculation)"} <= set(left_out)
    assert set(left_out) - set(not_modelled(unread, guessed=True)) == {"drafter (speculation)"}
    assert left_out[0].startswith("caches and weights of 2 mixers") == (unread == 2)


def test_routing_on_gpus_is_not_modelled() -> None:
    """Tests that it is told where rows are routed there, since no kernel of a GPU stands for it."""
    routers = "routers and choices of experts on GPUs"
    assert [routers in not_modelled(0, routed=routed) for routed in (False, True)] == [False, True]
