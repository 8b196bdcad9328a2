"""What sharing chips wins: timetables of the chosen mapping beside `disjoint`, gaps and seconds; then several models.

Usage: uv run python -m benchmarks.mapping [models]
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

COMPARED = (("8", "mxfp4"), ("8", "fp8"), ("64", "mxfp4"))
# Model, topology, weights, at batch 8: the least racks for which a mapping is found.
MODELS = (
    ("gpt-oss-20b", "lpx-rack", "mxfp4"),
    ("qwen3-235b", "lpx-2-racks", "fp8"),
    ("qwen3.5-122b", "lpx-rack", "fp8"),
    ("nemotron-3-ultra", "lpx-5-racks", "nvfp4"),
    ("glm-5.1", "lpx-7-racks", "fp8"),
    ("deepseek-v3.2", "lpx-6-racks", "fp8"),
    ("kimi-k2", "lpx-9-racks", "fp8"),
    ("kimi-k2", "lpx-5-racks", "nvfp4"),
)


def compiled(arguments: list[str], folder: Path) -> tuple[dict[str, Any], float]:
    """Return the JSON of a compile with an empty cache of mappings, and its seconds of CPU."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    command = [sys.executable, "-c", "from lpxsched.cli.entry import main; main()", "compile", *arguments, "--json"]
    with tempfile.TemporaryDirectory(dir=folder) as cache:
        environment = os.environ | {"XDG_CACHE_HOME": cache}
        done = subprocess.run(
            [*command, "-o", str(folder / "build")], env=environment, check=False, capture_output=True, text=True
        )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return (json.loads(done.stdout) if done.stdout else {"error": done.stderr.splitlines()[-1]}), seconds


def compare(folder: Path) -> None:
    """Print the chosen mapping of gpt-oss-120b on a rack beside disjoint groups."""
    print("batch weights  disjoint     auto  ratio  mapping_gap  CPU s")
    for batch, weights in COMPARED:
        job = ["gpt-oss-120b", "lpx-rack", "--batch", batch, "--weights", weights]
        apart, _ = compiled([*job, "--partition", "disjoint"], folder)
        auto, seconds = compiled(job, folder)
        ratio = auto["makespan_cycles"] / apart["makespan_cycles"]
        print(
            f"{batch:>5} {weights:7}  {apart['makespan_cycles']:8,}  {auto['makespan_cycles']:7,}  {ratio:.3f}  "
            f"{auto['mapping_gap']:11.4f}  {seconds:5.1f}",
            flush=True,
        )


def models(folder: Path) -> None:
    """Print the mapping of each model on the least racks."""
    print("model             topology     weights  proved us  assumed us  step_high us  mapping_gap  CPU s  groups")
    for model, topology, weights in MODELS:
        told, seconds = compiled([model, topology, "--weights", weights], folder)
        if "mapping" not in told:
            print(f"{model:17} {topology:12} {weights:7}  {told.get('cause', told.get('error'))}", flush=True)
            continue
        shapes = {reason.split(":")[0] for reason in told["mapping"]["reasons"]}
        times = (f"{told[key] / 1000:10.1f}" for key in ("proved_ns", "assumed_ns", "step_high_ns"))
        gap = "-" if told["mapping_gap"] is None else f"{told['mapping_gap']:.4f}"
        print(
            f"{model:17} {topology:12} {weights:7} {'  '.join(times)}  {gap:>11}  {seconds:5.1f}  "
            f"{'; '.join(sorted(shapes))}",
            flush=True,
        )


def main() -> None:
    """Print the first table, or with ``models`` the second."""
    with tempfile.TemporaryDirectory() as folder:
        (models if "models" in sys.argv[1:] else compare)(Path(folder))


if __name__ == "__main__":
    main()
