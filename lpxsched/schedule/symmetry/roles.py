"""What operators and demands are, whichever node they belong to: the k-th of its kind on a node has the same role.

The kind of an operator is made of its unit and of the roles of what it reads, that of a demand of the roles of what
produces it; neither durations nor lengths enter, since shares may be unequal.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from lpxsched.schedule.problem.ranks import ranks

if TYPE_CHECKING:
    from lpxsched.schedule.problem.instance import Instance


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
