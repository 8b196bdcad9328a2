"""From options to the timetable of a model; only wires the stages."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from functools import cache, partial
from typing import TYPE_CHECKING

from lpxsched.assembly.assembled import assembled
from lpxsched.assembly.graph import layers_graph
from lpxsched.assembly.layer_segment import chain_segment, layer_segments
from lpxsched.assembly.manifest import signed_build, with_expanded_weights, with_outside
from lpxsched.assembly.model_results import chain_results, fp8_results, mapping_results, solved_results
from lpxsched.clocks.latency import hac_latency_cycles, segment_levels, start_cycles
from lpxsched.clocks.specification import load_clock
from lpxsched.clocks.tree import alignment_tree, time_domains
from lpxsched.errors import InfeasibleError, InputError, NothingFoundError
from lpxsched.fabric.profile import load_fabric
from lpxsched.options import PARTITIONS
from lpxsched.program.frames.in_flight import QuickWindows, solve_layers_in_flight
from lpxsched.program.frames.stages import Machine
from lpxsched.program.load import Load
from lpxsched.program.mapping.choose import AUTO, Laid, best_laid, partition_layers, shortest_mapping
from lpxsched.program.mapping.choose_in_flight import mapping_in_flight
from lpxsched.program.mapping.pricing import Market
from lpxsched.program.memory import why_unfit
from lpxsched.program.outside.micro_batch import outside_of
from lpxsched.program.whole_model.chain import solve_chain
from lpxsched.program.whole_model.flags import flag_ways_on
from lpxsched.program.whole_model.in_flight import solve_chain_in_flight
from lpxsched.program.whole_model.visits import in_best_blocks, step_of, visit_groups
from lpxsched.schedule.layers import solve_layers
from lpxsched.schedule.options import GREEDY_ONLY_EFFORT, SolveOptions
from lpxsched.schedule.problem.layer import ending_chips, layer_problems
from lpxsched.units import exact
from lpxsched.workload.config.load import load_model
from lpxsched.workload.costs import shard_costs
from lpxsched.workload.datatypes import Precision, is_expanded
from lpxsched.workload.ffn_graph import ffn_graph
from lpxsched.workload.ffns import ffn_model, published_weights
from lpxsched.workload.lpu_graph import lpu_graph, lpu_work
from lpxsched.workload.lpu_visits import lpu_visits
from lpxsched.workload.policy import Policy

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from lpxsched.fabric.fabric import Fabric
    from lpxsched.options import CompileOptions
    from lpxsched.program.frames.arranging import InFlight
    from lpxsched.program.mapping.choose import Mapping
    from lpxsched.program.outside.micro_batch import Outside
    from lpxsched.program.whole_model.chain import Chain
    from lpxsched.program.whole_model.in_flight import ChainInFlight
    from lpxsched.schedule.layers import ScheduledLayer
    from lpxsched.schedule.problem.layer import LayerProblem
    from lpxsched.timetable.build import Build
    from lpxsched.traffic.group import Group
    from lpxsched.workload.costs import Cost
    from lpxsched.workload.graph import LayerGraph
    from lpxsched.workload.model import Model
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
    if options.attention == "lpu":
        return _compile_whole(options, progress)
    fabric, published = load_fabric(options.topology), load_model(options.model)
    clock = load_clock(options.clock, fabric.chip.clock_mhz)
    model = ffn_model(published, _policy(options), options.weights, drafts=options.draft)
    precision = _precision(options, published)
    build_graph = partial(ffn_graph, model, batch=options.rows, precision=precision, vector_bytes=fabric.vector_bytes)
    load, solving = Load(model, build_graph(), fabric.chip, options.rows, precision), _solving(options)

    def graph_on(groups: Sequence[Group]) -> LayerGraph:
        return build_graph(widths=[len(group.chips) for group in groups])

    def around_of(groups: Sequence[Group]) -> Outside:
        return outside_of(options, published, graph_on(groups), groups)

    known = defaultdict[tuple["Group", ...], QuickWindows](dict)

    def lay(groups: tuple[Group, ...], solving: SolveOptions = solving) -> Laid:
        graph, outside = graph_on(groups), around_of(groups)
        tree = alignment_tree(fabric, clock, time_domains(fabric, [group.chips for group in groups]))
        build_problems = partial(layer_problems, fabric, groups, graph, clock=clock, tree=tree)
        machine = Machine(fabric, tree, outside, options.in_flight)
        solved = _solved(build_problems(load.costs), machine, solving, progress, known[groups])
        return Laid(groups, graph, outside, tree, build_problems, solved)

    market = Market(load, fabric, clock, options.seed, around_of)
    mapping, laid = best_laid(market, _mapping(options, market, lay, progress), lay)
    segments = layer_segments(fabric, laid.tree, laid.solved)
    made = assembled(fabric, clock, laid.tree, segments, layers_graph(laid.graph, laid.groups, load.works))
    results = solved_results(options, made, laid.solved, laid.outside)
    results |= mapping_results(mapping, fabric, makespan_cycles=results["makespan_cycles"])
    build = with_outside(signed_build(options, made, results), options, laid.outside)
    if not is_expanded(precision.weights, fabric.chip.matrix_types):
        return build
    return _beside_fp8(build, options, load, laid, fabric)


def _beside_fp8(build: Build, options: CompileOptions, load: Load, laid: Laid, fabric: Fabric) -> Build:
    """Return a build whose weights are expanded on read, with the figure of fp8 on the same groups beside."""
    fp8 = replace(load, precision=replace(load.precision, weights="fp8"))
    unfit, fp8_problems = why_unfit(fp8, laid.groups), partial(laid.build_problems, fp8.costs)
    machine = Machine(fabric, laid.tree, laid.outside, options.in_flight)
    told = unfit[1] if unfit else fp8_results(build, _solved_quickly(fp8_problems, machine, options.seed))
    return with_expanded_weights(build, options, load.precision.weights, told)


def _solving(options: CompileOptions) -> SolveOptions:
    return SolveOptions(options.solver, options.effort, options.seed)


def _mapping(
    options: CompileOptions, market: Market, lay: Callable[..., Laid], progress: Callable[[str, int, int], None]
) -> Mapping:
    """Return the groups of layers."""
    if options.partition != AUTO:
        return partition_layers(market.load, market.fabric, options.partition)
    mapping, quick = shortest_mapping(market, progress=progress), replace(_solving(options), effort=GREEDY_ONLY_EFFORT)
    return mapping if options.in_flight == 1 else mapping_in_flight(mapping, partial(lay, solving=quick))


def _precision(options: CompileOptions, published: Model) -> Precision:
    weights = options.weights or published_weights(published, options.draft)
    return Precision(weights, options.activations, options.partials)


def _policy(options: CompileOptions) -> Policy:
    capacity = None if options.capacity is None else exact(options.capacity)
    return Policy(options.moe, options.router, capacity)


def _compile_whole(options: CompileOptions, progress: Callable[[str, int, int], None]) -> Build:
    """Return the build of a model all of which runs on the chips: one segment, its visits one after the other."""
    fabric, model = load_fabric(options.topology), load_model(options.model)
    clock = load_clock(options.clock, fabric.chip.clock_mhz)
    decoding, chip = step_of(options, model, fabric), fabric.chip
    # Where the head ends out of reach of the embedding, drafts have one of their own.
    each = (lpu_visits(model, decoding.policy, options.draft, embeds=embeds) for embeds in (False, True))
    variants = list(dict.fromkeys(each))
    decoding = in_best_blocks(variants[0], fabric, decoding)
    visits, groups = visit_groups(fabric, variants, decoding, what=model.name, file=_visits_file(options))
    tree = alignment_tree(fabric, clock, time_domains(fabric, [[chip for group in groups for chip in group.chips]]))
    works = cache(lambda visit, width: lpu_work(visit, chip, width, decoding))

    def works_of(group: Group) -> dict[str, Work]:
        return works(visits[group.layer], len(group.chips))

    def costs_of(group: Group) -> list[dict[str, Cost]]:
        return shard_costs(works_of(group), chip, len(group.chips))

    graph = lpu_graph(visits, chip, [len(group.chips) for group in groups], decoding)
    problems = layer_problems(fabric, groups, graph, costs_of, clock=clock, tree=tree)
    chain: Chain | ChainInFlight
    if options.in_flight > 1:
        chain = solve_chain_in_flight(problems, fabric, options.in_flight, _solving(options), progress=progress)
        segments = [chain_segment(chain)]
    else:
        start = start_cycles(clock, problems[0].opening.clock.depth, hac_latency_cycles(fabric, tree))
        chips = sorted({chip for group in groups for chip in group.chips})
        ends, ways = ending_chips(problems[-1]), flag_ways_on(fabric, problems, clock=clock, tree=tree)
        levels = segment_levels(tree, chips, ends, deskews=1), segment_levels(tree, chips, ends, deskews=2)
        chain = solve_chain(
            problems, _solving(options), ways=ways, levels=levels, start_cycles=start, progress=progress
        )
        segments = [chain_segment(chain, start)]
    made = assembled(fabric, clock, tree, segments, layers_graph(graph, groups, works_of, whole=True))
    build = signed_build(options, made, chain_results(options, made, chain, layers=len(model.layers)))
    if not is_expanded(decoding.precision.weights, chip.matrix_types):
        return build
    told = "not worked out beside it for a whole model on the chips; --weights fp8 does"
    return with_expanded_weights(build, options, decoding.precision.weights, told)


def _solved(
    problems: Sequence[LayerProblem],
    machine: Machine,
    solving: SolveOptions,
    progress: Callable[[str, int, int], None] = lambda *_: None,
    known: QuickWindows | None = None,
) -> Sequence[ScheduledLayer] | InFlight:
    """Return layers on demand, or in flight where there are several micro-batches."""
    if machine.micro_batches > 1:
        return solve_layers_in_flight(problems, machine, solving, progress=progress, known=known)
    return solve_layers(problems, solving, progress=progress)


def _solved_quickly(
    build_problems: Callable[[], Sequence[LayerProblem]], machine: Machine, seed: int
) -> Sequence[ScheduledLayer] | InFlight | str:
    """Return layers scheduled greedily, or why there is no schedule."""
    try:
        return _solved(build_problems(), machine, SolveOptions("greedy", GREEDY_ONLY_EFFORT, seed))
    except (InfeasibleError, NothingFoundError) as error:
        return str(error)


def _visits_file(options: CompileOptions) -> str | None:
    if options.partition in ("disjoint", "whole"):
        problem = f"a whole model on the chips takes auto, daisy-chain (the same) or a file, got {options.partition}"
        raise InputError("lpxsched compile", problem, key="--partition")
    return None if options.partition in PARTITIONS else options.partition
