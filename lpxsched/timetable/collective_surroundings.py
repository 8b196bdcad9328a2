"""The tables that say where a collective runs: chips, links, its one segment and its opening deskew."""

from __future__ import annotations

from typing import TYPE_CHECKING

import networkx as nx
import numpy as np

from lpxsched.clocks.latency import start_allowance_cycles
from lpxsched.timetable.columns import Deskews, Segments
from lpxsched.timetable.fabric_tables import Surroundings, chips_table, links_table
from lpxsched.units import NONE

if TYPE_CHECKING:
    from lpxsched.clocks.specification import ClockSpecification
    from lpxsched.fabric.fabric import Fabric
    from lpxsched.schedule.collective import ScheduledCollective
    from lpxsched.schedule.transfers.problem import TransferProblem
    from lpxsched.timetable.columns import Integers


def collective_surroundings(
    fabric: Fabric, clock: ClockSpecification, scheduled: ScheduledCollective, *, deadline_cycles: int | None
) -> Surroundings:
    """Return the tables of a fabric with a collective that runs on it."""
    problem, result = scheduled.problem, scheduled.result
    guard = np.full(fabric.links, NONE, dtype=np.int64)
    for links in problem.bundle_links:
        guard[links] = scheduled.guard_cycles
    return Surroundings(
        chips=chips_table(fabric, scheduled.tree, weight_bytes=np.zeros(fabric.nodes, dtype=np.int64)),
        links=links_table(fabric, guard_cycles=guard),
        segments=Segments(
            segment=_one(0),
            chips=(problem.node_chip[: problem.width],),
            waiting_cycles=_one(_start_allowance(fabric, clock, problem)),
            makespan_cycles=_one(result.schedule.makespan_cycles),
            lower_bound_cycles=_one(result.bound.cycles),
            deadline_cycles=_one(NONE if deadline_cycles is None else deadline_cycles),
        ),
        deskews=Deskews(segment=_one(0), cycle=_one(0), stall=_one(scheduled.stall_cycles)),
    )


def _one(value: int) -> Integers:
    return np.array([value], dtype=np.int64)


def _start_allowance(fabric: Fabric, clock: ClockSpecification, problem: TransferProblem) -> int:
    """Wait for an epoch, then start up along the breadth-first tree from the first chip that takes part."""
    ends = zip(problem.bundle_source.tolist(), problem.bundle_destination.tolist(), strict=True)
    depths = nx.single_source_shortest_path_length(nx.DiGraph(ends), 0)
    latency = max(fabric.link_classes[number].latency_cycles for number in np.unique(problem.bundle_class).tolist())
    return start_allowance_cycles(clock, max(depths.values()), latency)
