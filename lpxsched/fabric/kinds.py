"""From a checked topology file to its size and its wiring; one case a kind."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING

from lpxsched.fabric.families.circulant import circulant
from lpxsched.fabric.families.dragonfly import dragonfly
from lpxsched.fabric.families.grid import full_mesh, hypercube, hyperx, mesh, ring, torus
from lpxsched.fabric.families.lpx import lpx
from lpxsched.fabric.families.tsp import GLOBAL_PORTS, tsp_node, tsp_nodes, tsp_racks
from lpxsched.fabric.schema import (
    CirculantFile,
    DragonflyFile,
    FullMeshFile,
    GridFile,
    HypercubeFile,
    LpxFile,
    RingFile,
    TspFile,
)

if TYPE_CHECKING:
    from lpxsched.fabric.families.wiring import Wiring
    from lpxsched.fabric.schema import WireFile

FamilyFile = (
    LpxFile | TspFile | FullMeshFile | RingFile | CirculantFile | HypercubeFile | GridFile | DragonflyFile
)
GRIDS = {"mesh": mesh, "torus": torus, "hyperx": hyperx}


def size(file: FamilyFile) -> tuple[int, int]:
    """Return the number of chips, and a bound of the links out of one chip, without building anything."""
    match file:
        case LpxFile():
            chips = file.racks.value * file.trays.value * file.chips_per_tray.value
            tray, spine = file.chips_per_tray.value * file.tray.lanes.value, file.trays.value * file.spine.lanes.value
            return chips, tray + spine + 2 * (file.rack.lanes.value if file.rack else 0) + 2 * file.host.lanes.value
        case TspFile():
            chips = file.racks.value * file.nodes.value * file.chips_per_node.value
            between = GLOBAL_PORTS * (file.between.lanes.value if file.between else 0)
            return chips, file.chips_per_node.value * file.local.lanes.value + between + file.host.lanes.value
        case FullMeshFile():
            return file.chips.value, file.chips.value * file.link.lanes.value
        case RingFile():
            return file.chips.value, 2 * file.link.lanes.value
        case CirculantFile():
            return file.chips.value, 2 * len(file.offsets.value) * file.link.lanes.value
        case HypercubeFile():
            return 2**file.dimensions.value, file.dimensions.value * file.link.lanes.value
        case GridFile():
            return prod(file.shape.value), sum(file.shape.value) * max(wire.lanes.value for wire in file.wires)
        case DragonflyFile():
            chips = file.groups.value * file.chips_per_group.value
            local = file.chips_per_group.value * file.local.lanes.value
            return chips, local + file.global_links_per_chip.value * file.between.lanes.value


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


def _lpx(file: LpxFile) -> tuple[Wiring, dict[str, WireFile]]:
    counts = (file.racks.value, file.trays.value, file.chips_per_tray.value, file.host.chips_per_host.value)
    wires: dict[str, WireFile] = {"tray": file.tray, "spine": file.spine, "host": file.host, "fpga": file.host}
    if file.rack:
        wires["rack"] = file.rack
    return lpx(*counts, ring=file.rack_topology.value == "ring"), wires


def _tsp(file: TspFile) -> tuple[Wiring, dict[str, WireFile]]:
    chips, chips_per_host = file.chips_per_node.value, file.host.chips_per_host.value
    wires: dict[str, WireFile] = {"local": file.local, "host": file.host}
    if file.racks.value > 1 or file.in_racks.value:
        built = tsp_racks(file.racks.value, file.nodes.value, chips, chips_per_host)
    elif file.nodes.value > 1:
        built = tsp_nodes(file.nodes.value, chips, chips_per_host)
    else:
        built = tsp_node(chips, chips_per_host)
    if file.between:
        wires |= {"global": file.between, "rack": file.between}
    return built, wires
