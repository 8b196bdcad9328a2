"""Groups in a file: as a user writes them (``--partition FILE``), and as they are written out for a user to edit."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BeforeValidator, Field
from pydantic_core import PydanticCustomError

from lpxsched.files.document import Document, read_yaml
from lpxsched.files.schema import Strict, short, validate
from lpxsched.program.connected import split_group
from lpxsched.program.groups import group_on
from lpxsched.traffic.group import Group
from lpxsched.units import counted

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterable, Sequence
    from pathlib import Path
    from types import UnionType
    from typing import LiteralString

    from lpxsched.fabric.fabric import Fabric

    WhyUnfit = Callable[[Sequence[Group]], tuple[int, str] | None]

_RANGE = re.compile(r"([0-9]{1,18})(?:-([0-9]{1,18}))?")


def _written(kinds: type | UnionType, told: LiteralString) -> BeforeValidator:
    """Return a check that a value is of some kinds, which tells how it is written otherwise."""

    def check(value: Any) -> Any:
        if not isinstance(value, kinds) or isinstance(value, bool):
            raise PydanticCustomError("written", told)
        return value

    return BeforeValidator(check)


class LayerFile(Strict):
    """Chips of one layer: a list, or text such as ``0-6,9``."""

    chips: Annotated[
        list[Annotated[int, Field(ge=0), _written(int, "a list holds numbers of chips; write ranges as text, 0-6,9")]]
        | str,
        _written(list | str, "write chips as 0-6,9 or [0, 1, 2]"),
    ]


class PartitionFile(Strict):
    """A partition as written in YAML: one entry a layer."""

    layers: Annotated[
        list[Annotated[LayerFile, _written(dict, "write a layer as a mapping, chips: 0-6,9")]],
        _written(list, "write a list, one entry a layer, such as - chips: 0-6,9"),
    ]


def read_groups(
    path: Path, fabric: Fabric, layers: int, why_unfit: WhyUnfit, *, hosted: Container[int] | None = None
) -> tuple[Group, ...]:
    """Read a partition file; the order of a group's chips is that of their shares, and groups may share chips.

    Parameters
    ----------
    path : Path
    fabric : Fabric
    layers : int
    why_unfit : callable
        Tells of groups a layer that cannot lie on its chips, and why; None where all can.
    hosted : container of int, optional
        Layers that meet hosts; all do when left out.

    Raises
    ------
    InputError
        When it names another number of layers, a chip that is not there or down, one chip twice in a group, no chip,
        chips that are not joined, or too few of them for what lies on them.
    """
    document = read_yaml(path)
    file = validate(document, PartitionFile)
    if len(file.layers) != layers:
        what = "layers" if hosted is None else "visits: embedding, layers, head, and what guesses drafts"
        raise document.error(("layers",), f"has {counted(len(file.layers), 'entry')}, the model has {layers} {what}")
    groups = []
    for layer, entry in enumerate(file.layers):
        chips = _chips(document, layer, entry.chips, fabric.chips)
        _refuse_chips(document, layer, chips, fabric)
        meets = hosted is None or layer in hosted
        groups.append(group_on(fabric, layer, chips) if meets else Group(layer, chips, ()))
    _refuse_split(document, fabric, groups)
    unfit = why_unfit(groups)
    if unfit:
        raise document.error(("layers", unfit[0], "chips"), f"{unfit[1]}; take more chips, or others")
    return tuple(groups)


def _refuse_chips(document: Document, layer: int, chips: Sequence[int], fabric: Fabric) -> None:
    chip, times = Counter(chips).most_common(1)[0]
    if times > 1:
        problem = f"chip {chip} is in this group {times} times; name each chip once"
        raise document.error(("layers", layer, "chips"), problem)
    for chip in chips:
        if fabric.node_down[chip]:
            raise document.error(("layers", layer, "chips"), f"chip {chip} is down in {fabric.name}; take others")


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
        if first > last:
            raise document.error(location, f"{part.strip()} runs backwards; write {last}-{first}")
        if last >= number_of_chips:
            raise document.error(location, f"{part.strip()} is outside the chips 0 to {number_of_chips - 1}")
        listed.extend(range(first, last + 1))
    if not listed:
        raise document.error(location, "names no chip; a layer needs one")
    return tuple(listed)


def partition_text(groups: Iterable[Sequence[int]], reasons: Sequence[str]) -> str:
    """Return a partition file of some groups of chips, each with its reason in a comment.

    Parameters
    ----------
    groups : iterable of sequence of int
        Chips of each layer.
    reasons : sequence of str
        One for each layer; none where there are none.
    """
    lines = [f'- chips: "{_ranges(chips)}"' for chips in groups]
    told = [f"  # {reason}" for reason in reasons] or [""] * len(lines)
    return "".join(["layers:\n", *(f"{line}{why}\n" for line, why in zip(lines, told, strict=True))])


def _ranges(chips: Sequence[int]) -> str:
    """Return chips as ``0-6,9``, in their order."""
    runs: list[list[int]] = []
    for chip in chips:
        if runs and chip == runs[-1][1] + 1:
            runs[-1][1] = chip
        else:
            runs.append([chip, chip])
    return ",".join(f"{first}-{last}" if last > first else str(first) for first, last in runs)
