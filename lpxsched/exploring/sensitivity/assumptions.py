"""What is assumed in the files of a compile, the values that it may have instead, and files that say so.

Assumptions are found by the tags of values (``assumed``), in whichever file they stand, and one in the build: that
chips expand on read the weights that they cannot multiply. A number is tried at both ends of its range, anything else
at every other value that it may have.
"""

from __future__ import annotations

import copy
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from lpxsched.assembly.manifest import STORED, assumptions_of
from lpxsched.files.document import read_yaml

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lpxsched.timetable.build import Build

CHIP, TOPOLOGY, LINKS, WEIGHTS = "chip", "topology", "links", "weights"
# Of --weights, where chips do not expand.
STORED_TYPES = {STORED: "fp8"}


@dataclass(frozen=True, slots=True)
class Assumption:
    """A value that nobody has published.

    Attributes
    ----------
    kind, key : str
        The file, as `input_files` calls it, and the dotted key in it; of weights that are expanded their type.
    value : object
        What is reckoned with.
    others : tuple
        What it may be instead: of a number the ends of its range that differ from it.
    source : str
        Why this value and this range.
    """

    kind: str
    key: str
    value: Any
    others: tuple[Any, ...]
    source: str

    @property
    def name(self) -> str:
        """The file and the key."""
        return f"{self.kind}.{self.key}"


def assumptions_in(files: Mapping[str, Path]) -> tuple[list[Assumption], list[str]]:
    """Return the assumptions in some files, and the names of those that have no range.

    Parameters
    ----------
    files : dict of Path
        By kind, from `input_files`.
    """
    found, without = [], []
    for kind, key, told in assumptions_of(files):
        one = Assumption(kind, key, told["value"], _others(told["value"], told["range"]), told["source"])
        if told["range"] is None:
            without.append(one.name)
        else:
            found.append(one)
    return found, without


def expansions_in(build: Build) -> list[Assumption]:
    """Return what a build assumes of weights that its chips do not multiply."""
    return [
        Assumption(
            WEIGHTS,
            name.removeprefix(f"{WEIGHTS}."),
            told["value"],
            _others(told["value"], told["range"]),
            told["source"],
        )
        for name, told in build.manifest.assumptions.items()
        if name.startswith(f"{WEIGHTS}.")
    ]


def _others(value: Any, between: list[Any] | None) -> tuple[Any, ...]:
    return tuple(other for other in between or () if other != value)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def altered_choices(files: Mapping[str, Path], assumption: Assumption, other: Any, folder: Path) -> dict[str, str]:
    """Write files in which an assumption has another value, and return the options that name them.

    Parameters
    ----------
    files : dict of Path
        By kind, from `input_files`.
    assumption : Assumption
    other : object
        The value instead.
    folder : Path
        Where the files go; there is nothing in it yet.
    """
    if assumption.kind == WEIGHTS:
        return {WEIGHTS: STORED_TYPES[other]}
    folder.mkdir(parents=True)
    path = files[assumption.kind]
    data = copy.deepcopy(read_yaml(path).data)
    _set(data, assumption.key, other)
    if assumption.kind == TOPOLOGY:
        return {TOPOLOGY: _written_topology(folder, files, data)}
    altered = _written(folder, path, data)
    if assumption.kind == CHIP:
        return {TOPOLOGY: _written_topology(folder, files, dict(read_yaml(files[TOPOLOGY]).data), chip=altered)}
    return {assumption.kind: altered}


def _written_topology(folder: Path, files: Mapping[str, Path], data: dict[str, Any], chip: str = "") -> str:
    """Write a topology with its links beside it, where alone they may lie, and the path of its chip."""
    links = {LINKS: files[LINKS].name} if LINKS in files else {}
    written = _written(folder, files[TOPOLOGY], data | {CHIP: chip or str(files[CHIP].resolve())} | links)
    if links:
        shutil.copyfile(files[LINKS], Path(written).parent / files[LINKS].name)
    return written


def _set(data: Any, key: str, other: Any) -> None:
    """Give the tagged value at a dotted key another value and no range; names in a file may hold dots themselves."""
    inside = dict(enumerate(data)) if isinstance(data, list) else data
    name = next(name for name in inside if key == str(name) or key.startswith(f"{name}."))
    if key == str(name):
        # As if it were known: the longest step no longer reckons with the rest of the range.
        inside[name] |= {"value": other, "range": [other, other] if _is_number(other) else [other]}
    else:
        _set(inside[name], key[len(str(name)) + 1 :], other)


def _written(folder: Path, path: Path, data: Any) -> str:
    # The name is what a build calls it; topology and chip may have the same one.
    target = folder / path.name
    while target.exists():
        target = target.parent / "beside" / path.name
        target.parent.mkdir()
    target.write_text(yaml.safe_dump(data, sort_keys=False), encoding="utf-8")
    return str(target)
