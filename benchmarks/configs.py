"""Every config of some folders: layers by kind, parameters against published ones, racks; or what a step takes.

    uv run python -m benchmarks.configs FOLDER... [--published CSV]
    uv run python -m benchmarks.configs FOLDER... --compile TOPOLOGY [--limit SECONDS] [--only MODEL]

A folder holds a folder with a config.json for each model; that of the shipped ones is models. Published totals are read
from CSV files with the columns `name` and `published_parameters` or `published_total`, models/sources.csv at least.
With `--compile` the FFNs of each model that fits are laid on a topology, mixers on GPUs (default batch, effort 1), in
the first way of `WAYS` that fits; `--only` names models of which alone steps are wanted.
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
# Types of weights, and mappings: as published, then at fp8 where chips do not hold that type, or so many bytes.
WAYS = (("published", "daisy-chain"), ("fp8", "daisy-chain"), ("fp8", "auto"))


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
    for weights, mapping in WAYS:
        options: tuple[str, ...] = ("--effort", "1", "--partition", mapping)
        options += () if weights == "published" else ("--weights", weights)
        code, told = lpxsched("compile", str(config), topology, *options, limit=limit)
        if code not in (BAD_INPUT, INFEASIBLE):
            break
    head = f"| {name} | {weights} | {mapping}"
    if code:
        why = {-1: f"longer than {limit:g} s", INFEASIBLE: "does not fit"}
        return f"{head} | {why.get(code) or told['error']} | | | | | |"
    proved, step = told["proved_ns"] / 1000, told["step_ns"] / 1000
    laid, gap = f"{told['layers']} | {told['chips']}", f"{told['gap']:.4f}"
    return f"{head} | {laid} | {gap} | {proved:,.1f} | {step:,.1f} | {told['seconds']:.0f} |"


def print_models(configs: list[Path], totals: dict[str, int]) -> None:
    """Print a row for each model as its config states it."""
    print("| model | layers | read | published | differs | racks, fp8 / nvfp4 |\n|---|---|---|---|---|---|")
    for config in configs:
        name = config.parent.name
        code, told = lpxsched("model", str(config))
        print(f"| {name} | {told} | | | | |" if code else model_row(name, told, totals.get(name.lower())), flush=True)


def print_steps(configs: list[Path], topology: str, limit: float) -> None:
    """Print a row for each model with what a step takes."""
    print("| model | weights | mapping | layers laid | chips | gap | proved us | step us | seconds |")
    print("|---|---|---|---|---|---|---|---|---|")
    for config in configs:
        print(compiled_row(config.parent.name, config, topology, limit), flush=True)


def main() -> None:
    """Print a table of configs, or one of steps."""
    parser = argparse.ArgumentParser()
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--published", action="append", default=[], type=Path)
    parser.add_argument("--compile")
    parser.add_argument("--limit", type=float, default=900)
    parser.add_argument("--only", action="append", default=[])
    chosen = parser.parse_args()
    configs = sorted(config for folder in chosen.folders for config in folder.glob("*/config.json"))
    if chosen.compile:
        wanted = [config for config in configs if not chosen.only or config.parent.name in chosen.only]
        print_steps(wanted, chosen.compile, chosen.limit)
    else:
        print_models(configs, published([SOURCES, *chosen.published]))


if __name__ == "__main__":
    main()
