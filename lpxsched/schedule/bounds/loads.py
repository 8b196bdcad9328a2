"""Loads of links that have lengths, for vectors with one holder and one reader each.

Give each bundle b any length w_b, a whole number that is not negative; let w be the greatest, and d(x, z) the length of
the shortest way from x to z. The departures of every vector from x to z have lengths that sum up to d(x, z) or more,
and different vectors make different departures. Let c be the least cycles from a departure to the next departure of the
same vector (over any bundle). Before cycle k c a vector departs at most k times; and it is read at most l times later
than l c cycles before the end. So of its lengths max(0, d - (k + l) w) at least leave within [k c, T - hop_b - l c],
and the lemma of `crossings` holds for every m = k + l, where a departure over b counts w_b times, with

    W = sum over x and z of N_xz max(0, d(x, z) - m w),    idle_b = hop_b + m c.

Lengths that are tried are 1 on links of some classes, 0 elsewhere, and the best.

**Ramp.** Where at most i vectors begin at a chip in a cycle (R7), a vector that begins in cycle t departs at most
ceil((k - t) / c) times before cycle k. With B(t) the most vectors that can have begun by the end of cycle t, which is
the sum over chips of min(i (t + 1), vectors that begin there), that makes, summed by parts,

    F(k) = sum over t < k of (B(t) - B(t - 1)) ceil((k - t) / c)

departures at most. Likewise at most G(l) reads are later than l cycles before the end, where at most e vectors end at a
chip in a cycle: those that end in the j-th cycle from the last are read within (T - l, T - j] if all times are whole
cycles, and before T - j + 1 otherwise. So lengths of W - (F(k) + G(l)) w leave within [k, T - hop_b - l].

**Flow.** The best lengths weigh links by how scarce they are: let each bundle have room for r_b departures within a
known bound. Routes of all vectors, in parts if need be, make at least theta r_b departures on some bundle for the least
theta of a linear program: flows f_x of what each holder x gives, kept at each node, sum over x of f_x(b) <= theta r_b.
The prices of these rows in its dual are lengths, and theta > 1 says that they prove more than is known. They are
rounded to whole numbers and the bound is worked out anew from shortest ways, so that it holds whatever the program is
and however well it was solved.

Flows that look alike are equal in some solution: the rows and columns are coloured until all of one colour meet equally
many of each other colour, and the program has one of each colour. Colours are hashes; no proof rests on them.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from itertools import combinations
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from lpxsched.schedule.bounds.view import View, is_small
from lpxsched.schedule.policy import (
    FLOW_ROUNDS,
    FLOW_WORTH,
    LONGEST_RAMP,
    MOST_COLUMNS,
    MOST_FLOWS,
    MOST_LOADED_CLASSES,
)
from lpxsched.schedule.problem.wires import least_lengths

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from lpxsched.compiled.kernels import Integers
    from lpxsched.schedule.bounds.crossings import Lanes
    from lpxsched.schedule.problem.instance import Instance

    Hashes = NDArray[np.uint64]

# The greatest length of a link: a multiple of all numbers up to 12, so that prices in such ratios are exact.
LONGEST = 27_720
# Odd numbers with no pattern in their bits (splitmix64).
MIX_FACTORS = (np.uint64(0x9E3779B97F4A7C15), np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB))
MIX_SHIFT = np.uint64(29)


@dataclass(frozen=True, slots=True, eq=False)
class LinkLoad:
    """Departures on links that have lengths, the greatest the `longest`.

    Of each pair of ends there are vectors, and the length of the shortest way. Lanes are all links that have a length,
    those of equal wires together, each counted as often as it is long; `hop` is of shape (wires,).
    """

    name: str
    vectors: Integers
    distance: Integers
    longest: int
    lanes: Lanes
    hop: Integers

    def cycles(self, least_step_cycles: int) -> int:
        """Return the bound for the best m, without the ramp."""
        left_out = np.arange(max(1, -(-self.distance.max(initial=0) // self.longest)))
        needed = np.array([self.vectors @ np.maximum(self.distance - m * self.longest, 0) for m in left_out.tolist()])
        idle = self.hop + left_out[:, None] * least_step_cycles
        return int(self.lanes.shortest(needed, idle).max())

    def ramp_cycles(self, outside: Integers) -> int:
        """Return the bound of the makespan when so many departures at most fit into m cycles outside the window."""
        needed = np.maximum(self.vectors @ self.distance - outside * self.longest, 0)
        idle = self.hop + np.arange(len(outside))[:, None]
        return int(self.lanes.shortest(needed, idle).max())


def loads(problem: Instance, view: View) -> Iterator[LinkLoad]:
    """Yield the loads of all links and of sets of classes; nothing if vectors are copied or summed."""
    if not view.wants.is_exchange or not is_small(view):
        return
    classes = np.unique(problem.network.link_class).tolist()
    sizes = range(1, len(classes) + 1) if len(classes) <= MOST_LOADED_CLASSES else (1, len(classes))
    for chosen in (chosen for size in sizes for chosen in combinations(classes, size)):
        name = "links" if len(chosen) == len(classes) else "link class"
        yield load_of(view, np.isin(problem.network.link_class, chosen).astype(np.int64), name)


def load_of(view: View, length: Integers, name: str) -> LinkLoad:
    """Return the load of links of some lengths, shape (bundles,); not all are 0."""
    network, width = view.network, view.wants.width
    holders, readers = np.nonzero(view.wants.vectors)
    distance = least_lengths(np.arange(width), network, length)[holders, readers]
    lanes, hop = _alike(view, length)
    return LinkLoad(name, view.wants.vectors[holders, readers], distance, int(length.max()), lanes, hop)


def least_step_cycles(view: View) -> int:
    """Return the least cycles from a departure to the next departure of the same vector."""
    return max(1, int(view.hop.min()) + view.between_cycles)


def ramp(problem: Instance, view: View) -> Integers | None:
    """Return the most departures outside a window that leaves out m cycles, for each m; None without limits.

    None for a period, too.
    """
    if view.lanes.repeats or not (problem.network.inject_per_cycle or problem.network.eject_per_cycle):
        return None
    step = least_step_cycles(view)
    limit = min(limit for limit in (problem.network.inject_per_cycle, problem.network.eject_per_cycle) if limit)
    lanes_of_chip = -(-int(view.network.lanes.sum()) // problem.network.width)
    cycles = np.arange(min(LONGEST_RAMP, step * (-(-lanes_of_chip // limit) + 1)) + 1)
    whole = bool((problem.network.pitch_denominator == 1).all())
    early = _departures(view.wants.vectors.sum(axis=1), problem.network.inject_per_cycle, cycles, step, whole=True)
    late = _departures(view.wants.vectors.sum(axis=0), problem.network.eject_per_cycle, cycles, step, whole=whole)
    both = early[:, None] + late
    return np.array([np.diagonal(both[:, ::-1], len(cycles) - 1 - m).min() for m in range(2 * len(cycles) - 1)])


def _departures(vectors: Integers, limit: int, cycles: Integers, step: int, *, whole: bool) -> Integers:
    """Return F, or G, of the module's docstring for some numbers of cycles."""
    begun = np.minimum(limit * (cycles[:, None] + 1), vectors).sum(axis=1) if limit else vectors.sum() + 0 * cycles
    begins = np.diff(begun, prepend=0)
    left = cycles[:, None] - cycles
    wider = np.where((cycles >= 1) & (left >= 0) & (not whole), 1, 0)
    return np.asarray((-(-np.maximum(left + wider, 0) // step) * begins).sum(axis=1), dtype=np.int64)


def _alike(view: View, length: Integers) -> tuple[Lanes, Integers]:
    """Return the lanes that have a length, counted so often, those of equal wires together, and their hops."""
    bundles = np.flatnonzero(length)
    columns = (view.hop, view.lanes.pitch, view.lanes.pitch_of)
    kinds, first, kind = np.unique(
        np.stack([column[bundles] for column in columns]), axis=1, return_index=True, return_inverse=True
    )
    total = np.zeros(len(first), dtype=np.int64)
    np.add.at(total, kind.reshape(-1), view.lanes.count[bundles] * length[bundles])
    return replace(view.lanes.at(bundles[first]), count=total), kinds[0]


class Colours(NamedTuple):
    """Colours of balances by holder and node, of bundles, and of flows by holder and bundle."""

    node: Integers
    bundle: Integers
    flow: Integers


def flow_bound(problem: Instance, view: View, known: int) -> int:
    """Return a bound by flows if it exceeds a known one, else that."""
    step, outside = least_step_cycles(view), ramp(problem, view)
    best = known
    for _ in range(FLOW_ROUNDS):
        length = _lengths(view, view.lanes.room(np.array([best]), view.hop))
        if length is None:
            break
        load = load_of(view, length, "flow")
        found = max(load.cycles(step), 0 if outside is None else load.ramp_cycles(outside))
        if found <= best:
            break
        best = found
    return best


def _lengths(view: View, room: Integers) -> Integers | None:
    """Return lengths of links that prove more than is known; None where none are found, or too many flows differ."""
    holders = np.flatnonzero(view.wants.vectors.any(axis=1))
    if not view.wants.is_exchange or len(holders) * view.network.bundles > MOST_FLOWS:
        return None
    wanted = np.zeros((len(holders), view.network.nodes), dtype=np.int64)
    wanted[:, : view.wants.width] = view.wants.vectors[holders]
    wanted[np.arange(len(holders)), holders] = -wanted.sum(axis=1)
    colours = _coloured(view, wanted, room)
    prices = None if colours is None else _prices(view, wanted, room, colours)
    return None if prices is None else np.rint(prices / prices.max() * LONGEST).astype(np.int64)


def _coloured(view: View, wanted: Integers, room: Integers) -> Colours | None:
    """Return the coarsest colours in which equal ones meet equally many of each other colour; None if too many."""
    source, destination = view.network.source, view.network.destination
    node, bundle = _mixed(wanted.astype(np.uint64)), _mixed(room.astype(np.uint64))
    colours = 0
    while True:
        flow = _mixed(node[:, source], node[:, destination], bundle[None])
        into, out = np.zeros_like(node), np.zeros_like(node)
        np.add.at(into.T, destination, flow.T)
        np.add.at(out.T, source, flow.T)
        found = len(np.unique(flow))
        if found == colours:
            break
        if found > MOST_COLUMNS:
            return None
        colours = found
        node, bundle = _mixed(node, into, out), _mixed(bundle, flow.sum(axis=0, dtype=np.uint64))
    numbered = (np.unique(hashes, return_inverse=True)[1].reshape(hashes.shape) for hashes in (node, bundle, flow))
    return Colours(*numbered)


def _mixed(*parts: Hashes) -> Hashes:
    """Return hashes of several columns of numbers; sums of hashes are hashes of sets."""
    mixed = np.zeros((1,), dtype=np.uint64)
    for part in parts:
        mixed = (mixed ^ part) * MIX_FACTORS[0] + MIX_FACTORS[1]
        mixed = (mixed ^ (mixed >> MIX_SHIFT)) * MIX_FACTORS[2]
        mixed = mixed ^ (mixed >> MIX_SHIFT)
    return mixed


def _prices(view: View, wanted: Integers, room: Integers, colours: Colours) -> NDArray[np.float64] | None:
    """Return the price of each bundle, by one row and one column of each colour; None where nothing is gained."""
    from ortools.linear_solver import pywraplp

    solver = pywraplp.Solver.CreateSolver("GLOP")
    flows = [solver.NumVar(0, solver.infinity(), "") for _ in range(int(colours.flow.max()) + 1)]
    theta = solver.NumVar(0, solver.infinity(), "")
    solver.Minimize(theta)
    for balance, row in _balances(view, wanted, colours):
        kept = solver.Constraint(balance, balance)
        for flow, times in row.items():
            kept.SetCoefficient(flows[flow], times)
    _, first, size = np.unique(colours.bundle, return_index=True, return_counts=True)
    limits = []
    for bundle in first.tolist():
        limits.append(solver.Constraint(-solver.infinity(), 0))
        limits[-1].SetCoefficient(theta, -float(room[bundle]))
        for flow, times in zip(*np.unique(colours.flow[:, bundle], return_counts=True), strict=True):
            limits[-1].SetCoefficient(flows[flow], float(times))
    if solver.Solve() != solver.OPTIMAL or theta.solution_value() <= 1 + FLOW_WORTH:
        return None
    prices = np.array([max(0.0, -limit.dual_value()) for limit in limits])
    return np.asarray((prices / size)[colours.bundle])


def _balances(view: View, wanted: Integers, colours: Colours) -> Iterator[tuple[float, Counter[int]]]:
    """Yield of each colour of node what is read there, and how often the flow of each colour enters, less leaves."""
    source, destination = view.network.source, view.network.destination
    _, first = np.unique(colours.node, return_index=True)
    for holder, node in zip(*np.unravel_index(first, colours.node.shape), strict=True):
        row = Counter(colours.flow[holder, destination == node].tolist())
        row.subtract(colours.flow[holder, source == node].tolist())
        yield float(wanted[holder, node]), row
