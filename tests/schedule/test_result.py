"""What solvers return."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest

from lpxsched.schedule.result import LowerBound, Result
from tests.schedule.changes import single_vectors


def test_all_times_move_together() -> None:
    """Tests a schedule seven cycles later: departures, starts and makespan, but no duration."""
    early = single_vectors()
    late = early.later(7)
    for name in ("operator_start", "slot_depart"):
        assert (getattr(late, name) == getattr(early, name) + 7).all()
    assert (late.sums.start == early.sums.start + 7).all()
    assert (late.sums.cycles == early.sums.cycles).all()
    assert late.makespan_cycles == early.makespan_cycles + 7 == 134


@pytest.mark.parametrize(
    ("makespan", "bound", "status", "gap"),
    [
        (40, 40, "optimal", Fraction(1)),
        (41, 40, "feasible", Fraction(41, 40)),
        (3, 0, "feasible", Fraction(3)),  # at least one cycle is taken as the bound
        (0, 0, "optimal", Fraction(1)),  # nothing takes time
    ],
)
def test_only_a_met_bound_is_optimal(makespan: int, bound: int, status: str, gap: Fraction) -> None:
    """Tests status and gap of a makespan and a bound."""
    result = Result(replace(single_vectors(), makespan_cycles=makespan), LowerBound(bound, "test"), "greedy")
    assert (result.status, result.gap) == (status, gap)


def test_what_repeats_is_measured_by_its_period() -> None:
    """Tests a makespan of 40 cycles that repeats every 20, which is the bound."""
    schedule = replace(single_vectors(), makespan_cycles=40, period_cycles=20)
    assert Result(schedule, LowerBound(20, "test"), "greedy").status == "optimal"
