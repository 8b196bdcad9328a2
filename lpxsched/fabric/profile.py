"""From a topology's name or file to a `Fabric`."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import numpy as np

from lpxsched.errors import InputError
from lpxsched.fabric.chip import load_chip
from lpxsched.fabric.down import take_down
from lpxsched.fabric.explicit import Row, read_rows
from lpxsched.fabric.fabric import Fabric, LinkClass
from lpxsched.fabric.kinds import misfit, size, wiring
from lpxsched.fabric.ports import ports_of_chips
from lpxsched.fabric.schema import KINDS, AnyTopologyFile, ExplicitFile, FamilyFile, TspFile, WireFile
from lpxsched.files.document import Document, read_text, read_yaml
from lpxsched.files.schema import mapping, short, validate
from lpxsched.files.shipped import find_file
from lpxsched.units import ceil_cycles, counted, cycles_to_ns, exact, ns_to_cycles, vector_time_cycles

if TYPE_CHECKING:
    from fractions import Fraction
    from pathlib import Path

    from numpy.typing import NDArray

    from lpxsched.fabric.chip import Chip
    from lpxsched.fabric.families.wiring import Wiring

# A fabric is held link by link in memory.
MOST_CHIPS = 20_000
MOST_LINKS = 5_000_000
# Where a file tells its size; an error points at the first that it has.
SIZE_KEYS = ("chips", "shape", "dimensions", "groups", "trays", "chips_per_node")
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
    document, file = read_topology(path)
    if file.wire_bytes and file.wire_bytes.value < file.vector_bytes.value:
        problem = f"must hold a vector of {file.vector_bytes.value} bytes, got {file.wire_bytes.value}"
        raise document.error(("wire_bytes",), problem)
    chip = _named_chip(document, file)
    if isinstance(file, ExplicitFile):
        fabric = _explicit(document, path.parent, file, chip)
    else:
        fabric = _family(document, file, chip)
    _check_vector_times(document, fabric.link_classes)
    _check_ports(document, fabric)
    return take_down(fabric, file.down, document)


def read_topology(path: Path) -> tuple[Document, AnyTopologyFile]:
    """Return a topology file as it is written, and its keys.

    Raises
    ------
    InputError
    """
    document = read_yaml(path)
    return document, validate(document, _kind(document))


def _kind(document: Document) -> type[AnyTopologyFile]:
    kind = mapping(document).get("kind")
    if not isinstance(kind, str) or kind not in KINDS:
        raise document.error(("kind",), f"must be one of {', '.join(KINDS)}, got {short(kind)}")
    return KINDS[kind]


def _named_chip(document: Document, file: AnyTopologyFile) -> Chip:
    """Return the chip that a topology names; a name that does not exist is a fault of the topology file."""
    try:
        find_file("chip", file.chip)
    except InputError as error:
        raise document.error(("chip",), f"{file.chip}: {error.problem}") from error
    return load_chip(file.chip, exact(file.clock_mhz.value) if file.clock_mhz else None)


def _check_size(document: Document, file: AnyTopologyFile, chips: int, links: int) -> None:
    if chips > MOST_CHIPS or links > MOST_LINKS:
        key = next(key for key in SIZE_KEYS if key in type(file).model_fields)
        problem = f"makes {counted(chips, 'chip')} and up to {counted(links, 'link')}"
        problem = f"{problem}; at most {MOST_CHIPS:,} and {MOST_LINKS:,} fit"
        raise document.error((key,), problem)


def _check_vector_times(document: Document, classes: tuple[LinkClass, ...]) -> None:
    numerator = max((wire.vector_time_cycles.numerator for wire in classes), default=1)
    denominator = max((wire.vector_time_cycles.denominator for wire in classes), default=1)
    if numerator * denominator > LARGEST_TIME_PRODUCT:
        problem = (
            f"the time of a vector is a fraction of {numerator} and {denominator} cycles, too large for 64-bit times; "
            "write gbps and clock_mhz with fewer digits, or faster links"
        )
        raise document.error(("vector_bytes",), problem)


def _check_ports(document: Document, fabric: Fabric) -> None:
    if fabric.ports is None:
        return
    used = ports_of_chips(fabric)
    if len(used) and used.max() > fabric.ports:
        chip = int(used.argmax())
        problem = f"chip {chip} has {counted(int(used[chip]), 'lane')} on {counted(fabric.ports, 'port')}"
        problem = f"{problem}; join fewer, or give it more ports"
        raise document.error(("ports",), problem)


def _family(document: Document, file: FamilyFile, chip: Chip) -> Fabric:
    fault = misfit(file)
    if fault:
        raise document.error((fault[0],), fault[1])
    chips, degree = size(file)
    _check_size(document, file, chips, chips * degree)
    joined, wires = wiring(file)
    missing = [name for name in joined.pairs if name not in wires]
    if missing:
        key = "between" if isinstance(file, TspFile) else missing[0]
        raise document.error((key,), f"this key is missing; {file.kind} of this size has links of class {missing[0]}")
    wire_bytes = (file.wire_bytes or file.vector_bytes).value
    for name in joined.pairs:
        _check_hop(document, file, wires[name], wire_bytes, chip.clock_mhz)
    classes = tuple(_link_class(name, wires[name], wire_bytes, chip.clock_mhz) for name in joined.pairs)
    return _fabric(file, chip, joined.shape, joined.hosts, classes, _wired_ends(joined, wires))


def _check_hop(document: Document, file: FamilyFile, wire: WireFile, wire_bytes: int, clock_mhz: Fraction) -> None:
    """Refuse a hop that is shorter than the vector in it: mostly it is written in another unit."""
    if wire.hop_ns is None:
        return
    hop_ns, vector_time = wire.hop_ns.value, vector_time_cycles(wire_bytes, exact(wire.gbps.value), clock_mhz)
    if ceil_cycles(ns_to_cycles(exact(hop_ns), clock_mhz)) >= ceil_cycles(vector_time):
        return
    key, value = next((key, value) for key, value in file if wire in (value if isinstance(value, list) else [value]))
    place = (key, value.index(wire)) if isinstance(value, list) else (key,)
    vector_ns = float(cycles_to_ns(vector_time, clock_mhz))
    problem = f"{hop_ns:g} ns are less than the {vector_ns:g} ns of a vector on this wire, which a hop contains"
    raise document.error((*place, "hop_ns"), problem)


def _wired_ends(joined: Wiring, wires: dict[str, WireFile]) -> NDArray[np.int64]:
    """Return source, destination, lane and class of each link; parallel cables count on in lanes."""
    parts = [np.zeros((0, 4), dtype=np.int64)]
    for index, (name, pairs) in enumerate(joined.pairs.items()):
        lanes = wires[name].lanes.value
        ends = np.concatenate([pairs, pairs[:, ::-1]])
        ends = ends[np.lexsort((ends[:, 1], ends[:, 0]))]
        new_pair = np.append(True, (np.diff(ends, axis=0) != 0).any(axis=1))[: len(ends)]
        starts = np.flatnonzero(new_pair)
        cable = np.arange(len(ends)) - starts[np.cumsum(new_pair) - 1]
        lane = np.repeat(cable * lanes, lanes) + np.tile(np.arange(lanes), len(ends))
        links = np.repeat(ends, lanes, axis=0)
        parts.append(np.column_stack([links, lane, np.full(len(links), index)]).astype(np.int64))
    return np.concatenate(parts)


def _link_class(name: str, wire: WireFile, wire_bytes: int, clock_mhz: Fraction) -> LinkClass:
    """Take the latency as it is, rounded up, or what a published hop leaves.

    A hop from SRAM to SRAM contains the serialisation of one vector: a vector that departs at cycle 0 is then read at
    the published hop exactly, rounded up to a cycle.
    """
    vector_time = vector_time_cycles(wire_bytes, exact(wire.gbps.value), clock_mhz)
    line_gbps = exact((wire.line_gbps or wire.gbps).value)
    if wire.latency_ns is not None:
        latency_cycles = ceil_cycles(ns_to_cycles(exact(wire.latency_ns.value), clock_mhz))
    else:
        hop_ns = wire.hop_ns.value if wire.hop_ns else 0.0
        hop_cycles = ceil_cycles(ns_to_cycles(exact(hop_ns), clock_mhz))
        latency_cycles = hop_cycles - ceil_cycles(vector_time)
    return LinkClass(name, latency_cycles, vector_time, exact(wire.gbps.value), line_gbps)


def _explicit(document: Document, folder: Path, file: ExplicitFile, chip: Chip) -> Fabric:
    _check_size(document, file, file.chips.value, 0)
    wire_bytes = (file.wire_bytes or file.vector_bytes).value
    rows = _named_rows(document, folder, file)
    _check_size(document, file, file.chips.value, sum(row.lanes for row in rows))
    kinds = sorted({(row.latency_ns, row.gbps) for row in rows})
    number = {kind: index for index, kind in enumerate(kinds)}
    classes = tuple(
        LinkClass(
            "link" if len(kinds) == 1 else f"link {latency_ns:g} ns {gbps:g} Gb/s",
            ceil_cycles(ns_to_cycles(exact(latency_ns), chip.clock_mhz)),
            vector_time_cycles(wire_bytes, exact(gbps), chip.clock_mhz),
            exact(gbps),
            exact(gbps),
        )
        for latency_ns, gbps in kinds
    )
    # Rows of two classes between the same chips are lanes of one pair.
    ends, lanes = list[tuple[int, ...]](), Counter[tuple[int, int]]()
    for row in rows:
        pair, first = (row.source, row.destination), lanes[row.source, row.destination]
        lanes[pair] += row.lanes
        ends += [(*pair, lane, number[row.latency_ns, row.gbps]) for lane in range(first, lanes[pair])]
    columns = np.array(ends, dtype=np.int64).reshape(-1, 4)
    return _fabric(file, chip, (file.chips.value,), 0, classes, columns)


def _named_rows(document: Document, folder: Path, file: ExplicitFile) -> list[Row]:
    """Return the links that a topology names; a file that cannot be read is a fault of the topology file.

    Nothing beyond the topology's own folder is read: its text would be quoted in errors.
    """
    path = folder / file.links
    try:
        inside = path.resolve().is_relative_to(folder.resolve()) and (path.is_file() or not path.exists())
    except (OSError, RuntimeError, ValueError) as error:
        raise document.error(("links",), f"{path}: cannot be read: {error}") from error
    if not inside:
        raise document.error(("links",), f"{path}: must be a file in the folder of the topology or below")
    try:
        text = read_text(path)
    except InputError as error:
        raise document.error(("links",), f"{path}: {error.problem}") from error
    return read_rows(path, text, file)


def _fabric(
    file: AnyTopologyFile,
    chip: Chip,
    shape: tuple[int, ...],
    hosts: int,
    classes: tuple[LinkClass, ...],
    ends: NDArray[np.int64],
) -> Fabric:
    source, destination, lane, link_class = ends[np.lexsort((ends[:, 2], ends[:, 3], ends[:, 1], ends[:, 0]))].T.copy()
    chips = int(np.prod(shape, dtype=np.int64))
    hac = file.hac_latency_ns
    return Fabric(
        name=file.name,
        kind=file.kind,
        chip=chip,
        shape=shape,
        hosts=hosts,
        wire=file.wire,
        vector_bytes=file.vector_bytes.value,
        wire_bytes=(file.wire_bytes or file.vector_bytes).value,
        turnaround_cycles=file.turnaround_cycles.value,
        hac_latency_cycles=ceil_cycles(ns_to_cycles(exact(hac.value), chip.clock_mhz)) if hac else None,
        guard_in_hop=file.guard_in_hop.value,
        ports=file.ports.value if file.ports else None,
        inject_per_cycle=file.inject_per_cycle.value if file.inject_per_cycle else None,
        eject_per_cycle=file.eject_per_cycle.value if file.eject_per_cycle else None,
        link_classes=classes,
        source=source,
        destination=destination,
        lane=lane,
        link_class=link_class,
        link_down=np.zeros(len(source), dtype=np.bool_),
        node_down=np.zeros(chips + hosts, dtype=np.bool_),
    )
