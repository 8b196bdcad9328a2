"""What a manifest tells of a model: what a step takes, deskews, what limits it, its mapping, and fp8 beside."""

from __future__ import annotations

from fractions import Fraction
from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from lpxsched.assembly.headline import (
    DRAFTER,
    OUTSIDE,
    assumed_ns,
    assumed_parts,
    headline_results,
    not_modelled,
    picoseconds_up,
)
from lpxsched.assembly.results import acceptance_length, computing_chips, layers_told, run_of
from lpxsched.clocks.latency import arrival_ns, nominal_ns, reserved_step_ns, slowest_mhz, worst_case_ns
from lpxsched.files.ranged import NOTHING
from lpxsched.program.file import partition_text
from lpxsched.program.frames.arranging import InFlight
from lpxsched.program.outside.targets import TARGETS, largest_context, largest_one_way_ns, published_steps_ns
from lpxsched.program.whole_model.in_flight import ChainInFlight
from lpxsched.schedule.problem.layer import ending_chips
from lpxsched.units import cycles_to_ns, exact

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from lpxsched.assembly.assembled import Assembled
    from lpxsched.clocks.latency import Run
    from lpxsched.fabric.fabric import Fabric
    from lpxsched.files.ranged import Ranged
    from lpxsched.options import CompileOptions
    from lpxsched.program.frames.loads import Load
    from lpxsched.program.mapping.choose import Mapping
    from lpxsched.program.outside.micro_batch import Outside
    from lpxsched.program.whole_model.chain import Chain
    from lpxsched.schedule.layers import ScheduledLayer
    from lpxsched.timetable.build import Build


def solved_results(
    options: CompileOptions, made: Assembled, solved: Sequence[ScheduledLayer] | InFlight, outside: Outside
) -> dict[str, Any]:
    """Return what a manifest tells of layers on demand or in flight."""
    missing = partial(not_modelled, outside.unread, routed=options.router == "gpu", guessed=outside.draft_visits > 0)
    layers: Sequence[ScheduledLayer] = solved.layers if isinstance(solved, InFlight) else solved
    if isinstance(solved, InFlight):
        cycles = solved.step_cycles, solved.chain.step_cycles
        told = _in_flight(options, made, layers, cycles, assumed_ns(outside), missing(), solved.loads)
        residues, servers = zip(*solved.owned, strict=True)
        told |= {
            "deskews": _deskews_in_gaps(solved, slowest_mhz(made.clock, made.clock_mhz)),
            "windows": solved.chain.windows,
            "rest_cycles": list(solved.rests),
            "residues": list(residues),
            "servers": list(servers),
        }
    else:
        windows = [layer.problem.graph.windows for layer in layers]
        runs = [
            run_of(made, segment, layer.problem.group.chips, ending_chips(layer.problem))
            for segment, layer in enumerate(layers)
            for _ in range(windows[segment])
        ]
        told = _on_demand(options, made, runs, assumed_ns(outside), missing(windows=max(windows)))
    told |= layers_told(options, made, layers) | {"assumed_parts_ns": assumed_parts(outside)}
    return told | _targets(told, outside)


def chain_results(
    options: CompileOptions, made: Assembled, chain: Chain | ChainInFlight, *, layers: int
) -> dict[str, Any]:
    """Return what a manifest tells of a whole model on the chips, of so many layers: its visits are one segment."""
    # Visits of drafts follow the head.
    missing = [what for what in OUTSIDE if what != DRAFTER or len(chain.layers) == layers + 2]
    if isinstance(chain, ChainInFlight):
        longest = chain.frame.windows * chain.frame.period_cycles
        told = _in_flight(options, made, chain.layers, (chain.step_cycles, longest), NOTHING, missing, chain.loads)
        told |= {
            "deskews": _deskews_each_period(chain, _longest_ns(made, chain.layers)),
            "windows": chain.frame.windows,
            "rest_cycles": [0],
            "residues": list(chain.residues),
        }
        bound = "busiest unit"
    else:
        run = run_of(made, 0, computing_chips(chain.layers), ending_chips(chain.layers[-1].problem))
        told = _on_demand(options, made, [run], NOTHING, missing) | {"deskews": _deskews_between(chain)}
        bound = chain.bound.name
    told |= layers_told(options, made, chain.layers)
    return told | {"bound": bound, "layers": layers, "visits": len(chain.layers)}


def mapping_results(mapping: Mapping, fabric: Fabric, *, makespan_cycles: int) -> dict[str, Any]:
    """Return what a manifest tells of the mapping of a model whose layers take some cycles in all."""
    bound, baselines = mapping.bound_cycles, mapping.baselines
    told = {} if baselines is None else baselines
    steps = {name: None if one.step_ns is None else picoseconds_up(one.step_ns) for name, one in told.items()}
    return {
        # Rounded down, for it is a bound.
        "mapping_bound_ns": int(cycles_to_ns(bound, fabric.chip.clock_mhz) * 1000) / 1000 if bound else None,
        "mapping_gap": round(makespan_cycles / bound, 6) if bound else None,
        "baselines": None if baselines is None else steps,
        "mapping": {
            "chosen": mapping.chosen,
            "family": mapping.family,
            "packed_optimally": mapping.packed_optimally,
            "missing": {name: one.missing for name, one in told.items() if one.missing},
            "reasons": list(mapping.reasons),
        },
    }


def partition_of(build: Build, names: Sequence[str] = ()) -> str:
    """Return the partition file of a build, with the reasons for its groups, or names where nothing was chosen."""
    groups = {one.group: one.chips for one in build.graph.groups}
    chips, told = [groups[row.group] for row in build.graph.layers], build.manifest.results.get("mapping", {})
    return partition_text(chips, told.get("reasons") or names)


def fp8_results(build: Build, solved: Sequence[ScheduledLayer] | InFlight | str) -> dict[str, Any] | str:
    """Return what a step takes with fp8 weights on the same groups, beside a build; a reason why not is passed on."""
    if isinstance(solved, str):
        return solved
    layers = solved.layers if isinstance(solved, InFlight) else solved
    results = [layer.distinct.result for layer in layers]
    makespans = [result.makespan_cycles for result in results]
    clock_mhz = Fraction(build.manifest.clock_mhz)
    step_ns = exact(picoseconds_up(nominal_ns(clock_mhz, makespan_cycles=makespans)))
    step_ns += exact(build.manifest.results["assumed_ns"])
    if isinstance(solved, InFlight):
        step_ns = exact(picoseconds_up(cycles_to_ns(solved.step_cycles, clock_mhz)))
    return {
        "makespan_cycles": sum(makespans),
        "step_ns": float(step_ns),
        "status": "optimal" if all(result.status == "optimal" for result in results) else "feasible",
    }


def _on_demand(
    options: CompileOptions, made: Assembled, runs: Sequence[Run], assumed: Ranged, missing: list[str]
) -> dict[str, Any]:
    """Return what a step takes of runs on demand, one after the other."""
    arrivals_ns = len(runs) * arrival_ns(made.clock, made.clock_mhz, in_hop=made.fabric.guard_in_hop)
    return headline_results(
        nominal_ns(made.clock_mhz, makespan_cycles=made.makespans),
        worst_case_ns(made.clock, made.clock_mhz, runs, arrivals_ns=arrivals_ns),
        assumed,
        missing,
        emitted=(options.batch, acceptance_length(options)),
    )


def _in_flight(
    options: CompileOptions,
    made: Assembled,
    layers: Sequence[ScheduledLayer],
    steps_cycles: tuple[int, int],
    assumed: Ranged,
    missing: list[str],
    loads: Sequence[Load],
) -> dict[str, Any]:
    """Return what a step takes of micro-batches in flight, nominal and longest, and what keeps them."""
    step_ns, longest_ns = (cycles_to_ns(cycles, made.clock_mhz) for cycles in steps_cycles)
    headline = headline_results(
        nominal_ns(made.clock_mhz, makespan_cycles=made.makespans),
        _longest_ns(made, layers)(steps_cycles[1]) - assumed.high,
        assumed,
        missing,
        emitted=(options.in_flight * options.batch, acceptance_length(options)),
        step_ns=step_ns,
    )
    return headline | {
        "longest_step_ns": picoseconds_up(longest_ns),
        "loads": [
            {
                "resource": load.name,
                "kind": load.kind,
                "load_ns": picoseconds_up(cycles_to_ns(load.cycles, made.clock_mhz)),
                "all_ns": picoseconds_up(cycles_to_ns(load.cycles * options.in_flight, made.clock_mhz)),
            }
            for load in loads
        ],
    }


def _longest_ns(made: Assembled, layers: Sequence[ScheduledLayer]) -> Callable[[int], Fraction]:
    """Return the longest step of a number of cycles, whatever clocks do."""
    depth = int(made.machine.chips.hac_depth[computing_chips(layers)].max())
    return lambda cycles: reserved_step_ns(made.clock, made.clock_mhz, step_cycles=cycles, depth=depth)


def _targets(told: dict[str, Any], outside: Outside) -> dict[str, Any]:
    """Return how slow the way and how long the context may be for some rates, and what published formulas make."""
    step, tokens = exact(told["step_ns"]), exact(told["acceptance_length"])
    rows = []
    for target in TARGETS:
        allowed = tokens * 10**9 / target
        one_way = largest_one_way_ns(outside, step, allowed)
        rows.append(
            {
                "tokens_per_s_per_user": target,
                "one_way_ns": None if one_way is None else int(one_way),
                "context": largest_context(outside, step, allowed),
            }
        )
    steps = published_steps_ns(outside, exact(told["proved_ns"]), told["in_flight"])
    formulas = {name: None if step_ns is None else picoseconds_up(step_ns) for name, step_ns in steps.items()}
    return {"targets": rows, "published_formulas_ns": formulas}


def _told(one: object, *names: str) -> dict[str, Any]:
    """Return attributes of what was tried by their names."""
    return {name: getattr(one, name) for name in names}


def _deskews_between(chain: Chain) -> dict[str, Any]:
    """Return where deskews lie, and what quick schedules came to with other numbers of them."""
    cycle, stall = np.array(chain.deskews).T
    apart = np.append(cycle[1:], chain.makespan_cycles + chain.pass_cycles) - cycle - stall
    return {
        "count": len(chain.deskews),
        "inside_layers": sum(len(layer.problem.instance.deskews) for layer in chain.layers),
        "interval_cycles": int(apart.max()),
        "stall_cycles": int(stall.max()),
        "tried": [
            _told(one, "deskews", "interval_cycles", "guard_cycles", "stall_cycles", "makespan_cycles")
            | {"worst_case_ns": picoseconds_up(one.worst_ns)}
            for one in sorted(chain.tried, key=lambda one: one.deskews)
        ],
    }


def _deskews_in_gaps(in_flight: InFlight, mhz: Fraction) -> dict[str, Any]:
    """Return how often frames deskew, and what quick schedules came to with other intervals, on the slowest clock."""
    chain, frame = in_flight.chain, in_flight.frames[0]
    deskews = sorted(frame.deskews)
    again = [(cycle + chain.step_cycles, stall) for cycle, stall in deskews[:1]]
    fits = [one.longest_step_cycles for one in in_flight.tried if one.fits]
    apart = [later - cycle - stall for (cycle, stall), (later, _) in pairwise([*deskews, *again])]
    return {
        "count": len(frame.deskews),
        "interval_cycles": max(apart, default=0),
        "stall_cycles": max((stall for _, stall in frame.deskews), default=0),
        # Whether something else that was tried has a shorter longest step.
        "decided_by": "worst case" if chain.step_cycles <= min(fits, default=chain.step_cycles) else "nominal step",
        "tried": [
            _told(one, "deskews", "interval_cycles", "guard_cycles", "gaps", "windows", "period_cycles")
            | {
                "worst_case_ns": picoseconds_up(cycles_to_ns(one.longest_step_cycles, mhz)) if one.fits else None,
                "step_ns": picoseconds_up(cycles_to_ns(one.step_cycles, mhz)) if one.fits else None,
            }
            for one in in_flight.tried
        ],
    }


def _deskews_each_period(chain: ChainInFlight, worst_ns: Callable[[int], Fraction]) -> dict[str, Any]:
    """Return how often a whole model in flight deskews, and what other periods came to.

    `worst_ns` is the longest step of a number of cycles, whatever clocks do.
    """
    frame = chain.frame
    stall = max((stall for _, stall in frame.deskews), default=0)
    return {
        "count": frame.windows * len(frame.deskews),
        "interval_cycles": frame.period_cycles - stall,
        "stall_cycles": stall,
        "tried": [
            _told(one, "interval_cycles", "guard_cycles", "stall_cycles", "windows", "period_cycles")
            | {"deskews": one.windows, "worst_case_ns": picoseconds_up(worst_ns(one.longest_step_cycles))}
            for one in sorted(chain.tried, key=lambda one: one.windows)
        ],
    }
