"""Lower bounds of the period of a layer that takes a new batch before the one before is done.

Every iteration asks the same of what all of them share, so a period is no shorter than the load of any of it.

**Units.** Operators of the graph run where the graph says: a unit is busy for the sum of their cycles (R4). Sums, whose
places are free, are left out.

**Lanes of a node.** All vectors that operators at a node read and that only others hold enter it, and of a sum with
summands elsewhere as many as it has (R3, R5): n vectors of each such demand. Of each demand that a node holds, or adds
to, and that others read, n vectors leave it, alone or inside a sum. Lane i carries a vector in v_i cycles (R1), so N
vectors take a period of N / (sum of 1 / v_i) at least.
"""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np

from lpxsched.schedule.result import LowerBound
from lpxsched.units import ceil_cycles

if TYPE_CHECKING:
    from lpxsched.compiled.kernels import Integers
    from lpxsched.schedule.problem.instance import Instance


def layer_period_bound(instance: Instance) -> LowerBound:
    """Return the best bound of the period of a layer; the shortest period is one cycle."""
    network, (entering, leaving) = instance.network, _crossing(instance)
    unit = instance.operator_node * (int(instance.operator_unit.max(initial=0)) + 1) + instance.operator_unit
    busiest = np.bincount(unit, weights=instance.operator_cycles).max(initial=1)
    bounds = (
        LowerBound(int(busiest), "busiest unit"),
        LowerBound(_lanes(instance, network.destination, entering), "links into a node"),
        LowerBound(_lanes(instance, network.source, leaving), "links out of a node"),
    )
    return max(bounds, key=lambda bound: bound.cycles)


def _crossing(instance: Instance) -> tuple[Integers, Integers]:
    """Return how many vectors enter and leave each node."""
    holds, reads = np.zeros((2, instance.network.nodes, instance.demands), dtype=np.bool_)
    held, read = instance.demand_leaves.flat(), instance.operator_demands.flat()
    holds[held.values, held.row] = True
    reads[instance.operator_node[read.row], read.values] = True
    only_here = holds & (instance.demand_leaves.counts == 1)
    others_read = reads.sum(axis=0) - reads > 0
    vectors = instance.demand_vectors
    return (reads & ~only_here) @ vectors, (holds & others_read) @ vectors


def _lanes(instance: Instance, end: Integers, vectors: Integers) -> int:
    network, rate = instance.network, [Fraction(0)] * instance.network.nodes
    columns = (end, network.lanes, network.pitch_numerator, network.pitch_denominator)
    for node, lanes, numerator, denominator in zip(*(column.tolist() for column in columns), strict=True):
        rate[node] += Fraction(lanes * denominator, numerator)
    pairs = zip(vectors.tolist(), rate, strict=True)
    return max((ceil_cycles(count / of) for count, of in pairs if count and of), default=0)
