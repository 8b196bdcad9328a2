"""Layers of a small model on shipped topologies, as ``lpxsched/pipeline.py`` makes their problems."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from lpxsched.clocks.specification import ClockSpecification, load_clock
from lpxsched.clocks.tree import AlignmentTree, alignment_tree, time_domains
from lpxsched.fabric.profile import load_fabric
from lpxsched.schedule.problem.layer import layer_problems
from lpxsched.traffic.group import Group
from lpxsched.workload.costs import layer_work, shard_costs
from lpxsched.workload.datatypes import Precision
from lpxsched.workload.ffn_graph import ffn_graph
from tests.workload.examples import toy

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lpxsched.fabric.fabric import Fabric
    from lpxsched.schedule.problem.layer import LayerProblem
    from lpxsched.workload.costs import Cost
    from lpxsched.workload.datatypes import WeightType
    from lpxsched.workload.ffns import FfnModel
    from lpxsched.workload.graph import LayerGraph

INTERVAL_CYCLES = 4032


class Layers(NamedTuple):
    """Layers on their groups, and what their problems are made from."""

    fabric: Fabric
    tree: AlignmentTree
    clock: ClockSpecification
    graph: LayerGraph
    groups: tuple[Group, ...]
    problems: list[LayerProblem]

    def problem(self, layer: int = 0, *, interval_cycles: int | None = INTERVAL_CYCLES) -> LayerProblem:
        """Return the problem of a layer."""
        return self.problems[layer].over(interval_cycles)


# A row has 640 columns: 2 vectors as it enters in FP8, 4 as it leaves in BF16.
SMALL = toy(name="small", layers=1, hidden=640, expert_columns=64, experts=4, expert_biases=False)


def layers_on(
    topology: str,
    chips_of_layers: Sequence[Sequence[int]],
    *,
    model: FfnModel = SMALL,
    clock: str = "xo-100ppm",
    batch: int = 2,
    weights: WeightType = "fp8",
) -> Layers:
    """Return one layer of a model on each group of chips."""
    fabric, specification = load_fabric(topology), load_clock(clock)
    tree = alignment_tree(fabric, specification, time_domains(fabric, chips_of_layers))
    model = replace(model, layers=model.layers[:1] * len(chips_of_layers))
    precision = Precision(weights, "fp8", "bf16")
    hosts = fabric.host_of_chip()
    groups = tuple(
        Group(layer, tuple(chips), tuple(hosts[chip] for chip in chips)) for layer, chips in enumerate(chips_of_layers)
    )
    graph = ffn_graph(model, batch=batch, precision=precision, vector_bytes=fabric.vector_bytes)
    works = partial(layer_work, model.layers[0], fabric.chip, batch=batch, precision=precision)

    def costs(group: Group) -> list[dict[str, Cost]]:
        return shard_costs(works(len(group.chips)), fabric.chip, len(group.chips))

    problems = layer_problems(fabric, groups, graph, costs, clock=specification, tree=tree)
    return Layers(fabric, tree, specification, graph, groups, problems)
