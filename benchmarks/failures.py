"""Table of timetables round what has failed: every single link of an all-reduce, and links, chips and trays of a model.

    uv run python benchmarks/failures.py

schedules an all-reduce of 64 vectors on `tsp-node` and lays gpt-oss-20b on `lpx-rack`, then prints the rows of
docs/benchmarks.md: what must move, what moved, makespans, and how long each took beside the proof.
"""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from lpxsched.collective_pipeline import compile_collective
from lpxsched.options import CollectiveOptions, CompileOptions
from lpxsched.pipeline import compile_timetable
from lpxsched.reschedule.contingency import contingency
from lpxsched.reschedule.fabric import fabric_of
from lpxsched.reschedule_pipeline import rescheduled
from lpxsched.verify.check import check

if TYPE_CHECKING:
    from lpxsched.fabric.fabric import Fabric
    from lpxsched.timetable.build import Build

HEADING = (
    "| build | down | rows | must move | moved or dropped | added | makespan, cycles | before | seconds |\n"
    "|---|---|---:|---:|---:|---:|---:|---:|---:|"
)


def proved(build: Build, fabric: Fabric) -> tuple[Build, dict[str, object]]:
    """Return a build round what is down, after its proof."""
    after, told = rescheduled(build, fabric)
    report = check(after)
    if not report.ok:
        raise SystemExit(f"a rule does not hold: {report.violations[0].message}")
    return after, told


def row(name: str, what: str, build: Build, fabric: Fabric) -> str:
    """Return the row of one repair."""
    started = time.perf_counter()
    after, told = rescheduled(build, fabric)
    seconds = time.perf_counter() - started
    if not check(after).ok:
        raise SystemExit(f"{name} without {what}: a rule does not hold")
    changed = told["rows_moved"] + told["rows_dropped"]
    counts = (len(build.slots), told["rows_lower_bound"], changed, told["rows_added"])
    makespans = int(after.segments.makespan_cycles.sum()), told["makespan_before_cycles"]
    cells = (name, what, *(f"{count:,}" for count in (*counts, *makespans)), f"{seconds:.2f}")
    return f"| {' | '.join(cells)} |"


def without_link(build: Build, source: int, destination: int) -> Fabric:
    """Return the fabric of a build without the links from one node to another."""
    fabric = fabric_of(build)
    down = (fabric.source == source) & (fabric.destination == destination)
    return replace(fabric, link_down=fabric.link_down | down)


def without_chips(build: Build, chips: range) -> Fabric:
    """Return the fabric of a build without some chips."""
    fabric = fabric_of(build)
    return replace(fabric, node_down=fabric.node_down | np.isin(np.arange(fabric.nodes), chips))


def main() -> None:
    """Print the table, and what all single failures of an all-reduce come to."""
    reduced, _ = compile_collective(CollectiveOptions(kind="all-reduce", topology="tsp-node", vectors=64))
    trays = compile_timetable(CompileOptions(model="gpt-oss-20b", topology="lpx-rack", partition="daisy-chain"))
    columns = compile_timetable(CompileOptions(model="gpt-oss-20b", topology="lpx-rack"))
    print(HEADING)
    print(row("all-reduce of 64 on `tsp-node`", "0 -> 1", reduced, without_link(reduced, 0, 1)))
    on_trays, on_columns = "gpt-oss-20b, layers on trays", "gpt-oss-20b, layers on columns"
    print(row(on_trays, "1 -> 2, in a tray", trays, without_link(trays, 1, 2)))
    print(row(on_trays, "0 -> 1, along which chips align", trays, without_link(trays, 0, 1)))
    print(row(on_trays, "tray 0", trays, without_chips(trays, range(16))))
    print(row(on_columns, "16 -> 48, between trays", columns, without_link(columns, 16, 48)))
    print(row(on_columns, "chip 37", columns, without_chips(columns, range(37, 38))))
    started = time.perf_counter()
    record = contingency(reduced, fabric_of(reduced), "local", proved, lambda *_: None)
    seconds = time.perf_counter() - started
    told = (
        "failures",
        "made",
        "rows_optimal",
        "most_rows_changed",
        "worst_makespan_cycles",
        "worst_link",
        "infeasible",
    )
    print(f"every link of all-reduce on tsp-node, {seconds:.2f} s:", {key: record[key] for key in told})


if __name__ == "__main__":
    main()
