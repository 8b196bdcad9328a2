"""Static all-to-all on meshes and tori, beside the two-hour runs of poseidon."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.collectives.published import published
from benchmarks.collectives.solving import collective_problem, solved
from benchmarks.collectives.table import Table, met
from benchmarks.collectives.topologies import GRID_SIZES, slot_grid, write_family

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lpxsched.schedule.solve_collective import TransferOptions

MOST_SECONDS = 60
# Lower bounds with the ramp of one injection a slot, to be met within 8 %.
RAMP_BOUNDS = {("torus", 8): 67, ("torus", 9): 93, ("torus", 10): 128}
NEAR = 1.08


def tables(options: TransferOptions) -> Iterator[Table]:
    """Yield the one table."""
    columns = (
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


def _rows(options: TransferOptions) -> Iterator[tuple[str, ...]]:
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
