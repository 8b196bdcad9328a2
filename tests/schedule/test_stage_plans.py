"""Layers whose stages are searched as the collectives that they are."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lpxsched.fabric.profile import load_fabric
from lpxsched.pipeline import compile_timetable
from lpxsched.schedule import solve_layer
from lpxsched.schedule.bounds import lower_bound
from lpxsched.schedule.options import SolveOptions
from lpxsched.schedule.problem.instance import AddCost
from lpxsched.schedule.problem.network import network_on
from lpxsched.schedule.problem.stages import stages_of
from lpxsched.schedule.result import LowerBound
from lpxsched.schedule.solve_layer import Solved, first_solved, solve
from lpxsched.schedule.stage_plans import staged
from lpxsched.schedule.symmetry.lift import lifted_layer
from lpxsched.verify.check import check
from lpxsched.workload.ffn_graph import ffn_graph
from lpxsched.workload.graph import LayerGraph
from tests.program.whole_model.examples import visits_on
from tests.schedule.chains import KINDS, chain, ring
from tests.schedule.circulants import circulant_layers
from tests.schedule.rules import violations
from tests.timetable.small import small_options

if TYPE_CHECKING:
    from pathlib import Path

    from lpxsched.schedule.problem.instance import Instance
    from lpxsched.traffic.collectives import Kind

NOTHING = LowerBound(0, "none")
QUICK = SolveOptions(effort=1)


def broken(layer: Instance) -> list[str]:
    """Return what is wrong with any plan of a layer made of stages; such plans there must be."""
    hint = first_solved(layer, replace(QUICK, solver="greedy")).plans[0]
    plans = staged(hint, NOTHING, QUICK)
    assert plans
    return [fault for plan in plans for fault in violations(layer, lifted_layer(plan))]


@pytest.mark.slow
@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_plans_of_stages_keep_all_rules(data: st.DataObject) -> None:
    """Tests chains of one to three collectives with equal and unequal shares on rings with and without chords."""
    chips = data.draw(st.integers(2, 5))
    steps = data.draw(st.sampled_from([(1,), (1, chips - 1)])) if chips > 2 else (1,)
    stages = data.draw(st.lists(st.tuples(st.sampled_from(KINDS), st.integers(1, 9)), min_size=1, max_size=3))
    cycles = data.draw(st.lists(st.integers(0, 40), min_size=len(stages) + 1, max_size=len(stages) + 1))
    assert broken(chain(ring(chips, steps), stages, cycles)) == []


@pytest.mark.parametrize("overlap", [0, 2])
def test_an_all_reduce_may_begin_on_other_chips(overlap: int) -> None:
    """Tests the border from four chips to as many of the next tray, or of the same, two of which are the same.

    Chips that differ take the summand of one that is joined to them; the layer's own all-reduce is a stage, too.
    """
    first = (0, 1, 2, 3)
    second = (2, 3, 4, 5) if overlap else (16, 17, 18, 19)
    layer = visits_on("lpx-rack", (first, second, second), blocks=1).problems[1].over(4032).instance
    border, own = stages_of(layer)
    assert (border.kind, own.kind, own.enter.tolist()) == ("all-reduce", "all-reduce", [-1] * 4)
    assert (border.enter >= 0).sum() == 4 - overlap
    entered = layer.network.source[border.enter[border.enter >= 0]].tolist()
    assert len(set(entered)) == 4 - overlap
    assert min(entered) >= 4
    assert broken(layer) == []


def test_an_all_reduce_keeps_its_order_where_chips_are_dealt_otherwise() -> None:
    """Tests a border from four chips to the same in reverse: the first share is that of the last chip."""
    layer = visits_on("lpx-rack", ((0, 1, 2, 3), (3, 2, 1, 0), (3, 2, 1, 0)), blocks=1).problems[1].over(4032).instance
    assert layer.demand_root[:4].tolist() == [3, 2, 1, 0]
    assert stages_of(layer)[0].demands.tolist() == [0, 1, 2, 3]
    assert broken(layer) == []


def test_summands_of_more_chips_than_read_them_are_no_stage() -> None:
    """Tests four chips to two: only what the two do among themselves is a collective."""
    layer = visits_on("lpx-rack", ((0, 1, 2, 3), (16, 17), (16, 17)), blocks=1).problems[1].instance
    assert [stage.enter.tolist() for stage in stages_of(layer)] == [[-1, -1]]


@pytest.mark.slow
@settings(max_examples=15, deadline=None)
@given(layer=circulant_layers())
def test_plans_with_hosts_keep_all_rules(layer: Instance) -> None:
    """Tests layers whose rows enter from hosts, and leave to hosts as sums."""
    if stages_of(layer):
        assert broken(layer) == []


def test_stages_of_a_chain() -> None:
    """Tests kinds, in their order, and lengths: 5 vectors on 3 chips are shares of 2, 2 and 1, or 5 all in one."""
    layer = chain(ring(3), [("all-gather", 5), ("all-reduce", 5), ("all-to-all", 1)], [0, 0, 0, 0])
    found = [(stage.kind, stage.vectors.tolist()) for stage in stages_of(layer)]
    assert found == [("all-gather", [2, 2, 1]), ("all-reduce", [5]), ("all-to-all", [1] * 9)]


@pytest.mark.parametrize(
    ("stages", "most"),
    [
        # Alone the collectives take 2,720, 2,600 and 2,624 twice; the operators 100 before, 50 behind the first.
        ([("all-reduce", 16)], 100 + 2720),
        ([("all-to-all", 2)], 100 + 2600),
        ([("reduce-scatter", 64), ("all-gather", 64)], 100 + 2624 + 50 + 2624),
    ],
)
def test_a_torus_takes_no_longer_than_its_collectives(stages: list[tuple[Kind, int]], most: int) -> None:
    """Tests 16 chips of a torus, where the list schedule needs 5,300 cycles for the all-reduce."""
    fabric = load_fabric("torus-4x4")
    network = network_on(fabric, range(16))
    layer = chain(network, stages, [100, 50, 20][: len(stages) + 1], add_cost=AddCost.on(fabric, 16))
    result = solve(layer, SolveOptions())
    assert violations(layer, result.schedule) == []
    assert lower_bound(layer).cycles <= result.makespan_cycles <= most


def test_the_checker_accepts_plans_of_stages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests a layer in which all chips read the sum of what the experts leave: an all-reduce between two operators."""

    def graph_of(*arguments: object, **choices: object) -> LayerGraph:
        graph = ffn_graph(*arguments, **choices)  # type: ignore[arg-type]
        return LayerGraph(
            tuple(
                replace(operator, inputs=tuple((name, _whole(name, layout)) for name, layout in operator.inputs))
                for operator in graph.operators
            ),
            graph.tensors,
        )

    def _whole(name: str, layout: str) -> str:
        return "replicated" if name.endswith("expert_output") else layout

    def best_of_stages(instance: Instance, first: Solved, options: SolveOptions) -> Solved:
        kinds.append([stage.kind for stage in stages_of(instance)])
        return Solved(tuple(staged(first.plans[0], NOTHING, options)), first.bound, "stages")

    kinds: list[list[str]] = []
    monkeypatch.setattr("lpxsched.pipeline.ffn_graph", graph_of)
    for module in ("layers", "solve_layer"):
        monkeypatch.setattr(f"lpxsched.schedule.{module}.search_on", best_of_stages)
    build = compile_timetable(small_options(tmp_path, num_hidden_layers=1, batch=3))
    assert kinds[0] == ["all-gather", "all-reduce", "reduce-scatter"]
    assert check(build).violations == ()


def test_small_gaps_are_not_worth_a_search(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests that no stage is searched where the list schedule meets the bound."""
    monkeypatch.setattr(solve_layer, "staged", lambda *_: pytest.fail("stages were searched"))
    layer = chain(ring(2), [("all-gather", 2)], [10, 10])
    assert solve(layer, SolveOptions()).status == "optimal"
