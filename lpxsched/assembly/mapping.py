"""What a manifest tells of a mapping: the bound over its family, the gap, what baselines take, and why."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lpxsched.assembly.headline import picoseconds_up
from lpxsched.program.file import partition_text
from lpxsched.units import cycles_to_ns

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lpxsched.fabric.fabric import Fabric
    from lpxsched.program.mapping.choose import Mapping
    from lpxsched.timetable.build import Build


def mapping_results(mapping: Mapping, fabric: Fabric, *, makespan_cycles: int) -> dict[str, Any]:
    """Return what a manifest tells of the mapping of a model whose layers take some cycles in all."""
    bound, baselines = mapping.bound_cycles, mapping.baselines
    told = {} if baselines is None else baselines
    steps = {name: None if one.step_ns is None else picoseconds_up(one.step_ns) for name, one in told.items()}
    return {
        # Rounded down, for it is a bound.
        "mapping_bound_ns": None if bound is None else int(cycles_to_ns(bound, fabric.chip.clock_mhz) * 1000) / 1000,
        "mapping_gap": None if bound is None else round(makespan_cycles / max(1, bound), 6),
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
