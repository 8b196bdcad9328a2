"""From a topology's name or file to a `Fabric`."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np

from lpxsched.fabric.chip import load_chip
from lpxsched.fabric.explicit import read_rows
from lpxsched.fabric.fabric import Fabric, LinkClass
from lpxsched.fabric.families import Wiring, lpx, tsp
from lpxsched.fabric.schema import ExplicitFile, LpxFile, TspFile, WireFile
from lpxsched.files.document import Document, read_yaml
from lpxsched.files.schema import validate
from lpxsched.files.shipped import find_file
from lpxsched.units import ceil_cycles, exact, ns_to_cycles, vector_time_cycles

if TYPE_CHECKING:
    from pathlib import Path

KINDS: dict[str, type[LpxFile | TspFile | ExplicitFile]] = {
    "lpx": LpxFile,
    "tsp": TspFile,
    "explicit": ExplicitFile,
}


def load_fabric(name: str) -> Fabric:
    """Return the fabric of a shipped topology's name or of a topology file.

    Raises
    ------
    InputError
        When the name, the file or what it says is wrong.
    """
    path = find_file("topology", name)
    document = read_yaml(path)
    file = validate(document, _kind(document))
    if isinstance(file, ExplicitFile):
        return _explicit(path.parent, file)
    if isinstance(file, LpxFile):
        counts = (file.trays.value, file.chips_per_tray.value, file.host.chips_per_host.value)
        classes = {"tray": file.tray, "spine": file.spine, "host": file.host, "fpga": file.host}
        return _family(file, lpx(*counts), classes)
    wiring = tsp(file.chips_per_node.value, file.host.chips_per_host.value)
    return _family(file, wiring, {"local": file.local, "host": file.host})


def _kind(document: Document) -> type[LpxFile | TspFile | ExplicitFile]:
    kind = document.data.get("kind") if isinstance(document.data, dict) else None
    if kind not in KINDS:
        raise document.error(("kind",), f"must be one of {', '.join(sorted(KINDS))}, got {kind!r}")
    return KINDS[kind]


def _family(file: LpxFile | TspFile, wiring: Wiring, wires: dict[str, WireFile]) -> Fabric:
    chip = load_chip(file.chip)
    classes = tuple(_published_wire(name, wires[name], file.wire_bytes.value, chip.clock_mhz) for name in wiring.pairs)
    ends = [
        (source, destination, lane, index)
        for index, (name, pairs) in enumerate(wiring.pairs.items())
        for pair in pairs
        for source, destination in (pair, pair[::-1])
        for lane in range(wires[name].lanes.value)
    ]
    return Fabric(
        name=file.name,
        chip=chip,
        grid=wiring.grid,
        chips=wiring.chips,
        hosts=wiring.hosts,
        wire=file.wire,
        vector_bytes=file.vector_bytes.value,
        wire_bytes=file.wire_bytes.value,
        turnaround_cycles=file.turnaround_cycles.value,
        gpu_latency_ns=exact(file.host.gpu_latency_ns.value),
        link_classes=classes,
        **_link_columns(ends),
    )


def _published_wire(name: str, wire: WireFile, wire_bytes: int, clock_mhz: Fraction) -> LinkClass:
    """Take the latency from a hop published SRAM to SRAM, which contains the serialisation of one vector.

    A vector that departs at cycle 0 is then read at the published hop exactly, rounded up to a cycle.
    """
    vector_time = vector_time_cycles(wire_bytes, exact(wire.gbps.value), clock_mhz)
    hop_cycles = ceil_cycles(ns_to_cycles(exact(wire.hop_ns.value), clock_mhz))
    return LinkClass(name, max(0, hop_cycles - ceil_cycles(vector_time)), vector_time)


def _explicit(folder: Path, file: ExplicitFile) -> Fabric:
    clock_mhz = exact(file.clock_mhz.value)
    wire_bytes = (file.wire_bytes or file.vector_bytes).value
    rows = read_rows(folder / file.links, file)
    wires = sorted({(row.latency_ns, row.gbps) for row in rows})
    classes = tuple(
        LinkClass(
            "link" if len(wires) == 1 else f"link {latency_ns:g} ns {gbps:g} Gb/s",
            ceil_cycles(ns_to_cycles(exact(latency_ns), clock_mhz)),
            vector_time_cycles(wire_bytes, exact(gbps), clock_mhz),
        )
        for latency_ns, gbps in wires
    )
    ends = [
        (row.source, row.destination, lane, wires.index((row.latency_ns, row.gbps)))
        for row in rows
        for lane in range(row.lanes)
    ]
    return Fabric(
        name=file.name,
        chip=replace(load_chip(file.chip), clock_mhz=clock_mhz),
        grid=(1, file.chips.value),
        chips=file.chips.value,
        hosts=0,
        wire=file.wire,
        vector_bytes=file.vector_bytes.value,
        wire_bytes=wire_bytes,
        turnaround_cycles=file.turnaround_cycles.value,
        gpu_latency_ns=Fraction(0),
        link_classes=classes,
        **_link_columns(ends),
    )


def _link_columns(
    ends: list[tuple[int, int, int, int]],
) -> dict[str, np.ndarray[tuple[int], np.dtype[np.int64]]]:
    table = np.array(sorted(ends), dtype=np.int64).reshape(-1, 4)
    names = ("source", "destination", "lane", "link_class")
    return {name: np.ascontiguousarray(table[:, index]) for index, name in enumerate(names)}
