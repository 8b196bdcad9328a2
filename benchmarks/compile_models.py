"""The main job as a whole process: time with cold and warm kernel caches, memory, gaps, equal bytes, proofs.

Usage: uv run python -m benchmarks.compile_models
"""

from __future__ import annotations

import filecmp
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

JOBS = (("gpt-oss-120b", 8), ("gpt-oss-20b", 64))


def run(arguments: list[str], caches: Path) -> tuple[dict[str, object], float]:
    """Run one command with its own kernel caches and return its JSON and its seconds."""
    environment = os.environ | {"NUMBA_CACHE_DIR": str(caches)}
    started = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-c", "from lpxsched.cli.entry import main; main()", *arguments, "--json"],
        env=environment,
        check=True,
        capture_output=True,
        text=True,
    )
    return json.loads(done.stdout), time.perf_counter() - started


def equal_folders(one: Path, other: Path) -> bool:
    """Return whether two folders hold the same files with the same bytes."""
    names = sorted(path.name for path in one.iterdir())
    if names != sorted(path.name for path in other.iterdir()):
        return False
    return filecmp.cmpfiles(one, other, names, shallow=False)[0] == names


def measure(model: str, batch: int, folder: Path) -> str:
    """Compile twice, check and simulate; return one row."""
    compile_arguments = ["compile", model, "lpx-rack", "--partition", "disjoint", "--batch", str(batch), "-o"]
    cold, cold_seconds = run([*compile_arguments, str(folder / "one")], folder / "caches")
    _, warm_seconds = run([*compile_arguments, str(folder / "two")], folder / "caches")
    check, _ = run(["check", str(folder / "one")], folder / "caches")
    simulation, _ = run(["simulate", str(folder / "one")], folder / "caches")
    equal = equal_folders(folder / "one", folder / "two")
    return (
        f"{model:13} {batch:5}  {cold_seconds:6.1f}  {warm_seconds:6.1f}  {cold['makespan_cycles']:8}  "
        f"{cold['lower_bound_cycles']:8}  {cold['gap']:.4f}  {cold['wire_gap']:.4f}  {equal!s:5}  "
        f"{check['ok']!s:5}  {simulation['violations']:5}  {simulation['least_slack_cycles']:.3f}"
    )


def main() -> None:
    """Print one row a job, then the memory of the largest process."""
    print(
        "model         batch  cold s  warm s  makespan     bound     gap  wire gap  equal  check   late  slack cycles"
    )
    for model, batch in JOBS:
        with tempfile.TemporaryDirectory() as folder:
            print(measure(model, batch, Path(folder)))
    peak_kib = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    print(f"largest process: {peak_kib / 1024:.0f} MiB")


if __name__ == "__main__":
    main()
