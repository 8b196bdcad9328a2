"""What a manifest tells of results: lengths, bounds and gaps, times, and how much travels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from lpxsched.assembly.headline import headline_results, picoseconds_up, ranged
from lpxsched.clocks.latency import arrival_ns, nominal_ns, restart_cycles, segment_levels, worst_case_ns
from lpxsched.clocks.tree import AlignmentTree
from lpxsched.files.document import read_yaml
from lpxsched.files.shipped import find_file
from lpxsched.units import cycles_to_ns

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lpxsched.assembly.fabric_tables import Surroundings
    from lpxsched.assembly.headline import Ranged
    from lpxsched.assembly.program import Program
    from lpxsched.clocks.specification import ClockSpecification
    from lpxsched.fabric.fabric import Fabric
    from lpxsched.options import CollectiveOptions, CompileOptions
    from lpxsched.schedule.collective import ScheduledCollective
    from lpxsched.schedule.layers import DistinctResult, ScheduledLayer
    from lpxsched.schedule.result import Result


def layer_results(
    options: CompileOptions,
    fabric: Fabric,
    clock: ClockSpecification,
    layers: Sequence[ScheduledLayer],
    program: Program,
    around: Surroundings,
) -> dict[str, Any]:
    """Return what a manifest tells of the layers of a model."""
    distinct = sorted({layer.distinct.number: layer.distinct for layer in layers}.items())
    problems = [_problem(one) for _, one in distinct]
    worst = max(problems, key=lambda problem: problem["gap"])
    makespans, bounds = around.segments.makespan_cycles, around.segments.lower_bound_cycles
    clock_mhz, tree = fabric.chip.clock_mhz, AlignmentTree(around.chips.hac_parent, around.chips.hac_depth)
    proved_ns = nominal_ns(clock_mhz, makespan_cycles=makespans.tolist())
    worst_ns = worst_case_ns(
        clock,
        clock_mhz,
        waiting_cycles=around.segments.waiting_cycles.tolist(),
        makespan_cycles=makespans.tolist(),
        levels=[segment_levels(tree, layer.problem.group.chips, deskews=1) for layer in layers],
        arrivals_ns=len(layers) * arrival_ns(clock, clock_mhz, in_hop=fabric.guard_in_hop),
    )
    return {
        "status": "optimal" if all(problem["status"] == "optimal" for problem in problems) else "feasible",
        "solver": "+".join(sorted({problem["solver"] for problem in problems})),
        "makespan_cycles": int(makespans.sum()),
        "lower_bound_cycles": int(bounds.sum()),
        "bound": worst["bound"],
        "gap": round(int(makespans.sum()) / int(bounds.sum()), 6),
        "wire_gap": _wire_gap(problems),
        "makespan_ns": picoseconds_up(proved_ns),
        **headline_results(
            proved_ns=proved_ns,
            proved_worst_ns=worst_ns,
            layers=len(layers),
            batch=options.batch,
            gpu_ns=options.gpu_ns,
            hand_over_ns=_hand_over_ns(options),
            polled=fabric.chip.resident,
        ),
        "restart_ns": picoseconds_up(cycles_to_ns(restart_cycles(fabric, clock, tree), clock_mhz)),
        "layers": len(layers),
        "distinct_problems": len(problems),
        "problems": problems,
        "chips": len({chip for layer in layers for chip in layer.problem.group.chips}),
        **_traffic(program),
    }


def collective_results(
    options: CollectiveOptions, fabric: Fabric, scheduled: ScheduledCollective, program: Program
) -> dict[str, Any]:
    """Return what a manifest tells of a collective."""
    schedule = scheduled.result.schedule
    return {
        "kind": options.kind,
        "topology": fabric.name,
        **_figures(scheduled.result),
        "makespan_ns": picoseconds_up(cycles_to_ns(schedule.makespan_cycles, fabric.chip.clock_mhz)),
        "chips": scheduled.problem.network.width,
        **({"period_cycles": schedule.period_cycles} if schedule.period_cycles else {}),
        **_traffic(program),
    }


def _hand_over_ns(options: CompileOptions) -> Ranged:
    """Return the one-way time between GPU and host with the range that the topology tells."""
    tagged = read_yaml(find_file("topology", options.topology)).data["host"]["gpu_latency_ns"]
    return ranged(tagged if isinstance(tagged, dict) else {"value": tagged})


def _wire_gap(problems: list[dict[str, Any]]) -> float:
    """Return the gap of all layers with operators taking no time."""
    makespan, bound = (
        sum(len(problem["layers"]) * int(problem["wires"][key]) for problem in problems)
        for key in ("makespan_cycles", "lower_bound_cycles")
    )
    return float(round(makespan / bound, 6))


def _problem(one: DistinctResult) -> dict[str, Any]:
    figures, wires = _figures(one.result), _figures(one.wires)
    return {"layers": list(one.layers), "chips": one.chips, **figures, "wires": wires}


def _figures(result: Result) -> dict[str, Any]:
    return {
        "status": result.status,
        "solver": result.solver,
        "makespan_cycles": result.makespan_cycles,
        "lower_bound_cycles": result.bound.cycles,
        "bound": result.bound.name,
        "gap": round(float(result.gap), 6),
    }


def _traffic(program: Program) -> dict[str, int]:
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
