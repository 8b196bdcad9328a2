"""Flow: the best lengths of links for vectors with one holder and one reader each.

`loads` proves a bound for any lengths of links. The best ones weigh links by how scarce they are: let each bundle have
room for r_b departures within a known bound. Routes of all vectors, in parts if need be, make at least theta r_b
departures on some bundle for the least theta of a linear program: flows f_x of what each holder x gives, kept at each
node, sum over x of f_x(b) <= theta r_b. The prices of these rows in its dual are lengths, and theta > 1 says that they
prove more than is known. They are rounded to whole numbers and the bound is worked out anew from shortest ways, so that
it holds whatever the program is and however well it was solved.

Flows that look alike are equal in some solution: the rows and columns are coloured until all of one colour meet equally
many of each other colour, and the program has one of each colour. Colours are hashes; no proof rests on them.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from lpxsched.schedule.bounds.loads import least_step_cycles, load_of, ramp
from lpxsched.schedule.policy import FLOW_ROUNDS, FLOW_WORTH, MOST_COLUMNS, MOST_FLOWS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from lpxsched.compiled.kernels import Integers
    from lpxsched.schedule.bounds.view import View
    from lpxsched.schedule.problem.instance import Instance

    Hashes = NDArray[np.uint64]

# The greatest length of a link: a multiple of all numbers up to 12, so that prices in such ratios are exact.
LONGEST = 27_720
# Odd numbers with no pattern in their bits (splitmix64).
MIX_FACTORS = (np.uint64(0x9E3779B97F4A7C15), np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB))
MIX_SHIFT = np.uint64(29)


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
