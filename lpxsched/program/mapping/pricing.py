"""What a kind of layer costs on some chips: bounds that hold whatever the alignment tree, and schedules at effort 1.

Bounds reckon with the least that the rules ask of clocks in any tree: guards of one level between two chips, a stall of
the least depth at which all chips can be, no drift. Schedules are made with the tree that all chips in service have.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from lpxsched.clocks.guard import HOST_LEVELS
from lpxsched.clocks.limits import DomainClock
from lpxsched.clocks.tree import alignment_tree, least_depth, needs_alignment, time_domains
from lpxsched.errors import InfeasibleError, NothingFoundError
from lpxsched.program.groups import group_on
from lpxsched.program.mapping.memo import kept_values
from lpxsched.program.mapping.quick_bound import LeastWires, quick_bound
from lpxsched.program.mapping.shapes import racks_of
from lpxsched.program.outside.micro_batch import host_bytes
from lpxsched.schedule.bounds import lower_bound
from lpxsched.schedule.layers import solve_layer
from lpxsched.schedule.options import GREEDY_ONLY_EFFORT, SolveOptions
from lpxsched.schedule.problem.layer import layer_problems
from lpxsched.units import ceil_cycles, ns_to_cycles

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from lpxsched.clocks.specification import ClockSpecification
    from lpxsched.clocks.tree import AlignmentTree
    from lpxsched.fabric.fabric import Fabric
    from lpxsched.program.load import Load
    from lpxsched.program.outside.handover import Handover
    from lpxsched.program.outside.micro_batch import Outside
    from lpxsched.schedule.problem.layer import LayerProblem
    from lpxsched.traffic.group import Group

Chips = tuple[int, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Market:
    """Where layers are priced.

    Attributes
    ----------
    load, fabric, clock : Load, Fabric, ClockSpecification
        What is laid, over which fabric, on which clocks.
    seed : int
        Of every random choice.
    outside_of : callable
        What lies outside of the fabric, for groups of all layers.
    """

    load: Load
    fabric: Fabric
    clock: ClockSpecification
    seed: int
    outside_of: Callable[[Sequence[Group]], Outside]

    def quick(self, kind: int, chips: Chips) -> int:
        """Return a lower bound that takes next to no time."""
        return quick_bound(self.load, self.fabric, kind, chips, least_wires_of(self))

    def bound(self, kind: int, chips: Chips) -> int:
        """Return the lower bound of a kind of layer on some chips, whatever their tree."""
        return _bound(self, kind, chips)

    def handover_cycles(self, kind: int, chips: Chips) -> int:
        """Return what the hand-over to the hosts of some chips and back takes, in cycles; the fewer, the longer."""
        handover = _handover(self)
        ports = host_bytes(self.load.graph_on(kind, len(chips)), group_on(self.fabric, kind, chips)).values()
        ways = handover.in_ns(max(into for into, _ in ports)) + handover.out_ns(max(out for _, out in ports))
        return ceil_cycles(ns_to_cycles(ways.value, self.load.chip.clock_mhz))

    def price(self, kind: int, chips: Chips, tree: AlignmentTree | None = None) -> Price:
        """Return what a schedule of a kind of layer on some chips takes.

        Parameters
        ----------
        kind : int
        chips : tuple of int
        tree : AlignmentTree, optional
            That of all chips in service when left out.
        """
        return _price(self, _problem(self, kind, chips, tree))


class Price(NamedTuple):
    """What a schedule takes with its stall, what none falls short of; or why there is none."""

    makespan_cycles: int
    bound_cycles: int
    stall_cycles: int
    missing: str = ""


def _problem(market: Market, kind: int, chips: Chips, tree: AlignmentTree | None = None) -> LayerProblem:
    load, fabric = market.load, market.fabric
    tree = _tree(market, racks_of(fabric, chips)) if tree is None else tree
    (problem,) = layer_problems(
        fabric,
        [group_on(fabric, kind, chips)],
        load.graph_on(kind, len(chips)),
        load.costs,
        clock=market.clock,
        tree=tree,
    )
    return problem


@lru_cache(maxsize=2)
def _handover(market: Market) -> Handover:
    """Return the hand-over, the same for all groups."""
    chips = tuple(np.flatnonzero(~market.fabric.node_down[: market.fabric.chips]).tolist())
    return market.outside_of([group_on(market.fabric, layer, chips) for layer in range(market.load.layers)]).handover


@lru_cache(maxsize=8)
def _tree(market: Market, joined: Chips) -> AlignmentTree:
    """Return the trees of all racks, some of which are joined by a group; their first chips stand for them."""
    up = np.flatnonzero(~market.fabric.node_down[: market.fabric.chips]).tolist()
    groups = [*((chip,) for chip in up), *([joined] if len(joined) > 1 else [])]
    return alignment_tree(market.fabric, market.clock, time_domains(market.fabric, groups))


@lru_cache(maxsize=4096)
def _bound(market: Market, kind: int, chips: Chips) -> int:
    problem = _problem(market, kind, chips)
    opening = problem.opening
    depth = min(opening.least_clock.depth, least_depth(market.fabric, chips))
    least = replace(
        opening,
        least_levels=np.minimum(opening.least_levels, 1),
        least_clock=replace(opening.least_clock, depth=depth),
    )
    return lower_bound(least.least(problem.instance)).cycles


def _price(market: Market, problem: LayerProblem) -> Price:
    options = SolveOptions("auto", GREEDY_ONLY_EFFORT, market.seed)
    key = repr((problem.distinct_key(), problem.hosts_polled, market.clock, options))

    def solved() -> list[int | str]:
        try:
            over, result = solve_layer(problem, options)
        except (InfeasibleError, NothingFoundError) as error:
            return [0, 0, 0, str(error)]
        bound = lower_bound(problem.opening.least(problem.instance))
        return [result.makespan_cycles, min(bound.cycles, result.bound.cycles), over.instance.release_cycles, ""]

    makespan, bound, stall, missing = kept_values(key, solved)
    return Price(int(makespan), int(bound), int(stall), str(missing))


@lru_cache(maxsize=2)
def least_wires_of(market: Market) -> LeastWires:
    """Return the least that ways take on the fabric of a market."""
    fabric, clock = market.fabric, market.clock
    level = int(needs_alignment(clock))
    domain = DomainClock(clock, level, fabric.chip.clock_mhz, fabric.guard_in_hop)
    first, links = fabric.bundle_starts()
    lanes, kind = np.diff(np.append(first, len(links))), fabric.link_class[links[first]]
    from_chip, to_chip = fabric.source[links[first]] < fabric.chips, fabric.destination[links[first]] < fabric.chips
    hops = [ceil_cycles(of_class.vector_time_cycles) + of_class.latency_cycles for of_class in fabric.link_classes]

    def least(bundles: NDArray[np.bool_]) -> tuple[int, Fraction]:
        """Return the shortest hop and the least time of a vector on some bundles."""
        kinds = np.unique(kind[bundles]).tolist()
        vectors = [fabric.link_classes[number].vector_time_cycles for number in kinds]
        return min((hops[number] for number in kinds), default=0), min(vectors, default=Fraction(0))

    (enter, enter_vector), (leave, leave_vector) = least(~from_chip & to_chip), least(from_chip & ~to_chip)
    between, vector = least(from_chip & to_chip)
    return LeastWires(
        stall_cycles=domain.stall_cycles(0),
        from_host_cycles=enter + domain.guard_cycles(HOST_LEVELS, 0),
        between_cycles=between + domain.guard_cycles(level, 0),
        to_host_cycles=leave,
        vector_cycles=vector,
        host_vector_cycles=min(enter_vector, leave_vector),
        host_lanes=int(lanes[from_chip != to_chip].max(initial=1)),
        turnaround_cycles=fabric.turnaround_cycles,
    )
