"""From a topology's name or file to a `Fabric`."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np

from lpxsched.errors import InputError
from lpxsched.fabric.chip import load_chip
from lpxsched.fabric.explicit import Row, read_rows
from lpxsched.fabric.fabric import Fabric, LinkClass
from lpxsched.fabric.families import Wiring, lpx, lpx_pairs, tsp, tsp_pairs
from lpxsched.fabric.schema import ExplicitFile, LpxFile, TspFile, WireFile
from lpxsched.files.document import Document, read_text, read_yaml
from lpxsched.files.schema import mapping, short, validate
from lpxsched.files.shipped import find_file
from lpxsched.units import ceil_cycles, exact, ns_to_cycles, vector_time_cycles

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from lpxsched.fabric.chip import Chip

KINDS: dict[str, type[LpxFile | TspFile | ExplicitFile]] = {
    "lpx": LpxFile,
    "tsp": TspFile,
    "explicit": ExplicitFile,
}
# A fabric is held link by link in memory.
MOST_CHIPS = 20_000
MOST_LINKS = 4_000_000
# Times of many vectors are 64-bit products of a numerator, a denominator and a number of vectors.
LARGEST_TIME_PRODUCT = 10**12


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
    if file.wire_bytes and file.wire_bytes.value < file.vector_bytes.value:
        problem = f"must hold a vector of {file.vector_bytes.value} bytes, got {file.wire_bytes.value}"
        raise document.error(("wire_bytes",), problem)
    if isinstance(file, ExplicitFile):
        fabric = _explicit(document, path.parent, file)
    elif isinstance(file, LpxFile):
        fabric = _lpx(document, file)
    else:
        fabric = _tsp(document, file)
    _check_vector_times(document, fabric.link_classes)
    return fabric


def _kind(document: Document) -> type[LpxFile | TspFile | ExplicitFile]:
    kind = mapping(document).get("kind")
    if not isinstance(kind, str) or kind not in KINDS:
        raise document.error(("kind",), f"must be one of {', '.join(sorted(KINDS))}, got {short(kind)}")
    return KINDS[kind]


def _check_size(document: Document, key: str, chips: int, links: int) -> None:
    if chips > MOST_CHIPS or links > MOST_LINKS:
        problem = f"makes {chips:,} chips and {links:,} links; at most {MOST_CHIPS:,} and {MOST_LINKS:,} are supported"
        raise document.error((key,), problem)


def _check_vector_times(document: Document, classes: tuple[LinkClass, ...]) -> None:
    numerator = max((wire.vector_time_cycles.numerator for wire in classes), default=1)
    denominator = max((wire.vector_time_cycles.denominator for wire in classes), default=1)
    if numerator * denominator > LARGEST_TIME_PRODUCT:
        problem = (
            f"the time of a vector is a fraction of {numerator} and {denominator} cycles, too large for 64-bit times; "
            "write gbps and clock_mhz with fewer digits, or faster links"
        )
        raise document.error((), problem)


def _named_chip(document: Document, name: str) -> Chip:
    """Return the chip that a topology names; a name that does not exist is a fault of the topology file."""
    try:
        find_file("chip", name)
    except InputError as error:
        raise document.error(("chip",), f"{name}: {error.problem}") from error
    return load_chip(name)


def _lpx(document: Document, file: LpxFile) -> Fabric:
    counts = (file.trays.value, file.chips_per_tray.value, file.host.chips_per_host.value)
    wires = {"tray": file.tray, "spine": file.spine, "host": file.host, "fpga": file.host}
    _check_size(document, "trays", counts[0] * counts[1], _number_of_links(wires, lpx_pairs(*counts)))
    return _family(file, _named_chip(document, file.chip), lpx(*counts), wires)


def _tsp(document: Document, file: TspFile) -> Fabric:
    counts = (file.chips_per_node.value, file.host.chips_per_host.value)
    wires = {"local": file.local, "host": file.host}
    _check_size(document, "chips_per_node", counts[0], _number_of_links(wires, tsp_pairs(counts[0])))
    return _family(file, _named_chip(document, file.chip), tsp(*counts), wires)


def _number_of_links(wires: Mapping[str, WireFile], pairs: dict[str, int]) -> int:
    return sum(2 * wires[name].lanes.value * number for name, number in pairs.items())


def _family(file: LpxFile | TspFile, chip: Chip, wiring: Wiring, wires: Mapping[str, WireFile]) -> Fabric:
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


def _named_rows(document: Document, path: Path, file: ExplicitFile) -> list[Row]:
    """Return the links that a topology names; a file that cannot be read is a fault of the topology file."""
    try:
        text = read_text(path)
    except InputError as error:
        raise document.error(("links",), f"{path}: {error.problem}") from error
    return read_rows(path, text, file)


def _explicit(document: Document, folder: Path, file: ExplicitFile) -> Fabric:
    _check_size(document, "chips", file.chips.value, 0)
    clock_mhz = exact(file.clock_mhz.value)
    wire_bytes = (file.wire_bytes or file.vector_bytes).value
    rows = _named_rows(document, folder / file.links, file)
    _check_size(document, "links", file.chips.value, sum(row.lanes for row in rows))
    wires = sorted({(row.latency_ns, row.gbps) for row in rows})
    index = {wire: number for number, wire in enumerate(wires)}
    classes = tuple(
        LinkClass(
            "link" if len(wires) == 1 else f"link {latency_ns:g} ns {gbps:g} Gb/s",
            ceil_cycles(ns_to_cycles(exact(latency_ns), clock_mhz)),
            vector_time_cycles(wire_bytes, exact(gbps), clock_mhz),
        )
        for latency_ns, gbps in wires
    )
    ends = [
        (row.source, row.destination, lane, index[row.latency_ns, row.gbps])
        for row in rows
        for lane in range(row.lanes)
    ]
    return Fabric(
        name=file.name,
        chip=replace(_named_chip(document, file.chip), clock_mhz=clock_mhz),
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
