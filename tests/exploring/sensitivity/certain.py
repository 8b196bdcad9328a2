"""A machine of which all is certain but a few numbers, so that few compiles tell what these are worth."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import yaml

from lpxsched.files.document import read_yaml
from lpxsched.files.shipped import find_file
from tests.timetable.small import small_options

if TYPE_CHECKING:
    from collections.abc import Container
    from pathlib import Path

    from lpxsched.options import CompileOptions

ASSUMED = ("one_way_ns", "host_timing")


def certain_options(folder: Path, assumed: Container[str] = ASSUMED) -> CompileOptions:
    """Write a TSP node and what it needs into a folder, with tags at some keys alone, and return a toy's options."""
    names = {"clock": "xo-100ppm", "gpus": "nvl72", "handover": "fpga-400g"}
    written = {
        kind: _write(folder, kind, read_yaml(find_file(kind, name)).data, assumed) for kind, name in names.items()
    }
    chip = _write(folder, "chip", read_yaml(find_file("chip", "tsp")).data, assumed)
    node = read_yaml(find_file("topology", "tsp-node")).data | {"chip": chip}
    return small_options(folder, effort=1, topology=_write(folder, "node", node, assumed), **written)


def _write(folder: Path, name: str, data: Any, assumed: Container[str]) -> str:
    file = folder / f"{name}.yaml"
    file.write_text(yaml.safe_dump(_certain(data, "", assumed)))
    return str(file)


def _certain(data: Any, key: str, assumed: Container[str]) -> Any:
    """Return data of a file with plain values in the place of tagged ones, but for some keys."""
    if isinstance(data, list):
        return [_certain(value, key, assumed) for value in data]
    if not isinstance(data, dict) or (key in assumed and "tag" in data):
        return data
    return data["value"] if "tag" in data else {name: _certain(one, name, assumed) for name, one in data.items()}
