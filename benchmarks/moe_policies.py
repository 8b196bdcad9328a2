"""One layer of experts under each policy: worst-case latency, vectors and SRAM, at batches 1, 8 and 64.

The layer lies on chips of lpx-rack, with weights in fp8 and greedy schedules alone. Of what travels, every hop of a
vector counts. SRAM is that of the fullest chip: weights, and all rows and labels that come to it or are made there in
one visit, whether they are there at once or not.

Usage: uv run python -m benchmarks.moe_policies [MODEL]
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from lpxsched.errors import NothingFoundError
from lpxsched.files.shipped import find_file
from lpxsched.options import CompileOptions
from lpxsched.pipeline import compile_timetable

if TYPE_CHECKING:
    from lpxsched.timetable.build import Build

# Chips of the layer: a tray, and two.
MODELS = {"gpt-oss-120b": 16, "deepseek-v3.2": 32}
# Keys that make every layer one of experts, and leave one.
ONE_LAYER = {"num_hidden_layers": 1, "first_k_dense_replace": 0, "layer_types": ["full_attention"]}
BATCHES = (1, 8, 64)


class Policy(NamedTuple):
    """Options of a row."""

    moe: str
    router: str
    capacity: float | None = None


POLICIES = (
    Policy("sharded", "lpu"),
    Policy("sharded", "gpu"),
    Policy("whole", "lpu"),
    Policy("whole", "gpu"),
    Policy("dispatch", "lpu"),
    Policy("dispatch", "lpu", 2.0),
    Policy("dispatch", "gpu"),
    Policy("dispatch", "gpu", 2.0),
)


def one_layer(model: str, folder: Path) -> Path:
    """Write the config of a model of one layer and return its folder."""
    config = json.loads(find_file("model", model).read_text())
    changed = {name: value for name, value in ONE_LAYER.items() if name in config}
    target = folder / model
    target.mkdir()
    (target / "config.json").write_text(json.dumps(config | changed))
    return target


def compiled(config: Path, chips: int, batch: int, policy: Policy) -> Build:
    """Return the build of the layer."""
    cut = config.parent / "cut.yaml"
    cut.write_text(f"layers:\n  - chips: 0-{chips - 1}\n")
    options = CompileOptions(
        model=str(config),
        topology="lpx-rack",
        partition=str(cut),
        batch=batch,
        weights="fp8",
        effort=1,
        **policy._asdict(),
    )
    return compile_timetable(options)


def most_bytes(build: Build) -> tuple[int, int]:
    """Return weights, and rows that come to a chip or are made there, on the fullest chip."""
    chips, tensors, slots = build.chips, build.tensors, build.slots
    rows = np.zeros(len(chips), dtype=np.int64)
    made = tensors.producer >= 0
    np.add.at(rows, tensors.chip[made], tensors.vectors[made])
    np.add.at(rows, build.links.dst[slots.link], slots.vectors)
    rows = np.where(chips.host, 0, rows) * build.manifest.vector_bytes
    fullest = int((rows + chips.weight_bytes).argmax())
    return int(chips.weight_bytes[fullest]), int(rows[fullest])


def measured(config: Path, chips: int, batch: int, policy: Policy) -> str:
    """Return one row."""
    told = "all" if policy.capacity is None else f"{policy.capacity:g} x mean"
    head = f"| {batch} | {policy.moe} | {policy.router} | {told if policy.moe == 'dispatch' else ''} "
    try:
        build = compiled(config, chips, batch, policy)
    except NothingFoundError:
        return f"{head}| longer than the clock allows | | | | | |"
    results, (weights, rows) = build.manifest.results, most_bytes(build)
    worst, makespan, hops = results["proved_worst_ns"] / 1000, results["makespan_ns"] / 1000, results["vector_hops"]
    return (
        f"{head}| {makespan:.2f} "
        f"| {build.graph.windows()[0]} | {worst:.2f} | {hops:,} | {weights / 1e6:.1f} | {rows / 1e6:.2f} |"
    )


def main() -> None:
    """Print a table a model."""
    for model, chips in MODELS.items():
        if sys.argv[1:] not in ([], [model]):
            continue
        print(f"{model}, one layer on {chips} chips of lpx-rack, fp8")
        print("| batch | policy | router | room | visit us | windows | worst us | vector hops | weights MB | rows MB |")
        print("|---|---|---|---|---|---|---|---|---|---|")
        with tempfile.TemporaryDirectory() as folder:
            config = one_layer(model, Path(folder))
            for batch in BATCHES:
                for policy in POLICIES:
                    print(measured(config, chips, batch, policy), flush=True)


if __name__ == "__main__":
    main()
