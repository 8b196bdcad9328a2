"""Whether all layers that lie on a chip fit into its SRAM, before anything is scheduled.

Weights never leave, so those of all layers on a chip count. Layers run one at a time, so of what operators read and
write the largest counts: at least the inputs and the output of one operator. What else is live with it (transit,
summands that wait) comes on top, so a chip that fails this bound cannot hold its layers. All tensors of a layer,
and once more what moves, are more than ever lies there unless relays keep much waiting.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from lpxsched.program.load import costs_on

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from lpxsched.program.load import Load
    from lpxsched.traffic.group import Group


@lru_cache(maxsize=4096)
def weight_bytes(load: Load, kind: int, width: int) -> NDArray[np.int64]:
    """Return the bytes of weights that a kind of layer has on each of so many chips, shape (width,)."""
    shards = costs_on(load, kind, width)
    return np.array([sum(cost.weight_bytes for cost in shard.values()) for shard in shards], dtype=np.int64)


@lru_cache(maxsize=64)
def working_bytes(load: Load, kind: int) -> int:
    """Return what operands of the largest operator of a kind of layer take on a chip, whatever its group."""
    graph = load.graph.layer(kind)
    sizes = {name: tensor.most_vectors * tensor.vector_bytes for name, tensor in graph.tensors.items()}
    return max(
        sum(sizes[name] for name in [*(name for name, _ in operator.inputs), operator.output] if name)
        for operator in graph.operators
        if operator.place == "chips"
    )


@lru_cache(maxsize=64)
def live_bytes(load: Load, kind: int) -> int:
    """Return what a kind of layer may have on a chip besides weights: all its tensors, and once more what moves."""
    tensors = load.graph.layer(kind).tensors.values()
    moves = [tensor for tensor in tensors if tensor.place == "hosts" or tensor.layout == "partial"]
    return sum(tensor.most_vectors * tensor.vector_bytes for tensor in (*tensors, *moves))


def least_bytes(load: Load, kind: int, width: int) -> int:
    """Return a lower bound of the bytes on the fullest of so many chips that hold a kind of layer, and nothing else."""
    return int(weight_bytes(load, kind, width).max()) + working_bytes(load, kind)


def why_unfit(load: Load, groups: Sequence[Group]) -> tuple[int, str] | None:
    """Return a layer that cannot lie on its group besides the others, and why, with the chip and the bytes."""
    chips = 1 + max(chip for group in groups for chip in group.chips)
    held, working = np.zeros((2, chips), dtype=np.int64)
    for group in groups:
        on = np.array(group.chips)
        held[on] += weight_bytes(load, load.kind(group.layer), len(on))
        working[on] = np.maximum(working[on], working_bytes(load, load.kind(group.layer)))
    full = np.flatnonzero(held + working > load.chip.sram_bytes)
    if not len(full):
        return None
    chip = int(full[(held + working)[full].argmax()])
    bytes_of = {
        group.layer: int(weight_bytes(load, load.kind(group.layer), len(group.chips))[group.chips.index(chip)])
        for group in groups
        if chip in group.chips
    }
    largest = max(bytes_of, key=lambda layer: bytes_of[layer])
    others = f" and {len(bytes_of) - 1} more" if len(bytes_of) > 1 else ""
    return largest, (
        f"chip {chip} needs {held[chip] + working[chip]:,} bytes at least for layer {largest}{others}, "
        f"{bytes_of[largest]:,} of them weights of layer {largest}, and holds {load.chip.sram_bytes:,}"
    )
