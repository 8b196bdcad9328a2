"""From options to a timetable; only wires the stages."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from lpxsched.clocks.specification import load_clock
from lpxsched.clocks.tree import alignment_tree
from lpxsched.fabric.profile import load_fabric
from lpxsched.partition.choose import partition_layers
from lpxsched.schedule.problem import layer_problem_builders
from lpxsched.schedule.repeated import solve_layers
from lpxsched.schedule.solve import SolveOptions
from lpxsched.timetable.assemble import assemble_program
from lpxsched.timetable.describe import describe_build
from lpxsched.timetable.surroundings import surroundings
from lpxsched.workload.config import load_model
from lpxsched.workload.costs import shard_costs
from lpxsched.workload.datatypes import Precision
from lpxsched.workload.graph import moe_layer_graph

if TYPE_CHECKING:
    from collections.abc import Callable

    from lpxsched.options import CompileOptions
    from lpxsched.timetable.reader import Build


def compile_timetable(options: CompileOptions, *, progress: Callable[[str, int, int], None] = lambda *_: None) -> Build:
    """Return the build of a model on a fabric.

    Parameters
    ----------
    options : CompileOptions
    progress : callable
        Told a step, how many of its kind are done, and how many there are.

    Raises
    ------
    InputError, InfeasibleError, NothingFoundError
    """
    fabric, clock, model = load_fabric(options.topology), load_clock(options.clock), load_model(options.model)
    precision = Precision(options.weights or model.weights, options.activations, options.partials)
    batch, file = options.batch, options.partition
    graph = moe_layer_graph(model, batch=batch, precision=precision, vector_bytes=fabric.vector_bytes)
    groups = partition_layers(model, fabric, graph, batch=batch, precision=precision, file=file)
    tree = alignment_tree(fabric)
    costs = partial(shard_costs, model, fabric.chip, batch=batch, precision=precision)
    builders = layer_problem_builders(fabric, groups, graph, costs, clock=clock, tree=tree)
    solving = SolveOptions(options.solver, options.effort, options.seed)
    layers = solve_layers(builders, clock, solving, progress=progress)
    around = surroundings(fabric, tree, clock, layers)
    return describe_build(options, fabric, clock, graph, layers, assemble_program(layers), around)
