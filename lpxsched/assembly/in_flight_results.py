"""What a manifest tells of layers in flight: nominal and longest step, windows, who owns them, and what limits them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lpxsched.assembly.deskews import deskews_in_gaps
from lpxsched.assembly.headline import assumed_ns, assumed_parts, not_modelled, picoseconds_up, reserved_results
from lpxsched.assembly.results import emitted, headline_on_demand, layers_told, loads_told
from lpxsched.clocks.latency import nominal_ns, reserved_step_ns, slowest_mhz
from lpxsched.program.frames.arranging import InFlight
from lpxsched.program.outside.targets import TARGETS, largest_context, largest_one_way_ns, published_steps_ns
from lpxsched.units import cycles_to_ns, exact

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lpxsched.assembly.program import Program
    from lpxsched.assembly.surroundings import Surroundings
    from lpxsched.clocks.specification import ClockSpecification
    from lpxsched.fabric.fabric import Fabric
    from lpxsched.options import CompileOptions
    from lpxsched.program.outside.micro_batch import Outside
    from lpxsched.schedule.layers import ScheduledLayer


def solved_results(
    options: CompileOptions,
    fabric: Fabric,
    clock: ClockSpecification,
    solved: Sequence[ScheduledLayer] | InFlight,
    outside: Outside,
    *,
    program: Program,
    around: Surroundings,
) -> dict[str, Any]:
    """Return what a manifest tells of layers on demand or in flight."""
    layers: Sequence[ScheduledLayer] = solved.layers if isinstance(solved, InFlight) else solved
    if isinstance(solved, InFlight):
        headline = _headline(options, fabric, clock, solved, outside, around=around)
    else:
        headline = headline_on_demand(options, fabric, clock, solved, outside, around=around)
    headline |= {"assumed_parts_ns": assumed_parts(outside)}
    told = layers_told(options, fabric, clock, layers, program=program, around=around, headline=headline)
    if isinstance(solved, InFlight):
        told |= _windows(options, fabric, clock, solved)
    return told | _targets(told, outside)


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


def _headline(
    options: CompileOptions,
    fabric: Fabric,
    clock: ClockSpecification,
    in_flight: InFlight,
    outside: Outside,
    *,
    around: Surroundings,
) -> dict[str, Any]:
    """Return what a step takes of layers in flight."""
    clock_mhz, chain = fabric.chip.clock_mhz, in_flight.chain
    chips = sorted({chip for layer in in_flight.layers for chip in layer.problem.group.chips})
    depth = int(around.chips.hac_depth[chips].max())
    return reserved_results(
        nominal_ns(clock_mhz, makespan_cycles=around.segments.makespan_cycles.tolist()),
        cycles_to_ns(in_flight.step_cycles, clock_mhz),
        reserved_step_ns(clock, clock_mhz, step_cycles=chain.step_cycles, depth=depth),
        assumed_ns(outside),
        not_modelled(outside.unread, routed=options.router == "gpu", guessed=outside.draft_visits > 0),
        emitted=emitted(options, options.in_flight),
    )


def _windows(options: CompileOptions, fabric: Fabric, clock: ClockSpecification, in_flight: InFlight) -> dict[str, Any]:
    """Return windows, who owns them, and what limits them."""
    clock_mhz, chain = fabric.chip.clock_mhz, in_flight.chain
    residues, servers = zip(*in_flight.owned, strict=True)
    return {
        "deskews": deskews_in_gaps(in_flight, slowest_mhz(clock, clock_mhz)),
        "windows": chain.windows,
        "longest_step_ns": picoseconds_up(cycles_to_ns(chain.step_cycles, clock_mhz)),
        "loads": loads_told(in_flight.loads, options.in_flight, clock_mhz),
        "rest_cycles": list(in_flight.rests),
        "residues": list(residues),
        "servers": list(servers),
    }
