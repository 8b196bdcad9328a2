"""Trees of blocks that everyone reads, changed until no link carries much more than others.

Each node chooses anew over which bundle it gets a block, again and again, by a price that grows steeply with load.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from lpxsched.compiled.kernels import Integers, kernel
from lpxsched.schedule.policy import SWEEPS
from lpxsched.schedule.problem.ragged import grouped
from lpxsched.schedule.problem.wires import Wires, share_cycles
from lpxsched.units import NONE

if TYPE_CHECKING:
    from lpxsched.schedule.symmetry.quotient import Quotient, Ways


class ParentTrees(NamedTuple):
    """Source and length of each block; by block and node, the bundle over which it comes and how many pass it on."""

    source: Integers
    vectors: Integers
    parents: NDArray[np.int32]
    children: Integers


class Entries(NamedTuple):
    """Bundles sorted by destination, those into node i from ``offsets[i]`` on."""

    bundle: Integers
    offsets: Integers


class ParentChoice(NamedTuple):
    """How nodes choose.

    `fork_price` is what it costs, where an even load costs 1, to make a node pass on a block which it did not;
    `minimal` keeps ways the shortest ones.
    """

    fork_price: float
    minimal: bool


def balanced_parents(
    problem: Quotient, ways: Ways, choice: ParentChoice, *, seed: int, count_first: bool
) -> NDArray[np.int32]:
    """Return over which bundle each node gets each block that everyone reads, with loads made even.

    Parameters
    ----------
    problem : Quotient
    ways : Ways
        Trees of shortest ways, to start from.
    choice : ParentChoice
    seed : int
        Of the order in which nodes choose anew.
    count_first : bool
        Whether first hops count as load. They can be late where a sum comes from far, early where a copy goes far.

    Returns
    -------
    ndarray of int32, shape (blocks, nodes)
        `NONE` at the source of a block.
    """
    network = problem.network
    parents = np.full((len(ways.blocks), network.nodes), NONE, dtype=np.int32)
    parents[ways.block, network.destination[ways.bundle]] = ways.bundle
    random = np.random.default_rng(seed)
    order = np.concatenate([random.permutation(len(ways.block)) for _ in range(SWEEPS)])
    entries = Entries(*grouped(network.destination, network.nodes))
    children = np.zeros(parents.shape, dtype=np.int64)
    trees = ParentTrees(ways.blocks.source, ways.blocks.vectors, parents, children)
    load = np.zeros(len(problem.wires.lanes))
    _charge(problem.wires, trees, load, count_first)
    pairs = np.stack([ways.block, network.destination[ways.bundle]], axis=1)[order]
    _choose_parents(problem.wires, problem.way, trees, entries, load, choice, pairs)
    return parents


@kernel
def _descends(wires: Wires, parents: NDArray[np.int32], node: int, ancestor: int) -> bool:
    """Return whether a node gets a block by way of another."""
    while node != ancestor and parents[node] >= 0:
        node = wires.source[parents[node]]
    return bool(node == ancestor)


@kernel
def _charge(wires: Wires, trees: ParentTrees, load: NDArray[np.float64], count_first: bool) -> None:
    """Add all trees to the loads, and count who passes on how often."""
    for block in range(len(trees.parents)):
        for node in range(wires.nodes):
            bundle = trees.parents[block, node]
            if bundle >= 0:
                if count_first or wires.source[bundle] != trees.source[block]:
                    load[wires.resource[bundle]] += share_cycles(wires, bundle, trees.vectors[block])
                trees.children[block, wires.source[bundle]] += 1


@kernel
def _choose_parents(
    wires: Wires,
    way: NDArray[np.int32],
    trees: ParentTrees,
    entries: Entries,
    load: NDArray[np.float64],
    choice: ParentChoice,
    pairs: Integers,
) -> None:
    """Let nodes choose anew, in the order of `pairs` of block and node."""
    parents, children = trees.parents, trees.children
    mean = max(load.mean(), 1e-9)
    for index in range(len(pairs)):
        block, node = pairs[index]
        root, vectors = trees.source[block], trees.vectors[block]
        current = parents[block, node]
        if choice.minimal and wires.source[current] == root:
            continue
        load[wires.resource[current]] -= share_cycles(wires, current, vectors)
        children[block, wires.source[current]] -= 1
        best, least = current, np.inf
        for place in range(entries.offsets[node], entries.offsets[node + 1]):
            bundle = entries.bundle[place]
            other = wires.source[bundle]
            between = wires.turnaround if other != root else 0
            if choice.minimal and way[root, other] + between + wires.hop[bundle] != way[root, node]:
                continue
            if other >= wires.width or (not choice.minimal and _descends(wires, parents[block], other, node)):
                continue
            share = share_cycles(wires, bundle, vectors)
            price = ((load[wires.resource[bundle]] + share) / mean) ** 8
            if other != root and children[block, other] == 0:
                price += choice.fork_price
            if price < least or (price == least and bundle == current):
                best, least = bundle, price
        parents[block, node] = best
        load[wires.resource[best]] += share_cycles(wires, best, vectors)
        children[block, wires.source[best]] += 1
