"""A tensor that operators of one layer read in two layouts, from its demands to the operands of both."""

from __future__ import annotations

from dataclasses import replace

from lpxsched.schedule.problem.layer import layer_problem
from lpxsched.schedule.routes.blocks import Cut
from lpxsched.workload.costs import layer_work, shard_costs
from lpxsched.workload.datatypes import Precision
from lpxsched.workload.graph import LayerGraph
from tests.schedule.greedy import greedy_schedule
from tests.schedule.layers import INTERVAL_CYCLES, layers_on
from tests.schedule.rules import violations
from tests.workload.examples import toy

WIDTH = 4


def with_norm_and_residual(graph: LayerGraph) -> LayerGraph:
    """Return a layer whose output two more operators read: one whole, one by shares."""
    egress = graph.operators[-1]
    combine = next(operator for operator in graph.operators if operator.kind == "combine")
    norm = replace(combine, name="norm", inputs=(("layer.0.output", "replicated"),), output="")
    residual = replace(norm, name="residual", inputs=(("layer.0.output", "sharded"),))
    return LayerGraph((*graph.operators[:-1], norm, residual, egress), graph.tensors)


def test_both_layouts_read_one_sum() -> None:
    """Tests two rows of 4 vectors on four chips: a sum of 2 vectors for each share, all read by one, one by another."""
    around = layers_on("tsp-node", [range(WIDTH)])
    precision = Precision("fp8", "fp8", "bf16")
    model, chip = toy(hidden=640, layers=1), around.fabric.chip
    works = layer_work(model.layers[0], chip, WIDTH, batch=2, precision=precision)
    problem = layer_problem(
        around.fabric,
        (None, around.groups[0]),
        with_norm_and_residual(around.graph.layer(0)),
        shard_costs(works, chip, WIDTH),
        clock=around.clock,
        tree=around.tree,
    ).over(INTERVAL_CYCLES)
    schedule = greedy_schedule(problem.instance, Cut(100, 100))
    assert violations(problem.instance, schedule) == []
    assert len(schedule.sums) == WIDTH
    read = {
        (placed.operator.name, placed.shard): schedule.read_vectors[schedule.read_operator == number].tolist()
        for number, placed in enumerate(problem.operators)
    }
    assert read["norm", 1] == [2, 2, 2, 2]
    assert read["residual", 1] == [2]
