"""Trees of shortest ways, all of a tensor at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from lpxsched.units import NONE

if TYPE_CHECKING:
    from lpxsched.compiled.kernels import Integers


class Branches(NamedTuple):
    """Nodes of trees, sorted by tree and node, roots left out.

    Attributes
    ----------
    tree, node, toward : ndarray of int64, shape (branches,)
        `toward` is the next node on the way to the root.
    parent : ndarray of int64, shape (branches,)
        The branch of that node, `NONE` where it is the root.
    """

    tree: Integers
    node: Integers
    toward: Integers
    parent: Integers


def branches_of(root: Integers, next_to: Integers, tree: Integers, node: Integers) -> Branches:
    """Return trees that join some nodes to their roots.

    Parameters
    ----------
    root : ndarray of int64, shape (trees,)
        A chip, or the host of one.
    next_to : ndarray of int64, shape (trees, chips)
        By tree, the next chip from each on the way to the root, or to the chip of the host that is the root.
    tree, node : ndarray of int64, shape (nodes,)
        Which nodes each tree must hold, the root itself included where it likes.
    """
    chips = next_to.shape[1]
    nodes = 2 * chips
    entry = root % chips

    def toward(keys: Integers) -> Integers:
        of_tree, at = np.divmod(keys, nodes)
        chip = np.where(at >= chips, NONE, at)
        onward = np.where(chip == entry[of_tree], root[of_tree], next_to[of_tree, chip])
        return np.where(at >= chips, at - chips, onward)

    wanted = np.unique(tree * nodes + node)
    found = wanted[wanted % nodes != root[wanted // nodes]]
    fresh = found
    while len(fresh):
        further = np.unique(fresh // nodes * nodes + toward(fresh))
        further = further[further % nodes != root[further // nodes]]
        fresh = np.setdiff1d(further, found, assume_unique=True)
        found = np.union1d(found, fresh)
    next_node = toward(found)
    of_tree = found // nodes
    key = of_tree * nodes + next_node
    place = np.minimum(np.searchsorted(found, key), max(len(found) - 1, 0))
    parent = np.where(next_node == root[of_tree], NONE, place)
    return Branches(of_tree, found % nodes, next_node, parent)
