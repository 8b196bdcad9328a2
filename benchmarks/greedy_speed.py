"""Vector hops a CPU second of the greedy list scheduler, once compiled.

Usage: uv run python -m benchmarks.greedy_speed

Rows are the layer problems of gpt-oss-120b on lpx-rack at growing batches, once with whole streams as blocks and once
with single vectors (the slowest cut: one slot for each vector and hop).
"""

from __future__ import annotations

import statistics
import time
from typing import TYPE_CHECKING

from lpxsched.clocks.specification import load_clock
from lpxsched.clocks.tree import alignment_tree, time_domains
from lpxsched.fabric.profile import load_fabric
from lpxsched.program.load import Load
from lpxsched.program.mapping.choose import partition_layers
from lpxsched.schedule.problem.layer import layer_problems
from lpxsched.schedule.routes.blocks import Cut, cut_blocks
from lpxsched.schedule.routes.list_plan import found_of
from lpxsched.schedule.routes.list_schedule import ListScheduler
from lpxsched.schedule.symmetry.lift import lifted_layer
from lpxsched.schedule.symmetry.padding import unpadded
from lpxsched.workload.config.load import load_model
from lpxsched.workload.datatypes import Precision
from lpxsched.workload.ffn_graph import ffn_graph
from lpxsched.workload.ffns import ffn_model

if TYPE_CHECKING:
    from lpxsched.schedule.problem.instance import Instance
    from lpxsched.schedule.problem.layer import LayerProblem
    from lpxsched.schedule.symmetry.quotient import Blocks

RUNS = 5
INTERVAL_CYCLES = 252_000


def layer_instances(batch: int) -> list[Instance]:
    """Return the problems of the first and the last layer of gpt-oss-120b on lpx-rack."""
    problems = end_problems("gpt-oss-120b", "lpx-rack", batch, "disjoint")
    return [problem.over(INTERVAL_CYCLES).instance for problem in problems]


def end_problems(name: str, topology: str, batch: int, partition: str) -> list[LayerProblem]:
    """Return the problems of the first and the last layer of a model, without drift."""
    fabric, model, clock = load_fabric(topology), ffn_model(load_model(name)), load_clock("xo-100ppm")
    precision = Precision("mxfp4", "fp8", "bf16")
    graph = ffn_graph(model, batch=batch, precision=precision, vector_bytes=fabric.vector_bytes)
    load = Load(model, graph, fabric.chip, batch, precision)
    groups = partition_layers(load, fabric, partition).groups
    return layer_problems(
        fabric,
        [groups[0], groups[-1]],
        graph,
        load.costs,
        clock=clock,
        tree=alignment_tree(fabric, clock, time_domains(fabric, [group.chips for group in groups])),
    )


def measure(instance: Instance, blocks: Blocks) -> tuple[int, int, float]:
    """Return vector hops, slots and the median CPU seconds of one schedule."""
    scheduler = ListScheduler(unpadded(instance))
    schedule = lifted_layer(found_of(scheduler.listed(blocks)))
    seconds = []
    for _ in range(RUNS):
        started = time.process_time()
        scheduler.listed(blocks)
        seconds.append(time.process_time() - started)
    return int(schedule.slot_vectors.sum()), schedule.slots, statistics.median(seconds)


def main() -> None:
    """Print one row a problem."""
    print("batch  chips  blocks          vector hops     slots   seconds  M hops/s  M slots/s")
    for batch in (8, 64, 512):
        for instance in layer_instances(batch):
            longest = int(instance.demand_vectors.max())
            for name, cut in (("whole streams", Cut(longest, longest)), ("single vectors", Cut(1, 1))):
                hops, slots, seconds = measure(instance, cut_blocks(instance, cut))
                print(
                    f"{batch:5}  {instance.network.chips:5}  {name:14}  {hops:11,}  {slots:8,}  {seconds:8.4f}"
                    f"  {hops / seconds / 1e6:8.2f}  {slots / seconds / 1e6:9.2f}"
                )


if __name__ == "__main__":
    main()
