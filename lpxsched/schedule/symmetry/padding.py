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
from lpxsched.schedule.symmetry.groups import Symmetry, network_groups, trivial
from lpxsched.schedule.symmetry.represented import Represented

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from lpxsched.compiled.kernels import Integers


@dataclass(frozen=True, eq=False)
class Padded(Represented):
    """An instance that a group leaves as it is, and what of it the instance it was made from has.

    Images of a block are cut alike, so the blocks of representatives of demands represent all.

    Attributes
    ----------
    original : Instance
    operator_of, demand_of : ndarray of int64
        The padded operator and demand of each original one.
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


class _Classes(NamedTuple):
    """Operators or demands of one role on one orbit of nodes: the padded ones in order, and those there are.

    `number` is by role and node, `members` the original ones of each class, `of` the padded one of each original.
    """

    number: dict[tuple[int, int], int]
    members: dict[tuple[int, int], list[int]]
    of: Integers


def paddings(instance: Instance) -> Iterator[Padded]:
    """Yield the instance padded for each group that can be made to leave it as it is, the largest group first."""
    found = None
    for symmetry in network_groups(instance.network):
        found = found or roles(instance)
        padded = _padded(instance, symmetry, *found)
        if _can_be_cut_off(padded):
            yield padded


def _padded(instance: Instance, symmetry: Symmetry, operator_role: list[int], demand_role: list[int]) -> Padded:
    node_map = symmetry.node_map
    least = node_map.min(axis=0)
    home = node_map[node_map.argmin(axis=0)]
    operators = _classes(operator_role, instance.operator_node.tolist(), node_map, least)
    demands = _classes(demand_role, instance.demand_root.tolist(), node_map, least)
    view = _View(instance, node_map, home, operator_role, demand_role, operators, demands)
    operator_rows, demand_rows = list(view.operator_rows()), list(view.demand_rows())
    result = replace(
        instance,
        operator_node=column(row.node for row in operator_rows),
        operator_unit=column(row.unit for row in operator_rows),
        operator_cycles=column(row.cycles for row in operator_rows),
        operator_after=Ragged.of(row.after for row in operator_rows),
        operator_demands=Interned.of(row.demands for row in operator_rows),
        demand_vectors=column(row.vectors for row in demand_rows),
        demand_root=column(row.root for row in demand_rows),
        demand_leaves=Interned.of([node for node, _ in row.leaves] for row in demand_rows),
        demand_leaf_operators=Interned.of([operator for _, operator in row.leaves] for row in demand_rows),
        demand_consumers=Interned.of(row.consumers for row in demand_rows),
        # Where a demand begins in what its makers leave is asked of the original alone.
        demand_skips=column(()),
    )
    return Padded(result, symmetry, instance, operators.of, demands.of)


def _can_be_cut_off(padded: Padded) -> bool:
    """Return whether what is left of the padded instance asks for all that the original one asks for, and no more."""
    original, instance = padded.original, padded.instance
    for operator, other in enumerate(padded.operator_of.tolist()):
        after = {int(padded.operator_of[index]) for index in original.operator_after[operator]}
        if after != set(instance.operator_after[other].tolist()):
            return False
    for demand, other in enumerate(padded.demand_of.tolist()):
        made = padded.operator_of[original.demand_leaf_operators[demand]].tolist()
        leaves = set(zip(original.demand_leaves[demand].tolist(), made, strict=True))
        same_leaves = leaves == set(
            zip(instance.demand_leaves[other].tolist(), instance.demand_leaf_operators[other].tolist(), strict=True)
        )
        consumers = set(original.demand_consumers[demand].tolist())
        if not same_leaves or consumers != set(instance.demand_consumers[other].tolist()):
            return False
    return True


class _OperatorRow(NamedTuple):
    node: int
    unit: int
    cycles: int
    after: Sequence[int]
    demands: Sequence[int]


class _DemandRow(NamedTuple):
    vectors: int
    root: int
    leaves: Sequence[tuple[int, int]]
    consumers: Sequence[int]


@dataclass(frozen=True, slots=True, eq=False)
class _View:
    """An instance seen from the least node of each orbit.

    `home[n]` is the element that takes node n to the least one of its orbit.
    """

    instance: Instance
    node_map: Integers
    home: Integers
    operator_role: list[int]
    demand_role: list[int]
    operators: _Classes
    demands: _Classes

    def operator_rows(self) -> Iterator[_OperatorRow]:
        """Yield the padded operators in their order."""
        instance = self.instance
        for (_, node), members in self.operators.members.items():
            after = {
                self.operator_role[other] for index in members for other in instance.operator_after[index].tolist()
            }
            reads = {key for index in members for key in self._reads(index)}
            cycles = int(instance.operator_cycles[members].max())
            unit = int(instance.operator_unit[members[0]])
            for move in self._images(node):
                yield _OperatorRow(
                    int(move[node]),
                    unit,
                    cycles,
                    sorted(self.operators.number[other, int(move[node])] for other in after),
                    sorted(self.demands.number[other, int(move[root])] for other, root in reads),
                )

    def demand_rows(self) -> Iterator[_DemandRow]:
        """Yield the padded demands in their order."""
        instance = self.instance
        for (_, node), members in self.demands.members.items():
            leaves = {key for index in members for key in self._leaves(index)}
            consumers = {
                int(self.home[instance.demand_root[index], consumer])
                for index in members
                for consumer in instance.demand_consumers[index].tolist()
            }
            vectors = int(instance.demand_vectors[members].max())
            for move in self._images(node):
                made = [(int(move[leaf]), self.operators.number[role, int(move[leaf])]) for role, leaf in leaves]
                yield _DemandRow(vectors, int(move[node]), sorted(made), sorted(int(move[c]) for c in consumers))

    def _images(self, node: int) -> list[Integers]:
        """Return the elements in the order of where they take a node."""
        return [self.node_map[element] for element in np.argsort(self.node_map[:, node]).tolist()]

    def _reads(self, operator: int) -> Iterator[tuple[int, int]]:
        home = self.home[self.instance.operator_node[operator]]
        for demand in self.instance.operator_demands[operator].tolist():
            yield self.demand_role[demand], int(home[self.instance.demand_root[demand]])

    def _leaves(self, demand: int) -> Iterator[tuple[int, int]]:
        instance = self.instance
        home = self.home[instance.demand_root[demand]]
        made = instance.demand_leaf_operators[demand].tolist()
        for operator, leaf in zip(made, instance.demand_leaves[demand].tolist(), strict=True):
            yield self.operator_role[operator], int(home[leaf])


def _classes(role: list[int], node: list[int], node_map: Integers, least: Integers) -> _Classes:
    """Return the classes in the order of their first members, which keeps operators in topological order."""
    members: defaultdict[tuple[int, int], list[int]] = defaultdict(list)
    for index, key in enumerate(zip(role, least[node].tolist(), strict=True)):
        members[key].append(index)
    images = [(kind, image) for kind, first in members for image in np.sort(node_map[:, first]).tolist()]
    number = {key: index for index, key in enumerate(images)}
    return _Classes(number, dict(members), column(number[key] for key in zip(role, node, strict=True)))


def roles(instance: Instance) -> tuple[list[int], list[int]]:
    """Return the role of each operator and of each demand; two of a role never belong to the same node.

    A demand belongs to its root.
    """
    numbering = _Numbering(instance)
    operator_rank, demand_rank = ranks(instance)
    work = [(int(rank), 0, index) for index, rank in enumerate(operator_rank)]
    work += [(int(rank), 1, index) for index, rank in enumerate(demand_rank)]
    for _, is_demand, index in sorted(work):
        if is_demand:
            numbering.demand_role[index] = numbering.of_demand(index)
        else:
            numbering.operator_role[index] = numbering.of_operator(index)
    return numbering.operator_role, numbering.demand_role


class _Numbering:
    """Roles found so far while an instance is walked in the order of precedence."""

    def __init__(self, instance: Instance) -> None:
        self.instance = instance
        self.operator_role = [0] * instance.operators
        self.demand_role = [0] * instance.demands
        self.known: dict[tuple[object, ...], int] = {}
        self.seen: defaultdict[tuple[int, tuple[object, ...]], int] = defaultdict(int)

    def of_operator(self, operator: int) -> int:
        instance, node = self.instance, int(self.instance.operator_node[operator])
        before = {self.operator_role[other] for other in instance.operator_after[operator].tolist()}
        reads = {self.demand_role[demand] for demand in instance.operator_demands[operator].tolist()}
        unit, is_host = int(instance.operator_unit[operator]), node >= instance.network.chips
        return self._number(node, ("operator", is_host, unit, *sorted(before), "reads", *sorted(reads)))

    def of_demand(self, demand: int) -> int:
        instance, root = self.instance, int(self.instance.demand_root[demand])
        made = {self.operator_role[operator] for operator in instance.demand_leaf_operators[demand].tolist()}
        is_host = root >= instance.network.chips
        return self._number(root, ("demand", is_host, instance.is_reduction(demand), *sorted(made)))

    def _number(self, node: int, kind: tuple[object, ...]) -> int:
        """Return the number of a kind and of how many of it the node has had before."""
        rank = self.seen[node, kind]
        self.seen[node, kind] += 1
        return self.known.setdefault((*kind, "rank", rank), len(self.known))
