"""Unequal shares made equal for a solver, and cut off again.

Rows that do not divide by the number of chips leave some shares a vector longer than others, and some nodes without
any. A padded instance has at every node of an orbit what one of them has, with the most vectors and the longest
duration of the orbit. Its schedule holds for the instance itself once the added vectors, demands and operators are cut
off: what is shorter or left out delays nothing. Bounds are those of the instance itself.

What operators and demands are, whichever node they belong to, is their role: the k-th of its kind on a node has the
same. The kind of an operator is made of its unit and of the roles of what it reads, that of a demand of the roles of
what produces it; neither durations nor lengths enter, since shares may be unequal.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from lpxsched.schedule.problem.instance import Instance, ranks
from lpxsched.schedule.problem.ragged import Interned, Ragged, column
from lpxsched.schedule.symmetry.groups import Represented, Symmetry, network_groups, trivial

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lpxsched.compiled.kernels import Integers


@dataclass(frozen=True, eq=False)
class Padded(Represented):
    """An instance that a group leaves as it is, and the operator and demand in it of each one of the original.

    Images of a block are cut alike, so the blocks of representatives of demands represent all.
    """

    original: Instance
    operator_of: Integers
    demand_of: Integers

    @cached_property
    def demand_map(self) -> Integers:
        """Where each element of the group takes each demand, shape (order, demands)."""
        return self.symmetry.carried(self.instance.demand_root)

    @cached_property
    def least_demand(self) -> Integers:
        """The representative of each demand, the least of its orbit."""
        return np.asarray(self.demand_map.min(axis=0))

    @cached_property
    def least_operator(self) -> Integers:
        """The representative of each operator."""
        return np.asarray(self.symmetry.carried(self.instance.operator_node).min(axis=0))

    @cached_property
    def leaves(self) -> Ragged:
        """Nodes that hold a summand, or the one copy, of each demand."""
        return self.instance.demand_leaves.flat()

    @cached_property
    def makers(self) -> Ragged:
        """The operator that makes each summand."""
        return self.instance.demand_leaf_operators.flat()

    @cached_property
    def reads(self) -> Ragged:
        """Demands that each operator reads at its node."""
        return self.instance.operator_demands.flat()


def unpadded(instance: Instance) -> Padded:
    """Return an instance as it is, under the identity alone."""
    operators, demands = (np.arange(size, dtype=np.int64) for size in (instance.operators, instance.demands))
    return Padded(instance, trivial(instance.network), instance, operators, demands)


class _Orbits(NamedTuple):
    """Operators or demands on whole orbits: number of each original one, node of each, images, shape (order, all)."""

    of: Integers
    node: Integers
    images: Integers

    def greatest(self, values: Integers) -> Integers:
        """Return for each the greatest value of the original ones on its orbit, all of one role."""
        order = len(self.images)
        greatest = np.zeros(len(self.node) // order, dtype=np.int64)
        np.maximum.at(greatest, self.of // order, values)
        return np.repeat(greatest, order)


def paddings(instance: Instance) -> Iterator[Padded]:
    """Yield the instance padded for each group that can be made to leave it as it is, the largest group first."""
    found = None
    for symmetry in network_groups(instance.network):
        found = found or roles(instance)
        padded = _padded(instance, symmetry, *found)
        if _can_be_cut_off(padded):
            yield padded


def _padded(instance: Instance, symmetry: Symmetry, operator_role: list[int], demand_role: list[int]) -> Padded:
    operators = _everywhere(operator_role, instance.operator_node, symmetry)
    demands = _everywhere(demand_role, instance.demand_root, symmetry)
    nodes = np.arange(instance.network.nodes, dtype=np.int64)
    every = _Orbits(nodes, nodes, symmetry.node_map)
    makers = _asked(instance.demand_leaf_operators, demands, operators, operators.node)
    result = replace(
        instance,
        operator_node=operators.node,
        operator_unit=operators.greatest(instance.operator_unit),
        operator_cycles=operators.greatest(instance.operator_cycles),
        operator_after=_asked(instance.operator_after, operators, operators),
        operator_demands=Interned.of(_asked(instance.operator_demands, operators, demands).lists()),
        demand_vectors=demands.greatest(instance.demand_vectors),
        demand_root=demands.node,
        demand_leaves=Interned.of(replace(makers, values=operators.node[makers.values]).lists()),
        demand_leaf_operators=Interned.of(makers.lists()),
        demand_consumers=Interned.of(_asked(instance.demand_consumers, demands, every).lists()),
        # Where a demand begins in what its makers leave is asked of the original alone.
        demand_skips=column(()),
    )
    return Padded(result, symmetry, instance, operators.of, demands.of)


def _everywhere(role: list[int], node: Integers, symmetry: Symmetry) -> _Orbits:
    """Return operators or demands of all roles on whole orbits of nodes, in the order of the first of each of both.

    That keeps operators in topological order.
    """
    node_map, order = symmetry.node_map, symmetry.order
    least, nodes = node_map.min(axis=0), node_map.shape[1]
    _, first, kind = np.unique(np.array(role) * nodes + least[node], return_index=True, return_inverse=True)
    in_orbit, by_first = (node_map < np.arange(nodes)).sum(axis=0), np.argsort(first)
    everywhere = np.sort(node_map[:, node[first[by_first]]], axis=0).T.ravel()
    return _Orbits(np.argsort(by_first)[kind] * order + in_orbit[node], everywhere, symmetry.carried(everywhere))


def _asked(asked: Ragged | Interned, one: _Orbits, other: _Orbits, by: Integers | None = None) -> Ragged:
    """Return what padded things ask of others: all that the group makes of what one original asks of another.

    In the order of their numbers, or first `by` a column of the others.
    """
    every = asked.taken(np.arange(len(asked)))
    row, value = one.of[every.row], other.of[every.values]
    # Each element takes what the least of an orbit asks for to what its image does.
    home = one.images.argmin(axis=0)[row]
    count = other.images.shape[1]
    row, value = np.divmod(np.unique(one.images[home, row] * count + other.images[home, value]), count)
    row, value = one.images[:, row].ravel(), other.images[:, value].ravel()
    order = np.lexsort((value, row) if by is None else (value, by[value], row))
    offsets = np.append(0, np.cumsum(np.bincount(row, minlength=len(one.node))))
    return Ragged(offsets.astype(np.int64), value[order])


def _can_be_cut_off(padded: Padded) -> bool:
    """Return whether what is left of the padded instance asks for all that the original one asks for, and no more."""
    original, instance = padded.original, padded.instance
    operators, demands, nodes = padded.operator_of, padded.demand_of, np.arange(original.network.nodes)

    def is_left(asked: Ragged | Interned, whole: Ragged | Interned, one: Integers, other: Integers) -> bool:
        left, there = asked.taken(np.arange(len(asked))), whole.taken(one)
        size = int(max(there.values.max(initial=0), other.max(initial=0))) + 1
        return np.array_equal(
            np.unique(left.row * size + other[left.values]), np.unique(there.row * size + there.values)
        )

    return (
        is_left(original.operator_after, instance.operator_after, operators, operators)
        and is_left(original.demand_leaf_operators, instance.demand_leaf_operators, demands, operators)
        and is_left(original.demand_consumers, instance.demand_consumers, demands, nodes)
    )


def roles(instance: Instance) -> tuple[list[int], list[int]]:
    """Return the role of each operator and of each demand; two of a role never belong to the same node.

    A demand belongs to its root.
    """
    operator_role, demand_role = [0] * instance.operators, [0] * instance.demands
    known: dict[tuple[object, ...], int] = {}
    seen: defaultdict[tuple[object, ...], int] = defaultdict(int)

    def number(node: int, *kind: object) -> int:
        is_host = node >= instance.network.chips
        seen[node, kind] += 1
        return known.setdefault((is_host, kind, seen[node, kind]), len(known))

    both = enumerate(ranks(instance))
    for _, is_demand, index in sorted((int(rank), of, i) for of, every in both for i, rank in enumerate(every)):
        if is_demand:
            made = {operator_role[operator] for operator in instance.demand_leaf_operators[index].tolist()}
            root = int(instance.demand_root[index])
            demand_role[index] = number(root, "demand", instance.is_reduction(index), *sorted(made))
        else:
            before = {operator_role[other] for other in instance.operator_after[index].tolist()}
            reads = {demand_role[demand] for demand in instance.operator_demands[index].tolist()}
            unit, node = int(instance.operator_unit[index]), int(instance.operator_node[index])
            operator_role[index] = number(node, unit, *sorted(before), "reads", *sorted(reads))
    return operator_role, demand_role
