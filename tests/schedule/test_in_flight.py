"""Tests of a layer with several micro-batches in flight: its times, its frame, and guards that reach to its gaps."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest

from lpxsched.errors import InfeasibleError
from lpxsched.schedule.frames import InFlight
from lpxsched.schedule.in_flight import solve_in_flight
from lpxsched.schedule.layers import solve_layers, solve_quickly
from lpxsched.schedule.options import SolveOptions
from lpxsched.workload.config.load import load_model
from lpxsched.workload.ffns import ffn_model
from tests.schedule.layers import layers_on
from tests.schedule.rules import violations
from tests.schedule.test_layers import clock, stream

GREEDY = SolveOptions("greedy", 1, 0)


def test_the_guard_reaches_over_the_whole_interval() -> None:
    """Tests four vectors of 5/2 cycles every 10, with 9,000 ns outside: 4,032 and 8,064 cycles do not hold N windows.

    Over 16,128 cycles of 100 ppm a guard is ceil(3.23) = 4, so a read is ceil(5/2) + 10 + 4 = 17 later, and the last
    vector ceil(15/2) = 8 after it: a makespan of 25, over after 26. Its stall is 4 as well. Two windows are left out,
    for 26 + 4 <= 3 x 10, and N = ceil((25 + 4 + ceil(9,000 x 1.0001)) / 10) = 903.
    """
    problem, result, frame = solve_in_flight(stream(4, clock(100)), GREEDY, InFlight(3, Fraction(9000)))
    assert (problem.interval_cycles, result.schedule.period_cycles, result.makespan_cycles) == (16128, 10, 25)
    assert (frame.windows, frame.left_out, frame.every_periods, frame.stall_cycles) == (903, 2, 903, 4)
    assert (result.bound.cycles, result.status) == (10, "optimal")
    assert violations(replace(problem.instance, release_cycles=0), result.schedule) == []
    # The stall is 4 cycles of the last window that is left out, none of an iteration.
    assert int(result.schedule.slot_depart.min()) == 0


def test_clocks_that_agree_need_neither_guard_nor_gap() -> None:
    """Tests 3 + 10 + 8 cycles every 10, and 30 outside: N = ceil(51 / 10) = 6."""
    problem, result, frame = solve_in_flight(stream(4, clock(0)), GREEDY, InFlight(6, Fraction(30)))
    assert (problem.interval_cycles, result.makespan_cycles) == (None, 21)
    assert (frame.windows, frame.deskews, frame.gaps) == (6, 0, ())


def test_a_visit_longer_than_clocks_allow_is_cut_by_gaps() -> None:
    """Tests 10 % off: 629 cycles between deskews, so that 5,000 cycles outside need several in a round."""
    problem, result, frame = solve_in_flight(stream(4, clock(100_000)), GREEDY, InFlight(2, Fraction(5000)))
    assert problem.interval_cycles == 629
    assert frame.deskews > 1
    assert frame.every_periods * result.schedule.period_cycles <= 629


def test_a_layer_that_never_drains_is_refused() -> None:
    """Tests 400 vectors, 1,000 cycles each time, between deskews of 629."""
    with pytest.raises(InfeasibleError, match="a layer in flight, from deskew to deskew, takes at least"):
        solve_in_flight(stream(400, clock(100_000)), GREEDY, InFlight(2, Fraction(0)))


def test_a_layer_of_gpt_oss_20b_meets_the_bound_of_its_period() -> None:
    """Tests batch 8 on ten chips, eight in flight: a batch every 415 cycles, which the busiest matrix unit takes."""
    layers = layers_on("lpx-rack", [range(10)], model=ffn_model(load_model("gpt-oss-20b")), batch=8, weights="mxfp4")
    (layer,) = solve_layers(layers.problems, GREEDY, progress=lambda *_: None, in_flight=InFlight(8, Fraction(20_000)))
    result = layer.distinct.result
    assert (result.schedule.period_cycles, result.bound.cycles, result.bound.name) == (415, 415, "busiest unit")
    assert layer.frame is not None
    # Six windows and what is left of a seventh hold a makespan of about 2,650 cycles and the stall.
    assert (layer.frame.windows, layer.frame.left_out) == (55, 6)
    quick = solve_quickly(lambda: layers.problems, 0, InFlight(8, Fraction(20_000)))
    assert not isinstance(quick, str)
    assert quick[0].frame == layer.frame
