"""What each threshold of the search is worth: small problems once more, one of them at half and at twice its value.

Each value gets a process of its own, in which `schedule.policy` is changed before anything else is loaded.

Usage: uv run python -m benchmarks.collectives.thresholds NAME FACTOR [PROBLEM...]

prints makespan (or period), bound and seconds of CPU of each problem, or of some, with one threshold times a factor.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from benchmarks.collectives.table import Table
from lpxsched.schedule import policy

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from lpxsched.schedule.options import SolveOptions

    # Makespan, bound and seconds of each problem.
    Figures = dict[str, tuple[int, int, float]]

FACTORS = (0.5, 2)
# Problems that take longer as they are would take most of the time.
MOST_SECONDS = 0.5
# What is read ahead, kept or sorted how changes seconds alone.
OF_MEMORY = {
    "ROWS_AT_ONCE",
    "SPARSEST",
    "FIRST_CHUNKS",
    "BATCH",
    "MOST_ASIDE",
    "AHEAD",
    "KEPT_PLANS",
    "ROWS_LIFTED_AT_ONCE",
}
WORKERS = 2


def tables(_: SolveOptions) -> Iterator[Table]:
    """Yield the one table."""
    each = ("longer on", "most %", "shorter on", "most %", "bound lower on", "time")
    columns = ("threshold", "value", *(f"x {factor:g}: {column}" for factor in FACTORS for column in each))
    yield Table("Thresholds at half and at twice their values", columns, _rows())


def _rows() -> Iterator[tuple[str, ...]]:
    names = thresholds()
    runs = [(name, factor) for name in names for factor in FACTORS]
    # Twice, so that the first loads and makes what others find.
    _run((names[0], 1.0), ())
    every = _run((names[0], 1.0), ())
    as_they_are = {problem: figures for problem, figures in every.items() if figures[2] <= MOST_SECONDS}
    with ThreadPoolExecutor(WORKERS) as pool:
        found = pool.map(lambda run: _run(run, as_they_are), runs)
        for name in names:
            cells = [cell for _ in FACTORS for cell in compared(as_they_are, next(found))]
            yield name, str(getattr(policy, name)).replace("_", ""), *cells


def thresholds() -> list[str]:
    """Return the names of all thresholds that may change what is found."""
    return [name for name in vars(policy) if name.isupper() and name not in OF_MEMORY]


def scaled(value: Any, factor: float) -> Any:
    """Return a number, or all numbers of a value, times a factor; whole ones stay whole, and what is not 0 above it."""
    if isinstance(value, tuple):
        return tuple(scaled(one, factor) for one in value)
    if isinstance(value, dict):
        return {key: scaled(one, factor) for key, one in value.items()}
    return max(round(value * factor), min(value, 1)) if isinstance(value, int) else value * factor


def compared(before: Figures, after: Figures) -> tuple[str, ...]:
    """Return the cells of one value: problems that get longer and by how much at most, shorter, lower bounds, time."""
    changes = [(after[name][0] - cycles) / cycles for name, (cycles, _, _) in before.items()]
    cells = []
    for sign in (1, -1):
        worse = [100 * sign * change for change in changes if sign * change > 0]
        cells += [str(len(worse)), f"{max(worse):.2f}"] if worse else ["0", ""]
    lower = sum(after[name][1] < bound for name, (_, bound, _) in before.items())
    seconds = [sum(seconds for _, _, seconds in figures.values()) for figures in (before, after)]
    return (*cells, str(lower), f"{seconds[1] / seconds[0]:.2f}")


def _run(run: tuple[str, float], problems: Iterable[str]) -> Figures:
    name, factor = run
    command = [sys.executable, "-m", "benchmarks.collectives.thresholds", name, str(factor), *problems]
    found: Figures = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    return found


def main() -> None:
    """Print the figures of problems with one threshold changed."""
    name, factor, chosen = sys.argv[1], float(sys.argv[2]), sys.argv[3:]
    setattr(policy, name, scaled(getattr(policy, name), factor))
    # What is imported from here on takes the threshold as it is now.
    from benchmarks.collectives.ablation_problems import EFFORT, solved_problems
    from lpxsched.schedule.options import SolveOptions

    figures = {}
    for problem in solved_problems():
        if not chosen or problem.name in chosen:
            started = time.process_time()
            cycles = problem.cycles(SolveOptions(effort=EFFORT))
            figures[problem.name] = cycles, -problem.unproved(), time.process_time() - started
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
