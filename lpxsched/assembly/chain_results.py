"""What a manifest tells of a whole model on the chips, one micro-batch at a time or several in flight."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from lpxsched.assembly.deskews import deskews_between, deskews_each_period
from lpxsched.assembly.headline import DRAFTER, OUTSIDE, headline_results, picoseconds_up, reserved_results
from lpxsched.assembly.results import emitted, layers_told, loads_told, run_of
from lpxsched.clocks.latency import arrival_ns, nominal_ns, reserved_step_ns, worst_case_ns
from lpxsched.files.ranged import NOTHING
from lpxsched.program.whole_model.in_flight import ChainInFlight
from lpxsched.schedule.layers import ending_chips
from lpxsched.units import cycles_to_ns

if TYPE_CHECKING:
    from lpxsched.assembly.program import Program
    from lpxsched.assembly.surroundings import Surroundings
    from lpxsched.clocks.specification import ClockSpecification
    from lpxsched.fabric.fabric import Fabric
    from lpxsched.options import CompileOptions
    from lpxsched.program.whole_model.chain import Chain


def chain_results(
    options: CompileOptions,
    fabric: Fabric,
    clock: ClockSpecification,
    chain: Chain | ChainInFlight,
    program: Program,
    around: Surroundings,
    *,
    layers: int,
) -> dict[str, Any]:
    """Return what a manifest tells of a whole model on the chips, of so many layers: its visits are one segment."""
    # Visits of drafts follow the head.
    missing = [what for what in OUTSIDE if what != DRAFTER or len(chain.layers) == layers + 2]
    headline = _chain_headline(options, fabric, clock, chain, missing, around=around)
    told = layers_told(options, fabric, clock, chain.layers, program=program, around=around, headline=headline)
    bound = "busiest unit" if isinstance(chain, ChainInFlight) else chain.bound.name
    return told | {"bound": bound, "layers": layers, "visits": len(chain.layers)}


def _chain_headline(
    options: CompileOptions,
    fabric: Fabric,
    clock: ClockSpecification,
    chain: Chain | ChainInFlight,
    missing: list[str],
    *,
    around: Surroundings,
) -> dict[str, Any]:
    """Return what a step takes of a whole model on the chips."""
    clock_mhz = fabric.chip.clock_mhz
    proved_ns = nominal_ns(clock_mhz, makespan_cycles=[chain.makespan_cycles])
    chips = sorted({chip for layer in chain.layers for chip in layer.problem.group.chips})
    if isinstance(chain, ChainInFlight):
        longest, depth = chain.frame.windows * chain.frame.period_cycles, int(around.chips.hac_depth[chips].max())
        step_ns = partial(reserved_step_ns, clock, clock_mhz, depth=depth)
        told = reserved_results(
            proved_ns,
            cycles_to_ns(chain.step_cycles, clock_mhz),
            step_ns(step_cycles=longest),
            NOTHING,
            missing,
            emitted=emitted(options, options.in_flight),
        )
        windows = {"windows": chain.frame.windows, "residues": list(chain.residues), "rest_cycles": [0]}
        loads = {"loads": loads_told(chain.loads, options.in_flight, clock_mhz)}
        deskews = {"deskews": deskews_each_period(chain, lambda cycles: step_ns(step_cycles=cycles))}
        step = {"longest_step_ns": picoseconds_up(cycles_to_ns(longest, clock_mhz))}
        return told | windows | loads | step | deskews
    run = run_of(around, 0, chips, ending_chips(chain.layers[-1].problem))
    arrivals_ns = arrival_ns(clock, clock_mhz, in_hop=fabric.guard_in_hop)
    worst_ns = worst_case_ns(clock, clock_mhz, [run], arrivals_ns=arrivals_ns)
    headline = headline_results(proved_ns, worst_ns, NOTHING, missing, emitted=emitted(options))
    return headline | {"deskews": deskews_between(chain)}
