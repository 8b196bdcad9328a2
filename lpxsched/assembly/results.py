"""What a manifest tells of results: lengths, bounds and gaps, times, and how much travels."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np

from lpxsched.assembly.headline import picoseconds_up
from lpxsched.clocks.latency import Run, nominal_ns, restart_cycles, segment_levels, worst_case_ns
from lpxsched.schedule.bounds import lower_bound
from lpxsched.units import cycles_to_ns
from lpxsched.workload.acceptance import acceptance

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lpxsched.assembly.assembled import Assembled
    from lpxsched.options import CollectiveOptions, CompileOptions
    from lpxsched.schedule.collective import ScheduledCollective
    from lpxsched.schedule.layers import DistinctResult, ScheduledLayer
    from lpxsched.schedule.result import Result
    from lpxsched.timetable.columns import Slots, Tensors


def layers_told(options: CompileOptions, made: Assembled, layers: Sequence[ScheduledLayer]) -> dict[str, Any]:
    """Return what a manifest tells of the layers, or visits, of a model beside its headline."""
    distinct = {layer.distinct.number: layer.distinct for layer in layers}
    problems = [_problem(distinct[number], layers) for number in sorted(distinct)]
    worst = max(problems, key=lambda problem: problem["gap"])
    segments, frames = made.machine.segments, made.machine.frames
    # Makespans of what runs on demand, periods of what repeats.
    repeats = frames.period_cycles > 0
    bounds = np.append(frames.lower_bound_cycles[repeats], segments.lower_bound_cycles)
    short = np.append(frames.period_cycles[repeats], segments.makespan_cycles[~repeats[segments.frame]])
    bound, objective = int(bounds.sum()), int(short.sum())
    restart = restart_cycles(made.fabric, made.clock, made.tree)
    return {
        "status": "optimal" if bound == objective else "feasible",
        "solver": "+".join(sorted({problem["solver"] for problem in problems})),
        "makespan_cycles": sum(made.makespans),
        "lower_bound_cycles": bound,
        "bound": worst["bound"],
        "gap": round(objective / bound, 6),
        "wire_gap": _wire_gap(problems),
        "makespan_ns": picoseconds_up(nominal_ns(made.clock_mhz, makespan_cycles=made.makespans)),
        "period_cycles": int(frames.period_cycles.max(initial=0)),
        **({"period_lower_bound_cycles": int(frames.lower_bound_cycles.max())} if repeats.any() else {}),
        "in_flight": options.in_flight,
        "acceptance_length": float(acceptance_length(options)),
        "restart_ns": picoseconds_up(cycles_to_ns(restart, made.clock_mhz)),
        "layers": len(layers),
        "distinct_problems": len(problems),
        "problems": problems,
        "chips": len(computing_chips(layers)),
        **traffic(made.program.slots, made.program.tensors),
    }


def acceptance_length(options: CompileOptions) -> Fraction:
    """Return the tokens that a step emits to each user on average."""
    return acceptance(options.model, draft=options.draft, chosen=options.acceptance).tokens


def computing_chips(layers: Sequence[ScheduledLayer]) -> list[int]:
    """Return all chips that compute layers, in order."""
    return sorted({chip for layer in layers for chip in layer.problem.group.chips})


def collective_results(options: CollectiveOptions, made: Assembled, scheduled: ScheduledCollective) -> dict[str, Any]:
    """Return what a manifest tells of a collective."""
    result, network = scheduled.result, scheduled.problem.network
    chips = network.fabric_node[: network.width].tolist()
    worst_ns = worst_case_ns(made.clock, made.clock_mhz, [run_of(made, 0, chips, chips)], arrivals_ns=Fraction(0))
    of_makespan = {}
    if result.schedule.period_cycles:
        # All else told of what repeats is of its period.
        bound = lower_bound(scheduled.problem)
        of_makespan = {"makespan_lower_bound_cycles": bound.cycles, "makespan_bound": bound.name}
    return {
        "kind": options.kind,
        "topology": made.fabric.name,
        **_figures(result),
        "makespan_ns": picoseconds_up(cycles_to_ns(result.makespan_cycles, made.clock_mhz)),
        "proved_worst_ns": picoseconds_up(worst_ns),
        "chips": network.width,
        **of_makespan,
        **traffic(made.program.slots, made.program.tensors),
    }


def _wire_gap(problems: list[dict[str, Any]]) -> float:
    """Return the gap of all layers with operators taking no time."""
    makespan, bound = (
        sum(len(problem["layers"]) * int(problem["wires"][key]) for problem in problems)
        for key in ("makespan_cycles", "lower_bound_cycles")
    )
    return float(round(makespan / bound, 6))


def _problem(one: DistinctResult, layers: Sequence[ScheduledLayer]) -> dict[str, Any]:
    return {
        "layers": list(one.layers),
        "chips": len(layers[one.layers[0]].problem.group.chips),
        **_figures(one.result),
        "wires": _figures(one.wires),
    }


def run_of(made: Assembled, segment: int, chips: Sequence[int], ends: Sequence[int]) -> Run:
    """Return a run of a segment on demand, which opens with the first of its deskews.

    `chips` are all of its chips, `ends` those on which it ends or which send to hosts where it ends.
    """
    segments, deskews = made.machine.segments, made.machine.deskews
    mine = deskews.frame == segments.frame[segment]
    makespan = made.makespans[segment]
    return Run(
        waiting_cycles=int(segments.waiting_cycles[segment]),
        makespan_cycles=makespan,
        levels=segment_levels(made.tree, chips, ends, deskews=int(mine.sum())),
        since_cycles=makespan - int((deskews.cycle + deskews.stall)[mine].max(initial=0)),
    )


def _figures(result: Result) -> dict[str, Any]:
    """Return how long a schedule is, and what is proven of it: of the period where it repeats, which is also named."""
    period, gap = result.schedule.period_cycles, round(float(result.gap), 6)
    of_period = {
        "period_cycles": period,
        "period_lower_bound_cycles": result.bound.cycles,
        "period_bound": result.bound.name,
        "period_gap": gap,
    }
    return {
        "status": result.status,
        "solver": result.solver,
        "makespan_cycles": result.makespan_cycles,
        "lower_bound_cycles": result.bound.cycles,
        "bound": result.bound.name,
        "gap": gap,
        **(of_period if period else {}),
    }


def traffic(slots: Slots, tensors: Tensors) -> dict[str, int]:
    """Return how much travels: distinct vectors, hops of vectors, slots, and links in use."""
    return {
        "vectors": _distinct_vectors(slots, tensors),
        "vector_hops": int(slots.vectors.sum()),
        "slots": len(slots),
        "links": len(np.unique(slots.link)),
    }


def _distinct_vectors(slots: Slots, tensors: Tensors) -> int:
    """Return how many different vectors travel: a vector counts once, however many links carry it."""
    # All tensors one after the other on one axis.
    start = (np.cumsum(tensors.vectors) - tensors.vectors)[slots.tensor] + slots.first_vector
    order = np.argsort(start, kind="stable")
    start, end = start[order], (start + slots.vectors)[order]
    covered = np.concatenate([np.zeros(1, dtype=np.int64), np.maximum.accumulate(end)])[: len(end)]
    return int(np.maximum(0, end - np.maximum(start, covered)).sum())
