"""Steps with links that are arbitrated at run time, beside what the timetables of the same builds prove.

Usage: uv run python -m benchmarks.contention [--steps N | --alike N] BUILD ..

With --alike each kind of layer is drawn N times, on one of its groups, and a step is a sum of as many such draws, each
layer's independent of the others: tails of steps of many equal layers, of which few could be run as a whole. Behind a
quantile stands between what it lies with 95 %: by order statistics, or by drawing the draws again (bootstrap).
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from lpxsched.contention.drawing import drawing_of
from lpxsched.contention.quantiles import QUANTILES, interval_of, observed_quantile
from lpxsched.contention.runtime import read_runtime, runtime_of
from lpxsched.contention.steps import contended_steps, run_step
from lpxsched.options import ContendOptions
from lpxsched.timetable.reader import read_sound_build

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lpxsched.timetable.build import Build

PARTS = ("start-up", "barrier", "queueing")
STEPS = 1000
SUMS, AGAIN, SUMS_AGAIN = 100_000, 100, 20_000
Rows = list[list[float]]


def whole_steps(build: Build, options: ContendOptions) -> tuple[Rows, list[float]]:
    """Return quantiles of steps with their intervals, and mean parts, in ps."""
    shown = contended_steps(build, options, runtime_of(read_runtime(options.runtime)))
    found = []
    for part in QUANTILES.values():
        low, high = interval_of(shown.step_ps, part) if part < 1 else (None, None)
        found.append([observed_quantile(shown.step_ps, part), low or np.nan, high or np.nan])
    return found, shown.parts_ps.sum(axis=1).mean(axis=0).tolist()


def sums_of_alike(build: Build, options: ContendOptions) -> tuple[Rows, list[float]]:
    """Return the same of sums of draws of alike layers."""
    generator, runtime = np.random.default_rng(options.seed), runtime_of(read_runtime(options.runtime))
    pools, counts, parts = [], [], np.zeros(len(PARTS))
    segment_of = {layer: number for number, one in enumerate(build.graph.segments) for layer in one.layers}
    for problem in build.manifest.results["problems"]:
        drawing = drawing_of(build, segment_of[problem["layers"][0]], options, runtime)
        drawn = [run_step(drawing, number) for number in range(options.steps)]
        pools.append(np.array([time_ps for time_ps, _ in drawn]))
        counts.append(len(problem["layers"]))
        parts += counts[-1] * np.mean([of for _, of in drawn], axis=0)

    def sums(many: int, pools: list[NDArray[np.int64]]) -> NDArray[np.int64]:
        each = (generator.choice(pool, (count, many)).sum(axis=0) for pool, count in zip(pools, counts, strict=True))
        return np.asarray(sum(each))

    shown = [observed_quantile(sums(SUMS, pools), part) for part in QUANTILES.values()]
    again = [sums(SUMS_AGAIN, [generator.choice(pool, len(pool)) for pool in pools]) for _ in range(AGAIN)]
    found = []
    for quantile, part in zip(shown, QUANTILES.values(), strict=True):
        ends = np.quantile([observed_quantile(times, part) for times in again], [0.025, 0.975])
        # The largest of sums says only how many sums there were.
        found.append([quantile, *ends] if part < 1 else [np.nan] * 3)
    return found, parts.tolist()


def cell(quantile: list[float]) -> str:
    """Return a quantile and its interval, in us."""
    middle, low, high = (f"{time_ps / 1e6:,.1f}" if time_ps == time_ps else "?" for time_ps in quantile)
    return middle if low == high == "?" else f"{middle} ({low} .. {high})"


def main() -> None:
    """Print a row for each build and kind of routing of tokens."""
    parser = argparse.ArgumentParser()
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--steps", type=int, default=STEPS)
    parser.add_argument("--alike", type=int)
    chosen = parser.parse_args()
    columns = ("build", "batch", "tokens", "nominal", "proved worst", "p50", "p99", "p99.9", "largest", *PARTS)
    print(f"| {' | '.join(columns)} |\n|{'---|' * len(columns)}")
    for folder in chosen.folders:
        build = read_sound_build(folder)
        options, results = build.manifest.options, build.manifest.results
        for tokens in ("uniform", "skewed"):
            asked = ContendOptions(tokens=tokens, steps=chosen.alike or chosen.steps)
            quantiles, parts = (sums_of_alike if chosen.alike else whole_steps)(build, asked)
            proved = [results["makespan_ns"] / 1000, results["proved_worst_ns"] / 1000]
            cells = [f"{number:,.1f}" for number in proved] + [cell(one) for one in quantiles]
            cells += [f"{time_ps / 1e6:,.1f}" for time_ps in parts]
            print(f"| {options['model']} | {options['batch']} | {tokens} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
