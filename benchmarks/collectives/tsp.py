"""What the ISCA 2022 paper measures: 8-way all-reduce, spreading of one message, all-reduce over 256 TSPs."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from math import log2
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import yaml

from benchmarks.collectives.published import published
from benchmarks.collectives.solving import collective_problem, solved
from benchmarks.collectives.table import Table, met
from benchmarks.collectives.topologies import write_family
from benchmarks.collectives.two_phases import two_phases
from lpxsched.fabric.profile import load_fabric
from lpxsched.files.shipped import find_file
from lpxsched.units import ceil_div

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lpxsched.fabric.fabric import Fabric
    from lpxsched.schedule.options import SolveOptions
    from lpxsched.schedule.problem.instance import Instance

NODE = "tsp-node-11gb"
BYTES_PER_MIB = 2**20
NEAR_FIGURE, NEAR_CLOSED_FORM = 0.05, 0.03
SMALLEST_COMPARED_BYTES = 16 * 1024
THREE_HOPS_NS = 3 * 722
# Each hop is rounded up to a cycle.
ROUNDING_CYCLES = 1


CELLS = ("status", "gap", "s", "solver", "met")
RATES = ("MiB", "published GB/s", "two phases GB/s", "auto GB/s", "two phases/published", "bound", *CELLS)
SPEEDUPS = ("bytes", "n", "speed-up", "closed form", "/closed form", "published", "/published", *CELLS)
TIMES = ("fabric", "chips", "ns", "three hops ns", "bound ns", *CELLS)


def tables(options: SolveOptions) -> Iterator[Table]:
    """Yield Figure 16, Figure 10 and the three hops."""
    yield Table(f"8-way all-reduce on {NODE} (Figure 16), bus bandwidth", RATES, _all_reduce(options))
    yield Table(f"One message over n ways of two hops on {NODE} (Figure 10)", SPEEDUPS, _spreading(options))
    yield Table("All-reduce of one vector over 256 chips", TIMES, _three_hops(options))


def _nanoseconds(fabric: Fabric, cycles: float) -> float:
    return float(cycles * 1000 / fabric.chip.clock_mhz)


def _all_reduce(options: SolveOptions) -> Iterator[tuple[str, ...]]:
    fabric = load_fabric(NODE)
    for row in published("isca22_fig16_allreduce"):
        size, figure = 2 ** round(log2(float(row["mib"]) * BYTES_PER_MIB)), float(row["groq"])
        problem = collective_problem(fabric, "all-reduce", ceil_div(size, fabric.vector_bytes))

        def bandwidth(cycles: int, size: int = size) -> float:
            return 2 * 7 / 8 * size / _nanoseconds(fabric, cycles)

        ours = solved(problem, options)
        phases, auto = bandwidth(two_phases(problem).makespan_cycles), bandwidth(ours.cycles)
        good = met(size < SMALLEST_COMPARED_BYTES or abs(phases / figure - 1) <= NEAR_FIGURE, auto >= phases)
        rates = (f"{figure:.1f}", f"{phases:.1f}", f"{auto:.1f}", f"{phases / figure:.3f}")
        yield row["mib"], *rates, f"{ours.result.bound.cycles:,}", *ours.cells, good


def _spreading(options: SolveOptions) -> Iterator[tuple[str, ...]]:
    node, larger_node = load_fabric(NODE), _larger_node()
    local = node.link_classes[0]
    hop_cycles = int(collective_problem(node, "broadcast", 1, chips=[0, 1]).network.hop_cycles[0])
    held_bytes = float(hop_cycles / local.vector_time_cycles * node.vector_bytes)
    for row in published("isca22_fig10_nonminimal"):
        size, ways, figure = int(row["bytes"]), int(row["n"]), float(row["speedup"])
        vectors = ceil_div(size, node.vector_bytes)
        direct = solved(collective_problem(node, "broadcast", vectors, chips=[0, 1]), options, warm=False)
        where = node if ways <= node.chips - 2 else larger_node
        ours = solved(_with_relays(where, vectors, ways), options)
        speedup = direct.cycles / ours.cycles
        form = (ways + 1) * (held_bytes + size) / ((1 + 2 * ways) * held_bytes + size)
        good = met(abs(speedup / form - 1) <= NEAR_CLOSED_FORM, abs(speedup / figure - 1) <= NEAR_FIGURE)
        against = (f"{form:.2f}", f"{speedup / form:.3f}", f"{figure:.2f}", f"{speedup / figure:.3f}")
        yield row["bytes"], row["n"], f"{speedup:.2f}", *against, *ours.cells, good


def _larger_node() -> Fabric:
    """Return a node of nine chips: the figure has seven ways, a node of eight chips has six besides the two ends."""
    keys = yaml.safe_load(find_file("topology", NODE).read_text(encoding="utf-8"))
    keys["chips_per_node"]["value"] = keys["host"]["chips_per_host"]["value"] = 9
    with tempfile.TemporaryDirectory() as folder:
        return load_fabric(write_family(Path(folder), keys))


def _with_relays(node: Fabric, vectors: int, relays: int) -> Instance:
    """Return a message from chip 0 to chip 1 that so many other chips may pass on."""
    down = np.zeros(node.nodes, dtype=np.bool_)
    down[2 + relays : node.chips] = True
    return collective_problem(replace(node, node_down=down), "broadcast", vectors, chips=[0, 1], relays=True)


def _three_hops(options: SolveOptions) -> Iterator[tuple[str, ...]]:
    fabric = load_fabric("tsp-264")
    ours = solved(collective_problem(fabric, "all-reduce", 1, chips=range(256)), options)
    nanoseconds = _nanoseconds(fabric, ours.cycles)
    good = met(nanoseconds <= THREE_HOPS_NS + _nanoseconds(fabric, 3 * ROUNDING_CYCLES))
    bound = f"{_nanoseconds(fabric, ours.result.bound.cycles):.1f}"
    yield "tsp-264", "256", f"{nanoseconds:.1f}", str(THREE_HOPS_NS), bound, *ours.cells, good
