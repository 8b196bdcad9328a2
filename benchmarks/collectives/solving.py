"""One collective on one fabric, solved warm and timed."""

from __future__ import annotations

import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.collectives.topologies import write_family
from lpxsched.fabric.profile import load_fabric
from lpxsched.schedule.collective import solve_transfers
from lpxsched.schedule.options import SolveOptions
from lpxsched.schedule.problem.collective import collective_instance
from lpxsched.traffic.collectives import KINDS, Collective

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lpxsched.fabric.fabric import Fabric
    from lpxsched.schedule.problem.instance import Instance
    from lpxsched.schedule.result import Result
    from lpxsched.traffic.collectives import Kind

# Beyond this, what `warm_up` did not load is nothing beside the search.
LONG_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Solved:
    """What a solver found, and how long a warm run took.

    Attributes
    ----------
    problem : Instance
    result : Result
    seconds : float
        Of the second run in this process; of the first where that took more than `LONG_SECONDS`.
    """

    problem: Instance
    result: Result
    seconds: float

    @property
    def cycles(self) -> int:
        """The makespan."""
        return self.result.schedule.makespan_cycles

    @property
    def vector_hops(self) -> int:
        """Vectors summed over the slots that carry them."""
        return int(self.result.schedule.slot_vectors.sum())

    @property
    def hop_cycles(self) -> int:
        """The longest hop: a step on busy wires that are all alike."""
        return int(self.problem.network.hop_cycles.max())

    @property
    def cells(self) -> tuple[str, str, str, str]:
        """Status, gap, seconds and solver."""
        return self.result.status, f"{float(self.result.gap):.4f}", f"{self.seconds:.3f}", self.result.solver


def collective_problem(
    fabric: Fabric | str, kind: Kind, vectors: int, *, chips: Sequence[int] | None = None, relays: bool = False
) -> Instance:
    """Return a collective over all chips of a fabric, or over some."""
    where = load_fabric(fabric) if isinstance(fabric, str) else fabric
    members = list(range(where.chips) if chips is None else chips)
    collective = Collective(kind, len(members), vectors)
    return collective_instance(where, members, collective, relays=relays)


def warm_up() -> None:
    """Compile and load the kernels, by every kind of collective on four chips, with limits of injection and without."""
    wire = {"latency_ns": 10, "gbps": 100}
    keys = {"name": "ring", "kind": "ring", "chips": 4, "clock_mhz": 1000, "vector_bytes": 320, "link": wire}
    for ports in ({}, {"inject_per_cycle": 1, "eject_per_cycle": 1}):
        with tempfile.TemporaryDirectory() as folder:
            fabric = load_fabric(write_family(Path(folder), keys | ports))
        for kind in KINDS:
            solve_transfers(collective_problem(fabric, kind, 2), SolveOptions())


def solved(problem: Instance, options: SolveOptions, *, warm: bool = True) -> Solved:
    """Solve a problem, and once more where the first run may have spent its time on loading."""
    first = _run(problem, options)
    return _run(problem, options) if warm and first.seconds < LONG_SECONDS else first


def greedy_cycles(problem: Instance, options: SolveOptions) -> int:
    """Return the makespan that the greedy solver finds."""
    return solve_transfers(problem, replace(options, solver="greedy")).schedule.makespan_cycles


def _run(problem: Instance, options: SolveOptions) -> Solved:
    started = time.perf_counter()
    result = solve_transfers(problem, options)
    return Solved(problem, result, time.perf_counter() - started)
