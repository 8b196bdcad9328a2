"""Steps with links that are arbitrated at run time, beside what the timetables of the same builds prove.

Usage: uv run python -m benchmarks.contention BUILD ..
"""

from __future__ import annotations

import sys
from pathlib import Path

from lpxsched.contention.summary import contention_of
from lpxsched.options import ContendOptions
from lpxsched.timetable.reader import read_sound_build

QUANTILES = ("p50_ns", "p99_ns", "p999_ns", "largest_ns")


PARTS = ("start-up", "barrier", "queueing")


def main() -> None:
    """Print a row for each build and kind of routing of tokens."""
    columns = ("build", "batch", "tokens", "nominal", "proved worst", "p50", "p99", "p99.9", "largest", *PARTS)
    print(f"| {' | '.join(columns)} |\n|{'---|' * len(columns)}")
    for folder in map(Path, sys.argv[1:]):
        build = read_sound_build(folder)
        for tokens in ("uniform", "skewed"):
            told = contention_of(build, ContendOptions(tokens=tokens, steps=200)).as_json()
            times = [told[name] / 1000 for name in ("nominal_ns", "proved_worst_ns", *QUANTILES)]
            parts = [told["parts"][name] / 1000 for name in PARTS]
            options = build.manifest.options
            cells = [f"{number:,.1f}" for number in (*times, *parts)]
            print(f"| {options['model']} | {options['batch']} | {tokens} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
