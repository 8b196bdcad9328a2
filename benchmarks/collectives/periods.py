"""Shortest periods of collectives that repeat, beside their lower bounds; nobody has published any."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.collectives.solving import collective_problem, solved
from benchmarks.collectives.table import Table
from lpxsched.traffic.collectives import KINDS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lpxsched.schedule.options import SolveOptions

TOPOLOGIES = Path(__file__).parents[1] / "topologies"
FABRICS = ("tsp-node", str(TOPOLOGIES / "dfly_a4h1g5_20.yaml"), str(TOPOLOGIES / "torus2d_8x8.yaml"))
VECTORS = (1, 4)
COLUMNS = ("fabric", "collective", "vectors", "period", "bound", "which", "makespan", "status", "gap", "s", "solver")


def tables(options: SolveOptions) -> Iterator[Table]:
    """Yield the one table."""
    yield Table("Collectives that repeat, cycles", COLUMNS, _rows(replace(options, cyclic=True)))


def _rows(options: SolveOptions) -> Iterator[tuple[str, ...]]:
    for fabric in FABRICS:
        for kind in KINDS:
            for vectors in VECTORS:
                ours = solved(collective_problem(fabric, kind, vectors), options)
                bound = ours.result.bound
                lengths = (f"{ours.result.objective_cycles:,}", f"{bound.cycles:,}", bound.name, f"{ours.cycles:,}")
                yield Path(fabric).stem, kind, str(vectors), *lengths, *ours.cells
