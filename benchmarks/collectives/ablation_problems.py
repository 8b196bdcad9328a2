"""The problems on which searches and proofs are left out: those of the tables that are solved in a second or two."""

from __future__ import annotations

import json
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.collectives.all_to_all import DOWN
from benchmarks.collectives.boxes import Shape, write_box
from benchmarks.collectives.solving import collective_problem
from benchmarks.collectives.topologies import (
    HETEROGENEOUS,
    VECTOR_WIRE,
    VECTORS,
    family,
    pipelined,
    slot_grid,
    write_family,
)
from benchmarks.greedy_speed import end_problems, layer_instances
from lpxsched.schedule.bounds import lower_bound
from lpxsched.schedule.bounds.best import collective_bound
from lpxsched.schedule.collective import solve_transfers
from lpxsched.schedule.solve_layer import solve

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lpxsched.schedule.options import SolveOptions
    from lpxsched.schedule.problem.instance import Instance
    from lpxsched.traffic.collectives import Kind

# At the default effort most of these problems take too long to be solved once for each row.
EFFORT = 2
# Collectives by fabric: kinds, and vectors as a collective counts them.
COLLECTIVES: dict[str, list[tuple[Kind, int]]] = {
    "torus-4x4": [
        ("all-reduce", 1),
        ("all-gather", 1),
        ("all-gather", 4),
        ("broadcast", 16),
        ("all-to-all", 1),
        ("all-to-all", 16),
    ],
    "mesh-4x4": [("all-gather", 16), ("all-reduce", 4), ("reduce", 4), ("all-to-all", 4), ("scatter", 4)],
    "hypercube-16": [("all-reduce", 1), ("broadcast", 16), ("reduce-scatter", 1)],
    "ring-8": [("all-reduce", 2), ("reduce-scatter", 4), ("broadcast", 16)],
    "dragonfly-20": [("all-gather", 1), ("all-reduce", 4), ("reduce-scatter", 1), ("all-to-all", 1)],
    "tsp-node": [("all-reduce", 20), ("broadcast", 400), ("reduce", 400)],
}
PIPELINED: dict[str, list[tuple[Kind, int]]] = {
    "torus2d_8x8": [("all-gather", 16), ("all-to-all", 1)],
    "mesh2d_8x8": [("all-to-all", 1), ("gather", 4)],
    "dfly_a4h1g5_20": [("all-to-all", 1)],
    "dfly_a8h1g8_64": [("all-gather", 16)],
}
ON_A_TRAY: list[tuple[Kind, int]] = [("all-reduce", 34), ("broadcast", 400), ("reduce", 400)]
REPEATING: dict[str, list[tuple[Kind, int]]] = {
    "tsp-node": [("broadcast", 4), ("reduce", 4)],
    "ring-8": [("all-to-all", 4)],
    "mesh-4x4": [("all-to-all", 1), ("reduce", 4)],
    "hypercube-16": [("broadcast", 8)],
    "dragonfly-20": [("reduce", 8)],
}
LINES: list[tuple[Kind, int, int]] = [("reduce", 16, 1), ("reduce", 16, 16), ("broadcast", 16, 16)]
BOXES: list[tuple[Shape, int, Kind, int]] = [
    ("regular", 7, "all-gather", 64),
    ("dense", 0, "all-gather", 256),
    ("clusters", 0, "all-gather", 64),
    ("tree", 0, "reduce", 8),
    ("tree", 7, "all-reduce", 16),
]
RELAYED: list[tuple[Kind, int, int]] = [("broadcast", 2, 200), ("all-reduce", 3, 20), ("all-gather", 3, 100)]
STAR = 6
BATCH = 8
BOUNDED: list[tuple[str, Kind, int]] = [
    ("dfly_a8h1g8_64", "all-to-all", 1),
    ("mesh2d_8x8", "all-to-all", 16),
    ("torus2d_8x8", "all-to-all", 16),
    ("dfly_a4h1g5_20", "broadcast", 16),
]
# Of what repeats the busiest chip, vector unit or link alone counts.
BOUNDED_PERIODS: list[tuple[Shape, int, Kind, int]] = [("regular", 0, "all-reduce", 1), ("regular", 1, "all-gather", 1)]
# Offsets of 401 chips: too many for `flow`, and no grid in which a set of chips is cut off by few links.
OFFSETS = [1, 20]
# The model of docs/tutorial.md.
MIXTURE = {
    "model_type": "mixtral",
    "hidden_size": 1024,
    "num_hidden_layers": 2,
    "num_attention_heads": 8,
    "num_key_value_heads": 2,
    "vocab_size": 32000,
    "num_local_experts": 8,
    "num_experts_per_tok": 2,
    "intermediate_size": 512,
    "hidden_act": "silu",
    "tie_word_embeddings": False,
    "torch_dtype": "bfloat16",
}
ON_A_RACK: list[tuple[Kind, int]] = [("all-reduce", 1), ("all-reduce", 16), ("all-to-all", 16), ("all-gather", 16)]


@dataclass(frozen=True, slots=True)
class Problem:
    """An instance by the name that it has in the table."""

    name: str
    instance: Instance
    cyclic: bool = False

    def cycles(self, options: SolveOptions) -> int:
        """Return the makespan, or period, that is found."""
        if not self.instance.stages:
            return solve(self.instance, options).makespan_cycles
        return solve_transfers(self.instance, replace(options, cyclic=self.cyclic)).objective_cycles

    def unproved(self) -> int:
        """Return the bound below zero, so that more is worse; without what models prove."""
        if not self.instance.stages:
            return -lower_bound.__wrapped__(self.instance).cycles
        return -collective_bound(self.instance, repeats=self.cyclic).cycles


def solved_problems() -> Iterator[Problem]:
    """Yield the problems that are solved."""
    for some in (_small, _on_lines, _in_boxes, _over_relays, _repeating, _layers):
        yield from some()


def _small() -> Iterator[Problem]:
    for fabric, kinds in COLLECTIVES.items():
        for kind, vectors in kinds:
            yield Problem(f"{fabric} {kind} {vectors}", collective_problem(fabric, kind, vectors))
    for name, kinds in PIPELINED.items():
        for kind, vectors in kinds:
            yield _written(f"vec_{name} {kind} {vectors}", pipelined(name), kind, vectors)
    for name in HETEROGENEOUS:
        yield _written(f"{name} all-gather 1", family(name), "all-gather", 1)
    for chips, vectors in ((5, 5), (6, 9)):
        name = f"ring-{chips} broadcast {vectors}"
        yield _written(name, _slots("ring") | {"chips": chips}, "broadcast", vectors)
    for kind, vectors in ON_A_TRAY:
        instance = collective_problem("lpx-rack", kind, vectors, chips=range(16))
        yield Problem(f"tray {kind} {vectors}", instance)


def _written(name: str, keys: dict[str, Any], kind: Kind, vectors: int) -> Problem:
    with tempfile.TemporaryDirectory() as folder:
        return Problem(name, collective_problem(write_family(Path(folder), keys), kind, vectors))


def _slots(kind: str) -> dict[str, Any]:
    """Return a fabric without limits of ports on which a hop takes one slot."""
    left_out = ("shape", "inject_per_cycle", "eject_per_cycle")
    slots = {key: value for key, value in family("mesh_slots_3x3").items() if key not in left_out}
    return slots | {"name": f"{kind}-slots", "kind": kind}


def _on_lines() -> Iterator[Problem]:
    """Yield chips in a row."""
    for kind, chips, vectors in LINES:
        yield _written(f"line-{chips} {kind} {vectors}", _slots("mesh") | {"shape": [chips, 1]}, kind, vectors)


def _in_boxes() -> Iterator[Problem]:
    for shape, seed, kind, vectors in BOXES:
        with tempfile.TemporaryDirectory() as folder:
            instance = collective_problem(write_box(Path(folder), shape, seed), kind, vectors)
        yield Problem(f"box {shape} {seed} {kind} {vectors}", instance)


def _over_relays() -> Iterator[Problem]:
    leaves = range(1, STAR)
    with tempfile.TemporaryDirectory() as folder:
        rows = [f"{a},{b}" for chip in leaves for a, b in ((0, chip), (chip, 0))]
        (Path(folder) / "star.csv").write_text("\n".join(["src,dst", *sorted(rows), ""]), encoding="utf-8")
        keys = {"name": "star", "kind": "explicit", "chips": STAR, "link": VECTOR_WIRE, "links": "star.csv"}
        path = write_family(Path(folder), keys | VECTORS)
        instance = collective_problem(path, "all-reduce", 4, chips=leaves, relays=True)
    yield Problem(f"{len(leaves)} round a relay all-reduce 4", instance)
    for kind, chips, vectors in RELAYED:
        instance = collective_problem("tsp-node", kind, vectors, chips=range(chips), relays=True)
        yield Problem(f"{chips} of tsp-node {kind} {vectors}", instance)


def _repeating() -> Iterator[Problem]:
    for fabric, kinds in REPEATING.items():
        for kind, vectors in kinds:
            yield Problem(f"{fabric} {kind} {vectors}, period", collective_problem(fabric, kind, vectors), cyclic=True)


def bounded_problems() -> Iterator[Problem]:
    """Yield problems whose bounds are found much sooner than schedules."""
    for name, kind, vectors in BOUNDED:
        yield _written(f"vec_{name} {kind} {vectors}", pipelined(name), kind, vectors)
    yield _written("torus2d_8x8_down all-to-all 16", DOWN, "all-to-all", 16)
    for size in (5, 8):
        yield _written(f"torus_slots_{size}x{size} all-to-all 1", slot_grid("torus", size), "all-to-all", 1)
    for kind, vectors in ON_A_RACK:
        yield Problem(f"lpx-rack {kind} {vectors}", collective_problem("lpx-rack", kind, vectors))
    for shape, seed, kind, vectors in BOUNDED_PERIODS:
        with tempfile.TemporaryDirectory() as folder:
            instance = collective_problem(write_box(Path(folder), shape, seed), kind, vectors)
        yield Problem(f"box {shape} {seed} {kind} {vectors}, period", instance, cyclic=True)
    yield Problem("tsp-node all-reduce 7, period", collective_problem("tsp-node", "all-reduce", 7), cyclic=True)
    keys = pipelined("ring_64") | {"name": "circulant-401", "kind": "circulant", "chips": 401, "offsets": OFFSETS}
    yield _written("circulant-401 all-to-all 1", keys, "all-to-all", 1)
    yield Problem("boardfly all-to-all 16", collective_problem("boardfly", "all-to-all", 16))
    yield from _bounded_layers()


def _bounded_layers() -> Iterator[Problem]:
    """Yield layers with the least that clocks ask for, as their bounds take them."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "config.json").write_text(json.dumps(MIXTURE), encoding="utf-8")
        small = end_problems(folder, "tsp-node", BATCH, "disjoint")[0]
    large = end_problems("gpt-oss-120b", "lpx-rack", 512, "whole")[0]
    yield Problem(f"layer of a small mixture, batch {BATCH}", small.opening.least(small.instance))
    yield Problem("layer on a rack, batch 512", large.opening.least(large.instance))


def _layers() -> Iterator[Problem]:
    for instance in layer_instances(BATCH):
        yield Problem(f"layer on {instance.network.chips}, batch {BATCH}", instance)
