"""A collective as a layer of one stage: the same wires and vectors, so that a bound of one is a bound of the other."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from lpxsched.traffic.collectives import EVERY
from lpxsched.traffic.layouts import shares
from tests.schedule.instances import Demand, Operator, instance_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from lpxsched.schedule.problem.instance import Instance


def layer_of(problem: Instance, produced: Sequence[int] = ()) -> Instance:
    """Return the layer; shard i holds its vectors from the cycle `produced[i]` on, 0 unless it says otherwise.

    What everyone sums and reads is cut into a share for each chip, whose root that is. Limits of ports are left out.
    """
    everyone = range(problem.network.width)
    operators = [Operator(shard, cycles=produced[shard] if produced else 0) for shard in everyone]
    reads: dict[int, list[int]] = {}
    demands = []
    for leaves, root, readers, vectors in _demands(problem):
        for reader in readers:
            reads.setdefault(reader, []).append(len(demands))
        demands.append(Demand(vectors, root, leaves, leaves, tuple(sorted(set(readers) - {root}))))
    operators += [Operator(node, demands=tuple(read)) for node, read in sorted(reads.items())]
    layer = instance_of(problem.network.nodes, [], operators, demands, add_cost=problem.add_cost)
    return replace(layer, network=problem.network)


def _demands(problem: Instance) -> Iterator[tuple[tuple[int, ...], int, tuple[int, ...], int]]:
    """Yield leaves, root, readers and vectors of what moves."""
    pieces, everyone = problem.stage.pieces(), tuple(range(problem.network.width))
    columns = (pieces.source.tolist(), pieces.target.tolist(), pieces.vectors.tolist())
    for source, target, vectors in zip(*columns, strict=True):
        leaves = everyone if source == EVERY else (source,)
        readers = everyone if target == EVERY else (target,)
        if source == EVERY == target:
            yield from ((leaves, root, readers, n) for root, (_, n) in enumerate(shares(vectors, len(leaves))) if n)
        elif {*leaves, *readers} != {source}:
            yield leaves, target if source == EVERY else source, readers, vectors
