"""The tables that say where a collective runs: chips, links, its one segment and its opening deskew."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lpxsched.assembly.fabric_tables import Surroundings, chips_table, frames_on_demand, links_table
from lpxsched.clocks.latency import hac_latency_cycles, start_cycles
from lpxsched.timetable.columns import Deskews, Frames, Segments
from lpxsched.units import NONE

if TYPE_CHECKING:
    from lpxsched.clocks.specification import ClockSpecification
    from lpxsched.fabric.fabric import Fabric
    from lpxsched.schedule.collective import ScheduledCollective
    from lpxsched.timetable.columns import Integers


def collective_surroundings(
    fabric: Fabric, clock: ClockSpecification, scheduled: ScheduledCollective, *, deadline_cycles: int | None
) -> Surroundings:
    """Return the tables of a fabric with a collective that runs on it."""
    problem, result, tree = scheduled.problem, scheduled.result, scheduled.tree
    # No host says that anything is there to do: all chips, also those that could poll, are started by an event.
    waiting = start_cycles(clock, tree.height(int(problem.network.fabric_node[0])), hac_latency_cycles(fabric, tree))
    period, domain = result.schedule.period_cycles, int(tree.root[problem.network.fabric_node[0]])
    guard = np.full(fabric.links, NONE, dtype=np.int64)
    guard[problem.network.links.values] = np.repeat(problem.network.guard_cycles, problem.network.lanes)
    return Surroundings(
        chips=chips_table(fabric, tree, weight_bytes=np.zeros(fabric.nodes, dtype=np.int64)),
        links=links_table(fabric, guard_cycles=guard),
        segments=Segments(
            segment=_one(0),
            frame=_one(0),
            phase_cycles=_one(0),
            # Who comes just too late for a window waits for the next one.
            waiting_cycles=_one(period or waiting),
            makespan_cycles=_one(result.schedule.makespan_cycles),
            lower_bound_cycles=_one(0 if period else result.bound.cycles),
            deadline_cycles=_one(NONE if deadline_cycles is None else deadline_cycles),
        ),
        frames=_repeating(domain, period, result.bound.cycles) if period else frames_on_demand([domain]),
        deskews=Deskews(*(np.zeros(0, dtype=np.int64) for _ in range(4)))
        if period
        else Deskews(_one(0), cycle=_one(0), stall=_one(scheduled.stall_cycles), every_periods=_one(0)),
    )


def _repeating(domain: int, period: int, bound_cycles: int) -> Frames:
    """Return the frame of a timetable that repeats on clocks that never need a deskew."""
    nothing = (np.zeros(0, dtype=np.int64),)
    return Frames(_one(0), _one(domain), _one(period), _one(1), gaps=nothing, lower_bound_cycles=_one(bound_cycles))


def _one(value: int) -> Integers:
    return np.array([value], dtype=np.int64)
