"""A collective from its fabric to a schedule whose guard covers it, opening deskew included."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from lpxsched.clocks.limits import DomainClock, Hop
from lpxsched.clocks.tree import AlignmentTree, TimeDomain, alignment_tree
from lpxsched.errors import InfeasibleError, NothingFoundError
from lpxsched.schedule.bounds import lower_bound
from lpxsched.schedule.problem.collective import refuse_split
from lpxsched.schedule.problem.opening import bundle_levels
from lpxsched.schedule.solve_collective import solve_transfers
from lpxsched.units import NONE

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lpxsched.clocks.specification import ClockSpecification
    from lpxsched.fabric.fabric import Fabric
    from lpxsched.schedule.options import SolveOptions
    from lpxsched.schedule.problem.instance import Instance
    from lpxsched.schedule.result import LowerBound, Result

    Integers = NDArray[np.int64]

LATER = "try a later --deadline, or a larger --effort"


@dataclass(frozen=True, slots=True, eq=False)
class ScheduledCollective:
    """A collective with its schedule.

    Attributes
    ----------
    problem : Instance
    result : Result
        All times, makespan and bound count from the segment's time zero: the stall is their first part.
    tree : AlignmentTree
        Along which the chips that take part and relay align their counters.
    guard_cycles, stall_cycles : int
        Guard of every hop, stall of the opening deskew.
    solve_seconds : float
        How long the solver took; no part of a build.
    """

    problem: Instance
    result: Result
    tree: AlignmentTree
    guard_cycles: int
    stall_cycles: int
    solve_seconds: float


def solve_collective(
    fabric: Fabric, problem: Instance, clock: ClockSpecification, options: SolveOptions
) -> ScheduledCollective:
    """Return a collective's schedule, shifted by the stall of its opening deskew.

    The guard grows with the time since the deskew, so the interval is doubled until it holds the schedule, as for the
    layers of a model. The greedy schedule tells without a search that an interval is too short. What the rules ask for
    is less than the guard with which a schedule is placed; bounds are reckoned with that least.

    Parameters
    ----------
    fabric : Fabric
    problem : Instance
        Without guards.
    clock : ClockSpecification
    options : SolveOptions
        The deadline counts from the segment's time zero.

    Raises
    ------
    InputError, InfeasibleError, NothingFoundError
    """
    # Before the tree of counters: where chips cannot reach each other, the problem tells which.
    bare, tree = _aligned(fabric, problem, clock)
    depth = tree.height(int(bare.network.fabric_node[0]))
    domain = DomainClock(clock, depth, fabric.chip.clock_mhz, fabric.guard_in_hop)
    levels = bundle_levels(bare.network, tree)
    _refuse_long_hops(bare, domain, levels)
    started, length, longest = time.perf_counter(), 0, domain.longest_interval_cycles()
    for interval in domain.intervals():
        guard, stall = domain.guard_cycles(int(levels.max(initial=0)), interval), domain.stall_cycles(interval)
        problem = replace(bare, network=bare.network.with_guards(guard))
        least = _Least(bare, domain, levels, exact=interval is None and (levels == levels.max(initial=0)).all())
        length = 0 if interval is None else stall + _greedy_cycles(problem, options)
        if longest is not None and length > longest:
            break
        if interval is not None and length > interval:
            continue
        result = least.bounded(_solve_after(stall, problem, options, least).later(stall))
        length = result.schedule.makespan_cycles
        if interval is None or length <= interval:
            return ScheduledCollective(problem, result, tree, guard, stall, time.perf_counter() - started)
    raise domain.too_long(
        "the collective",
        least_cycles=least.bound.cycles,
        proof=least.bound.name,
        found_cycles=length,
        remedy="try fewer --vectors",
    )


def _aligned(fabric: Fabric, bare: Instance, clock: ClockSpecification) -> tuple[Instance, AlignmentTree]:
    """Return the tree of the chips that take part and relay, and the problem without relays that it leaves out.

    A relay that hangs deeper than all chips that take part would only make the stall longer; the ways of the tree
    between chips that take part do without it.
    """
    members = bare.network.fabric_node
    domain = TimeDomain(tuple(members[: bare.network.width].tolist()), tuple(members[bare.network.width :].tolist()))
    tree = alignment_tree(fabric, clock, [domain])
    deepest = tree.depth[members[: bare.network.width]].max()
    kept = (tree.depth[members] <= deepest) & ((tree.depth[members] != NONE) == (deepest != NONE))
    shallow = AlignmentTree(*(np.where(tree.depth <= deepest, column, NONE) for column in (tree.parent, tree.depth)))
    return replace(bare, network=bare.network.without_relays(kept)), shallow


class _Least:
    """What the rules ask of any schedule: guards of each bundle's own ends without drift, the stall of the residuals.

    Attributes
    ----------
    exact : bool
        The guard and the stall of the schedule are these, so that what is proven of its problem holds of all.
    """

    def __init__(self, bare: Instance, domain: DomainClock, levels: Integers, *, exact: bool) -> None:
        self.exact = exact
        self._bare, self._domain, self._levels = bare, domain, levels

    @cached_property
    def bound(self) -> LowerBound:
        """The lower bound of every schedule, the stall included."""
        network = self._bare.network.with_guards(self._domain.guards_cycles(self._levels, 0))
        bound = lower_bound(replace(self._bare, network=network))
        return replace(bound, cycles=self._domain.stall_cycles(0) + bound.cycles)

    def bounded(self, result: Result) -> Result:
        """Return a result beside the bound of every schedule."""
        return result if self.exact else replace(result, bound=self.bound)


def _refuse_long_hops(bare: Instance, domain: DomainClock, levels: Integers) -> None:
    """Refuse a collective that cannot do without hops that are longer than clocks may run apart."""
    network = bare.network
    columns = np.column_stack([network.hop_cycles, network.link_class, levels])
    kinds, kind = np.unique(columns, axis=0, return_inverse=True)
    hops = [Hop(network.class_names[link_class], cycles, level) for cycles, link_class, level in kinds.tolist()]
    too_long = [hop for hop in hops if not domain.fits(hop)]
    if not too_long:
        return
    fits = np.array([domain.fits(hop) for hop in hops])[kind.reshape(-1)]
    try:
        refuse_split(network.with_bundles(np.flatnonzero(fits)), bare.stage)
    except InfeasibleError:
        domain.refuse_long_hop(too_long[0])


def _greedy_cycles(problem: Instance, options: SolveOptions) -> int:
    look = replace(options, solver="greedy", effort=1, deadline_cycles=None)
    return solve_transfers(problem, look).schedule.makespan_cycles


def _solve_after(stall: int, problem: Instance, options: SolveOptions, least: _Least) -> Result:
    """Solve a problem for what the stall leaves of the deadline; a fault says that it is less."""
    deadline = options.deadline_cycles
    if deadline is None or (least.exact and not stall):
        return solve_transfers(problem, options)
    if deadline < least.bound.cycles:
        raise InfeasibleError(f"the deadline of {deadline} cycles is below the lower bound of {least.bound.cycles}")
    after = f"the opening deskew takes {stall} of {deadline} cycles"
    if deadline <= stall:
        raise NothingFoundError(after, remedy=LATER)
    try:
        return solve_transfers(problem, replace(options, deadline_cycles=deadline - stall))
    except InfeasibleError as error:
        if least.exact:
            raise InfeasibleError(f"{after}; {error.cause}") from error
        # Only guards of the least length would prove it.
        raise NothingFoundError(f"{after}; with the guard of its interval, {error.cause}", remedy=LATER) from error
    except NothingFoundError as error:
        raise NothingFoundError(f"{after}; {error.effort}", remedy=error.remedy) from error
