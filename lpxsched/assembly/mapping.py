"""What a manifest tells of a mapping: the bound over its family, the gap, what baselines take, and why."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lpxsched.assembly.headline import assumed_ns, picoseconds_up
from lpxsched.clocks.latency import nominal_ns
from lpxsched.units import cycles_to_ns, exact

if TYPE_CHECKING:
    from lpxsched.fabric.fabric import Fabric
    from lpxsched.options import CompileOptions
    from lpxsched.program.choose import Baseline, Mapping


def mapping_results(
    options: CompileOptions, fabric: Fabric, mapping: Mapping, *, makespan_cycles: int
) -> dict[str, Any]:
    """Return what a manifest tells of the mapping of a model.

    Parameters
    ----------
    options : CompileOptions
    fabric : Fabric
    mapping : Mapping
    makespan_cycles : int
        Of all layers.
    """
    clock_mhz, bound = fabric.chip.clock_mhz, mapping.bound_cycles
    assumed = assumed_ns(options, layers=len(mapping.groups)).value

    def step_ns(one: Baseline) -> float | None:
        if one.cycles is None:
            return None
        return float(exact(picoseconds_up(nominal_ns(clock_mhz, makespan_cycles=[one.cycles]))) + assumed)

    baselines = mapping.baselines
    return {
        # Rounded down, for it is a bound.
        "mapping_bound_ns": None if bound is None else int(cycles_to_ns(bound, clock_mhz) * 1000) / 1000,
        "mapping_gap": None if bound is None else round(makespan_cycles / max(1, bound), 6),
        "baselines": None if baselines is None else {name: step_ns(one) for name, one in baselines.items()},
        "mapping": {
            "chosen": mapping.chosen,
            "family": mapping.family,
            "packed_optimally": mapping.packed_optimally,
            "missing": {name: one.missing for name, one in (baselines or {}).items() if one.missing},
            "reasons": list(mapping.reasons),
        },
    }
