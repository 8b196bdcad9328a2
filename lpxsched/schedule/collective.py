"""A collective from its fabric to a schedule whose guard covers it, opening deskew included."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from lpxsched.clocks.tree import AlignmentTree, TimeDomain, alignment_tree
from lpxsched.errors import InfeasibleError, NothingFoundError
from lpxsched.schedule.bounds import lower_bound
from lpxsched.schedule.bounds.best import collective_bound
from lpxsched.schedule.opening import Opening, bounded, is_least, opening_on, solve_covered
from lpxsched.schedule.options import GREEDY_ONLY_EFFORT, SolveOptions
from lpxsched.schedule.problem.collective import missing_way
from lpxsched.schedule.solve_collective import refuse_deadline, solve_transfers
from lpxsched.units import NONE, counted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lpxsched.clocks.specification import ClockSpecification
    from lpxsched.fabric.fabric import Fabric
    from lpxsched.schedule.problem.instance import Instance
    from lpxsched.schedule.result import LowerBound, Result

LATER = "try a later --deadline, or a larger --effort"


@dataclass(frozen=True, slots=True, eq=False)
class ScheduledCollective:
    """A collective with its schedule.

    Attributes
    ----------
    problem : Instance
        With the guards that cover the schedule; its release is the stall of the opening deskew.
    result : Result
        All times, makespan and bound count from the segment's time zero: the stall is their first part.
    tree : AlignmentTree
        Along which the chips that take part and relay align their counters.
    solve_seconds : float
        How long the solver took; no part of a build.
    """

    problem: Instance
    result: Result
    tree: AlignmentTree
    solve_seconds: float


def solve_collective(
    fabric: Fabric, problem: Instance, clock: ClockSpecification, options: SolveOptions
) -> ScheduledCollective:
    """Return the schedule of a collective, given without guards, behind its opening deskew.

    What the rules ask for is less than the guards with which a schedule is placed; bounds are reckoned with that least.

    Raises
    ------
    InputError, InfeasibleError, NothingFoundError
    """
    # Before the tree of counters: where chips cannot reach each other, the problem tells which.
    bare, tree = _aligned(fabric, problem, clock)
    opening = opening_on(fabric, bare.network, tree, clock)
    _refuse_long_hops(bare, opening)
    least, started = opening.least(bare), time.perf_counter()

    def attempts(instance: Instance, interval: int | None) -> Iterator[Result]:
        bound = collective_bound(instance, repeats=options.cyclic)
        if interval is not None:
            quick = replace(options, solver="greedy", effort=GREEDY_ONLY_EFFORT, deadline_cycles=None)
            yield solve_transfers(instance, quick, bound)
        if is_least(instance, least):
            yield solve_transfers(instance, options, bound)
        else:
            yield _solve_in_time(instance, options, bound, lower_bound(least))

    names = "the collective", "try fewer --vectors"
    covered, _, result = solve_covered(bare, opening, [least], attempts, names=names)
    return ScheduledCollective(covered, bounded(result, covered, [least]), tree, time.perf_counter() - started)


def _aligned(fabric: Fabric, bare: Instance, clock: ClockSpecification) -> tuple[Instance, AlignmentTree]:
    """Return the tree of the chips that take part and relay, and the problem without relays that it leaves out.

    A relay that hangs deeper than all chips that take part would only make the stall longer; the ways of the tree
    between chips that take part do without it, unless links lead one way only.
    """
    members, width = bare.network.fabric_node, bare.network.width
    tree = alignment_tree(fabric, clock, [TimeDomain(tuple(members[:width].tolist()), tuple(members[width:].tolist()))])
    depth = tree.depth[members]
    for level in np.unique(depth[depth >= depth[:width].max()]):
        network = bare.network.without_relays((depth <= level) & ((depth == NONE) == (level == NONE)))
        if missing_way(network, bare.stage) is None:
            break
    else:
        # On a ring of one-way links counters align from the far side of a relay, but vectors go over it.
        return bare, alignment_tree(fabric, clock, [TimeDomain(tuple(members.tolist()), ())])
    shallow = AlignmentTree(*(np.where(tree.depth <= level, column, NONE) for column in (tree.parent, tree.depth)))
    return replace(bare, network=network), shallow


def _refuse_long_hops(bare: Instance, opening: Opening) -> None:
    """Refuse a collective that cannot do without hops that are longer than clocks may run apart."""
    hops, fitting = opening.hops(bare.network), cache(opening.clock.fits)
    too_long = [hop for hop in hops if not fitting(hop)]
    if not too_long:
        return
    fits = np.array([fitting(hop) for hop in hops])
    if missing_way(bare.network.with_bundles(np.flatnonzero(fits)), bare.stage) is not None:
        opening.clock.refuse_long_hop(min(too_long, key=lambda hop: (hop.wire_cycles, hop.name)))


def _solve_in_time(instance: Instance, options: SolveOptions, bound: LowerBound, least: LowerBound) -> Result:
    """Solve a problem whose guards are longer than the rules ask for, which prove nothing of a deadline."""
    refuse_deadline(options, least, 0)
    try:
        return solve_transfers(instance, options, bound)
    except InfeasibleError as error:
        of_all = f"that of all guards, {counted(least.cycles, 'cycle')} ({least.name})"
        cause = f"{error.cause} of the guards tried, though not below {of_all}"
        raise NothingFoundError(cause, remedy=LATER) from error
