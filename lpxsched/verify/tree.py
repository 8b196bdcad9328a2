"""The tree along which chips align: whether it is one, and how many of its edges lie between two chips.

Part of R8. Hosts are in no tree: a lane of a host follows the chip at its other end.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from lpxsched.units import NONE
from lpxsched.verify.violation import Violation, named, rows_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lpxsched.timetable.build import Build
    from lpxsched.timetable.columns import Integers

RULE = "R8"


@dataclass(frozen=True, slots=True, eq=False)
class Tree:
    """Ancestors of all nodes.

    Attributes
    ----------
    depth : ndarray of int64, shape (nodes,)
        `NONE` for nodes in no tree.
    ancestors : tuple of ndarray of int64, shape (nodes,)
        In place j the ancestor 2^j edges up; a root, and a node in no tree, is its own.
    """

    depth: Integers
    ancestors: tuple[Integers, ...]

    @classmethod
    def of(cls, build: Build) -> Tree:
        """Return the tree of a build without `faults_of_tree`."""
        depth, parent = build.chips.hac_depth, build.chips.hac_parent
        ancestors = [np.where(parent == NONE, np.arange(len(parent)), parent)]
        while 1 << len(ancestors) <= int(depth.max(initial=0)):
            ancestors.append(ancestors[-1][ancestors[-1]])
        return cls(depth, tuple(ancestors))

    def lifted(self, node: Integers, edges: Integers) -> Integers:
        """Return the ancestor so many edges above each node."""
        for power, ancestor in enumerate(self.ancestors):
            node = np.where(edges >> power & 1, ancestor[node], node)
        return node

    def levels_between(self, a: Integers, b: Integers) -> Integers:
        """Return the edges between nodes; `NONE` where no one tree holds both."""
        depth_a, depth_b = self.depth[a], self.depth[b]
        low = np.minimum(depth_a, depth_b)
        up_a, up_b = (self.lifted(x, np.maximum(depth - low, 0)) for x, depth in ((a, depth_a), (b, depth_b)))
        for ancestor in reversed(self.ancestors):
            apart = ancestor[up_a] != ancestor[up_b]
            up_a, up_b = np.where(apart, ancestor[up_a], up_a), np.where(apart, ancestor[up_b], up_b)
        # Both are now the same node, or children of the nearest node above both.
        met = np.where(up_a == up_b, up_a, self.ancestors[0][up_a])
        one = (low >= 0) & ((up_a == up_b) | (self.ancestors[0][up_a] == self.ancestors[0][up_b]))
        return np.where(one, depth_a + depth_b - 2 * self.depth[met], NONE)


def faults_of_tree(build: Build) -> Iterator[Violation]:
    """Yield nodes whose depth is not one more than that of their parent; a root is its own parent, at depth 0."""
    chips = build.chips
    parent, depth = chips.hac_parent, chips.hac_depth
    node = np.arange(len(chips))
    right = np.where(parent == node, 0, depth[np.where(parent == NONE, node, parent)] + 1)
    right = np.where(parent == NONE, NONE, right)
    for row in np.flatnonzero((depth != right) | ((depth < 0) != (parent == NONE))).tolist():
        above = "no node" if parent[row] == NONE else named(build, int(parent[row]))
        message = f"{named(build, row)} hangs from {above} at depth {depth[row]}, must be {right[row]}"
        yield Violation(RULE, message, rows_of(chips, row))


def tree_violations(build: Build) -> Iterator[Violation]:
    """Yield hosts in the tree, and edges along which no counter is sent: no link from parent to child is up."""
    chips, links = build.chips, build.links
    parent = chips.hac_parent
    for node in np.flatnonzero(chips.host & (parent != NONE)).tolist():
        message = f"{named(build, node)} is in the tree of counters; hosts follow the chips at their lanes"
        yield Violation(RULE, message, rows_of(chips, node))
    up = ~(links.down | chips.down[links.src] | chips.down[links.dst])
    ends = np.unique(links.src[up] * len(chips) + links.dst[up])
    child = np.flatnonzero((parent != NONE) & (parent != np.arange(len(chips))))
    for node in child[~np.isin(parent[child] * len(chips) + child, ends)].tolist():
        both = f"{named(build, int(parent[node]))} to {named(build, node)}"
        message = f"the tree of counters goes from {both}, but no link that is up does"
        yield Violation(RULE, message, rows_of(chips, node))


def domain_violations(build: Build) -> Iterator[Violation]:
    """Yield chips of frames that hang from another root than that of the time domain which their frame names."""
    tree = Tree.of(build)
    node = np.arange(len(build.chips))
    root = np.where(tree.depth == NONE, NONE, tree.lifted(node, np.maximum(tree.depth, 0)))
    for segment, frame in enumerate(build.segments.frame.tolist()):
        domain = int(build.frames.time_domain[frame])
        for chip in dict.fromkeys(chip for group in build.graph.groups_of(segment) for chip in group.members):
            if root[chip] != domain or domain == NONE:
                hangs = "in no tree" if root[chip] == NONE else f"under {named(build, int(root[chip]))}"
                named_domain = "no domain" if domain == NONE else f"that of {named(build, domain)}"
                message = f"{named(build, chip)} is {hangs}, the time domain of frame {frame} is {named_domain}"
                yield Violation(RULE, message, (*rows_of(build.frames, frame), *rows_of(build.chips, chip)))
