"""Every config of some folders: layers by kind, parameters against published ones, racks; and what a step takes.

    uv run python -m benchmarks.configs FOLDER... [--published CSV] [--compile TOPOLOGY] [--limit SECONDS]

A folder holds a folder with a config.json for each model; that of the shipped ones is models. Published totals are read
from CSV files with the columns `name` and `published_parameters` or `published_total`, models/sources.csv at least.
With `--compile` the FFNs of each model that fits are laid on a topology, mixers on GPUs (default batch, effort 1, the
partition `daisy-chain`, fp8 where the published type is none that chips hold).
"""

from __future__ import annotations

import argparse
import csv
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

SOURCES = Path("models/sources.csv")
BILLION = 1e9
BAD_INPUT, INFEASIBLE = 2, 3


def lpxsched(*arguments: str, limit: float | None = None) -> tuple[int, dict[str, Any]]:
    """Run a command and return its exit code and what it tells; -1 where it takes longer than so many seconds."""
    command = [sys.executable, "-c", "from lpxsched.cli.entry import main; main()", *arguments, "--json"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=limit)
    except subprocess.TimeoutExpired:
        return -1, {}
    told = json.loads(done.stdout) if done.stdout else {"error": done.stderr.strip().splitlines()[-1:]}
    return done.returncode, told


def published(files: list[Path]) -> dict[str, int]:
    """Return the published total of each model that a file gives, by its name in lower case."""
    totals = {}
    for file in files:
        lines = [line for line in file.read_text().splitlines() if not line.startswith("#")]
        for row in csv.DictReader(lines):
            total = row.get("published_parameters") or row.get("published_total")
            if total:
                totals[row["name"].lower()] = int(total)
    return totals


def model_row(name: str, told: dict[str, Any], total: int | None) -> str:
    """Return the row of a model as its config states it."""
    read, racks = told["total_parameters"], told["racks"]
    kinds = "; ".join(
        f"{kind['layers']} x {' + '.join(part for part in (kind['mixer'], kind['ffn']) if part)}"
        for kind in told["kinds"]
    )
    counted = "-" if read is None else f"{read / BILLION:,.1f}"
    known = "-" if total is None else f"{total / BILLION:,.1f}"
    differs = "-" if read is None or total is None else f"{100 * (read / total - 1):+.1f} %"
    wholes = " / ".join(str(racks[dtype]["whole"] or "-") for dtype in ("fp8", "nvfp4"))
    return f"| {name} | {kinds} | {counted} | {known} | {differs} | {wholes} |"


def compiled_row(name: str, config: Path, topology: str, limit: float) -> str:
    """Return what a step of the model takes, or why there is none."""
    options = (str(config), topology, "--effort", "1", "--partition", "daisy-chain")
    code, told = lpxsched("compile", *options, limit=limit)
    weights = "published"
    if code == BAD_INPUT:
        code, told = lpxsched("compile", *options, "--weights", "fp8", limit=limit)
        weights = "fp8"
    if code == -1:
        return f"| {name} | {weights} | longer than {limit:g} s | | | | |"
    if code:
        return f"| {name} | {weights} | {'does not fit' if code == INFEASIBLE else told['error']} | | | | |"
    proved, step = told["proved_ns"] / 1000, told["step_ns"] / 1000
    laid, gap = f"{told['layers']} | {told['chips']}", f"{told['gap']:.4f}"
    return f"| {name} | {weights} | {laid} | {gap} | {proved:,.1f} | {step:,.1f} | {told['seconds']:.0f} |"


def main() -> None:
    """Print a table of configs, and one of steps."""
    parser = argparse.ArgumentParser()
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--published", action="append", default=[], type=Path)
    parser.add_argument("--compile")
    parser.add_argument("--limit", type=float, default=900)
    chosen = parser.parse_args()
    totals = published([SOURCES, *chosen.published])
    configs = sorted(config for folder in chosen.folders for config in folder.glob("*/config.json"))
    print("| model | layers | read | published | differs | racks, fp8 / nvfp4 |\n|---|---|---|---|---|---|")
    for config in configs:
        name = config.parent.name
        code, told = lpxsched("model", str(config))
        print(f"| {name} | {told} | | | | |" if code else model_row(name, told, totals.get(name.lower())), flush=True)
    if chosen.compile:
        print("\n| model | weights | layers laid | chips | gap | proved us | step us | seconds |")
        print("|---|---|---|---|---|---|---|---|")
        for config in configs:
            print(compiled_row(config.parent.name, config, chosen.compile, chosen.limit), flush=True)


if __name__ == "__main__":
    main()
