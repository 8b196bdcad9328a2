"""All-gather of 16 vectors of 320 bytes a chip on pipelined wires, beside a random greedy."""

from __future__ import annotations

import tempfile
from math import exp, log
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.collectives.published import published
from benchmarks.collectives.solving import collective_problem, solved
from benchmarks.collectives.table import Table, met
from benchmarks.collectives.topologies import HOMOGENEOUS, pipelined, write_family

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lpxsched.schedule.options import SolveOptions

VECTORS_PER_CHIP = 16
LARGEST_MEAN_GAP = 1.02
# To be met exactly.
PROVEN_SLOTS = {"vec_dfly_a8h1g8_64": 180}


def tables(options: SolveOptions) -> Iterator[Table]:
    """Yield the one table."""
    columns = ("instance", "slots", "bound", "greedy reference", "status", "gap", "s", "solver", "met")
    yield Table("All-gather of 16 x 320 B a chip, pipelined wires, slots of 22.857 ns", columns, _rows(options))


def _rows(options: SolveOptions) -> Iterator[tuple[str, ...]]:
    peers = {row["instance"]: int(row["greedy_slots"]) for row in published("vector_allgather")}
    gaps: dict[str, float] = {}
    for name in HOMOGENEOUS:
        keys = pipelined(name)
        with tempfile.TemporaryDirectory() as folder:
            problem = collective_problem(write_family(Path(folder), keys), "all-gather", VECTORS_PER_CHIP)
        ours, peer = solved(problem, options), peers.get(keys["name"])
        gaps[keys["name"]] = float(ours.result.gap)
        good = met(peer is None or ours.cycles <= peer, ours.cycles <= PROVEN_SLOTS.get(keys["name"], ours.cycles))
        reference = "" if peer is None else str(peer)
        yield keys["name"], str(ours.cycles), str(ours.result.bound.cycles), reference, *ours.cells, good
    yield _mean("mean of those with a reference", [gaps[name] for name in peers])
    yield _mean("mean of all", list(gaps.values()))


def _mean(what: str, gaps: list[float]) -> tuple[str, ...]:
    mean = exp(sum(log(gap) for gap in gaps) / len(gaps))
    return what, "", "", "", "", f"{mean:.4f}", "", "", met(mean <= LARGEST_MEAN_GAP)
