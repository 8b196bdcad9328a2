"""A problem seen from the representatives of a group that leaves it as it is."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from lpxsched.schedule.problem.wires import Wires, all_ways, wires_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lpxsched.compiled.kernels import Integers
    from lpxsched.schedule.problem.instance import AddCost, Instance
    from lpxsched.schedule.problem.network import Network
    from lpxsched.schedule.symmetry.groups import Symmetry


class OperatorTasks(NamedTuple):
    """Representatives of operators; all are numbered by `task`, for each operator the place of its representative.

    `node`, `unit` and `cycles` are columns of the representatives, `before` and `after` pairs of them; nothing of the
    problem starts before `release`.
    """

    task: Integers
    node: Integers
    unit: Integers
    cycles: Integers
    before: Integers
    after: Integers
    release: int

    def __bool__(self) -> bool:
        return bool(len(self.node))


@dataclass(frozen=True, eq=False)
class Represented:
    """A problem seen from the representatives of a group that leaves it as it is.

    Without slots, so that what is found of it is found when it is first asked for, which may be never.
    """

    instance: Instance
    symmetry: Symmetry

    @property
    def network(self) -> Network:
        """Bundles with what they take."""
        return self.instance.network

    @property
    def add_cost(self) -> AddCost:
        """What sums take."""
        return self.instance.add_cost

    @cached_property
    def least_node(self) -> Integers:
        """The representative of each node, the least of its orbit."""
        return np.asarray(self.symmetry.node_map.min(axis=0))

    @cached_property
    def wires(self) -> Wires:
        """Bundles with their resources, as kernels read them."""
        return wires_of(self.instance.network, self.symmetry)

    @cached_property
    def operators(self) -> OperatorTasks:
        """Operators of the representatives; those of a collective take no time."""
        instance, none = self.instance, np.zeros(0, dtype=np.int64)
        if instance.stages:
            return OperatorTasks(none, none, none, none, none, none, 0)
        own, task = np.unique(self.symmetry.carried(instance.operator_node).min(axis=0), return_inverse=True)
        row, other = instance.operator_after.entries(own)
        task = task.reshape(-1).astype(np.int64)
        return OperatorTasks(
            task,
            instance.operator_node[own],
            instance.operator_unit[own],
            instance.operator_cycles[own],
            task[other],
            row,
            instance.release_cycles,
        )

    @cached_property
    def way(self) -> NDArray[np.int32]:
        """Cycles from a departure at one node to a read at another, the shortest; shape (nodes, nodes)."""
        return all_ways(self.instance.network)
