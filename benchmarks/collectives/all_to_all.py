"""All-to-all: static ones on meshes and tori, beside the two-hour runs of poseidon; and what their bounds are worth."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.collectives.published import published
from benchmarks.collectives.solving import collective_problem, solved
from benchmarks.collectives.table import Table, met
from benchmarks.collectives.topologies import GRID_SIZES, HETEROGENEOUS, family, pipelined, slot_grid, write_family
from lpxsched.schedule.bounds.loads import flow_bound, least_step_cycles, loads
from lpxsched.schedule.bounds.view import views

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lpxsched.schedule.options import SolveOptions
    from lpxsched.schedule.problem.instance import Instance

MOST_SECONDS = 60
# Lower bounds with the ramp of one injection a slot, to be met within 8 %.
RAMP_BOUNDS = {("torus", 8): 67, ("torus", 9): 93, ("torus", 10): 128}
NEAR = 1.08
# Fabrics for which bounds by loads and by flows stand side by side, with the vectors of each pair; one lacks a link.
PIPELINED, VECTORS = ("mesh2d_8x8", "torus2d_8x8", "dfly_a4h1g5_20", "dfly_a8h1g8_64"), (1, 16)
DOWN = pipelined("torus2d_8x8") | {"name": "torus2d_8x8_down", "down": {"links": [[0, 1]]}}


def tables(options: SolveOptions) -> Iterator[Table]:
    """Yield the two tables."""
    columns: tuple[str, ...] = (
        "fabric",
        "slots",
        "bound",
        "published bound",
        "published best",
        "status",
        "gap",
        "s",
        "solver",
        "met",
    )
    yield Table("All-to-all of one packet a pair, slots", columns, _rows(options))
    columns = ("fabric", "vectors", "cycles", "link loads", "flow", "bound", "which", "status", "gap", "s", "solver")
    yield Table("All-to-all, bounds by link loads and by flow, cycles", columns, _flow_rows(options))


def _rows(options: SolveOptions) -> Iterator[tuple[str, ...]]:
    for row in published("poseidon_table4_alltoall"):
        kind, size, best = row["topology"], int(row["n"]), int(row["best"])
        if size not in GRID_SIZES:
            continue
        with tempfile.TemporaryDirectory() as folder:
            problem = collective_problem(write_family(Path(folder), slot_grid(kind, size)), "all-to-all", 1)
        ours = solved(problem, options)
        near = NEAR * RAMP_BOUNDS.get((kind, size), ours.cycles)
        good = met(ours.cycles <= best, ours.cycles <= near, ours.seconds <= MOST_SECONDS)
        lengths = (str(ours.cycles), str(ours.result.bound.cycles), row["lower_bound"], str(best))
        yield f"{kind} {size}x{size}", *lengths, *ours.cells, good


def _flow_rows(options: SolveOptions) -> Iterator[tuple[str, ...]]:
    fabrics = [(keys, vectors) for keys in (*map(pipelined, PIPELINED), DOWN) for vectors in VECTORS]
    fabrics += [(family(name), 1) for name in HETEROGENEOUS]
    for keys, vectors in fabrics:
        with tempfile.TemporaryDirectory() as folder:
            problem = collective_problem(write_family(Path(folder), keys), "all-to-all", vectors)
        ours = solved(problem, options, warm=False)
        bound = ours.result.bound
        cycles = (ours.cycles, *_bounds(problem), bound.cycles)
        yield keys["name"], str(vectors), *(f"{some:,}" for some in cycles), bound.name, *ours.cells


def _bounds(problem: Instance) -> tuple[int, int]:
    """Return the bounds by the loads of links alone, and by flows besides."""
    view = views(problem)[0]
    loaded = max(load.cycles(least_step_cycles(view)) for load in loads(problem, view))
    return loaded, flow_bound(problem, view, loaded)
