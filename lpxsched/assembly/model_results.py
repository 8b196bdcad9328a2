"""What a manifest tells of a model: what a step takes on demand or in flight, its deskews, and what limits it."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from lpxsched.assembly.deskews import deskews_between, deskews_each_period, deskews_in_gaps
from lpxsched.assembly.headline import (
    DRAFTER,
    OUTSIDE,
    Emitted,
    assumed_ns,
    assumed_parts,
    headline_results,
    not_modelled,
    picoseconds_up,
)
from lpxsched.assembly.results import acceptance_length, computing_chips, layers_told, run_of
from lpxsched.clocks.latency import arrival_ns, nominal_ns, reserved_step_ns, slowest_mhz, worst_case_ns
from lpxsched.files.ranged import NOTHING
from lpxsched.program.frames.arranging import InFlight
from lpxsched.program.outside.targets import TARGETS, largest_context, largest_one_way_ns, published_steps_ns
from lpxsched.program.whole_model.in_flight import ChainInFlight
from lpxsched.schedule.layers import ending_chips
from lpxsched.units import cycles_to_ns, exact

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from fractions import Fraction

    from lpxsched.assembly.assembled import Assembled
    from lpxsched.clocks.latency import Run
    from lpxsched.files.ranged import Ranged
    from lpxsched.options import CompileOptions
    from lpxsched.program.frames.loads import Load
    from lpxsched.program.outside.micro_batch import Outside
    from lpxsched.program.whole_model.chain import Chain
    from lpxsched.schedule.layers import ScheduledLayer


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
            "deskews": deskews_in_gaps(solved, slowest_mhz(made.clock, made.clock_mhz)),
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
            "deskews": deskews_each_period(chain, _longest_ns(made, chain.layers)),
            "windows": chain.frame.windows,
            "rest_cycles": [0],
            "residues": list(chain.residues),
        }
        bound = "busiest unit"
    else:
        run = run_of(made, 0, computing_chips(chain.layers), ending_chips(chain.layers[-1].problem))
        told = _on_demand(options, made, [run], NOTHING, missing) | {"deskews": deskews_between(chain)}
        bound = chain.bound.name
    told |= layers_told(options, made, chain.layers)
    return told | {"bound": bound, "layers": layers, "visits": len(chain.layers)}


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
        emitted=Emitted(options.batch, acceptance_length(options)),
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
        emitted=Emitted(options.in_flight * options.batch, acceptance_length(options)),
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
