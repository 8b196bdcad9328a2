"""Small fabrics for tests: from pairs of nodes, from files, and at random."""

from __future__ import annotations

import json
from dataclasses import replace
from fractions import Fraction
from itertools import permutations
from typing import TYPE_CHECKING, Any

import networkx as nx
import numpy as np
import yaml
from hypothesis import strategies as st

from lpxsched.fabric.adjacency import Adjacency, adjacency
from lpxsched.fabric.chip import Chip
from lpxsched.fabric.fabric import Fabric, LinkClass
from lpxsched.fabric.schema import KINDS
from lpxsched.files.shipped import find_file

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

CHIP = Chip(
    name="toy",
    clock_mhz=Fraction(1000),
    sram_bytes=1_000_000,
    sram_bytes_per_cycle=10,
    matrix_macs_per_cycle={"fp8": 8, "bf16": 4},
    matrix_types=("fp8", "bf16"),
    vector_operations_per_cycle=2,
    matrix_fixed_cycles=40,
    vector_fixed_cycles=3,
    sum_cycles_in_hop=0,
    shard_columns=1,
    sram_efficiency=Fraction(1),
    deskew_buffer_vectors=16,
    resident=False,
)
PLAIN: dict[str, Any] = {
    "kind": "explicit",
    "name": "toy",
    "chips": 4,
    "clock_mhz": 1000,
    "vector_bytes": 320,
    "wire": "pipelined",
    "link": {"latency_ns": 5, "gbps": 100},
    "links": "toy.csv",
}
WIRE = {"latency_ns": 5, "gbps": 100}
HOST = {**WIRE, "chips_per_host": 2}
# Keys of a family's wires where they are not `link` alone.
WIRES = {
    "boardfly": {"tray": WIRE, "group": WIRE, "between": WIRE},
    "dragonfly": {"local": WIRE, "between": WIRE},
    "lpx": {"tray": WIRE, "spine": WIRE, "rack": WIRE, "host": HOST},
    "tsp": {"local": WIRE, "between": WIRE, "host": HOST},
}


def fabric_of(links: Sequence[tuple[int, int]], *, grid: tuple[int, int], hosts: int = 0) -> Fabric:
    """Return a fabric of equal directed links; sorted as every fabric is."""
    ends = np.array(sorted(links), dtype=np.int64).reshape(-1, 2)
    return Fabric(
        name="toy",
        kind="explicit",
        chip=CHIP,
        shape=grid,
        hosts=hosts,
        wire="pipelined",
        vector_bytes=320,
        wire_bytes=328,
        turnaround_cycles=3,
        hac_latency_cycles=None,
        guard_in_hop=False,
        ports=None,
        inject_per_cycle=None,
        eject_per_cycle=None,
        link_classes=(LinkClass("link", 10, Fraction(5, 2), Fraction(100), Fraction(100)),),
        source=ends[:, 0],
        destination=ends[:, 1],
        lane=np.zeros(len(ends), dtype=np.int64),
        link_class=np.zeros(len(ends), dtype=np.int64),
        link_down=np.zeros(len(ends), dtype=np.bool_),
        node_down=np.zeros(grid[0] * grid[1] + hosts, dtype=np.bool_),
    )


def hosted_grid(trays: int, positions: int, *, sram_bytes: int = 1000) -> Fabric:
    """Return a grid with one host for all; chips of one tray are joined, and chips of one position."""
    chips = trays * positions
    links = [ends for chip in range(chips) for ends in ((chip, chips), (chips, chip))]
    for a, b in permutations(range(chips), 2):
        if a // positions == b // positions or a % positions == b % positions:
            links.append((a, b))
    fabric = fabric_of(links, grid=(trays, positions), hosts=1)
    return replace(fabric, chip=replace(CHIP, sram_bytes=sram_bytes))


@st.composite
def connected_fabrics(draw: st.DrawFn) -> Fabric:
    """Draw a fabric of up to 5 x 5 chips and 3 hosts in which a way leads from every node to every other."""
    trays, positions, hosts = draw(st.integers(1, 5)), draw(st.integers(1, 5)), draw(st.integers(0, 3))
    nodes = trays * positions + hosts
    order = draw(st.permutations(range(nodes)))
    joined = {(order[draw(st.integers(0, index - 1))], order[index]) for index in range(1, nodes)}
    ends = st.sampled_from(list(permutations(range(nodes), 2))) if nodes > 1 else st.nothing()
    extra = draw(st.sets(ends, max_size=2 * nodes)) if nodes > 1 else set()
    both_ways = {ends for a, b in joined for ends in ((a, b), (b, a))}
    return fabric_of(sorted(both_ways | extra), grid=(trays, positions), hosts=hosts)


def write_topology(folder: Path, table: str, **changes: Any) -> str:
    """Write an explicit topology of four chips and its CSV; a key that is changed to None is left out."""
    data = {key: value for key, value in (PLAIN | changes).items() if value is not None}
    (folder / "toy.csv").write_text(table, encoding="utf-8")
    path = folder / "toy.yaml"
    path.write_text(yaml.safe_dump(data, sort_keys=False), encoding="utf-8")
    return str(path)


def write_family(folder: Path, kind: str, **keys: Any) -> str:
    """Write a topology of a family, each key on a line of its own; a key that is None is left out."""
    data = {"kind": kind, "name": "toy", "vector_bytes": 320} | WIRES.get(kind, {"link": WIRE}) | keys
    path = folder / "toy.yaml"
    # One value a line, without the anchors that dumping a whole mapping would write.
    lines = [f"{key}: {json.dumps(value)}\n" for key, value in data.items() if value is not None]
    path.write_text("".join(lines), encoding="utf-8")
    return str(path)


@st.composite
def families(draw: st.DrawFn) -> dict[str, Any]:
    """Draw the kind and the parameters of a small topology of any family."""
    few = st.integers(1, 5)
    kind = draw(st.sampled_from(sorted(set(KINDS) - {"explicit"})))
    chips, shape = draw(st.integers(1, 12)), draw(st.lists(few, min_size=1, max_size=3))
    a, h, lanes = draw(few), draw(st.integers(1, 3)), draw(st.integers(1, 3))
    wire = {**WIRE, "lanes": lanes}
    if kind in ("full-mesh", "ring"):
        keys: dict[str, Any] = {"chips": chips, "link": wire}
    elif kind == "circulant":
        offsets = draw(st.lists(st.integers(1, chips), min_size=1, max_size=4))
        keys = {"chips": chips + 1, "offsets": offsets, "link": wire}
    elif kind == "hypercube":
        keys = {"dimensions": a, "link": wire}
    elif kind == "dragonfly":
        keys = {"chips_per_group": a, "global_links_per_chip": h, "groups": draw(st.integers(1, min(9, a * h + 1)))}
    elif kind == "boardfly":
        ports, trays = draw(st.integers(1, 3)), draw(st.integers(1, a + 1))
        groups = draw(st.integers(1, min(6, trays * (ports * a - trays + 1) + 1)))
        keys = {"chips_per_tray": a, "trays_per_group": trays, "groups": groups, "ports": ports + a - 1}
    elif kind == "lpx":
        racks, ring = draw(st.integers(1, 4)), draw(st.sampled_from(["chain", "ring"]))
        keys = {"racks": racks, "trays": draw(few), "chips_per_tray": a, "rack_topology": ring, "spine": wire}
    elif kind == "tsp":
        nodes = draw(st.integers(1, a + 1))
        keys = {"chips_per_node": a, "nodes": nodes, "between": wire, "in_racks": draw(st.booleans())}
        keys["racks"] = draw(st.integers(1, min(6, 2 * a * nodes + 1)))
    else:
        keys = {"shape": shape, "link": wire}
    return {"kind": kind, **keys}


def joined_of(pairs: Sequence[tuple[int, int]], chips: int) -> Adjacency:
    """Return the adjacency of directed pairs of chips."""
    return adjacency(fabric_of(pairs, grid=(1, chips)))


@st.composite
def digraphs(draw: st.DrawFn, most_chips: int = 8) -> nx.DiGraph[int]:
    """Draw a directed graph, often not connected."""
    chips = draw(st.integers(1, most_chips))
    ends = st.sampled_from(list(permutations(range(chips), 2))) if chips > 1 else st.nothing()
    graph: nx.DiGraph[int] = nx.DiGraph()
    graph.add_nodes_from(range(chips))
    graph.add_edges_from(sorted(draw(st.sets(ends, max_size=4 * chips))) if chips > 1 else [])
    return graph


def change_shipped(folder: Path, kind: str, name: str, changes: dict[str, Any]) -> str:
    """Write a copy of a shipped file in which the values of some dotted keys are changed."""
    data = yaml.safe_load(find_file(kind, name).read_text())
    for key, value in changes.items():
        *parents, last = key.split(".")
        place = data
        for parent in parents:
            place = place[parent]
        place[last] = value
    path = folder / f"{name}.yaml"
    path.write_text(yaml.safe_dump(data, sort_keys=False), encoding="utf-8")
    return str(path)
