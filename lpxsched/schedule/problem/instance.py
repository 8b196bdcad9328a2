"""The scheduling problem, one type for every solver.

Solver constraints, checker functions and tests carry the numbers of the rules, which ``docs/terms.md`` states: R1 link,
R2 causality, R3 delivery, R4 operators, R5 reduction, R6 memory, R7 ports, R8 reads, R9 deskew, R10 deadlines. The
checker shares no code with what is here. Ends of a layer are operators too: the makespan is their start. R8 is kept by
guards, R9 by `release_cycles` and `deskews`: the opening deskew takes the first cycles of the segment, others lie where
they are given.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, fields, replace
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from lpxsched.schedule.problem.network import Network
from lpxsched.schedule.problem.ragged import Interned, Ragged
from lpxsched.units import BITS_PER_BYTE

if TYPE_CHECKING:
    from lpxsched.compiled.kernels import Integers
    from lpxsched.fabric.fabric import Fabric
    from lpxsched.traffic.collectives import Collective

# One number, or one for each of many sums.
Count = TypeVar("Count", int, "Integers")
MATRIX, VECTOR, HOST = 0, 1, 2
UNITS = {"matrix": MATRIX, "vector": VECTOR, "host": HOST}
UNITS_PER_CHIP = 2
ANY = -3
# What of a network tells where in the fabric it lies.
PLACES = ("fabric_node", "class_names", "link_class", "links")


@dataclass(frozen=True, slots=True)
class AddCost:
    """What the sum of several vectors costs the vector unit, whose pipeline has a latency of `fixed_cycles`.

    `cycles_in_hop` are those of a sum that lie within the hops which bring its operands.
    """

    vector_bytes: int
    elements_per_vector: int
    sram_bytes_per_cycle: int
    operations_per_cycle: int
    fixed_cycles: int
    cycles_in_hop: int = 0

    @staticmethod
    def on(fabric: Fabric, element_bits: int) -> AddCost:
        """Return the cost on the chips of a fabric of adding elements of so many bits."""
        chip = fabric.chip
        return AddCost(
            vector_bytes=fabric.vector_bytes,
            elements_per_vector=fabric.vector_bytes * BITS_PER_BYTE // element_bits,
            sram_bytes_per_cycle=chip.sram_bytes_per_cycle,
            operations_per_cycle=chip.vector_operations_per_cycle,
            fixed_cycles=chip.vector_fixed_cycles,
            cycles_in_hop=chip.sum_cycles_in_hop,
        )

    def sram_bytes(self, operands: Count, vectors: Count) -> Count:
        """Bytes read and written by a sum of `operands` operands of `vectors` vectors each."""
        return (operands + 1) * vectors * self.vector_bytes

    def operations(self, operands: Count, vectors: Count) -> Count:
        """Element operations of such a sum."""
        return (operands - 1) * vectors * self.elements_per_vector

    def cycles(self, operands: int, vectors: int) -> int:
        """Duration of such a sum; 0 where the vector unit is left out of account."""
        return int(sum_cycles(self, np.array(operands), np.array(vectors)))


@dataclass(frozen=True, slots=True, eq=False)
class Instance:
    """One segment's problem over local numbers: a network, operators, demands.

    Times are cycles. A sum has its leaves on chips, and its root too, where it has one.

    Attributes
    ----------
    release_cycles : int
        Before it nothing may start.
    operator_node, operator_unit, operator_cycles : ndarray of int64, shape (operators,)
        Operators are numbered in topological order.
    operator_after : Ragged
        Operators on the same node whose results an operator reads.
    operator_demands : Interned
        Demands that an operator reads at its node.
    demand_vectors, demand_root : ndarray of int64, shape (demands,)
        How many, and towards which node summands of a layer move, and are summed where they meet; the one leaf of a
        copy; `ANY` where a sum may be complete anywhere, and each part of it elsewhere.
    demand_leaves, demand_leaf_operators, demand_consumers : Interned
        Nodes that hold a summand (or the one copy), the operator that produces it there, nodes that read the result.
        The root of a layer's demand is not among its consumers.
    deskews : tuple of (int, int)
        Cycle and stall of further deskews of a layer, in their order: nothing departs, is read or runs within them.
    demand_skips : ndarray of int64, shape (demands,)
        Vectors of its makers' results that no demand before it takes and it leaves out: a chip that has all of a tensor
        gives away a share from within. Empty where there are none.
    stages : tuple of Collective
        Of which the demands are the pieces, one after the other; none for a layer, whose demands its graph tells.
    """

    network: Network
    release_cycles: int
    operator_node: Integers
    operator_unit: Integers
    operator_cycles: Integers
    operator_after: Ragged
    operator_demands: Interned
    demand_vectors: Integers
    demand_root: Integers
    demand_leaves: Interned
    demand_leaf_operators: Interned
    demand_consumers: Interned
    add_cost: AddCost
    deskews: tuple[tuple[int, int], ...] = ()
    demand_skips: Integers = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    stages: tuple[Collective, ...] = ()

    @property
    def stage(self) -> Collective:
        """The one collective that the instance is; a `ValueError` where there is none, or where there are several."""
        (stage,) = self.stages
        return stage

    @property
    def operators(self) -> int:
        """Number of operators of the layer graph (sums on the way come on top)."""
        return len(self.operator_node)

    @property
    def demands(self) -> int:
        """Number of demands."""
        return len(self.demand_vectors)

    def is_reduction(self, demand: int) -> bool:
        """Return whether a demand sums several leaves."""
        return len(self.demand_leaves[demand]) > 1

    def reversed(self) -> Instance:
        """Return what is asked for on the same bundles the other way round."""
        return replace(self, network=self.network.reversed())

    def demand_first_vectors(self) -> Integers:
        """Return where in the results of its makers each demand begins: behind all that any of them makes before it."""
        made = np.zeros(self.operators, dtype=np.int64)
        first = np.zeros(self.demands, dtype=np.int64)
        first[: len(self.demand_skips)] = self.demand_skips
        for demand, vectors in enumerate(self.demand_vectors.tolist()):
            makers = self.demand_leaf_operators[demand]
            first[demand] += made[makers].max(initial=0)
            made[makers] = first[demand] + vectors
        return first

    def wires_only(self) -> Instance:
        """Return the same problem with all operators, sums included, taking no time."""
        return replace(
            self,
            operator_cycles=np.zeros_like(self.operator_cycles),
            add_cost=replace(self.add_cost, operations_per_cycle=0),
        )

    def key(self) -> str:
        """Return a hash that is equal for equal problems: local numbers make it invariant to translation."""
        digest = hashlib.sha256()
        network = [getattr(self.network, field.name) for field in fields(Network) if field.name not in PLACES]
        values = [self.network.nodes, *network]
        values += [getattr(self, field.name) for field in fields(self) if field.name != "network"]
        for value in values:
            for array in _columns(value):
                part = array.tobytes() if isinstance(array, np.ndarray) else repr(array).encode()
                digest.update(len(part).to_bytes(8, "little") + part)
        return digest.hexdigest()


def _columns(value: object) -> list[object]:
    if isinstance(value, Interned):
        return [value.index, value.sets.offsets, value.sets.values]
    return [value.offsets, value.values] if isinstance(value, Ragged) else [value]


def sum_cycles(cost: AddCost, operands: Integers, vectors: Integers) -> Integers:
    """Return the duration of each of many sums, as `AddCost.cycles` has it."""
    if not cost.operations_per_cycle:
        return 0 * operands * vectors
    moved = -(-cost.sram_bytes(operands, vectors) // cost.sram_bytes_per_cycle)
    added = -(-cost.operations(operands, vectors) // cost.operations_per_cycle)
    return np.asarray(np.maximum(0, np.maximum(moved, added) + cost.fixed_cycles - cost.cycles_in_hop))


def ranks(instance: Instance) -> tuple[Integers, Integers]:
    """Return the rank of each operator and of each demand in the order of precedence."""
    operators = np.zeros(instance.operators, dtype=np.int64)
    while True:
        demands = instance.demand_leaf_operators.greatest(operators, least=-1) + 1
        after = instance.operator_after.greatest(operators, least=-1)
        later = np.maximum(after, instance.operator_demands.greatest(demands, least=-1)) + 1
        if (later == operators).all():
            return operators, demands
        operators = later
