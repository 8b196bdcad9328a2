"""What sharing chips wins beside `disjoint`, what mappings of several models take, and how that grows.

Usage: uv run python -m benchmarks.mapping [models | growth]
"""

from __future__ import annotations

import json
import os
import shutil
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


def run(arguments: list[str], folder: Path) -> tuple[dict[str, Any], float, int]:
    """Return what a command told, its seconds of CPU, and its memory in MiB, with an empty cache of mappings."""
    command = [sys.executable, "-c", "from lpxsched.cli.entry import main; main()", *arguments, "--json"]
    with tempfile.TemporaryDirectory(dir=folder) as cache, tempfile.TemporaryFile(dir=folder) as answer:
        process = subprocess.Popen(
            command, env=os.environ | {"XDG_CACHE_HOME": cache}, stdout=answer, stderr=subprocess.DEVNULL
        )
        _, _, used = os.wait4(process.pid, 0)
        answer.seek(0)
        told = json.loads(answer.read() or b'{"error": "nothing was told"}')
    return told, used.ru_utime + used.ru_stime, used.ru_maxrss // 1024


def compiled(arguments: list[str], folder: Path) -> tuple[dict[str, Any], float, int]:
    """Compile into a folder that is emptied before; return as `run` does."""
    shutil.rmtree(folder / "build", ignore_errors=True)
    return run(["compile", *arguments, "-o", str(folder / "build")], folder)


def compare(folder: Path) -> None:
    """Print the chosen mapping of gpt-oss-120b on a rack beside disjoint groups."""
    print("batch weights  disjoint     auto  ratio  mapping_gap  CPU s")
    for batch, weights in COMPARED:
        job = ["gpt-oss-120b", "lpx-rack", "--batch", batch, "--weights", weights]
        apart, _, _ = compiled([*job, "--partition", "disjoint"], folder)
        auto, seconds, _ = compiled(job, folder)
        ratio = auto["makespan_cycles"] / apart["makespan_cycles"]
        print(
            f"{batch:>5} {weights:7}  {apart['makespan_cycles']:8,}  {auto['makespan_cycles']:7,}  {ratio:.3f}  "
            f"{auto['mapping_gap']:11.4f}  {seconds:5.1f}",
            flush=True,
        )


def models(folder: Path) -> None:
    """Print the mapping of each model on the least racks, and what compile, check and simulate take."""
    print(
        "model             topology     weights  proved us  assumed us  step_high us  mapping_gap  "
        "compile s  check s  simulate s    MiB  groups"
    )
    for model, topology, weights in MODELS:
        told, seconds, mib = compiled([model, topology, "--weights", weights], folder)
        if "mapping" not in told:
            print(f"{model:17} {topology:12} {weights:7}  {told.get('cause', told.get('error'))}", flush=True)
            continue
        check, check_seconds, check_mib = run(["check", str(folder / "build")], folder)
        simulated, simulate_seconds, simulate_mib = run(["simulate", str(folder / "build")], folder)
        proved = check["ok"] and simulated["violations"] == 0
        shapes = {reason.split(":")[0] for reason in told["mapping"]["reasons"]}
        took = f"{seconds:9.1f}  {check_seconds:7.1f}  {simulate_seconds:10.1f}  {max(mib, check_mib, simulate_mib):5}"
        times = (f"{told[key] / 1000:10.1f}" for key in ("proved_ns", "assumed_ns", "step_high_ns"))
        gap = "-" if told["mapping_gap"] is None else f"{told['mapping_gap']:.4f}"
        print(
            f"{model:17} {topology:12} {weights:7} {'  '.join(times)}  {gap:>11}  {took}  "
            f"{'; '.join(sorted(shapes))}{'' if proved else '  NOT PROVED'}",
            flush=True,
        )


def growth(folder: Path) -> None:
    """Print seconds of CPU of a compile of gpt-oss-120b at fp8 against layers, batch and racks, one at a time."""
    print("layers  batch  racks  CPU s    MiB  proved us  mapping_gap")
    points = [(layers, 8, 2) for layers in (9, 18, 36, 72)]
    points += [(36, batch, 2) for batch in (1, 4, 16, 64)]
    points += [(36, 8, racks) for racks in (1, 4, 9)]
    for layers, batch, racks in points:
        topology = "lpx-rack" if racks == 1 else f"lpx-{racks}-racks"
        arguments = [str(with_layers(layers, folder)), topology, "--weights", "fp8", "--batch", str(batch)]
        told, seconds, mib = compiled(arguments, folder)
        told = {"proved_ns": float("nan"), "mapping_gap": None} | told
        gap = "-" if told["mapping_gap"] is None else f"{told['mapping_gap']:.4f}"
        print(
            f"{layers:6}  {batch:5}  {racks:5}  {seconds:5.1f}  {mib:5}  {told['proved_ns'] / 1000:9.1f}  {gap:>11}",
            flush=True,
        )


def with_layers(layers: int, folder: Path) -> Path:
    """Write the config of gpt-oss-120b with another number of layers."""
    config = json.loads(Path("models/gpt-oss-120b/config.json").read_text())
    types = config["layer_types"]
    config |= {"num_hidden_layers": layers, "layer_types": [types[layer % 2] for layer in range(layers)]}
    path = folder / f"layers-{layers}" / "config.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(config))
    return path


TABLES = {"compare": compare, "models": models, "growth": growth}


def main() -> None:
    """Print the first table, or with ``models`` or ``growth`` that one."""
    with tempfile.TemporaryDirectory() as folder:
        TABLES[sys.argv[1] if sys.argv[1:] else "compare"](Path(folder))


if __name__ == "__main__":
    main()
