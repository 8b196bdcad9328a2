"""The fabrics of the benchmarks: families in ``benchmarks/topologies``, variants of them, and copies link by link.

Usage: uv run python -m benchmarks.collectives.topologies FOLDER

writes every fabric of the tables into a folder, as a family and (``*-links.yaml`` with its CSV) link by link.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from lpxsched.fabric.profile import load_fabric

FOLDER = Path(__file__).parent.parent / "topologies"
HOMOGENEOUS = (
    "torus2d_8x8",
    "hyperx_8x8",
    "hcube_64",
    "circ96_256",
    "fc_64",
    "ring_64",
    "mesh2d_8x8",
    "dfly_a4h1g5_20",
    "dfly_a8h1g8_64",
)
HETEROGENEOUS = ("dflyhet_a4h1g5_20", "dflyhet_a8h1g8_64")
QUARTER_CHUNKS: dict[str, Any] = {"vector_bytes": 262144}
# 320 bytes at 112 Gb/s are one cycle of 43.75 MHz; a latency of 500 ns is 22 cycles, rounded up.
VECTOR_WIRE = {"latency_ns": 500, "gbps": 112}
VECTORS: dict[str, Any] = {"clock_mhz": 43.75, "vector_bytes": 320, "wire": "pipelined"}
GRID_SIZES = range(3, 11)


def family(name: str) -> dict[str, Any]:
    """Return the keys of one file of ``benchmarks/topologies``."""
    keys: dict[str, Any] = yaml.safe_load((FOLDER / f"{name}.yaml").read_text(encoding="utf-8"))
    return keys


def quarter_chunks(name: str) -> dict[str, Any]:
    """Return a fabric whose vectors are chunks of a quarter of a MiB."""
    return family(name) | QUARTER_CHUNKS | {"name": f"{name}_quarter"}


def pipelined(name: str) -> dict[str, Any]:
    """Return a fabric with pipelined wires and vectors of 320 bytes."""
    keys = family(name)
    wires = {key: VECTOR_WIRE for key in ("link", "local", "between") if key in keys}
    return keys | VECTORS | wires | {"name": f"vec_{name}"}


def slot_grid(kind: str, size: int) -> dict[str, Any]:
    """Return a mesh or torus on which a hop takes one slot."""
    return family(f"{kind}_slots_3x3") | {"shape": [size, size], "name": f"{kind}_slots_{size}x{size}"}


def write_family(folder: Path, keys: dict[str, Any]) -> str:
    """Write a topology, one key a line, and return its path."""
    path = folder / f"{keys['name']}.yaml"
    path.write_text("".join(f"{key}: {json.dumps(value)}\n" for key, value in keys.items()), encoding="utf-8")
    return str(path)


def write_links(folder: Path, keys: dict[str, Any], seed: int | None = None) -> str:
    """Write a topology link by link and return its path; with a seed, chips are renumbered at random.

    Wires that differ stand in the CSV, else under ``link``; a row is one link each way, sorted.
    """
    fabric = load_fabric(write_family(folder, keys))
    order = np.arange(fabric.chips) if seed is None else np.random.default_rng(seed).permutation(fabric.chips)
    wires = [
        keys.get({"global": "between"}.get(wire.name, wire.name), keys.get("link")) for wire in fabric.link_classes
    ]
    one_wire = all(wire == wires[0] for wire in wires)
    rows = sorted(
        (int(order[source]), int(order[destination]), link_class)
        for source, destination, link_class in zip(
            fabric.source.tolist(), fabric.destination.tolist(), fabric.link_class.tolist(), strict=True
        )
    )
    lines = ["src,dst" if one_wire else "src,dst,latency_ns,gbps"]
    for source, destination, link_class in rows:
        wire = wires[link_class]
        lines.append(f"{source},{destination}" + ("" if one_wire else f",{wire['latency_ns']},{wire['gbps']}"))
    name = f"{keys['name']}-links" if seed is None else f"{keys['name']}-links-{seed}"
    (folder / f"{name}.csv").write_text("\n".join([*lines, ""]), encoding="utf-8")
    kept = {
        key: keys[key]
        for key in ("clock_mhz", "vector_bytes", "wire", "inject_per_cycle", "eject_per_cycle")
        if key in keys
    }
    defaults = {"link": wires[0]} if one_wire else {}
    explicit = {"name": name, "kind": "explicit", "chips": fabric.chips} | kept | defaults | {"links": f"{name}.csv"}
    return write_family(folder, explicit)


def every_fabric() -> list[dict[str, Any]]:
    """Return the keys of all fabrics of the tables that are not shipped with the program."""
    busy = [keys for name in HOMOGENEOUS for keys in (family(name), quarter_chunks(name), pipelined(name))]
    grids = [slot_grid(kind, size) for kind in ("mesh", "torus") for size in GRID_SIZES]
    return [*busy, *(family(name) for name in HETEROGENEOUS), *grids]


def main() -> None:
    """Write all fabrics into the folder named on the command line."""
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for keys in every_fabric():
        write_links(folder, keys)


if __name__ == "__main__":
    main()
