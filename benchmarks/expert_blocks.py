"""Experts of a layer whose columns are coarse: the same columns of all on every chip against blocks that are dealt.

For each model, type of weights and number of chips the largest share of weights, and how long experts take on the chip
that takes longest, whatever the routing. Nothing is scheduled.

Usage: uv run python -m benchmarks.expert_blocks
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from lpxsched.fabric.profile import load_fabric
from lpxsched.workload.config.load import load_model
from lpxsched.workload.costs import cycles, layer_work, shard_cost
from lpxsched.workload.datatypes import Precision, WeightType
from lpxsched.workload.expert_blocks import blocks_of
from lpxsched.workload.expert_work import sliced_experts
from lpxsched.workload.ffns import FfnLayer, ffn_model
from lpxsched.workload.work import MATRIX

if TYPE_CHECKING:
    from lpxsched.fabric.chip import Chip
    from lpxsched.workload.work import Work

BATCHES = (8, 64)
HEADS = " | ".join(f"batch {batch}, same | dealt" for batch in BATCHES)


class Case(NamedTuple):
    """A model on groups of chips that ask for multiples of columns."""

    model: str
    weights: WeightType
    shard_columns: int
    widths: tuple[int, ...]


CASES = (
    Case("gpt-oss-120b", "fp8", 320, (8, 16, 256)),
    Case("gpt-oss-120b", "mxfp4", 1, (64, 80, 240)),
    Case("kimi-k2", "nvfp4", 1, (240,)),
    Case("nemotron-3-ultra", "nvfp4", 1, (208,)),
)


def largest(work: Work, chip: Chip, width: int) -> tuple[float, int]:
    """Return the largest share of weights in MB, and the most cycles."""
    shares = enumerate(work.on(width, chip.shard_columns))
    costs = [shard_cost(work, chip, share, shard) for shard, share in shares]
    return max(cost.weight_bytes for cost in costs) / 1e6, max(cycles(cost, MATRIX, chip) for cost in costs)


def compared(layer: FfnLayer, chip: Chip, weights: WeightType, width: int) -> str:
    """Return megabytes, and cycles by batch, of the same columns of all experts and of blocks."""
    experts, precision, told = layer.experts, Precision(weights, "fp8", "bf16"), list[str]()
    assert experts is not None
    blocks, columns = blocks_of(experts, weights, chip, width), experts.latent_columns or layer.hidden
    for batch in BATCHES:
        slices = sliced_experts(columns, experts, chip, blocks, batch=batch, precision=precision)
        dealt = layer_work(layer, chip, width, batch=batch, precision=precision)["experts"]
        (held, before), (less, after) = (largest(work, chip, width) for work in (slices, dealt))
        told += [] if told else [f"{blocks.each} | {held:.1f} | {less:.1f}"]
        told.append(f"{before:,} | {after:,}")
    return " | ".join(told)


def main() -> None:
    """Print the table."""
    chip = load_fabric("lpx-rack").chip
    print(f"| model | weights | `shard_columns` | chips | blocks | MB, same | MB, dealt | {HEADS} |")
    print("|---|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|")
    for model, weights, multiple, widths in CASES:
        layers = ffn_model(load_model(model), weights=weights).layers
        layer, asking = next(one for one in layers if one.experts), replace(chip, shard_columns=multiple)
        for width in widths:
            print(f"| {model} | {weights} | {multiple} | {width} | {compared(layer, asking, weights, width)} |")


if __name__ == "__main__":
    main()
