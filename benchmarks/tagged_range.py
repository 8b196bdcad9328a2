"""A step of a whole model on the chips with all tagged numbers at their better ends, as told, and at their worse ends.

    uv run python -m benchmarks.tagged_range MODEL TOPOLOGY [CONTEXT]

takes one user, fp8, and the default effort. Each number of topology, chip and clock with a range, assumed or derived,
on which a step depends stands at the end named below; `shard_columns` stays, since shares of 320 columns do not fit.
"""

from __future__ import annotations

import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.whole_models import terms
from lpxsched.assembly.manifest import input_files
from lpxsched.exploring.sensitivity.assumptions import Assumption, altered_choices
from lpxsched.files.document import read_yaml
from lpxsched.options import CompileOptions
from lpxsched.pipeline import compile_timetable

# Whether the better end of a range is its largest number.
LARGEST_IS_BEST = {
    "topology.wire_bytes": False,
    "topology.turnaround_cycles": False,
    "topology.guard_in_hop": True,
    "topology.spine.hop_ns": False,
    "topology.host.hop_ns": False,
    "topology.host.gbps": True,
    "chip.clock_mhz": True,
    "chip.matrix_bf16_macs_per_ns": True,
    "chip.matrix_fixed_cycles": False,
    "chip.vector_operations_per_cycle": True,
    "chip.vector_fixed_cycles": False,
    "chip.sram_efficiency": True,
    "clock.offset_ppm": False,
    "clock.residual_ns": False,
    "clock.jitter_peak_to_peak_ns": False,
    "clock.calibration_ns": False,
    "clock.temperature_ns": False,
    "clock.crossing_cycles": False,
    "clock.deskew_cycles": False,
}


def at_end(options: CompileOptions, folder: Path, *, best: bool) -> CompileOptions:
    """Return options that name files in which each of these numbers stands at one end of its range."""
    for name, largest in LARGEST_IS_BEST.items():
        files, (kind, key) = input_files(options), name.split(".", 1)
        told: Any = read_yaml(files[kind]).data
        for part in key.split("."):
            told = told[part]
        ends = [told["value"], *told["range"]]
        other = max(ends) if largest is best else min(ends)
        assumption = Assumption(kind, key, told["value"], (other,), told["source"])
        options = options.model_copy(update=altered_choices(files, assumption, other, folder / name))
    return options


def main() -> None:
    """Print a table with a column for each end."""
    model, topology, context = (*sys.argv[1:], "16384")[:3]
    told = CompileOptions(model=model, topology=topology, attention="lpu", batch=1, context=int(context), weights="fp8")
    with TemporaryDirectory() as folder:
        columns = {
            "better ends": at_end(told, Path(folder) / "better", best=True),
            "as told": told,
            "worse ends": at_end(told, Path(folder) / "worse", best=False),
        }
        builds = {name: compile_timetable(options) for name, options in columns.items()}
    found = {name: terms(build) for name, build in builds.items()}
    print(f"| cycles | {' | '.join(columns)} |")
    print("|---|" + "---:|" * len(columns))
    for term in found["as told"]:
        print(f"| {term} | {' | '.join(f'{column[term]:,}' for column in found.values())} |")
    steps = [build.manifest.results["step_ns"] / 1000 for build in builds.values()]
    print(f"| step us | {' | '.join(f'{step:,.1f}' for step in steps)} |")


if __name__ == "__main__":
    main()
