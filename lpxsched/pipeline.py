"""From options to a timetable, of a model or of one collective; only wires the stages."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from lpxsched.assembly.collective_segment import collective_segment
from lpxsched.assembly.expanded_weights import fp8_results, with_expanded_weights
from lpxsched.assembly.graph import collective_graph, layers_graph
from lpxsched.assembly.headline import assumed_ns
from lpxsched.assembly.layer_segment import layer_segments
from lpxsched.assembly.manifest import signed_build
from lpxsched.assembly.mapping import mapping_results
from lpxsched.assembly.program import assemble
from lpxsched.assembly.results import collective_results, layer_results
from lpxsched.assembly.surroundings import surroundings
from lpxsched.clocks.specification import load_clock
from lpxsched.clocks.tree import alignment_tree, time_domains
from lpxsched.errors import InputError
from lpxsched.fabric.profile import load_fabric
from lpxsched.program.choose import AUTO, best_laid, partition_layers, shortest_mapping
from lpxsched.program.load import Load
from lpxsched.program.memory import why_unfit
from lpxsched.program.participants import participants, root_shard
from lpxsched.program.pricing import Market
from lpxsched.schedule.collective import solve_collective
from lpxsched.schedule.frames import InFlight
from lpxsched.schedule.layers import solve_layers, solve_quickly
from lpxsched.schedule.options import SolveOptions
from lpxsched.schedule.problem.collective import collective_instance
from lpxsched.schedule.problem.layer import layer_problems
from lpxsched.traffic.collectives import Collective
from lpxsched.workload.config.load import load_model
from lpxsched.workload.datatypes import Precision, is_expanded
from lpxsched.workload.ffns import ffn_model, published_weights
from lpxsched.workload.graph import ffn_graph

if TYPE_CHECKING:
    from collections.abc import Callable

    from lpxsched.clocks.tree import AlignmentTree
    from lpxsched.options import CollectiveOptions, CompileOptions
    from lpxsched.program.choose import Mapping
    from lpxsched.schedule.layers import ScheduledLayer
    from lpxsched.schedule.problem.layer import LayerProblem
    from lpxsched.timetable.build import Build
    from lpxsched.traffic.group import Group
    from lpxsched.workload.costs import Cost
    from lpxsched.workload.ffns import FfnModel


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
    model, weights = ffn_model(published), options.weights or published_weights(published)
    precision = Precision(weights, options.activations, options.partials)
    batch, in_flight = options.batch, _in_flight(options, model)
    graph = ffn_graph(model, batch=batch, precision=precision, vector_bytes=fabric.vector_bytes)
    load = Load(model, graph, fabric.chip, batch, precision)
    mapping = _mapping(options, Market(load, fabric, clock, options.seed), progress)
    solving = SolveOptions(options.solver, options.effort, options.seed)

    def lay(groups: tuple[Group, ...]) -> _Laid:
        tree = alignment_tree(fabric, clock, time_domains(fabric, [group.chips for group in groups]))
        build_problems = partial(layer_problems, fabric, groups, graph, clock=clock, tree=tree)
        layers = solve_layers(build_problems(load.costs), solving, progress=progress, in_flight=in_flight)
        return _Laid(tree, build_problems, layers)

    mapping, (tree, build_problems, layers) = best_laid(mapping, lay, _Laid.makespan_cycles)
    segments = layer_segments(fabric, tree, layers)
    program, around = assemble(segments), surroundings(fabric, tree, segments)
    results = layer_results(options, fabric, clock, layers, program, around)
    results |= mapping_results(options, fabric, mapping, makespan_cycles=results["makespan_cycles"])
    graph_file = layers_graph(graph, mapping.groups, load.works)
    build = signed_build(options, fabric, clock, graph_file, program, around, results=results)
    if not is_expanded(precision.weights, fabric.chip.matrix_types):
        return build
    fp8 = replace(load, precision=replace(precision, weights="fp8"))
    unfit, fp8_problems = why_unfit(fp8, mapping.groups), partial(build_problems, fp8.costs)
    told = unfit[1] if unfit else fp8_results(build, solve_quickly(fp8_problems, options.seed, in_flight))
    return with_expanded_weights(build, options, precision.weights, told)


class _Laid(NamedTuple):
    """Layers on their groups, and what their problems are made from."""

    tree: AlignmentTree
    build_problems: Callable[[Callable[[Group], list[dict[str, Cost]]]], list[LayerProblem]]
    layers: tuple[ScheduledLayer, ...]

    def makespan_cycles(self) -> int:
        """Return what all layers take one after the other."""
        return sum(layer.distinct.result.makespan_cycles for layer in self.layers)


def _mapping(options: CompileOptions, market: Market, progress: Callable[[str, int, int], None]) -> Mapping:
    """Return the groups of layers; one layer in flight gets all chips, as it has them for itself."""
    if options.partition != AUTO:
        return partition_layers(market.load, market.fabric, options.partition)
    if options.in_flight > 1:
        return partition_layers(market.load, market.fabric, "disjoint")
    return shortest_mapping(market, progress=progress)


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
