"""Sums of many operands: summands pass chips as they are, until more than a few would cross a link.

A sum at every chip of a long way loads each link once and takes the time of a sum at each; one sum at the end takes one
such time, and the last link carries all summands. Between lies a sum wherever more than so many streams would go on. It
adds those of the least depth, as many depths as it must, so that sums of about equal depth are added like digits of a
number: with s streams and d sums in a row a line of about d^s / s! chips is summed.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from lpxsched.schedule.plan import OPERATOR, SUM, Plan, no_operands, operands_of
from lpxsched.schedule.policy import MOST_PACED
from lpxsched.units import NONE

if TYPE_CHECKING:
    from collections.abc import Iterable

    from lpxsched.compiled.kernels import Integers
    from lpxsched.schedule.symmetry.quotient import Quotient, Ways


class Stream(NamedTuple):
    """What crosses links for itself: how many sums in a row it took, the slot that brought it, the sum that it is."""

    depth: int
    slot: int
    total: int
    origin: int


@dataclass(slots=True)
class _Tree:
    """Slots (bundle, fed, sum, origin), sums (node), and operands (sum, slot) of one block."""

    slots: list[tuple[int, int, int, int]] = field(default_factory=list)
    sums: list[int] = field(default_factory=list)
    operands: list[tuple[int, int]] = field(default_factory=list)

    def add(self, node: int, streams: list[Stream]) -> Stream:
        """Add streams at a node."""
        number = len(self.sums)
        self.sums.append(node)
        self.operands += [(number, stream.slot) for stream in streams]
        return Stream(max(stream.depth for stream in streams) + 1, NONE, number, node)

    def send(self, bundle: int, stream: Stream) -> Stream:
        """Send a stream over a bundle."""
        self.slots.append((bundle, stream.slot, stream.total, stream.origin))
        return stream._replace(slot=len(self.slots) - 1)


def pace(problem: Quotient, streams: int) -> int:
    """Return the shortest block of which a sum is done while its operands come in over the fastest link."""
    wires = problem.wires
    cycles = float((wires.numerator / (wires.denominator * wires.lanes[wires.resource])).min(initial=np.inf))
    for vectors in range(1, MOST_PACED):
        if problem.instance.add_cost.cycles(streams + 1, vectors) <= streams * vectors * cycles:
            return vectors
    return MOST_PACED


def merged_plan(problem: Quotient, ways: Ways, streams: int) -> Plan:
    """Return the plan of sums along trees of the reversed problem.

    Parameters
    ----------
    problem : Quotient
        The problem with its own bundles, not the reversed ones.
    ways : Ways
        Trees, every bundle used against its direction.
    streams : int
        How many streams may leave a chip that adds.
    """
    order = np.lexsort((ways.bundle, ways.block))
    first = np.searchsorted(ways.block[order], np.arange(len(ways.blocks) + 1))
    known: dict[tuple[int, bytes], _Tree] = {}
    trees = []
    for block, source in enumerate(ways.blocks.source.tolist()):
        bundles = ways.bundle[order[first[block] : first[block + 1]]]
        key = source, bundles.tobytes()
        if key not in known:
            known[key] = _merged(problem, bundles.tolist(), source, streams)
        trees.append(known[key])
    return _plan(ways, trees)


def _merged(problem: Quotient, bundles: list[int], root: int, streams: int) -> _Tree:
    """Return what happens along the tree of a block, from its leaves to its root."""
    network, tree = problem.instance.network, _Tree()
    start, end = network.source.tolist(), network.destination.tolist()
    out_of = {start[bundle]: bundle for bundle in bundles}
    arrived: dict[int, list[Stream]] = {node: [] for node in [root, *out_of]}
    for node in _leaves_first(root, out_of, end):
        going = _own(node, network.width) + arrived[node]
        for stream in _lessened(tree, node, going, streams):
            arrived[end[out_of[node]]].append(tree.send(out_of[node], stream))
    tree.add(root, _own(root, network.width) + arrived[root])
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
    return [Stream(0, NONE, NONE, node)] if node < width else []


def _lessened(tree: _Tree, node: int, going: list[Stream], streams: int) -> list[Stream]:
    """Add streams of the least depths, where more than so many would go on."""
    for deepest in sorted({stream.depth for stream in going}):
        if len(going) <= streams:
            break
        added = [stream for stream in going if stream.depth <= deepest]
        kept = [stream for stream in going if stream.depth > deepest]
        if len(added) > 1 and len(kept) + 1 <= streams:
            return [*kept, tree.add(node, added)]
    return going


def _plan(ways: Ways, trees: list[_Tree]) -> Plan:
    """Return the plan of all blocks, one after the other."""
    slots = np.array([len(tree.slots) for tree in trees], dtype=np.int64)
    sums = np.array([len(tree.sums) for tree in trees], dtype=np.int64)
    bundle, fed, total, origin = _table([tree.slots for tree in trees], 4)
    (node,) = _table([[(node,) for node in tree.sums] for tree in trees], 1)
    operand_sum, operand_slot = _table([tree.operands for tree in trees], 2)
    first_slot, first_sum = np.cumsum(slots) - slots, np.cumsum(sums) - sums
    block, sum_block = (np.repeat(np.arange(len(trees)), counts) for counts in (slots, sums))
    of_operand = np.repeat(np.arange(len(trees)), [len(tree.operands) for tree in trees])
    complete = np.zeros(len(node), dtype=np.bool_)
    complete[first_sum + sums - 1] = True
    total = np.where(total >= 0, total + first_sum[block], NONE)
    slot = np.where(operand_slot >= 0, operand_slot + first_slot[of_operand], NONE)
    return Plan(
        ways.blocks,
        slot_block=block,
        slot_bundle=bundle,
        slot_fed=np.where(fed >= 0, fed + first_slot[block], NONE),
        slot_kind=np.where(total >= 0, SUM, OPERATOR),
        slot_number=np.where(total >= 0, total, origin),
        slot_origin=origin,
        sum_block=sum_block,
        sum_node=node,
        sum_complete=complete,
        operands=operands_of(operand_sum + first_sum[of_operand], slot, origin, node, sum_block),
        reads=no_operands(),
    )


def _table(rows: Iterable[Iterable[tuple[int, ...]]], columns: int) -> Integers:
    return np.array([row for some in rows for row in some], dtype=np.int64).reshape(-1, columns).T.copy()
