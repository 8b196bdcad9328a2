"""Sums of many operands: summands pass chips as they are, until more than a few would cross a link.

A sum at every chip of a long way loads each link once and takes the time of a sum at each; one sum at the end takes one
such time, and the last link carries all summands. Between lies a sum wherever more than so many streams would go on. It
adds those of the least depth, as many depths as it must, so that sums of about equal depth are added like digits of a
number: with s streams and d sums in a row a line of about d^s / s! chips is summed.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from lpxsched.schedule.parts import Builder, Made, beside
from lpxsched.schedule.plan import OPERATOR, Plan
from lpxsched.schedule.policy import MOST_PACED

if TYPE_CHECKING:
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


def merged_plan(problem: Quotient, ways: Ways, streams: int) -> Plan:
    """Return the plan of sums along trees of the reversed problem, which a problem uses against their direction.

    At most so many streams leave a chip before it adds.
    """
    order = np.lexsort((ways.bundle, ways.block))
    first = np.searchsorted(ways.block[order], np.arange(len(ways.blocks) + 1))
    known: dict[tuple[int, bytes], Plan] = {}
    plans = []
    for block, source in enumerate(ways.blocks.source.tolist()):
        bundles = ways.bundle[order[first[block] : first[block + 1]]]
        one, key = ways.blocks.taken(np.array([block])), (source, bundles.tobytes())
        if key not in known:
            known[key] = _merged(problem, bundles.tolist(), source, streams).plan(one)
        plans.append(replace(known[key], blocks=one))
    return beside(plans)


def _merged(problem: Quotient, bundles: list[int], root: int, streams: int) -> Builder:
    """Return what happens along the tree of a block, from its leaves to its root."""
    network, tree = problem.instance.network, Builder(problem)
    start, end = network.source.tolist(), network.destination.tolist()
    out_of = {start[bundle]: bundle for bundle in bundles}
    arrived: dict[int, list[Stream]] = {node: [] for node in [root, *out_of]}
    for node in _leaves_first(root, out_of, end):
        going = _own(node, network.width) + arrived[node]
        for stream in _lessened(tree, node, going, streams):
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


def _lessened(tree: Builder, node: int, going: list[Stream], streams: int) -> list[Stream]:
    """Add streams of the least depths, where more than so many would go on."""
    for deepest in sorted({stream.depth for stream in going}):
        if len(going) <= streams:
            break
        added = [stream for stream in going if stream.depth <= deepest]
        kept = [stream for stream in going if stream.depth > deepest]
        if len(added) > 1 and len(kept) + 1 <= streams:
            total = tree.add(0, node, [stream.made for stream in added], complete=False)
            return [*kept, Stream(deepest + 1, total)]
    return going
