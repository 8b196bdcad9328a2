"""Packed trees: what many chips read is split over trees that share no link, so that all links carry at once.

A piece is cut into units. Each unit grows a tree from its source, over the bundles that all other units load least, and
again: where the least cut around a chip lets k links through, about k trees come out that share none. Units on one tree
are one run. Runs are then weighed anew, vector by vector, by when the last vector of each tree arrives, and cut into
blocks, which a tree passes on one behind the other. Sums are trees of the reversed problem.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from lpxsched.compiled.kernels import Flags, Integers, kernel
from lpxsched.schedule.policy import ALL_LATE, MOST_LOOKS, MOST_UNITS, MOST_UNITS_IN_ALL, NEARLY, SWEEPS
from lpxsched.schedule.problem.ragged import row_and_place
from lpxsched.schedule.problem.wires import Wires, share_cycles
from lpxsched.schedule.routes.dealing import dealt, lateness
from lpxsched.schedule.routes.exact_trees import exact_trees
from lpxsched.schedule.symmetry.quotient import Blocks, Quotient, Ways
from lpxsched.units import NONE

UNREACHED = np.inf


class Merging(NamedTuple):
    """Where streams of summands that cross a chip are added: `streams` may go on, fewer than `alike` of one depth."""

    streams: int
    alike: int


@dataclass(frozen=True, slots=True)
class PackedTrees:
    """The style of packed trees: the longest block, the seed of the order in which units grow, and how sums are made.

    `late_price` is the price of an arrival as late as the whole collective must take, where a link as loaded as it must
    be costs 1. With `turns` trees are those of `exact_trees`, grown in so many, and no price counts. Sums are made
    `beside` their reader, or where `merging` says; without it each chip adds what it gets.
    """

    length: int
    late_price: float
    seed: int
    beside: bool = False
    merging: Merging | None = None
    turns: int = 0


class Units(NamedTuple):
    """Parts of pieces that grow a tree each: the piece's row, its source, how many vectors (not whole ones)."""

    row: Integers
    source: Integers
    vectors: NDArray[np.float64]


class Aim(NamedTuple):
    """Cycles that the fullest link must take at least, and the price of a cycle of lateness."""

    target: float
    late_price: float


class Growth(NamedTuple):
    """Loads of resources and, of the tree that grows, what is known of each node."""

    load: NDArray[np.float64]
    late: NDArray[np.float64]
    price: NDArray[np.float64]
    inside: Flags
    leads: Flags


class PackedRuns(NamedTuple):
    """Trees of pieces and their vectors; of shape (trees, nodes), the bundle to each node and the cycle of arrival."""

    row: Integers
    parents: NDArray[np.int32]
    vectors: Integers
    late: Integers


def packed_trees(problem: Quotient, style: PackedTrees) -> Ways | None:
    """Return blocks on packed trees of pieces that everyone reads; None where the search for them takes too long."""
    if style.turns:
        return _ways(problem, _exact_runs(problem, style.turns, style.seed), style.length)
    units = _units(problem)
    network = problem.network
    if len(units.row) * SWEEPS * (network.nodes**2 + network.bundles) > MOST_LOOKS:
        return None
    order = np.concatenate([_order(len(units.row), style.seed, sweep) for sweep in range(SWEEPS)])
    parents = _grow(problem.wires, units, order, _target_cycles(problem), style.late_price)
    return _ways(problem, _runs(problem, units, parents), style.length)


def _exact_runs(problem: Quotient, turns: int, seed: int) -> PackedRuns:
    """Return trees that share no lane; pieces are cut so that each has its turn several times."""
    source, vectors = problem.flow.source[problem.representatives], problem.flow.vectors[problem.representatives]
    row = np.concatenate([_order(len(source), seed, turn) for turn in range(turns)])
    turn = np.repeat(np.arange(turns), len(source))
    count = vectors[row] * (turn + 1) // turns - vectors[row] * turn // turns
    row, count = row[count > 0], count[count > 0]
    unit, parents, count = exact_trees(problem.wires, source[row], count)
    row, parents, whole = _distinct(row[unit], parents, count.astype(np.float64))
    return PackedRuns(row, parents, whole.astype(np.int64), lateness(problem.wires, parents)[0])


def _order(units: int, seed: int, sweep: int) -> Integers:
    return np.random.default_rng([seed, sweep]).permutation(units) if seed else np.arange(units)


def _units(problem: Quotient) -> Units:
    vectors = problem.flow.vectors[problem.representatives]
    most = max(1, min(MOST_UNITS, MOST_UNITS_IN_ALL // max(1, len(vectors))))
    counts = np.minimum(vectors, most)
    row, place = row_and_place(counts)
    # Dealt in turns, so that the units of all pieces grow side by side.
    row = row[np.lexsort((row, place))]
    return Units(row, problem.flow.source[problem.representatives[row]], (vectors / counts)[row])


def _target_cycles(problem: Quotient) -> float:
    """Return what the links of a node must take at least: into one that reads all, or out of one that holds most."""
    wires, flow = problem.wires, problem.flow
    rate = wires.lanes[wires.resource] * wires.denominator / wires.numerator
    into = np.bincount(wires.destination, weights=rate, minlength=wires.nodes)
    out = np.bincount(wires.source, weights=rate, minlength=wires.nodes)
    held = np.bincount(flow.source, weights=flow.vectors, minlength=wires.nodes)
    wanted = (held.sum() - held)[: wires.width]
    return float(max((wanted / np.maximum(into[: wires.width], 1e-9)).max(), (held / np.maximum(out, 1e-9)).max(), 1.0))


def _grow(wires: Wires, units: Units, order: Integers, target: float, late_price: float) -> NDArray[np.int32]:
    """Return the tree of each unit, grown in an order in which each comes several times; shape (units, nodes)."""
    parents = np.full((len(units.row), wires.nodes), NONE, dtype=np.int32)
    times, flags = np.zeros((2, wires.nodes)), np.zeros((2, wires.nodes), dtype=np.bool_)
    growth = Growth(np.zeros(len(wires.lanes)), *times, *flags)
    _grow_all(wires, units, order, Aim(target, late_price), growth, parents)
    return parents


@kernel
def _grow_all(
    wires: Wires, units: Units, order: Integers, aim: Aim, growth: Growth, parents: NDArray[np.int32]
) -> None:
    """Grow trees one after the other."""
    load, target = growth.load, aim.target
    for index in range(len(order)):
        unit = order[index]
        if index and index % len(units.row) == 0:
            # What a cut loads more than any one chip: without it that would outweigh all lateness.
            target = aim.target
            for resource in range(len(load)):
                target = max(target, NEARLY * load[resource])
        _charge(wires, load, parents[unit], -units.vectors[unit])
        current = Aim(target, aim.late_price / target)
        _grow_one(wires, current, growth, units.source[unit], units.vectors[unit] / target, parents[unit])
        _charge(wires, load, parents[unit], units.vectors[unit])


@kernel
def _charge(wires: Wires, load: NDArray[np.float64], parents: NDArray[np.int32], vectors: float) -> None:
    for bundle in parents:
        if bundle >= 0:
            load[wires.resource[bundle]] += share_cycles(wires, bundle, vectors)


@kernel
def _grow_one(wires: Wires, aim: Aim, growth: Growth, source: int, vectors: float, parents: NDArray[np.int32]) -> None:
    """Grow a tree node by node, each by the cheapest bundle that leaves the tree, and cut off what nobody reads."""
    late, price, inside = growth.late, growth.price, growth.inside
    parents[:], late[:], price[:], inside[:] = NONE, 0.0, UNREACHED, False
    node, missing = source, wires.width - (source < wires.width)
    while missing:
        inside[node] = True
        for place in range(wires.out_offsets[node], wires.out_offsets[node + 1]):
            bundle = wires.out[place]
            other = wires.destination[bundle]
            if inside[other]:
                continue
            arrives = late[node] + wires.hop[bundle] + (wires.turnaround if node != source else 0)
            loaded = growth.load[wires.resource[bundle]] / aim.target + share_cycles(wires, bundle, vectors)
            cost = loaded**8 + aim.late_price * arrives
            if cost < price[other]:
                price[other], late[other], parents[other] = cost, arrives, bundle
        node = NONE
        for other in range(wires.nodes):
            if not inside[other] and price[other] < UNREACHED and (node < 0 or price[other] < price[node]):
                node = other
        if node < 0:
            break
        missing -= node < wires.width
    _prune(wires, parents, growth.leads)


@kernel
def _prune(wires: Wires, parents: NDArray[np.int32], leads: Flags) -> None:
    """Cut off what leads to no reader: relays, and nodes that were offered but not taken."""
    leads[:] = False
    for reader in range(wires.width):
        node = reader
        while not leads[node]:
            leads[node] = True
            if parents[node] >= 0:
                node = wires.source[parents[node]]
    for node in range(wires.nodes):
        if not leads[node]:
            parents[node] = NONE


def _runs(problem: Quotient, units: Units, parents: NDArray[np.int32]) -> PackedRuns:
    """Return the trees that differ, sorted by piece, with the vectors of each piece dealt over them."""
    wires, piece = problem.wires, np.arange(len(problem.representatives), dtype=np.int64)
    # Besides, each piece has its tree of shortest ways.
    shortest = Units(piece, problem.flow.source[problem.representatives], np.ones(len(piece)))
    parents = np.concatenate([parents, _grow(wires, shortest, piece, 1.0, ALL_LATE)])
    row, parents, weights = _distinct(np.append(units.row, piece), parents, np.append(units.vectors, 0.0 * piece))
    late = lateness(wires, parents)
    # As many vectors as units have, the parts of vectors rounded so that they sum up.
    upto = np.rint(np.cumsum(weights)).astype(np.int64)
    vectors = upto - np.append(0, upto[:-1])
    vectors = dealt(wires, parents, late, row, vectors)
    kept = vectors > 0
    return PackedRuns(row[kept], parents[kept], vectors[kept], late[0][kept])


def _distinct(
    row: Integers, parents: NDArray[np.int32], vectors: NDArray[np.float64]
) -> tuple[Integers, NDArray[np.int32], NDArray[np.float64]]:
    """Return trees that differ, sorted by piece, with the vectors of equal ones summed up."""
    keyed = np.column_stack([row.astype(np.int32), parents])
    trees, number = np.unique(keyed, axis=0, return_inverse=True)
    total = np.bincount(number.ravel(), weights=vectors).astype(np.float64)
    return trees[:, 0].astype(np.int64), np.ascontiguousarray(trees[:, 1:]), total


def _ways(problem: Quotient, runs: PackedRuns, length: int) -> Ways:
    """Cut runs into blocks of even length, sent one behind the other, as many side by side as there are lanes."""
    wires, flow, pieces = problem.wires, problem.flow, problem.representatives
    used = runs.parents >= 0
    lanes = np.where(used, wires.lanes[wires.resource[runs.parents]], 1).max(axis=1)
    counts = np.maximum(-(-runs.vectors // length), np.minimum(lanes, runs.vectors))
    run, place = row_and_place(counts)
    vectors = runs.vectors[run] // counts[run] + (place < runs.vectors[run] % counts[run])
    piece = pieces[runs.row[run]]
    before = np.cumsum(vectors) - vectors
    first = before - before[np.searchsorted(piece, piece)]
    blocks = Blocks(piece, first, vectors, flow.source[piece], flow.target[piece])
    block, node = np.nonzero(used[run])
    bundle = runs.parents[run[block], node].astype(np.int64)
    start = runs.late[run[block], wires.source[bundle]]
    in_run = before[block] - before[np.searchsorted(run, run)][block]
    guess = start + in_run * wires.numerator[bundle] // wires.denominator[bundle]
    order = np.lexsort((block, start, guess))
    return Ways(blocks, block[order], bundle[order], np.zeros_like(block), np.arange(len(block), dtype=np.int64))
