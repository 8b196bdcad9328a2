"""Table of builds under each shipped clock: makespan, deskews, guard, worst case, observed, and how bad clocks may be.

    uv run python benchmarks/clocks.py BUILD [BUILD ...]

takes build folders, each compiled for the clock that its row names, and prints a row of docs/verification.md for each.
"""

from __future__ import annotations

import sys
from pathlib import Path

from lpxsched.simulation.bound.bound import bound
from lpxsched.simulation.summary import simulate
from lpxsched.timetable.reader import read_sound_build

TRIALS = 20
HEADING = (
    "| build | clock | makespan | deskews | guard | worst case, ns | observed, ns | least slack | largest ppm |\n"
    "|---|---|---|---|---|---|---|---|---|"
)


def row(folder: Path) -> str:
    """Return the row of one build."""
    build = read_sound_build(folder)
    found, seen = bound(build), simulate(build, trials=TRIALS, seed=0)
    if seen.observed_worst_ns > found.latency.step_ns:
        raise SystemExit(f"{folder}: observed {seen.observed_worst_ns} above the bound {found.latency.step_ns}")
    used = build.links.guard_cycles[build.slots.link]
    cells = (
        str(build.manifest.options.get("model") or build.manifest.options.get("kind")),
        found.clock,
        f"{int(build.segments.makespan_cycles.sum()):,}",
        f"{len(build.deskews)}",
        f"{int(used.max())}",
        f"{float(found.latency.step_ns):,.1f}",
        f"{float(seen.observed_worst_ns):,.1f}",
        f"{float(found.least_slack_cycles):.2f}",
        f"{float(found.ppm.value):,.4g}",
    )
    return f"| {' | '.join(cells)} |"


def main() -> None:
    """Print the table."""
    print(HEADING)
    for folder in sys.argv[1:]:
        print(row(Path(folder)), flush=True)


if __name__ == "__main__":
    main()
