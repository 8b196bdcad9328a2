"""All-reduce by exchanges: in a few phases every chip sends to all its neighbours of a class and adds what arrives.

No chip is a root. In a phase each chip sends either all that it has summed so far, or only what the last phase brought.
A sequence of phases is an all-reduce when every chip ends with every summand exactly once, which is verified on the
links by counting: trays and then positions of a rack, axes of a hypercube, nodes and global links and nodes again of a
system of fully connected nodes (Abts et al., ISCA 2022, section 5.3). Vectors may take different sequences: while some
load the links of one class, others load those of another.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from lpxsched.schedule.parts import Builder, Made
from lpxsched.schedule.plan import OPERATOR, Plan
from lpxsched.schedule.policy import MOST_EXCHANGED_CLASSES, MOST_PHASES, MOST_SEQUENCES
from lpxsched.schedule.symmetry.quotient import Blocks, Quotient
from lpxsched.traffic.collectives import EVERY
from lpxsched.units import NONE

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from lpxsched.compiled.kernels import Integers


class Phase(NamedTuple):
    """Send over all bundles of a class: the total so far, or only what the last phase brought."""

    link_class: int
    sends_total: bool


# Phases, how often each chip then has each summand, and what the last phase brought.
Reached = tuple[tuple[Phase, ...], NDArray[np.float32], NDArray[np.float32]]


def exchange_classes(problem: Quotient) -> list[Integers]:
    """Return ways to class the bundles between participants, `NONE` for others: by links; by orbits, if they are few.

    Of parallel bundles between two chips only the first is used.
    """
    network = problem.network
    inside = (network.source < network.width) & (network.destination < network.width)
    pair = network.source * network.nodes + network.destination
    inside &= np.append(True, pair[1:] != pair[:-1])[: len(pair)]
    by_link = np.unique(network.link_class, return_inverse=True)[1]
    few = len(problem.wires.lanes) <= MOST_EXCHANGED_CLASSES
    ways = [by_link, problem.wires.resource] if few else [by_link]
    return [np.where(inside, classes, NONE).astype(np.int64) for classes in ways]


def exchange_sequences(problem: Quotient, classes: Integers) -> list[tuple[Phase, ...]]:
    """Return sequences of phases that sum every summand exactly once everywhere, the shortest first."""
    network, width = problem.network, problem.network.width
    joins = []
    for number in range(min(MOST_EXCHANGED_CLASSES, int(classes.max(initial=NONE)) + 1)):
        matrix = np.zeros((width, width), dtype=np.float32)
        bundles = np.flatnonzero(classes == number)
        matrix[network.destination[bundles], network.source[bundles]] = 1
        joins.append(matrix)
    own = np.eye(width, dtype=np.float32)
    level: list[Reached] = [((), own, own)]
    for _ in range(MOST_PHASES):
        level = [step for state in level for step in _further(state, joins)]
        complete = [phases for phases, total, _ in level if (total == 1).all()]
        if complete:
            return complete[:MOST_SEQUENCES]
        level = level[: 4 * MOST_EXCHANGED_CLASSES**2]
    return []


def _further(state: Reached, joins: list[NDArray[np.float32]]) -> Iterator[Reached]:
    """Yield every phase that brings no summand to where it is already."""
    phases, total, brought = state
    for number, join in enumerate(joins):
        for sends_total in (True, False) if phases else (True,):
            arriving = join @ (total if sends_total else brought)
            if arriving.any() and (total + arriving <= 1).all():
                yield (*phases, Phase(number, sends_total)), total + arriving, arriving


def exchange_plan(
    problem: Quotient, classes: Integers, sequences: Sequence[tuple[Phase, ...]], lengths: Sequence[int]
) -> Plan:
    """Return the plan of an all-reduce: block i of `lengths` vectors takes sequence i.

    Every orbit of bundles is represented by the one that ends at the representative of its orbit of nodes.
    """
    network, representative = problem.network, problem.least_node
    nodes, sender = np.unique(representative[: network.width]).tolist(), representative[network.source].tolist()
    into = {node: np.flatnonzero((network.destination == node) & (classes >= 0)).tolist() for node in nodes}
    builder = Builder(problem)
    for block, sequence in enumerate(sequences):
        parts: dict[int, list[Made]] = {node: [Made(OPERATOR, node, node)] for node in nodes}
        brought: dict[int, list[Made]] = {node: [] for node in nodes}
        for phase in sequence:
            ways = {node: [bundle for bundle in into[node] if classes[bundle] == phase.link_class] for node in nodes}
            sends = sorted({sender[bundle] for bundles in ways.values() for bundle in bundles})
            outgoing = {node: _outgoing(builder, block, node, parts[node], brought[node], phase) for node in sends}
            for node in nodes:
                going = [(bundle, outgoing[sender[bundle]]) for bundle in ways[node]]
                brought[node] = [builder.send(block, bundle, part) for bundle, part in going if part is not None]
                parts[node] += brought[node]
        for node in nodes:
            builder.complete(block, node, parts[node])
    none, vectors = np.zeros(len(lengths), dtype=np.int64), np.array(lengths, dtype=np.int64)
    return builder.plan(Blocks(none, np.cumsum(vectors) - vectors, vectors, none + EVERY, none + EVERY))


def _outgoing(
    builder: Builder, block: int, node: int, parts: list[Made], brought: list[Made], phase: Phase
) -> Made | None:
    """Return what a node sends in a phase, adding it up first; None when it has nothing to send."""
    chosen = parts if phase.sends_total else brought
    if not chosen:
        return None
    if len(chosen) == 1:
        return chosen[0]
    total = builder.add(block, node, chosen, complete=False)
    if not phase.sends_total:
        del parts[-len(chosen) :]
    else:
        parts.clear()
    parts.append(total)
    return total
