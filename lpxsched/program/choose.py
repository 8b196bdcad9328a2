"""The groups of a model's layers on a fabric: from a file, or cut automatically; every layer fits its chips."""

from __future__ import annotations

from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING

from lpxsched.errors import InfeasibleError, InputError
from lpxsched.program.file import read_groups
from lpxsched.program.groups import automatic_groups, smallest_width
from lpxsched.program.memory import least_chip_bytes

if TYPE_CHECKING:
    from collections.abc import Iterable

    from lpxsched.fabric.chip import Chip
    from lpxsched.fabric.fabric import Fabric
    from lpxsched.traffic.group import Group
    from lpxsched.workload.datatypes import Precision
    from lpxsched.workload.ffns import FfnLayer, FfnModel
    from lpxsched.workload.graph import LayerGraph


def partition_layers(
    model: FfnModel,
    fabric: Fabric,
    graph: LayerGraph,
    *,
    batch: int,
    precision: Precision,
    file: str | None = None,
) -> tuple[Group, ...]:
    """Return the group of each layer.

    Raises
    ------
    InputError
        When a chip of a group has no host, a group falls apart, or the file is wrong.
    InfeasibleError
        When a layer does not fit into the SRAM of its chips, with the bytes.
    """
    if not fabric.hosts:
        raise InputError(fabric.name, "has no host; --attention gpu needs a host for each chip")
    layers = len(model.layers)
    if file is not None:
        groups = read_groups(Path(file), fabric, layers)
        unfit = why_unfit(groups, model, fabric.chip, graph, batch=batch, precision=precision)
        if unfit:
            raise InfeasibleError(unfit)
        return groups

    def chip_bytes(layer: FfnLayer, part: LayerGraph, width: int) -> int:
        return least_chip_bytes(layer, fabric.chip, part, batch=batch, precision=precision, width=width)

    kinds = [
        (model.layers.count(layer), partial(chip_bytes, layer, graph.layer(number)))
        for layer, number in _first_of_kind(model).items()
    ]
    what = f"{model.name} with {precision.weights} weights"
    # All groups are as wide as the largest layer asks for.
    return automatic_groups(fabric, layers, smallest_width(fabric, kinds, what))


def _first_of_kind(model: FfnModel) -> dict[FfnLayer, int]:
    """Return the number of the first layer of each kind."""
    return {layer: number for number, layer in reversed(list(enumerate(model.layers)))}


def why_unfit(
    groups: Iterable[Group],
    model: FfnModel,
    chip: Chip,
    graph: LayerGraph,
    *,
    batch: int,
    precision: Precision,
) -> str:
    """Return why a layer cannot fit on the chips of its group, with the bytes; empty where all can.

    Parameters
    ----------
    groups : iterable of Group
    model : FfnModel
    chip : Chip
    graph : LayerGraph
    batch : int
        Rows of a step.
    precision : Precision
        Types of what lies there.
    """
    first = _first_of_kind(model)
    parts = {number: graph.layer(number) for number in first.values()}

    @cache
    def least_bytes(layer: FfnLayer, width: int) -> int:
        part = parts[first[layer]]
        return least_chip_bytes(layer, chip, part, batch=batch, precision=precision, width=width)

    for group in groups:
        width = len(group.chips)
        needed_bytes = least_bytes(model.layers[group.layer], width)
        if needed_bytes > chip.sram_bytes:
            return (
                f"layer {group.layer} needs {needed_bytes:,} bytes on each of its {width} chips, a chip holds "
                f"{chip.sram_bytes:,}"
            )
    return ""
