"""Tests of a layer that begins anew with every period: its guards, its times, and times chosen anew for a period."""

from __future__ import annotations

from lpxsched.schedule.layers import Repeating, anew_with_period, solve_in_flight, solve_layers
from lpxsched.schedule.options import SolveOptions
from lpxsched.workload.config.load import load_model
from lpxsched.workload.ffns import ffn_model
from tests.schedule.layers import layers_on
from tests.schedule.rules import violations
from tests.schedule.test_layers import clock, stream

GREEDY = SolveOptions("greedy", 1, 0)


def test_the_guard_reaches_over_the_whole_interval() -> None:
    """Tests four vectors of 5/2 cycles with 16,128 cycles of 100 ppm between two deskews.

    A guard is ceil(3.23) = 4, so a read is ceil(5/2) + 10 + 4 = 17 later, and the last vector ceil(15/2) = 8 after it:
    a makespan of 25. The stall lies in a gap, none of an iteration. The link is held for 10 cycles.
    """
    problem, result = solve_in_flight(stream(4, clock(100)), GREEDY, 16_128)
    assert (problem.interval_cycles, problem.instance.release_cycles, result.makespan_cycles) == (16_128, 0, 25)
    assert (result.bound.cycles, int(result.schedule.slot_depart.min())) == (10, 0)
    assert violations(problem.instance, result.schedule) == []


def test_clocks_that_agree_need_no_guard() -> None:
    """Tests 3 + 10 + 8 cycles."""
    problem, result = solve_in_flight(stream(4, clock(0)), GREEDY, None)
    assert (problem.interval_cycles, result.makespan_cycles) == (None, 21)


def test_times_are_chosen_anew_for_a_period() -> None:
    """Tests a layer of gpt-oss-20b on ten chips: every 415 cycles, which the busiest matrix unit takes, or every 1,000.

    The shortest makespan needs a longer period than the first and is kept by the second.
    """
    layers = layers_on("lpx-rack", [range(10)], model=ffn_model(load_model("gpt-oss-20b")), batch=8, weights="mxfp4")
    (problem,) = layers.problems
    (layer,) = solve_layers([problem], GREEDY, progress=lambda *_: None, repeating=Repeating(1 << 16))
    assert (layer.distinct.result.bound.cycles, layer.distinct.result.bound.name) == (415, "busiest unit")
    dense = anew_with_period(problem, GREEDY, 1 << 16, period_cycles=415)
    sparse = anew_with_period(problem, GREEDY, 1 << 16, period_cycles=1000)
    assert (dense.schedule.period_cycles, sparse.schedule.period_cycles) == (415, 1000)
    assert layer.distinct.result.makespan_cycles <= sparse.makespan_cycles <= dense.makespan_cycles
