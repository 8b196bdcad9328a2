"""Groups that a user has written (``--partition FILE``)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from lpxsched.files.document import Document, read_yaml
from lpxsched.files.schema import Strict, short, validate
from lpxsched.program.connected import split_group
from lpxsched.program.groups import host_of
from lpxsched.traffic.group import Group

if TYPE_CHECKING:
    from collections.abc import Container
    from pathlib import Path

    from lpxsched.fabric.fabric import Fabric

_RANGE = re.compile(r"([0-9]{1,18})(?:-([0-9]{1,18}))?")


class LayerFile(Strict):
    """Chips of one layer: a list, or text such as ``0-6,9``."""

    chips: list[Annotated[int, Field(ge=0)]] | str


class PartitionFile(Strict):
    """A partition as written in YAML: one entry a layer."""

    layers: list[LayerFile]


def read_groups(path: Path, fabric: Fabric, layers: int, *, hosted: Container[int] | None = None) -> tuple[Group, ...]:
    """Read a partition file.

    Parameters
    ----------
    path : Path
    fabric : Fabric
    layers : int
    hosted : container of int, optional
        Layers that meet hosts, where they may share chips; every one does, on chips of its own, when left out.

    Raises
    ------
    InputError
        When it names another number of layers, a chip that is not there or down, one chip twice, no chip, or chips
        that are not joined.
    """
    document = read_yaml(path)
    file = validate(document, PartitionFile)
    if len(file.layers) != layers:
        raise document.error(("layers",), f"has {len(file.layers)} entries, the model has {layers} layers")
    hosts = fabric.host_of_chip()
    owner: dict[int, int] = {}
    groups = []
    for layer, entry in enumerate(file.layers):
        chips = _chips(document, layer, entry.chips, fabric.chips)
        for chip in chips:
            if fabric.node_down[chip]:
                raise document.error(("layers", layer, "chips"), f"chip {chip} is down in {fabric.name}; take others")
            if hosted is not None and chips.count(chip) > 1:
                problem = f"chip {chip} is in this group {chips.count(chip)} times; name it once"
                raise document.error(("layers", layer, "chips"), problem)
            if hosted is None and chip in owner:
                problem = f"chip {chip} is in layer {owner[chip]} already; each chip once"
                raise document.error(("layers", layer, "chips"), problem)
            owner[chip] = layer
        meets = hosted is None or layer in hosted
        groups.append(Group(layer, chips, tuple(host_of(fabric, hosts, chip) for chip in chips) if meets else ()))
    _refuse_split(document, fabric, groups)
    return tuple(groups)


def _refuse_split(document: Document, fabric: Fabric, groups: list[Group]) -> None:
    split = split_group(fabric, groups)
    if split:
        group, side, rest = split
        problem = f"chip {rest[0]} cannot reach chip {side[0]}, or be reached, inside the group; take joined chips"
        raise document.error(("layers", group.layer, "chips"), problem)


def _chips(document: Document, layer: int, chips: list[int] | str, number_of_chips: int) -> tuple[int, ...]:
    location = ("layers", layer, "chips")
    listed: list[int] = []
    for part in chips.split(",") if isinstance(chips, str) else [str(chip) for chip in chips]:
        match = _RANGE.fullmatch(part.strip())
        if not match:
            raise document.error(location, f"write chips as 0-6,9 or [0, 1, 2], got {short(part.strip())}")
        first, last = int(match[1]), int(match[2] or match[1])
        if not first <= last < number_of_chips:
            problem = f"{part.strip()} is outside the chips 0 to {number_of_chips - 1}, or runs backwards"
            raise document.error(location, problem)
        listed.extend(range(first, last + 1))
    if not listed:
        raise document.error(location, "names no chip; a layer needs one")
    return tuple(listed)
