"""What a build tells of weights that its chips cannot multiply: the assumption, and the figure with fp8 beside."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from lpxsched.assembly.headline import picoseconds_up
from lpxsched.assembly.manifest import input_files
from lpxsched.clocks.latency import nominal_ns
from lpxsched.files.document import read_yaml
from lpxsched.program.frames.arranging import InFlight
from lpxsched.units import cycles_to_ns, exact

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lpxsched.options import CompileOptions
    from lpxsched.schedule.layers import ScheduledLayer
    from lpxsched.timetable.build import Build

# What is done with them, and what else may have to be.
EXPANDED, STORED = "expanded on read", "stored as fp8"


def with_expanded_weights(build: Build, options: CompileOptions, weights: str, fp8: dict[str, Any] | str) -> Build:
    """Return a build whose manifest says that weights are expanded on read, beside what fp8 weights would give.

    `fp8` is from `fp8_results`, or says why there is nothing.
    """
    types = read_yaml(input_files(options)["chip"]).data.get("matrix_types")
    source = types.get("source", "") if isinstance(types, dict) else ""
    told = {"value": EXPANDED, "range": [EXPANDED, STORED], "source": source or f"the chip does not multiply {weights}"}
    manifest = build.manifest
    update = {
        "assumptions": manifest.assumptions | {f"weights.{weights}": told},
        "results": manifest.results | {"fp8": fp8},
    }
    return replace(build, manifest=manifest.model_copy(update=update))


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
