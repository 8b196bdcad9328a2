"""All-gather on dragonflies whose global links are slower than their local ones, beside the best known."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.collectives.published import published
from benchmarks.collectives.solving import collective_problem, solved
from benchmarks.collectives.table import Table, met
from benchmarks.collectives.topologies import FOLDER

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lpxsched.schedule.options import SolveOptions

# Hops are rounded up to whole nanoseconds here: half a cycle a hop.
ROUNDING = 1.0001


def tables(options: SolveOptions) -> Iterator[Table]:
    """Yield the one table."""
    columns = ("instance", "us", "best known us", "bound us", "TACOS us", "status", "gap", "s", "solver", "met")
    yield Table("All-gather of 1 MiB a chip on heterogeneous dragonflies", columns, _rows(options))


def _rows(options: SolveOptions) -> Iterator[tuple[str, ...]]:
    for row in published("tacos_heterogeneous"):
        ours = solved(collective_problem(str(FOLDER / f"{row['instance']}.yaml"), "all-gather", 1), options)
        micros, known = ours.cycles / 1000, float(row["reference_us"])
        times = (f"{micros:.3f}", f"{known:.4f}", f"{ours.result.bound.cycles / 1000:.3f}", row["tacos_us"])
        yield row["instance"], *times, *ours.cells, met(micros <= known * ROUNDING)
