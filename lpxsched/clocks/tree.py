"""The spanning trees along which chips align their counters, one a time domain."""

from __future__ import annotations

import math
from bisect import bisect_left
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from lpxsched.errors import InputError
from lpxsched.fabric.adjacency import adjacency
from lpxsched.fabric.distances import centre, hops_from
from lpxsched.units import NONE, ceil_div

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from lpxsched.clocks.specification import ClockSpecification
    from lpxsched.fabric.adjacency import Adjacency
    from lpxsched.fabric.fabric import Fabric


@dataclass(frozen=True, slots=True)
class TimeDomain:
    """Chips that are aligned under one root.

    Attributes
    ----------
    chips : tuple of int
        Those that must be aligned.
    others : tuple of int
        Those that are aligned too where a way leads to them, and may pass alignment on.
    groups : tuple of tuple of int
        Groups of chips that exchange vectors; a chip hangs from one of its own group, the smallest, if it can.
    root : int
        Chip at which the tree is rooted; `NONE` for the centre.
    """

    chips: tuple[int, ...]
    others: tuple[int, ...]
    groups: tuple[tuple[int, ...], ...] = ()
    root: int = NONE


@dataclass(frozen=True, slots=True, eq=False)
class AlignmentTree:
    """Parent and depth of every node; a root is its own parent at depth 0, a node in no tree has -1 for both.

    Hosts are in no tree: each of their lanes follows the chip at its other end.

    Attributes
    ----------
    parent, depth : ndarray of int64, shape (nodes,)
    """

    parent: NDArray[np.int64]
    depth: NDArray[np.int64]

    @property
    def root(self) -> NDArray[np.int64]:
        """Root of the tree of each node, -1 for those in no tree, shape (nodes,)."""
        root = self.parent
        for _ in range(int(self.depth.max(initial=0))):
            root = np.where(root == NONE, NONE, self.parent[root])
        return root

    def height(self, node: int) -> int:
        """Return the depth of the tree in which a node is; 0 for a node in no tree."""
        root = self.root
        return 0 if root[node] == NONE else int(self.depth[root == root[node]].max())

    def farthest(self, nodes: Sequence[int]) -> tuple[int, int]:
        """Return two of some nodes of one tree that lie farthest apart; from any node one of them is the farthest.

        The node farthest from any one of them is an end of the longest path, so two sweeps suffice.
        """
        others = np.asarray(nodes, dtype=np.int64)
        one = int(others[self.levels_between(np.full_like(others, others[0]), others).argmax()])
        return one, int(others[self.levels_between(np.full_like(others, one), others).argmax()])

    def levels_between(self, a: NDArray[np.int64], b: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the number of tree edges between nodes, pair by pair: how many residuals may sum up.

        Nodes that are both in no tree agree without: 0.

        Raises
        ------
        ValueError
            When two nodes are not in one tree.
        """
        a, b = a.copy(), b.copy()
        levels = np.zeros(len(a), dtype=np.int64)
        apart = (a != b) & ((self.depth[a] != NONE) | (self.depth[b] != NONE))
        while apart.any():
            up_a, up_b = apart & (self.depth[a] >= self.depth[b]), apart & (self.depth[b] >= self.depth[a])
            if (self.depth[a][up_a] <= 0).any() or (self.depth[b][up_b] <= 0).any():
                raise ValueError("nodes of different trees never agree")
            levels += up_a.astype(np.int64) + up_b
            a, b = np.where(up_a, self.parent[a], a), np.where(up_b, self.parent[b], b)
            apart &= a != b
        return levels


def needs_alignment(clock: ClockSpecification) -> bool:
    """Return whether clocks disagree at all unless they are aligned."""
    drift = clock.offset_ppm.value or clock.drift_ppm_per_s.value or clock.spread_ppm.value
    return bool(drift or clock.residual_ns.value or clock.calibration_ns.value)


def time_domains(fabric: Fabric, groups: Sequence[Sequence[int]]) -> list[TimeDomain]:
    """Return the time domains of groups of chips: a rack each, or the racks that groups join.

    A rack is what the last two coordinates number; a fabric of one or two coordinates is one rack.

    Parameters
    ----------
    fabric : Fabric
    groups : sequence of sequences of int
        Chips that must agree with each other.
    """
    size = fabric.shape[-1] * fabric.shape[-2] if len(fabric.shape) > 2 else fabric.chips
    domain = list(range(ceil_div(fabric.chips, size)))
    for group in groups:
        joined = {domain[chip // size] for chip in group}
        domain = [min(joined) if of_rack in joined else of_rack for of_rack in domain]
    taking_part = {chip for group in groups for chip in group}
    up = np.flatnonzero(~fabric.node_down[: fabric.chips]).tolist()
    parts: dict[int, tuple[list[int], list[int]]] = {}
    for chip in up:
        parts.setdefault(domain[chip // size], ([], []))[chip not in taking_part].append(chip)
    inside: dict[int, list[tuple[int, ...]]] = {}
    for group in sorted({tuple(sorted(group)) for group in groups}, key=lambda group: (len(group), group)):
        inside.setdefault(domain[group[0] // size], []).append(group)
    return [
        TimeDomain(tuple(chips), tuple(others), tuple(inside.get(number, ())))
        for number, (chips, others) in sorted(parts.items())
        if chips
    ]


def alignment_tree(fabric: Fabric, clock: ClockSpecification, domains: Sequence[TimeDomain]) -> AlignmentTree:
    """Return the tree of each time domain, breadth first over links in service, from parent to child.

    Each is rooted where its domain says, or at the chip from which the farthest chip of the domain is nearest, the
    lowest of several; then links slower than a tree of that depth needs are left out, since start-up waits for the
    slowest of a tree. Of the chips one level above, a chip hangs from one of its own group, the smallest of several,
    else of its own tray, else of its own rack, else from any; the lowest of several. So chips of a tray, or of a group,
    hang from the first that is reached, and differ by two residuals, not by four.
    Clocks that need no alignment get no tree.

    Raises
    ------
    InputError
        When no chip of a domain reaches all that must be aligned: their counters could not follow one.
    """
    parent, depth = np.full((2, fabric.nodes), NONE, dtype=np.int64)
    if needs_alignment(clock):
        for domain in domains:
            _grow(fabric, clock, domain, parent, depth)
    return AlignmentTree(parent, depth)


def least_depth(fabric: Fabric, chips: Sequence[int]) -> int:
    """Return a lower bound of the depth at which some of these chips are, whatever the tree and its root.

    It is 0 for one chip, and 1 only where some chip of the fabric leads to all of these others.
    """
    joined, wanted = adjacency(fabric), np.zeros(fabric.chips, dtype=np.bool_)
    wanted[list(chips)] = True
    pairs = np.unique(np.stack([joined.source, joined.destination])[:, wanted[joined.destination]], axis=1)
    reached = np.bincount(pairs[0], minlength=fabric.chips) + wanted
    return 0 if len(chips) == 1 else 1 if reached.max() == len(chips) else 2


def _grow(
    fabric: Fabric,
    clock: ClockSpecification,
    domain: TimeDomain,
    parent: NDArray[np.int64],
    depth: NDArray[np.int64],
) -> None:
    members = np.array(sorted({*domain.chips, *domain.others}), dtype=np.int64)
    joined = adjacency(fabric, members.tolist())
    needed = np.searchsorted(members, np.array(sorted(domain.chips), dtype=np.int64))
    if centre(joined, needed) is None:
        hops = hops_from(int(needed[0]), joined)
        lost = needed[hops[needed] == NONE][0]
        problem = (
            f"no links lead from chip {members[needed[0]]} to chip {members[lost]} over chips that take part, and none "
            f"of them reaches all others, so clocks of {clock.name} cannot be aligned; leave out what is not joined, "
            "or take a clock that needs no alignment"
        )
        raise InputError(fabric.name, problem)
    if domain.root == NONE:
        joined, root = _fastest(fabric, joined, needed)
    else:
        root = int(np.searchsorted(members, domain.root))
    hops = hops_from(root, joined)
    above = hops[joined.source] != NONE
    downwards = above & (hops[joined.destination] == hops[joined.source] + 1)
    upper, lower = members[joined.source[downwards]], members[joined.destination[downwards]]
    order = np.lexsort((upper, *_strangers(fabric, upper, lower), _widths(fabric, domain, upper, lower), lower))
    child, first = np.unique(lower[order], return_index=True)
    parent[child] = upper[order][first]
    parent[members[root]] = members[root]
    reached = hops != NONE
    depth[members[reached]] = hops[reached]


def _widths(fabric: Fabric, domain: TimeDomain, a: NDArray[np.int64], b: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the size of the smallest group that holds both of some chips; more than any where none does."""
    width = np.full(len(a), fabric.chips + 1, dtype=np.int64)
    for group in reversed(domain.groups):
        inside = np.zeros(fabric.nodes, dtype=np.bool_)
        inside[list(group)] = True
        width[inside[a] & inside[b]] = len(group)
    return width


def _fastest(fabric: Fabric, joined: Adjacency, needed: NDArray[np.int64]) -> tuple[Adjacency, int]:
    """Return the fastest bundles over which a tree is no deeper than over all, and its root."""
    latency = np.array([link_class.latency_cycles for link_class in fabric.link_classes])[joined.kind]

    def within(latency_cycles: int) -> tuple[Adjacency, int | None, float]:
        faster = joined.taken(latency <= latency_cycles)
        root = centre(faster, needed)
        return faster, root, math.inf if root is None else float(hops_from(root, faster)[needed].max())

    steps = np.unique(latency).tolist() or [0]
    deepest = within(steps[-1])[2]
    # Further bundles never make a tree deeper.
    step = bisect_left(steps, True, key=lambda cycles: within(cycles)[2] <= deepest)
    faster, root, _ = within(steps[step])
    return faster, root or 0


def _strangers(fabric: Fabric, a: NDArray[np.int64], b: NDArray[np.int64]) -> list[NDArray[np.bool_]]:
    """Return whether chips differ in tray, in rack, and so on up to the first coordinate."""
    sizes = np.cumprod(fabric.shape[::-1])
    return [a // size != b // size for size in sizes]
