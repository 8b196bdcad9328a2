"""Mappings that anybody would think of first, with which the one that is chosen is compared.

``daisy-chain``: trays in order, each holds the next layers whole; a stage takes as few trays as let all layers fit.
``disjoint``: chips of its own for each layer, all groups as wide as the narrowest can be made. ``whole``: all chips
compute every layer.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from lpxsched.errors import InfeasibleError
from lpxsched.program.groups import automatic_groups, group_on, smallest_width
from lpxsched.program.mapping.shapes import axes_of, chips_of, turns_of, whole_fabric, whole_trays
from lpxsched.program.memory import least_bytes, weight_bytes, why_unfit, working_bytes
from lpxsched.traffic.group import Group
from lpxsched.units import counted

if TYPE_CHECKING:
    from collections.abc import Callable

    from lpxsched.fabric.fabric import Fabric
    from lpxsched.program.load import Load

    Groups = tuple[Group, ...]


def disjoint(load: Load, fabric: Fabric) -> Groups:
    """Return chips of its own for each layer.

    Raises
    ------
    InputError, InfeasibleError, NothingFoundError
    """
    kinds = [(len(layers), partial(least_bytes, load, kind)) for kind, layers in load.kinds().items()]
    what = f"{load.model.name} with {load.precision.weights} weights"
    # All groups are as wide as the largest layer asks for.
    return automatic_groups(fabric, load.layers, smallest_width(fabric, kinds, what))


def whole(load: Load, fabric: Fabric) -> Groups:
    """Return all chips in service for every layer, the shares turned from layer to layer.

    Raises
    ------
    InputError, InfeasibleError
    """
    turns = turns_of(whole_fabric(fabric))
    groups = [
        group_on(fabric, layer, chips_of(fabric, whole_fabric(fabric), turns[layer % len(turns)]))
        for layer in range(load.layers)
    ]
    unfit = why_unfit(load, groups)
    if unfit:
        raise InfeasibleError(unfit[1])
    return tuple(groups)


def daisy_chain(load: Load, fabric: Fabric) -> Groups:
    """Return stages of as few trays as let all layers fit, each with as many of the next layers as it holds.

    Raises
    ------
    InputError
    InfeasibleError
        When no number of trays does.
    """
    axes = axes_of(fabric)
    for trays in range(1, axes.trays + 1):
        groups = _stages(load, fabric, trays)
        if groups is not None:
            return groups
    raise InfeasibleError(
        f"stages of whole trays, each with the next layers whole, do not hold {counted(load.layers, 'layer')} with "
        f"{load.precision.weights} weights, whatever the number of trays a stage"
    )


BASELINES: dict[str, Callable[[Load, Fabric], Groups]] = {
    "daisy-chain": daisy_chain,
    "disjoint": disjoint,
    "whole": whole,
}


def _stages(load: Load, fabric: Fabric, trays: int) -> Groups | None:
    """Return the groups of stages of so many trays; None where they do not hold all layers."""
    axes, groups, layer = axes_of(fabric), list[Group](), 0
    for rack in range(axes.racks):
        for tray in range(0, axes.trays - trays + 1, trays):
            place = whole_trays(rack, tray, trays, axes.positions)
            turns = turns_of(place)
            held, working = np.zeros(fabric.chips, dtype=np.int64), 0
            while layer < load.layers:
                kind, turn = load.kind(layer), turns[layer % len(turns)]
                chips = list(chips_of(fabric, place, turn))
                if not chips:
                    break
                after = held[chips] + weight_bytes(load, kind, len(chips))
                most = max(working, working_bytes(load, kind))
                if after.max() + most > load.chip.sram_bytes:
                    break
                held[chips], working = after, most
                groups.append(group_on(fabric, layer, tuple(chips)))
                layer += 1
    return tuple(groups) if layer == load.layers else None
