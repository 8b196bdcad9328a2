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
    """Trees of blocks, and what they load.

    `source` and `vectors` by block; by block and node, `parents` is the bundle over which it comes, `children` how many
    pass it on from there; `load` is that of each resource. Bundles into node i are those `into` from ``offsets[i]`` on.
    """

    source: Integers
    vectors: Integers
    parents: NDArray[np.int32]
    children: Integers
    load: NDArray[np.float64]
    into: Integers
    offsets: Integers


def balanced_parents(
    problem: Quotient, ways: Ways, fork_price: float, *, minimal: bool, seed: int, count_first: bool
) -> NDArray[np.int32]:
    """Return over which bundle each node gets each block that everyone reads, with loads made even.

    Parameters
    ----------
    problem : Quotient
    ways : Ways
        Trees of shortest ways, to start from.
    fork_price : float
        What it costs, where an even load costs 1, to make a node pass on a block which it did not.
    minimal : bool
        Whether ways stay the shortest ones.
    seed : int
        Of the order in which nodes choose anew.
    count_first : bool
        Whether first hops count as load. They can be late where a sum comes from far, early where a copy goes far.

    Returns
    -------
    ndarray of int32, shape (blocks, nodes)
        `NONE` at the source of a block.
    """
    wires, source, vectors = problem.wires, ways.blocks.source, ways.blocks.vectors
    parents = np.full((len(ways.blocks), wires.nodes), NONE, dtype=np.int32)
    parents[ways.block, wires.destination[ways.bundle]] = ways.bundle
    met = np.flatnonzero(parents >= 0)
    block, bundle = met // wires.nodes, parents.ravel()[met]
    resource, sender = wires.resource[bundle], wires.source[bundle]
    share = vectors[block] * wires.numerator[bundle] / (wires.denominator[bundle] * wires.lanes[resource])
    counts = count_first | (sender != source[block])
    load = np.bincount(resource, weights=share * counts, minlength=len(wires.lanes)).astype(np.float64)
    children = np.bincount(block * wires.nodes + sender, minlength=parents.size).reshape(parents.shape)
    trees = ParentTrees(source, vectors, parents, children, load, *grouped(wires.destination, wires.nodes))
    random = np.random.default_rng(seed)
    order = np.concatenate([random.permutation(len(ways.block)) for _ in range(SWEEPS)])
    pairs = np.stack([ways.block, wires.destination[ways.bundle]], axis=1)[order]
    _choose_parents(wires, problem.way, trees, pairs, fork_price, minimal)
    return parents


@kernel
def _descends(wires: Wires, parents: NDArray[np.int32], node: int, ancestor: int) -> bool:
    """Return whether a node gets a block by way of another."""
    while node != ancestor and parents[node] >= 0:
        node = wires.source[parents[node]]
    return bool(node == ancestor)


@kernel
def _choose_parents(
    wires: Wires, way: NDArray[np.int32], trees: ParentTrees, pairs: Integers, fork_price: float, minimal: bool
) -> None:
    """Let nodes choose anew, in the order of `pairs` of block and node."""
    parents, children, load = trees.parents, trees.children, trees.load
    mean = max(load.mean(), 1e-9)
    for index in range(len(pairs)):
        block, node = pairs[index]
        root, vectors = trees.source[block], trees.vectors[block]
        current = parents[block, node]
        if minimal and wires.source[current] == root:
            continue
        load[wires.resource[current]] -= share_cycles(wires, current, vectors)
        children[block, wires.source[current]] -= 1
        best, least = current, np.inf
        for place in range(trees.offsets[node], trees.offsets[node + 1]):
            bundle = trees.into[place]
            other = wires.source[bundle]
            between = wires.turnaround if other != root else 0
            if minimal and way[root, other] + between + wires.hop[bundle] != way[root, node]:
                continue
            if other >= wires.width or (not minimal and _descends(wires, parents[block], other, node)):
                continue
            share = share_cycles(wires, bundle, vectors)
            price = ((load[wires.resource[bundle]] + share) / mean) ** 8
            if other != root and children[block, other] == 0:
                price += fork_price
            if price < least or (price == least and bundle == current):
                best, least = bundle, price
        parents[block, node] = best
        load[wires.resource[best]] += share_cycles(wires, best, vectors)
        children[block, wires.source[best]] += 1
