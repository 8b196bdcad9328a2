"""From a checked topology file to its size and its wiring; one case a kind."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING

from lpxsched.fabric.families.boardfly import boardfly
from lpxsched.fabric.families.circulant import circulant
from lpxsched.fabric.families.dragonfly import dragonfly
from lpxsched.fabric.families.grid import full_mesh, hypercube, hyperx, mesh, ring, torus
from lpxsched.fabric.families.lpx import lpx
from lpxsched.fabric.families.tsp import CABLES_IN_RACK, GLOBAL_PORTS, tsp_node, tsp_nodes, tsp_racks
from lpxsched.fabric.schema import (
    BoardflyFile,
    CirculantFile,
    DragonflyFile,
    FamilyFile,
    FullMeshFile,
    GridFile,
    HypercubeFile,
    LpxFile,
    RingFile,
    TspFile,
)
from lpxsched.units import counted

if TYPE_CHECKING:
    from lpxsched.fabric.families.wiring import Wiring
    from lpxsched.fabric.schema import WireFile

GRIDS = {"mesh": mesh, "torus": torus, "hyperx": hyperx}


def misfit(file: FamilyFile) -> tuple[str, str] | None:
    """Return the key and the problem of the first value that does not fit the others; None when all fit."""
    match file:
        case CirculantFile():
            far = [offset for offset in file.offsets.value if offset >= file.chips.value]
            if far:
                return "offsets", f"must be less than {file.chips.value}, the number of chips, got {far[0]}"
        case GridFile():
            return _misfit_of_grid(file)
        case DragonflyFile():
            most = file.chips_per_group.value * file.global_links_per_chip.value + 1
            if file.groups.value > most:
                told = f"one group has global links to {counted(most - 1, 'other')}"
                return "groups", f"{told}, so at most {counted(most, 'group')} fit"
        case BoardflyFile():
            return _misfit_of_boardfly(file)
        case TspFile():
            return _misfit_of_tsp(file)
    return None


def size(file: FamilyFile) -> tuple[int, int]:
    """Return the number of chips, and a bound of the links out of one chip, without building anything."""
    match file:
        case LpxFile():
            chips = file.racks.value * file.trays.value * file.chips_per_tray.value
            tray, spine = file.chips_per_tray.value * file.tray.lanes.value, file.trays.value * file.spine.lanes.value
            hosts = (file.trays.value + 2) * file.host.lanes.value
            return chips, tray + spine + 2 * (file.rack.lanes.value if file.rack else 0) + hosts
        case TspFile():
            chips = file.racks.value * file.nodes.value * file.chips_per_node.value
            between = GLOBAL_PORTS * (file.between.lanes.value if file.between else 0)
            return chips, file.chips_per_node.value * file.local.lanes.value + between + 2 * file.host.lanes.value
        case FullMeshFile():
            return file.chips.value, file.chips.value * file.link.lanes.value
        case RingFile():
            return file.chips.value, 2 * file.link.lanes.value
        case CirculantFile():
            return file.chips.value, 2 * len(file.offsets.value) * file.link.lanes.value
        case HypercubeFile():
            return 2**file.dimensions.value, file.dimensions.value * file.link.lanes.value
        case GridFile():
            peers = [extent - 1 if file.kind == "hyperx" else min(extent - 1, 2) for extent in file.shape.value]
            return prod(file.shape.value), sum(peers) * max(wire.lanes.value for wire in file.wires)
        case DragonflyFile():
            chips = file.groups.value * file.chips_per_group.value
            local = file.chips_per_group.value * file.local.lanes.value
            return chips, local + file.global_links_per_chip.value * file.between.lanes.value
        case BoardflyFile():
            chips = file.groups.value * file.trays_per_group.value * file.chips_per_tray.value
            return chips, file.ports.value * max(wire.lanes.value for wire in (file.tray, file.group, file.between))


def wiring(file: FamilyFile) -> tuple[Wiring, dict[str, WireFile]]:
    """Return which nodes are joined, and the wire of each link class."""
    match file:
        case LpxFile():
            return _lpx(file)
        case TspFile():
            return _tsp(file)
        case FullMeshFile():
            return full_mesh(file.chips.value), {"link": file.link}
        case RingFile():
            return ring(file.chips.value), {"link": file.link}
        case CirculantFile():
            return circulant(file.chips.value, file.offsets.value), {"link": file.link}
        case HypercubeFile():
            built = hypercube(file.dimensions.value)
            return built, dict.fromkeys(built.pairs, file.link)
        case GridFile():
            built = GRIDS[file.kind](file.shape.value)
            return built, dict(zip(built.pairs, file.wires, strict=True))
        case DragonflyFile():
            counts = (file.chips_per_group.value, file.global_links_per_chip.value, file.groups.value)
            return dragonfly(*counts), {"local": file.local, "global": file.between}
        case BoardflyFile():
            counts = (file.groups.value, file.trays_per_group.value, file.chips_per_tray.value)
            wires = {"tray": file.tray, "group": file.group, "global": file.between}
            return boardfly(*counts, file.ports.value - file.chips_per_tray.value + 1), wires


def _in_racks(file: TspFile) -> bool:
    return file.racks.value > 1 or file.in_racks.value


def _misfit_of_grid(file: GridFile) -> tuple[str, str] | None:
    axes = len(file.shape.value)
    if file.link is None and file.axes is None:
        return "link", f"this key is missing; add it, or axes with {counted(axes, 'wire')}"
    if file.link is not None and file.axes is not None:
        return "axes", "stands beside link; keep one of them"
    if file.axes is not None and len(file.axes) != axes:
        return "axes", f"needs one wire for each axis of shape, {axes} in all, got {len(file.axes)}"
    return None


def _misfit_of_boardfly(file: BoardflyFile) -> tuple[str, str] | None:
    """Compare links with ports: a tray has one link to each other tray of its group, and its share of those beyond."""
    trays, chips = file.trays_per_group.value, file.chips_per_tray.value
    ports = (file.ports.value - chips + 1) * chips
    if ports < trays - 1:
        told = f"a tray of {counted(chips, 'chip')} has {counted(max(0, ports), 'port')} beyond its own links"
        return "trays_per_group", f"{told}, so at most {counted(max(0, ports) + 1, 'tray')} fit"
    most = trays * (ports - trays + 1) + 1
    if file.groups.value > most:
        told = f"one group has {counted(most - 1, 'port')} for other groups"
        return "groups", f"{told}, so at most {counted(most, 'group')} fit"
    return None


def _misfit_of_tsp(file: TspFile) -> tuple[str, str] | None:
    """Compare cables with ports: in racks, half of a chip's global ports lead into the rack, half to other racks."""
    chips, nodes, racks = file.chips_per_node.value, file.nodes.value, file.racks.value
    if not _in_racks(file):
        most = GLOBAL_PORTS * chips + 1
        told = f"a node of {counted(chips, 'chip')} has {counted(most - 1, 'global port')}, one for each other node"
        problem = f"{told}, so at most {counted(most, 'node')} fit; or set racks or in_racks"
        return ("nodes", problem) if nodes > most else None
    ports_inside = (GLOBAL_PORTS // 2) * chips
    most_nodes = ports_inside // CABLES_IN_RACK + 1
    if nodes > most_nodes:
        told = f"a node of {counted(chips, 'chip')} has {counted(ports_inside, 'port')} into its rack"
        told = f"{told}, {CABLES_IN_RACK} for each other node"
        return "nodes", f"{told}, so at most {counted(most_nodes, 'node')} fit"
    ports_outside = (GLOBAL_PORTS // 2) * chips * nodes
    if racks > ports_outside + 1:
        told = f"a rack has {counted(ports_outside, 'global port')} for other racks, one for each"
        return "racks", f"{told}, so at most {counted(ports_outside + 1, 'rack')} fit"
    return None


def _lpx(file: LpxFile) -> tuple[Wiring, dict[str, WireFile]]:
    counts = (file.racks.value, file.trays.value, file.chips_per_tray.value, file.host.chips_per_host.value)
    wires: dict[str, WireFile] = {"tray": file.tray, "spine": file.spine, "host": file.host, "fpga": file.host}
    if file.rack:
        wires["rack"] = file.rack
    return lpx(*counts, ring=file.rack_topology.value == "ring"), wires


def _tsp(file: TspFile) -> tuple[Wiring, dict[str, WireFile]]:
    chips, chips_per_host = file.chips_per_node.value, file.host.chips_per_host.value
    wires: dict[str, WireFile] = {"local": file.local, "host": file.host}
    if _in_racks(file):
        built = tsp_racks(file.racks.value, file.nodes.value, chips, chips_per_host)
    elif file.nodes.value > 1:
        built = tsp_nodes(file.nodes.value, chips, chips_per_host)
    else:
        built = tsp_node(chips, chips_per_host)
    if file.between:
        wires |= {"global": file.between, "rack": file.between}
    return built, wires
