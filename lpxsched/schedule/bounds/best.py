"""The best of all bounds."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from lpxsched.schedule.bounds.adding import everyones_sums, sums_cycles
from lpxsched.schedule.bounds.cuts import busiest, candidate_sets, cut_cycles
from lpxsched.schedule.bounds.ends import Entering, ending_cycles, entering, latency, routes_bound
from lpxsched.schedule.bounds.loads import flow_bound, least_step_cycles, loads, ramp
from lpxsched.schedule.bounds.view import View, is_small, representatives, views
from lpxsched.schedule.policy import CUTS, READERS, SETS, SINGLES
from lpxsched.schedule.result import LowerBound

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lpxsched.compiled.kernels import Flags, Integers
    from lpxsched.schedule.problem.instance import Instance

NOTHING = "nothing to move"


class Side(NamedTuple):
    """A view, what it is called, how many vectors may end at a chip in a cycle, and the shards that are looked at."""

    view: View
    name: str
    limit: int
    shards: list[int]


def collective_bound(problem: Instance, *, repeats: bool = False) -> LowerBound:
    """Return the best bound of the makespan of a collective, counted from its release, or of its period.

    Every reader can be reached from its holders; the shortest period is one cycle.
    """
    if problem.network.width < 2:
        return LowerBound(int(repeats), NOTHING)
    best, sides = LowerBound(0, NOTHING), _sides(problem, repeats)
    ends = [[entering(side.view, shard) for shard in side.shards] for side in sides]
    for side, end in zip(sides, ends, strict=True):
        best = _better(best, *_by_ends(side, end))
    best = _better(best, *_by_sums(problem, sides), *_by_borders(problem, sides[0]))
    for inside in _cuts(problem, sides[0]):
        best = _better(best, LowerBound(cut_cycles(sides[0].view, inside, best.cycles), "cut"))
    name = "routes" if repeats else "hop windows"
    for side, end in zip(sides, ends, strict=True):
        for reader, holders in _wanted(sorted(end, key=lambda entered: -entered.cycles)[:READERS]):
            best = _better(best, LowerBound(routes_bound(side.view, reader, holders, best.cycles), name))
    return _better(best, LowerBound(flow_bound(problem, sides[0].view, best.cycles), "flow"))


def _better(best: LowerBound, *others: LowerBound) -> LowerBound:
    """Return the first of the greatest bounds."""
    return max((best, *others), key=lambda bound: bound.cycles)


def _sides(problem: Instance, repeats: bool) -> tuple[Side, Side]:
    forward, backward = views(problem, repeats=repeats)
    return (
        Side(forward, "ingress", problem.network.eject_per_cycle, representatives(forward).tolist()),
        Side(backward, "egress", problem.network.inject_per_cycle, representatives(backward).tolist()),
    )


def _by_ends(side: Side, ends: list[Entering]) -> Iterator[LowerBound]:
    if not side.view.lanes.repeats:
        yield LowerBound(latency(side.view, np.array(side.shards)), "latency")
    yield LowerBound(max(end.cycles for end in ends), side.name)
    if side.limit:
        yield LowerBound(max(ending_cycles(side.view, end, side.limit) for end in ends), "ports")


def _by_sums(problem: Instance, sides: tuple[Side, Side]) -> Iterator[LowerBound]:
    yield LowerBound(sums_cycles(problem, repeats=sides[0].view.lanes.repeats), "sums")
    for side in sides:
        for lanes, departures, idle in everyones_sums(problem, side.view):
            yield LowerBound(int(lanes.shortest(np.array([departures]), idle[None])[0]), "sums of everyone")


def _by_borders(problem: Instance, side: Side) -> Iterator[LowerBound]:
    step, outside = least_step_cycles(side.view), ramp(problem, side.view)
    for load in loads(problem, side.view):
        yield LowerBound(load.cycles(step), load.name)
        if outside is not None:
            yield LowerBound(load.ramp_cycles(outside), "ramp")


def _cuts(problem: Instance, side: Side) -> list[Flags]:
    """Return the sets whose borders are looked at: where each vector has one holder and one reader."""
    if not side.view.wants.is_exchange or not is_small(side.view):
        return []
    centres = np.array(side.shards[:READERS])
    return list(busiest(side.view, candidate_sets(problem, side.view, centres), CUTS))


def _wanted(ends: list[Entering]) -> Iterator[tuple[int, Integers]]:
    """Yield readers, and the sets of holders whose routes to them are worth a look."""
    for end in ends:
        chosen = np.unique(np.linspace(0, len(end.sets) - 1, SETS).astype(np.int64)) if len(end.sets) else end.sets
        for size in end.sets[chosen].tolist():
            yield end.reader, end.holders[:size]
        for place in np.argsort(-end.single_cycles, kind="stable")[:SINGLES].tolist():
            yield end.reader, end.holders[place : place + 1]
