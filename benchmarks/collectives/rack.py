"""Collectives over the 256 chips of one LPX rack."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.collectives.solving import collective_problem, solved
from benchmarks.collectives.table import Table, met
from lpxsched.fabric.profile import load_fabric

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lpxsched.schedule.options import SolveOptions
    from lpxsched.traffic.collectives import Kind

KINDS: tuple[Kind, ...] = ("all-gather", "reduce-scatter", "all-reduce", "all-to-all")
VECTORS = (1, 16)
LARGEST_GAP, MOST_SECONDS = 1.05, 60


def tables(options: SolveOptions) -> Iterator[Table]:
    """Yield the one table."""
    columns = (
        "collective",
        "vectors",
        "cycles",
        "bound",
        "which",
        "vector hops",
        "status",
        "gap",
        "s",
        "solver",
        "met",
    )
    yield Table("256 chips of lpx-rack", columns, _rows(options))


def _rows(options: SolveOptions) -> Iterator[tuple[str, ...]]:
    fabric = load_fabric("lpx-rack")
    for kind in KINDS:
        for vectors in VECTORS:
            ours = solved(collective_problem(fabric, kind, vectors), options)
            bound = ours.result.bound
            good = met(ours.result.gap <= LARGEST_GAP, ours.seconds < MOST_SECONDS)
            lengths = (f"{ours.cycles:,}", f"{bound.cycles:,}", bound.name)
            yield kind, str(vectors), *lengths, f"{ours.vector_hops:,}", *ours.cells, good
