"""Table of models under each shipped clock: makespan, deskews, guard, worst case, observed, and how bad clocks may be.

    uv run python -m benchmarks.clocks FOLDER [--models lpu20,..] [--clocks sris,..] [--compile]

prints a row of docs/benchmarks.md for each build in FOLDER that is called MODEL-CLOCK. With --compile what is missing
is compiled first; all of it takes some minutes of one core for each build. The table ends where a run was longer than
its bound, or came no nearer to it than nine tenths.
"""

from __future__ import annotations

import argparse
import sys
from contextlib import redirect_stdout
from pathlib import Path

import numpy as np

from lpxsched.cli.main import run
from lpxsched.simulation.bound.bound import bound
from lpxsched.simulation.summary import simulate
from lpxsched.timetable.reader import read_sound_build

WHOLE = ("lpx-rack", "--attention", "lpu", "--context", "4096", "--batch", "1")
MODELS = {
    "lpu20": ("gpt-oss-20b", *WHOLE),
    "lpu120": ("gpt-oss-120b", *WHOLE),
    "afd": ("gpt-oss-20b", "lpx-rack", "--partition", "disjoint", "--in-flight", "4"),
}
CLOCKS = ("sris", "srns-300ppm", "xo-100ppm", "xo-20ppm", "tcxo-1.5ppm", "ocxo-5ppb", "common", "none")
TRIALS, LEAST_PART = 20, 0.9
HEADING = (
    "| build | clock | makespan | deskews | guard | worst case, ns | observed | part | least slack | largest ppm |\n"
    "|---|---|---|---|---|---|---|---|---|---|"
)


def row(folder: Path) -> str:
    """Return the row of one build."""
    build = read_sound_build(folder)
    found, seen = bound(build), simulate(build, trials=TRIALS, seed=0)
    part = float(seen.observed_worst_ns / found.latency.step_ns)
    if not LEAST_PART <= part <= 1 or seen.violations or seen.overflows:
        raise SystemExit(f"{folder}: observed {seen.observed_worst_ns} of the bound {found.latency.step_ns}")
    used = build.links.guard_cycles[build.slots.link]
    options = build.manifest.options
    # Of a frame that repeats in one step of windows.
    every = np.maximum(build.deskews.every_periods, 1)
    windows = np.maximum(build.frames.windows[build.deskews.frame], 1)
    deskews = int((windows // every)[build.deskews.frame == 0].sum()) if len(build.deskews) else 0
    cells = (
        f"{options.get('model') or options.get('kind')}{', in flight' if options.get('in_flight', 1) > 1 else ''}",
        found.clock,
        f"{int(build.segments.makespan_cycles.sum()):,}",
        f"{deskews}",
        f"{int(used.max())}",
        f"{float(found.latency.step_ns):,.1f}",
        f"{float(seen.observed_worst_ns):,.1f}",
        f"{part:.4f}",
        f"{float(found.least_slack_cycles):.2f}",
        f"{float(found.ppm.value):,.4g}",
    )
    return f"| {' | '.join(cells)} |"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--models", default=",".join(MODELS))
    parser.add_argument("--clocks", default=",".join(CLOCKS))
    parser.add_argument("--compile", action="store_true")
    told = parser.parse_args()
    print(HEADING)
    for model in told.models.split(","):
        for clock in told.clocks.split(","):
            folder = told.folder / f"{model}-{clock}"
            if told.compile and not folder.exists():
                with redirect_stdout(sys.stderr):
                    run(["compile", *MODELS[model], "--clock", clock, "-o", str(folder)])
            if folder.exists():
                print(row(folder), flush=True)


if __name__ == "__main__":
    main()
