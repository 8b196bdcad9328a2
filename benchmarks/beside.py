"""The tables of collectives of this checkout beside those of another one: makespans, and processor time of solving.

    python -m benchmarks.beside DIR [--only NAME] [--rounds N] [--least SECONDS]

DIR is the other checkout, of version 0.1 or later. Each table is made by both in turn, each in a process of its own, so
that both see the same machine; of several rounds the least counts. Of the rows that both have those are printed that
say something else, or take one of them at least so many seconds.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

HERE = Path(__file__).resolve().parent.parent
NAMES = ("all-gather", "heterogeneous", "boxes", "pipelined", "all-to-all", "tsp", "rack", "periods")
# Columns that say what is solved, and those of which the first that a table has says how well.
KEYS = ("instance", "box", "chunks", "MiB", "bytes", "n", "fabric", "chips", "collective", "vectors")
RESULTS = ("period", "cycles", "slots", "us", "steps", "auto GB/s", "speed-up", "ns")
# Seconds of the benchmark are those of the process, however busy the machine is.
RUN = """
import runpy, sys, time
time.perf_counter = time.process_time
sys.argv[0] = "benchmarks.collectives"
runpy.run_module("benchmarks.collectives", run_name="__main__")
"""
MOST_TIMES = 1.3


class Solved(NamedTuple):
    """What a row says: how well, and in how many seconds."""

    result: str
    seconds: float


def rows(checkout: Path, name: str) -> dict[tuple[str, ...], Solved]:
    """Return the rows of a table that a checkout makes, by its title and what is solved."""
    command = [sys.executable, "-c", RUN, "--only", name]
    path = os.environ | {"PYTHONPATH": str(checkout)}
    return told(subprocess.run(command, cwd=checkout, env=path, check=True, capture_output=True, text=True).stdout)


def told(tables: str) -> dict[tuple[str, ...], Solved]:
    """Return the rows of tables as they are printed, of those that say seconds."""
    found: dict[tuple[str, ...], Solved] = {}
    title, columns = "", list[str]()
    for line in tables.splitlines():
        cells = [cell.strip() for cell in line[1:-1].split("|")]
        if line.startswith("### "):
            title, columns = line[4:], []
        elif line.startswith("| ") and not columns:
            columns = cells
        elif line.startswith("| ") and (row := dict(zip(columns, cells, strict=True))).get("s"):
            result = next(row[column] for column in RESULTS if column in row)
            found[title, *(row[key] for key in KEYS if key in row)] = Solved(result, float(row["s"]))
    return found


def least(rounds: list[dict[tuple[str, ...], Solved]]) -> dict[tuple[str, ...], Solved]:
    """Return the rows of the first round, each with the least seconds of all."""
    return {
        key: row._replace(seconds=min(each[key].seconds for each in rounds if key in each))
        for key, row in rounds[0].items()
    }


def main() -> None:
    """Print the rows of both."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.beside")
    parser.add_argument("checkout", type=Path, help="the other checkout")
    parser.add_argument("--only", choices=NAMES, action="append", help="a table; may stand several times")
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--least", type=float, default=0.1, help="seconds below which a row is left out")
    chosen = parser.parse_args()
    print("| table | what | before | now | s before | s now | ratio |\n|" + "---|" * 7)
    compared, slower, other = 0, 0, 0
    for name in chosen.only or NAMES:
        pairs = [(rows(chosen.checkout.resolve(), name), rows(HERE, name)) for _ in range(chosen.rounds)]
        before, now = (least(list(side)) for side in zip(*pairs, strict=True))
        for key, new in now.items():
            if key not in before:
                continue
            then = before[key]
            compared += 1
            other += then.result != new.result
            if then.result == new.result and max(then.seconds, new.seconds) < chosen.least:
                continue
            ratio = new.seconds / then.seconds
            slower += ratio > MOST_TIMES
            times = f"{then.seconds:.3f} | {new.seconds:.3f} | {ratio:.2f}"
            print(f"| {name} | {' '.join(key[1:])} | {then.result} | {new.result} | {times} |", flush=True)
    print(f"\nrows compared: {compared}; with another result: {other}")
    print(f"printed and more than {MOST_TIMES} times as long as before: {slower}")


if __name__ == "__main__":
    main()
