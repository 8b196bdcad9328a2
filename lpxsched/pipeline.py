"""From options to a timetable, of a model or of one collective; only wires the stages."""

from __future__ import annotations

from dataclasses import replace
from functools import cache, partial
from typing import TYPE_CHECKING

from lpxsched.assembly.collective_segment import collective_segment
from lpxsched.assembly.expanded_weights import fp8_results, with_expanded_weights
from lpxsched.assembly.graph import collective_graph, layers_graph
from lpxsched.assembly.headline import assumed_ns
from lpxsched.assembly.layer_segment import layer_segments
from lpxsched.assembly.manifest import signed_build
from lpxsched.assembly.program import assemble
from lpxsched.assembly.results import collective_results, layer_results
from lpxsched.assembly.surroundings import surroundings
from lpxsched.clocks.specification import load_clock
from lpxsched.clocks.tree import alignment_tree, time_domains
from lpxsched.errors import InputError
from lpxsched.fabric.profile import load_fabric
from lpxsched.program.choose import partition_layers, why_unfit
from lpxsched.program.participants import participants, root_shard
from lpxsched.schedule.collective import solve_collective
from lpxsched.schedule.frames import InFlight
from lpxsched.schedule.layers import solve_layers, solve_quickly
from lpxsched.schedule.options import SolveOptions
from lpxsched.schedule.problem.collective import collective_instance
from lpxsched.schedule.problem.layer import layer_problems
from lpxsched.traffic.collectives import Collective
from lpxsched.units import exact
from lpxsched.workload.config.load import load_model
from lpxsched.workload.costs import layer_work, shard_costs
from lpxsched.workload.datatypes import Precision, is_expanded
from lpxsched.workload.ffns import ffn_model, published_weights
from lpxsched.workload.graph import ffn_graph
from lpxsched.workload.policy import Policy

if TYPE_CHECKING:
    from collections.abc import Callable

    from lpxsched.fabric.chip import Chip
    from lpxsched.options import CollectiveOptions, CompileOptions
    from lpxsched.timetable.build import Build
    from lpxsched.traffic.group import Group
    from lpxsched.workload.costs import Cost
    from lpxsched.workload.ffns import FfnLayer, FfnModel
    from lpxsched.workload.work import Work


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
    fabric, clock, published = load_fabric(options.topology), load_clock(options.clock), load_model(options.model)
    model = ffn_model(published, _policy(options), options.weights)
    precision = Precision(options.weights or published_weights(published), options.activations, options.partials)
    batch, file, in_flight = options.batch, options.partition, _in_flight(options, model)
    graph = ffn_graph(model, batch=batch, precision=precision, vector_bytes=fabric.vector_bytes)
    groups = partition_layers(model, fabric, graph, batch=batch, precision=precision, file=file)
    tree = alignment_tree(fabric, clock, time_domains(fabric, [group.chips for group in groups]))
    works = _works_of_group(model, fabric.chip, batch, precision)
    build_problems = partial(layer_problems, fabric, groups, graph, clock=clock, tree=tree)
    solving = SolveOptions(options.solver, options.effort, options.seed)
    problems = build_problems(partial(_costs, works, fabric.chip))
    layers = solve_layers(problems, solving, progress=progress, in_flight=in_flight)
    segments = layer_segments(fabric, tree, layers)
    program, around = assemble(segments), surroundings(fabric, tree, segments)
    results = layer_results(options, fabric, clock, layers, program, around)
    graph_file = layers_graph(graph, groups, works)
    build = signed_build(options, fabric, clock, graph_file, program, around, results=results)
    if not is_expanded(precision.weights, fabric.chip.matrix_types):
        return build
    fp8 = replace(precision, weights="fp8")
    unfit = why_unfit(groups, model, fabric.chip, graph, batch=batch, precision=fp8)
    fp8_works = _works_of_group(model, fabric.chip, batch, fp8)
    fp8_problems = partial(build_problems, partial(_costs, fp8_works, fabric.chip))
    told = unfit or fp8_results(build, solve_quickly(fp8_problems, options.seed, in_flight))
    return with_expanded_weights(build, options, precision.weights, told)


def _policy(options: CompileOptions) -> Policy:
    capacity = None if options.capacity is None else exact(options.capacity)
    return Policy(options.moe, options.router, capacity)


def _in_flight(options: CompileOptions, model: FfnModel) -> InFlight | None:
    """Return how many micro-batches share the one layer, and what lies between their visits; None for one on demand.

    Raises
    ------
    InputError
        For a model of several layers.
    """
    if options.in_flight == 1:
        return None
    if len(model.layers) > 1:
        problem = f"layers in flight together are not there yet: {options.model} has {len(model.layers)}, must be 1"
        raise InputError("lpxsched compile", f"{problem}, or --in-flight 1", key="--in-flight")
    return InFlight(options.in_flight, assumed_ns(options, layers=1).high)


def _works_of_group(
    model: FfnModel, chip: Chip, batch: int, precision: Precision
) -> Callable[[Group], dict[str, Work]]:
    """Return the work of a group's layer; layers of a kind on groups of a width are worked out once."""

    @cache
    def of_kind(layer: FfnLayer, width: int) -> dict[str, Work]:
        return layer_work(layer, chip, width, batch=batch, precision=precision)

    return lambda group: of_kind(model.layers[group.layer], len(group.chips))


def _costs(works: Callable[[Group], dict[str, Work]], chip: Chip, group: Group) -> list[dict[str, Cost]]:
    return shard_costs(works(group), chip, len(group.chips))


def compile_collective(options: CollectiveOptions) -> tuple[Build, float]:
    """Return the build of a collective on a fabric, and how long the solver took in seconds.

    Raises
    ------
    InputError, InfeasibleError, NothingFoundError
    """
    fabric, clock = load_fabric(options.topology), load_clock(options.clock)
    chips = participants(fabric, options.chips)
    root = root_shard(options.kind, chips, options.root)
    collective = Collective(options.kind, len(chips), options.vectors, root)
    problem = collective_instance(fabric, chips, collective, relays=options.relays)
    solving = SolveOptions(options.solver, options.effort, options.seed, options.cyclic, options.deadline)
    scheduled = solve_collective(fabric, problem, clock, solving)
    segments = [collective_segment(fabric, clock, scheduled, deadline_cycles=options.deadline)]
    program, around = assemble(segments), surroundings(fabric, scheduled.tree, segments)
    results, graph = collective_results(options, fabric, scheduled, program), collective_graph(scheduled.problem)
    build = signed_build(options, fabric, clock, graph, program, around, results=results)
    return build, scheduled.solve_seconds
