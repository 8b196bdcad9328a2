"""The groups of a model's layers on a fabric: from a file, or cut automatically; every layer fits its chips."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from lpxsched.errors import InputError
from lpxsched.program.file import read_groups
from lpxsched.program.groups import automatic_groups, smallest_width
from lpxsched.program.memory import least_bytes, why_unfit

if TYPE_CHECKING:
    from lpxsched.fabric.fabric import Fabric
    from lpxsched.program.load import Load
    from lpxsched.traffic.group import Group


def partition_layers(load: Load, fabric: Fabric, *, file: str | None = None) -> tuple[Group, ...]:
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
    if file is not None:
        return read_groups(Path(file), fabric, load.layers, partial(why_unfit, load))
    kinds = [(len(layers), partial(least_bytes, load, kind)) for kind, layers in load.kinds().items()]
    what = f"{load.model.name} with {load.precision.weights} weights"
    # All groups are as wide as the largest layer asks for.
    return automatic_groups(fabric, load.layers, smallest_width(fabric, kinds, what))
