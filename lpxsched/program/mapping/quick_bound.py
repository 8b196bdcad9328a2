"""A lower bound of a layer on some chips that takes next to no time: no schedule of the layer is shorter.

Let z be the chip with the first share, which has the most columns, and consider what it computes from what enters.

**Enters.** A share enters at the host of its chip x: the last of its n vectors is read at x no earlier than the stall,
a hop, and (ceil(n / K) - 1) v over the K lanes of the host (R1). z needs all shares, and those of others travel from x
to z after a turnaround: way(x, z), h hops of at least the shortest hop between chips, and a turnaround between two
(R2). Beside the first of them, N vectors of other chips enter z over its K lanes, ceil(N / K) of them over one, v apart
at least.

**Computes.** The operators on z from those that read the input to those that leave summands run one after the other
(R3, R4): the longest chain of their durations.

**Leaves.** What z leaves is a summand of every share of the output. The sum of another chip's share is read at that
chip's host. Either z sends its summand on, or a sum with it; it takes at least one sum, and way(z, y) to the chip y of
that host, for hosts take from their own chip only, then a turnaround and a hop, and its n vectors follow each other
into the host. N vectors of others leave z over its K lanes, as above.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from lpxsched.program.mapping.shapes import Joints
from lpxsched.schedule.problem.instance import AddCost
from lpxsched.traffic.layouts import shares
from lpxsched.units import NONE
from lpxsched.workload.costs import cycles, shard_cost

if TYPE_CHECKING:
    from fractions import Fraction

    from lpxsched.fabric.fabric import Fabric
    from lpxsched.program.load import Load
    from lpxsched.program.mapping.shapes import Integers


class LeastWires(NamedTuple):
    """The least that any way takes on a fabric, guards included: hops by their ends, vectors, most lanes of a host."""

    stall_cycles: int
    from_host_cycles: int
    between_cycles: int
    to_host_cycles: int
    vector_cycles: Fraction
    host_vector_cycles: Fraction
    host_lanes: int
    turnaround_cycles: int


def quick_bound(load: Load, fabric: Fabric, kind: int, chips: tuple[int, ...], wires: LeastWires) -> int:
    """Return the bound, in cycles.

    Parameters
    ----------
    load : Load
    fabric : Fabric
    kind : int
        The kind of layer.
    chips : tuple of int
        In the order of shares.
    wires : LeastWires
    """
    graph, width = load.graph.layer(kind), len(chips)
    entering = [tensor for tensor in graph.tensors.values() if tensor.place == "hosts"]
    leaving = [tensor for tensor in graph.tensors.values() if tensor.name in _summed(load, kind)]
    ends = wires.stall_cycles + wires.from_host_cycles + chain_cycles(load, kind, width) + wires.to_host_cycles
    if width == 1:
        return ends
    lanes = Joints.of(fabric).lanes[np.ix_(chips, chips)]
    into, out = _hops(lanes.T), _hops(lanes)
    bits = max(tensor.element_bits for tensor in graph.tensors.values() if tensor.layout == "partial")
    both = [
        _way([tensor.vectors for tensor in entering], width, into, int(lanes[:, 0].sum()), wires),
        _way([tensor.vectors for tensor in leaving], width, out, int(lanes[0].sum()), wires),
    ]
    # Where nothing is anybody else's, nothing needs to travel or to be summed elsewhere.
    extra = [way and way + wires.turnaround_cycles for way in both]
    return ends + sum(extra) + AddCost.on(fabric, bits).cycles(2, 1) * bool(both[1])


def _summed(load: Load, kind: int) -> set[str]:
    """Return the partial sums that hosts read."""
    graph = load.graph.layer(kind)
    read = {name for operator in graph.operators if operator.place == "hosts" for name, _ in operator.inputs}
    return {name for name in read if graph.tensors[name].layout == "partial"}


def chain_cycles(load: Load, kind: int, width: int) -> int:
    """Return the longest chain of operators on the chip with the first share, in cycles."""
    works, graph = load.works_on(kind, width), load.graph.layer(kind)
    makers = {operator.output: operator for operator in graph.operators}
    ends: dict[str, int] = {}
    # Operators stand in the order in which they run.
    for operator in graph.operators:
        if operator.place == "chips":
            work = works[operator.kind]
            share = work.on(width, load.chip.shard_columns)[0]
            begin = max((ends.get(makers[name].name, 0) for name, _ in operator.inputs), default=0)
            ends[operator.name] = begin + cycles(shard_cost(work, load.chip, share, 0), operator.unit, load.chip)
    return max(ends.values())


def _hops(lanes: Integers) -> Integers:
    """Return the hops from the first chip to each; `NONE` to those that no way leads to."""
    hops = np.full(len(lanes), NONE, dtype=np.int64)
    hops[0] = step = 0
    while (hops == step).any():
        hops[(lanes[hops == step] > 0).any(axis=0) & (hops == NONE)] = step + 1
        step += 1
    return hops


def _way(tensors: list[int], width: int, hops: Integers, lanes: int, wires: LeastWires) -> int:
    """Return what all shares but the first chip's take to it, or from it; 0 where it has all there are."""
    others, farthest = 0, 0
    for vectors in tensors:
        held = np.array([count for _, count in shares(vectors, width)])
        others += int(held[1:].sum())
        v, behind = wires.host_vector_cycles, -(-held // wires.host_lanes) - 1
        ways = hops * wires.between_cycles + (hops - 1) * wires.turnaround_cycles
        ways += behind * v.numerator // v.denominator
        farthest = max(farthest, int(ways[1:][held[1:] > 0].max(initial=0)))
    if not others:
        return 0
    by_lanes = wires.between_cycles + int((-(-others // max(lanes, 1)) - 1) * wires.vector_cycles)
    return max(farthest, by_lanes)
