"""Sums of many operands: summands pass chips as they are, until more than a few would cross a link.

A sum at every chip of a long way loads each link once and takes the time of a sum at each; one sum at the end takes one
such time, and the last link carries all summands. Between lies a sum wherever more than so many streams would go on. It
adds those of the least depth, as many depths as it must: with s streams and d sums in a row a line of about d^s / s!
chips is summed. Or it lies wherever so many streams of one depth meet, which carries like digits of a number: with b of
them d sums in a row add b^d chips, and most chips never add.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from lpxsched.schedule.parts import Builder, Made, beside
from lpxsched.schedule.plan import OPERATOR, Plan
from lpxsched.schedule.policy import MOST_PACED

if TYPE_CHECKING:
    from lpxsched.schedule.routes.trees import Merging
    from lpxsched.schedule.symmetry.quotient import Quotient, Ways


class Stream(NamedTuple):
    """What crosses links for itself, and how many sums in a row it took."""

    depth: int
    made: Made


def pace(problem: Quotient, streams: int) -> int:
    """Return the shortest block of which a sum is done while its operands come in over the fastest link."""
    wires = problem.wires
    cycles = float((wires.numerator / (wires.denominator * wires.lanes[wires.resource])).min(initial=np.inf))
    for vectors in range(1, MOST_PACED):
        if problem.instance.add_cost.cycles(streams + 1, vectors) <= streams * vectors * cycles:
            return vectors
    return MOST_PACED


def merged_plan(problem: Quotient, ways: Ways, merging: Merging) -> Plan:
    """Return the plan of sums along trees of the reversed problem, which a problem uses against their direction."""
    order = np.lexsort((ways.bundle, ways.block))
    first = np.searchsorted(ways.block[order], np.arange(len(ways.blocks) + 1))
    known: dict[tuple[int, bytes], Plan] = {}
    plans = []
    for block, source in enumerate(ways.blocks.source.tolist()):
        bundles = ways.bundle[order[first[block] : first[block + 1]]]
        one, key = ways.blocks.taken(np.array([block])), (source, bundles.tobytes())
        if key not in known:
            known[key] = _merged(problem, bundles.tolist(), source, merging).plan(one)
        plans.append(replace(known[key], blocks=one))
    return beside(plans)


def _merged(problem: Quotient, bundles: list[int], root: int, merging: Merging) -> Builder:
    """Return what happens along the tree of a block, from its leaves to its root."""
    network, tree = problem.network, Builder(problem)
    start, end = network.source.tolist(), network.destination.tolist()
    out_of = {start[bundle]: bundle for bundle in bundles}
    arrived: dict[int, list[Stream]] = {node: [] for node in [root, *out_of]}
    for node in _leaves_first(root, out_of, end):
        going = _own(node, network.width) + arrived[node]
        added, kept = _added(going, merging)
        if added:
            total = tree.add(0, node, [stream.made for stream in added], complete=False)
            kept.append(Stream(1 + max(stream.depth for stream in added), total))
        for stream in kept:
            sent = tree.send(0, out_of[node], stream.made)
            arrived[end[out_of[node]]].append(stream._replace(made=sent))
    tree.add(0, root, [stream.made for stream in _own(root, network.width) + arrived[root]], complete=True)
    return tree


def _leaves_first(root: int, out_of: dict[int, int], end: list[int]) -> list[int]:
    """Return all nodes but the root, each before the one to which it sends."""
    senders: dict[int, list[int]] = {}
    for node in sorted(out_of):
        senders.setdefault(end[out_of[node]], []).append(node)
    found = [root]
    for node in found:
        found += senders.get(node, [])
    return found[:0:-1]


def _own(node: int, width: int) -> list[Stream]:
    return [Stream(0, Made(OPERATOR, node, node))] if node < width else []


def _added(going: list[Stream], merging: Merging) -> tuple[list[Stream], list[Stream]]:
    """Return the streams of the least depths that are added before they go on, two or more or none, and the others."""
    carried = 0
    added, others = list[Stream](), going
    for depth in range(1 + max(stream.depth for stream in going)):
        below = [stream for stream in going if stream.depth <= depth]
        above = [stream for stream in going if stream.depth > depth]
        alike = sum(stream.depth == depth for stream in going) + carried
        carried = int(alike >= merging.alike)
        crowded = len(others) > merging.streams >= len(above) + 1
        if len(below) > 1 and (carried or crowded):
            added, others = below, above
    return added, others
