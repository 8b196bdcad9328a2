"""What a manifest tells of results: lengths, bounds and gaps, times, and how much travels."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np

from lpxsched.assembly.headline import (
    Emitted,
    assumed_ns,
    headline_results,
    not_modelled,
    picoseconds_up,
)
from lpxsched.clocks.latency import Run, arrival_ns, nominal_ns, restart_cycles, segment_levels, worst_case_ns
from lpxsched.clocks.tree import AlignmentTree
from lpxsched.schedule.layers import DistinctResult, ScheduledLayer, ending_chips
from lpxsched.units import cycles_to_ns
from lpxsched.workload.acceptance import acceptance

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lpxsched.assembly.program import Program
    from lpxsched.assembly.surroundings import Surroundings
    from lpxsched.clocks.specification import ClockSpecification
    from lpxsched.fabric.fabric import Fabric
    from lpxsched.options import CollectiveOptions, CompileOptions
    from lpxsched.program.frames.loads import Load
    from lpxsched.program.outside.micro_batch import Outside
    from lpxsched.schedule.collective import ScheduledCollective
    from lpxsched.schedule.result import Result


def layers_told(
    options: CompileOptions,
    fabric: Fabric,
    clock: ClockSpecification,
    layers: Sequence[ScheduledLayer],
    *,
    program: Program,
    around: Surroundings,
    headline: dict[str, Any],
) -> dict[str, Any]:
    """Return what a manifest tells of the layers, or visits, of a model beside its headline."""
    distinct = {layer.distinct.number: layer.distinct for layer in layers}
    problems = [_problem(distinct[number]) for number in sorted(distinct)]
    worst = max(problems, key=lambda problem: problem["gap"])
    makespans, clock_mhz = around.segments.makespan_cycles, fabric.chip.clock_mhz
    proved_ns = nominal_ns(clock_mhz, makespan_cycles=makespans.tolist())
    # Makespans of what runs on demand, periods of what repeats.
    repeats = around.frames.period_cycles > 0
    bounds = np.append(around.frames.lower_bound_cycles[repeats], around.segments.lower_bound_cycles)
    short = np.append(around.frames.period_cycles[repeats], makespans[~repeats[around.segments.frame]])
    bound, objective = int(bounds.sum()), int(short.sum())
    return {
        "status": "optimal" if bound == objective else "feasible",
        "solver": "+".join(sorted({problem["solver"] for problem in problems})),
        "makespan_cycles": int(makespans.sum()),
        "lower_bound_cycles": bound,
        "bound": worst["bound"],
        "gap": round(objective / bound, 6),
        "wire_gap": _wire_gap(problems),
        "makespan_ns": picoseconds_up(proved_ns),
        **headline,
        "period_cycles": int(around.frames.period_cycles.max(initial=0)),
        "in_flight": options.in_flight,
        "acceptance_length": float(emitted(options).tokens),
        **_extent(fabric, clock, layers, problems, around),
        **traffic(program),
    }


def loads_told(loads: Sequence[Load], micro_batches: int, clock_mhz: Fraction) -> list[dict[str, Any]]:
    """Return for how long the busiest resources are kept by one micro-batch and by all of them."""
    return [
        {
            "resource": load.name,
            "kind": load.kind,
            "load_ns": picoseconds_up(cycles_to_ns(load.cycles, clock_mhz)),
            "all_ns": picoseconds_up(cycles_to_ns(load.cycles * micro_batches, clock_mhz)),
        }
        for load in loads
    ]


def emitted(options: CompileOptions, micro_batches: int = 1) -> Emitted:
    """Return the users of all micro-batches of a step, and the tokens that it emits to each of them."""
    tokens = acceptance(options.model, draft=options.draft, chosen=options.acceptance).tokens
    return Emitted(micro_batches * options.batch, tokens)


def _extent(
    fabric: Fabric,
    clock: ClockSpecification,
    layers: Sequence[ScheduledLayer],
    problems: list[dict[str, Any]],
    around: Surroundings,
) -> dict[str, Any]:
    """Return how much was solved, on how many chips, and what a start of their program costs."""
    restart = cycles_to_ns(restart_cycles(fabric, clock, tree_of(around)), fabric.chip.clock_mhz)
    return {
        "restart_ns": picoseconds_up(restart),
        "layers": len(layers),
        "distinct_problems": len(problems),
        "problems": problems,
        "chips": len({chip for layer in layers for chip in layer.problem.group.chips}),
    }


def headline_on_demand(
    options: CompileOptions,
    fabric: Fabric,
    clock: ClockSpecification,
    layers: Sequence[ScheduledLayer],
    outside: Outside,
    *,
    around: Surroundings,
) -> dict[str, Any]:
    """Return what a step takes of layers on demand, one after the other."""
    makespans, clock_mhz = around.segments.makespan_cycles.tolist(), fabric.chip.clock_mhz
    proved_ns, assumed = nominal_ns(clock_mhz, makespan_cycles=makespans), assumed_ns(outside)
    windows = [layer.problem.graph.windows for layer in layers]
    routed, guessed = options.router == "gpu", outside.draft_visits > 0
    missing = not_modelled(outside.unread, routed=routed, windows=max(windows), guessed=guessed)
    runs = [
        run_of(around, segment, layer.problem.group.chips, ending_chips(layer.problem))
        for segment, layer in enumerate(layers)
        for _ in range(windows[segment])
    ]
    arrivals_ns = sum(windows) * arrival_ns(clock, clock_mhz, in_hop=fabric.guard_in_hop)
    worst_ns = worst_case_ns(clock, clock_mhz, runs, arrivals_ns=arrivals_ns)
    return headline_results(proved_ns, worst_ns, assumed, missing, emitted=emitted(options))


def collective_results(
    options: CollectiveOptions,
    fabric: Fabric,
    clock: ClockSpecification,
    scheduled: ScheduledCollective,
    program: Program,
    around: Surroundings,
) -> dict[str, Any]:
    """Return what a manifest tells of a collective."""
    result, period = scheduled.result, scheduled.result.schedule.period_cycles
    network, clock_mhz = scheduled.problem.network, fabric.chip.clock_mhz
    chips = network.fabric_node[: network.width].tolist()
    worst_ns = worst_case_ns(clock, clock_mhz, [run_of(around, 0, chips, chips)], arrivals_ns=Fraction(0))
    return {
        "kind": options.kind,
        "topology": fabric.name,
        **_figures(result),
        "makespan_ns": picoseconds_up(cycles_to_ns(result.makespan_cycles, clock_mhz)),
        "proved_worst_ns": picoseconds_up(worst_ns),
        "chips": network.width,
        **({"period_cycles": period} if period else {}),
        **traffic(program),
    }


def _wire_gap(problems: list[dict[str, Any]]) -> float:
    """Return the gap of all layers with operators taking no time."""
    makespan, bound = (
        sum(len(problem["layers"]) * int(problem["wires"][key]) for problem in problems)
        for key in ("makespan_cycles", "lower_bound_cycles")
    )
    return float(round(makespan / bound, 6))


def _problem(one: DistinctResult) -> dict[str, Any]:
    period = one.result.schedule.period_cycles
    return {
        "layers": list(one.layers),
        "chips": one.chips,
        **_figures(one.result),
        **({"period_cycles": period} if period else {}),
        "wires": _figures(one.wires),
    }


def run_of(around: Surroundings, segment: int, chips: Sequence[int], ends: Sequence[int]) -> Run:
    """Return a run of a segment on demand, which opens with the first of its deskews.

    Parameters
    ----------
    around : Surroundings
    segment : int
    chips, ends : sequence of int
        All of its chips, and those on which it ends or which send to hosts where it ends.
    """
    segments, deskews = around.segments, around.deskews
    mine = deskews.frame == segments.frame[segment]
    makespan = int(segments.makespan_cycles[segment])
    return Run(
        waiting_cycles=int(segments.waiting_cycles[segment]),
        makespan_cycles=makespan,
        levels=segment_levels(tree_of(around), chips, ends, deskews=int(mine.sum())),
        since_cycles=makespan - int((deskews.cycle + deskews.stall)[mine].max(initial=0)),
    )


def tree_of(around: Surroundings) -> AlignmentTree:
    """Return the trees along which chips align."""
    return AlignmentTree(around.chips.hac_parent, around.chips.hac_depth)


def _figures(result: Result) -> dict[str, Any]:
    """Return how long a schedule is, and what is proven of it."""
    return {
        "status": result.status,
        "solver": result.solver,
        "makespan_cycles": result.makespan_cycles,
        "lower_bound_cycles": result.bound.cycles,
        "bound": result.bound.name,
        "gap": round(float(result.gap), 6),
    }


def traffic(program: Program) -> dict[str, int]:
    """Return how much travels: distinct vectors, hops of vectors, slots, and links in use."""
    return {
        "vectors": _distinct_vectors(program),
        "vector_hops": int(program.slots.vectors.sum()),
        "slots": len(program.slots),
        "links": len(np.unique(program.slots.link)),
    }


def _distinct_vectors(program: Program) -> int:
    """Return how many different vectors travel: a vector counts once, however many links carry it."""
    slots, sizes = program.slots, program.tensors.vectors
    # All tensors one after the other on one axis.
    start = (np.cumsum(sizes) - sizes)[slots.tensor] + slots.first_vector
    order = np.argsort(start, kind="stable")
    start, end = start[order], (start + slots.vectors)[order]
    covered = np.concatenate([np.zeros(1, dtype=np.int64), np.maximum.accumulate(end)])[: len(end)]
    return int(np.maximum(0, end - np.maximum(start, covered)).sum())
