"""Layers with equal problems are solved once, with a guard that covers them, or that covers an interval in flight."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest

from lpxsched.clocks.limits import DomainClock
from lpxsched.clocks.specification import ClockSpecification
from lpxsched.errors import InfeasibleError, NothingFoundError
from lpxsched.schedule.flags import polled_cycles
from lpxsched.schedule.layers import Repeating, anew_with_period, solve_in_flight, solve_layer, solve_layers
from lpxsched.schedule.opening import Opening
from lpxsched.schedule.options import SolveOptions
from lpxsched.schedule.problem.layer import LayerProblem
from lpxsched.traffic.group import Group
from lpxsched.workload.config.load import load_model
from lpxsched.workload.ffns import ffn_model
from lpxsched.workload.graph import LayerGraph
from tests.builds import ints
from tests.schedule.instances import copy_along
from tests.schedule.layers import layers_on
from tests.schedule.rules import violations

GREEDY = SolveOptions("greedy", 1, 0)
MHZ = Fraction(1000)


def clock(offset_ppm: float, residual_ns: float = 0) -> ClockSpecification:
    """Return a clock whose counter has a period of 252 cycles: the first interval is 16 x 252 = 4032 cycles."""
    facts = {"offset_ppm": offset_ppm, "residual_ns": residual_ns, "jitter_peak_to_peak_ns": 0}
    facts |= {"crossing_cycles": 0, "temperature_ns": 0, "hac_period_cycles": 252}
    return ClockSpecification.model_validate({"name": "test", **facts})


def stream(vectors: int, specification: ClockSpecification, *, levels: int = 0) -> LayerProblem:
    """Return a layer that streams vectors of 5/2 cycles over one link."""
    domain = DomainClock(specification, 0, MHZ, in_hop=False)

    return LayerProblem(
        group=Group(0, (0, 1), (2, 2)),
        before=None,
        graph=LayerGraph((), {}),
        demands=(),
        operators=(),
        opening=Opening(domain, domain, ints(levels), ints(levels), ints(levels) < 0),
        interval_cycles=None,
        resident=False,
        instance=copy_along([Fraction(5, 2)], vectors, guard=domain.guard_cycles(levels, None)),
    )


@pytest.mark.parametrize(
    ("vectors", "interval", "guard"),
    [
        (400, 4032, 1),  # about 1,000 cycles; 2 x 100 ppm x 4032 = 0.8
        (2_000, 8064, 2),  # about 5,000 cycles; 1.6
        (5_000, 16128, 4),  # about 12,500 cycles; 3.2
    ],
)
def test_the_interval_doubles_until_it_covers_the_layer(vectors: int, interval: int, guard: int) -> None:
    """Tests interval and guard of layers of several lengths."""
    problem, _ = solve_layer(stream(vectors, clock(100)), GREEDY)
    assert (problem.interval_cycles, *problem.instance.network.guard_cycles) == (interval, guard)


def test_the_interval_ends_where_counters_become_ambiguous() -> None:
    """Tests a clock of 10,000 ppm: 4 x 0.01 x T < 252 holds up to 6299 cycles, so the second interval is 6299."""
    problem, _ = solve_layer(stream(2_000, clock(10_000)), GREEDY)
    # 2 x 0.01 x 6299 = 125.98
    assert (problem.interval_cycles, *problem.instance.network.guard_cycles) == (6299, 126)


def test_a_layer_provably_too_long_for_its_clock_is_infeasible() -> None:
    """Tests a layer whose bound without drift is longer than its clocks may run apart."""
    # 3,000 vectors take 2,999 x 5/2 = 7,497.5 cycles, and a hop of 3 + 10.
    with pytest.raises(InfeasibleError) as caught:
        solve_layer(stream(3_000, clock(10_000)), GREEDY)
    assert "a layer takes at least 7511 cycles (" in str(caught.value)
    told = "clocks of test (+-10000 ppm each) may run 6299 cycles between two deskews"
    assert str(caught.value).endswith(told)


def test_a_layer_that_drift_alone_makes_too_long_is_not_found() -> None:
    """Tests a layer that fits without drift: no proof of infeasibility, and it says what would help."""
    # 2,500 vectors take 2,499 x 5/2 = 6,247.5 cycles, and a hop of 3 + 10; the drift of 6299 cycles adds 126 to
    # the guard, and as much to the stall; 4032 cycles are too few without drift.
    with pytest.raises(NothingFoundError) as caught:
        solve_layer(stream(2_500, clock(10_000)), GREEDY)
    assert "a layer takes 6513 cycles, and clocks of test (+-10000 ppm each) may run 6299 cycles" in str(caught.value)
    assert str(caught.value).endswith("try a smaller --batch")


def test_a_hop_too_long_for_its_clock_is_refused_before_any_search(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests a hop of 13 cycles where clocks may run 9 apart: which hop, and which clock would do."""
    monkeypatch.setattr("lpxsched.schedule.layers.first_solved", None)
    short = clock(100_000).model_dump() | {"hac_period_cycles": 4}
    with pytest.raises(
        InfeasibleError, match=r"one hop of class link takes 13 cycles .* may run 9 cycles .* xo-100ppm, xo-20ppm$"
    ):
        solve_layer(stream(1, ClockSpecification.model_validate(short)), GREEDY)


def test_clocks_that_cannot_drift_cover_every_layer() -> None:
    """Tests that without drift the interval has no limit and the guard does not grow."""
    problem, _ = solve_layer(stream(50_000, clock(0)), GREEDY)
    assert (problem.interval_cycles, *problem.instance.network.guard_cycles) == (None, 0)


def test_equal_layers_are_solved_once() -> None:
    """Tests five layers of two kinds: two distinct results, shared by the layers that are named in them."""
    problems = [stream(vectors, clock(100)) for vectors in (3, 5, 3, 3, 5)]
    told: list[tuple[str, int, int]] = []
    layers = solve_layers(problems, GREEDY, progress=lambda *step: told.append(step))
    assert [layer.distinct.number for layer in layers] == [0, 1, 0, 0, 1]
    assert [layer.distinct.layers for layer in layers[:2]] == [(0, 2, 3), (1, 4)]
    assert layers[0].distinct is layers[2].distinct
    assert told == [("solving", 0, 2), ("solving", 1, 2), ("solving", 2, 2)]


def test_layers_that_share_chips_open_with_the_longest_stall_of_them() -> None:
    """Tests that a short layer waits for the stall of a long one on its chips, 3.2 cycles rounded up, not for 0.8.

    The same layer on chips of its own is another result. Bounds stay: no rule asks for more of it.
    """
    short, long = (stream(vectors, clock(100)) for vectors in (400, 5_000))
    alone = replace(short, group=Group(0, (4, 5), (2, 2)))
    layers = solve_layers([short, long, alone], GREEDY, progress=lambda *_: None)
    assert [layer.problem.instance.release_cycles for layer in layers] == [4, 4, 1]
    results = [layer.distinct.result for layer in layers]
    assert results[0].makespan_cycles == results[2].makespan_cycles + 3
    assert results[0].bound == results[2].bound
    assert [layer.distinct.number for layer in layers] == [0, 1, 2]


def test_a_result_says_what_wires_alone_take() -> None:
    """Tests that the result without compute stands beside the result of the layer."""
    (layer,) = solve_layers([stream(3, clock(100))], GREEDY, progress=lambda *_: None)
    # 2 x 5/2 + 3 + 10, a guard of 1 and a stall of 1
    assert layer.distinct.result.makespan_cycles == layer.distinct.wires.makespan_cycles == 20
    assert layer.distinct.result.solver == "greedy"


def test_every_layer_keeps_the_rules_with_its_own_guard() -> None:
    """Tests layers whose guards agree, rounded up, over the first interval but not over the one that covers them."""
    # Residuals of 0.15 ns a level. Over 4032 cycles: 2 levels 0.3 + 0.8 and 3 levels 0.45 + 0.8, both 2 cycles;
    # over 8064 cycles: 0.3 + 1.6 is still 2, 0.45 + 1.6 is 3.
    specification = clock(100, residual_ns=0.15)
    problems = [stream(2_000, specification, levels=levels) for levels in (2, 3)]
    layers = solve_layers(problems, GREEDY, progress=lambda *_: None)
    assert [layer.problem.instance.network.guard_cycles.tolist() for layer in layers] == [[2], [3]]
    for layer in layers:
        assert violations(layer.problem.instance, layer.distinct.result.schedule) == []


def test_symmetric_needs_one_symmetric_layer() -> None:
    """Tests layers on three chips of which none can take the place of another: nothing found, and what would help."""
    rack = layers_on("lpx-rack", [(0, 1, 16), (2, 3, 18)])
    with pytest.raises(NothingFoundError) as caught:
        solve_layers(rack.problems, SolveOptions("symmetric", 1), progress=lambda *_: None)
    wanted = "solver symmetric: no translation leaves a layer on its group of chips as it is"
    assert str(caught.value) == f"unknown: nothing found ({wanted}); try --solver auto"


def test_layers_without_symmetry_are_left_to_greedy() -> None:
    """Tests a row of a tray beside three chips that are a path: each result names its own solver."""
    rack = layers_on("lpx-rack", [(0, 1, 16), (32, 33, 34)])
    layers = solve_layers(rack.problems, SolveOptions("symmetric", 1), progress=lambda *_: None)
    assert [layer.distinct.result.solver for layer in layers] == ["greedy", "symmetric"]
    for layer in layers:
        assert (layer.problem.interval_cycles or 0) >= layer.distinct.result.makespan_cycles
        assert violations(layer.problem.instance, layer.distinct.result.schedule) == []


def test_layers_of_a_rack_share_their_solution() -> None:
    """Tests groups of three in two trays, and one in a third: one problem, each layer with its own links."""
    rack = layers_on("lpx-rack", [(16, 17, 18), (33, 34, 35), (65, 66, 67)])
    layers = solve_layers(rack.problems, GREEDY, progress=lambda *_: None)
    assert {layer.distinct.number for layer in layers[1:]} == {layers[1].distinct.number}
    assert [layer.problem.group for layer in layers] == list(rack.groups)
    for layer in layers:
        assert (layer.problem.interval_cycles or 0) >= layer.distinct.result.makespan_cycles
        assert violations(layer.problem.instance, layer.distinct.result.schedule) == []


@pytest.mark.parametrize("batch", [64, 96, 112, 128])
def test_the_guard_covers_the_pass_before_a_segment(batch: int) -> None:
    """Tests the first interval that holds a layer, a pass, and an epoch for a longer stall in its frame."""
    rack = layers_on("lpx-rack", [range(4)], batch=batch)
    (layer,) = solve_layers(rack.problems, GREEDY, progress=lambda *_: None)
    result = layer.distinct.result
    covered = result.makespan_cycles + polled_cycles(result.schedule.flags, rack.clock) + 252
    # 16 epochs, doubled until they hold it: guards of a shorter interval make a layer no longer.
    assert layer.problem.interval_cycles == next(
        252 * 16 << power for power in range(9) if 252 * 16 << power >= covered
    )


def test_a_longer_stall_moves_flags_too() -> None:
    """Tests the flags of a layer that opens with the stall of another one on its chips: later by as much."""
    alone, both = (
        solve_layers(layers_on("lpx-rack", groups).problems, GREEDY, progress=lambda *_: None)[0]
        for groups in ([range(4)], [range(4), (0, 1, 2, 3, 16)])
    )
    later = both.problem.instance.release_cycles - alone.problem.instance.release_cycles
    flags = [layer.distinct.result.schedule.flags for layer in (alone, both)]
    assert flags[0] is not None
    assert flags[1] is not None
    assert flags[1].branch_cycles - flags[0].branch_cycles == later
    assert (flags[1].depart - flags[0].depart == later).all()


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
