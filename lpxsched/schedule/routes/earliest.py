"""Ways of earliest arrival, block after block, over links as loaded as they then are.

A block takes whatever way brings it first: the direct link, or, while earlier blocks fill that, a longer way round over
chips that only relay. So a large message spreads over many routes by itself. The search is the list schedule,
on an instance without operators that take time.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from lpxsched.schedule.policy import MOST_WORK
from lpxsched.schedule.problem.instance import HOST, Instance
from lpxsched.schedule.problem.ragged import Interned, Ragged
from lpxsched.schedule.routes.blocks import Cut, cut_blocks
from lpxsched.schedule.routes.list_schedule import Surroundings, greedy_in
from lpxsched.schedule.symmetry.padding import unpadded
from lpxsched.schedule.symmetry.quotient import HALVES, Blocks, Ways
from lpxsched.traffic.collectives import EVERY

if TYPE_CHECKING:
    from lpxsched.schedule.symmetry.quotient import Quotient


def spread_ways(problem: Quotient, length: int, *, seed: int) -> Ways | None:
    """Return ways of earliest arrival for blocks of at most `length` vectors; None where there are too many.

    Parameters
    ----------
    problem : Quotient
        Under the trivial group. Limits on injection and ejection are left to the placement that follows.
    length : int
    seed : int
        Of the order of blocks.
    """
    network = problem.instance.network
    vectors = problem.flow.vectors[problem.representatives]
    count = int((-(-vectors // max(1, length))).sum())
    if length == HALVES or count * network.nodes > MOST_WORK:
        return None
    instance = _instance(problem)
    cut = cut_blocks(instance, Cut(length, length))
    found = greedy_in(Surroundings.of(unpadded(instance)), cut, seed=seed)
    pieces = problem.representatives[cut.piece]
    flow = problem.flow
    blocks = Blocks(pieces, cut.first_vector, cut.vectors, flow.source[pieces], flow.target[pieces])
    plan, depart = found.plan, found.placement.start[: found.plan.slots]
    order = np.lexsort((plan.slot_block, depart))
    return Ways(blocks, plan.slot_block[order], plan.slot_bundle[order], np.zeros_like(order), depart[order])


def _instance(problem: Quotient) -> Instance:
    """Return the pieces that move as demands of an instance on which every node may relay."""
    network, flow, pieces = problem.instance.network, problem.flow, problem.representatives
    everyone = list(range(network.width))
    source = flow.source[pieces].tolist()
    readers = [
        [node for node in (everyone if target == EVERY else [target]) if node != held]
        for held, target in zip(source, flow.target[pieces].tolist(), strict=True)
    ]
    nodes = np.arange(network.nodes, dtype=np.int64)
    return Instance(
        network=replace(network, chips=network.nodes),
        release_cycles=0,
        operator_node=nodes,
        operator_unit=np.full(network.nodes, HOST, dtype=np.int64),
        operator_cycles=np.zeros(network.nodes, dtype=np.int64),
        operator_after=Ragged.of([] for _ in range(network.nodes)),
        operator_demands=Interned.of([] for _ in range(network.nodes)),
        demand_vectors=flow.vectors[pieces],
        demand_root=flow.source[pieces],
        demand_leaves=Interned.of([node] for node in source),
        demand_leaf_operators=Interned.of([node] for node in source),
        demand_consumers=Interned.of(readers),
        add_cost=problem.instance.add_cost,
    )
