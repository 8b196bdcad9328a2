"""Bounds of a layer by its stages: what is proven of a collective holds for a stage from its first producer's end on.

**Stage.** Let no chip have anything of a stage before `release`: the earliest end of its producers, what comes from a
host a hop and a turnaround later. Its vectors and sums need what they need in the collective of its least shares, on
the same wires, and what else the layer moves only takes room. So some chip has all that it reads no earlier than
`release` and a bound of the collective, and its host a hop later. At that node an operator waits for it.

**Tail.** From the start of an operator until the last operator starts, its duration goes by, and then the longest of
the chains behind it: of what follows on the node, and of what reads its results, a way later (R2).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lpxsched.schedule.bounds.best import collective_bound
from lpxsched.schedule.policy import MOST_STAGED
from lpxsched.schedule.problem.stages import Stage, stages_of
from lpxsched.schedule.result import LowerBound

if TYPE_CHECKING:
    from lpxsched.compiled.kernels import Integers
    from lpxsched.schedule.problem.instance import Instance


def by_stages(layer: Instance, starts: Integers, ways: Integers, ranks: tuple[Integers, Integers]) -> list[LowerBound]:
    """Return a bound of the makespan for each stage.

    Operators cannot start before `starts`; `ranks` are those of operators and demands.
    """
    # What other chips may pass on is not bounded by the wires of a stage.
    if layer.network.nodes * layer.network.bundles > MOST_STAGED or layer.network.width < layer.network.chips:
        return []
    stages = [stage for stage in stages_of(layer) if stage.vectors.min()]
    tail = _tails(layer, ways, ranks[0]) if stages else starts
    return [_bound(layer, stage, starts, tail) for stage in stages]


def _bound(layer: Instance, stage: Stage, starts: Integers, tail: Integers) -> LowerBound:
    network, makers = layer.network, layer.demand_leaf_operators.taken(stage.demands).values
    bound = collective_bound(stage.instance(layer, least=True)[0])
    cycles = int((starts[makers] + layer.operator_cycles[makers]).min()) + bound.cycles
    enter, leave = (bundles[bundles >= 0] for bundles in (stage.enter, stage.leave))
    if len(enter):
        cycles += int(network.hop_cycles[enter].min()) + network.turnaround_cycles
    if len(leave):
        cycles += int(network.hop_cycles[leave].min())
    read = layer.operator_demands.flat()
    readers = read.row[np.isin(read.values, stage.demands)]
    return LowerBound(cycles + int(tail[readers].min()), f"critical path + {bound.name}")


def _tails(layer: Instance, ways: Integers, rank: Integers) -> Integers:
    """Return what lies between the start of each operator and that of the last."""
    behind = np.zeros(layer.operators, dtype=np.int64)
    read, made = layer.operator_demands.flat(), layer.demand_leaf_operators.flat()
    reader, demand, follower = read.row, made.row, layer.operator_after.row
    for number in range(int(rank.max(initial=0)), -1, -1):
        # Least time from each node to the end, for each demand that operators of this rank read.
        late = np.flatnonzero(rank[follower] == number)
        ends = behind[follower[late]]
        before = layer.operator_after.values[late]
        np.maximum.at(behind, before, ends + layer.operator_cycles[before])
        late = np.flatnonzero(rank[reader] == number)
        there = np.zeros((layer.demands, layer.network.nodes), dtype=np.int64)
        np.maximum.at(there, read.values[late], (ways[:, layer.operator_node[reader[late]]] + behind[reader[late]]).T)
        maker = made.values
        longer = there[demand, layer.operator_node[maker]]
        np.maximum.at(behind, maker, np.where(longer > 0, longer + layer.operator_cycles[maker], 0))
    return behind
