"""Representatives of what a group moves in an instance and its blocks: what solvers of layers decide on.

Operators belong to their nodes and demands to their roots, in an order that is alike on all nodes of an orbit.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from lpxsched.schedule.result import Schedule
from lpxsched.schedule.symmetry.groups import trivial

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lpxsched.schedule.problem.instance import Instance
    from lpxsched.schedule.routes.blocks import Blocks
    from lpxsched.schedule.symmetry.groups import Symmetry

    Integers = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Orbits:
    """Where a group takes each thing of an instance, and the representative of each, the least of its orbit.

    Attributes
    ----------
    cut : Blocks
    symmetry : Symmetry
    demand_map, block_map : ndarray of int64, shapes (order, demands) and (order, blocks)
        Images of a block are cut alike.
    node, bundle, operator, demand, block : ndarray of int64
        The representative of each.
    block_home : ndarray of int64, shape (blocks,)
        The element of the group that takes a block to its representative.
    operators, blocks : list of int
        The representatives.
    """

    cut: Blocks
    symmetry: Symmetry
    demand_map: Integers
    block_map: Integers
    node: Integers
    bundle: Integers
    operator: Integers
    demand: Integers
    block: Integers
    block_home: Integers
    operators: list[int]
    blocks: list[int]

    @staticmethod
    def of(instance: Instance, blocks: Blocks, symmetry: Symmetry | None = None) -> Orbits:
        """Return the orbits of an instance and its blocks; without a group everything represents itself."""
        symmetry = symmetry or trivial(instance.network)
        demand_map = symmetry.carried(instance.demand_root)
        first = np.searchsorted(blocks.demand, np.arange(instance.demands))
        block_map = first[demand_map[:, blocks.demand]] + np.arange(len(blocks)) - first[blocks.demand]
        block, operator = block_map.min(axis=0), symmetry.carried(instance.operator_node).min(axis=0)
        return Orbits(
            cut=blocks,
            symmetry=symmetry,
            demand_map=demand_map,
            block_map=block_map,
            node=symmetry.node_map.min(axis=0),
            bundle=symmetry.bundle_map.min(axis=0),
            operator=operator,
            demand=demand_map.min(axis=0),
            block=block,
            block_home=block_map.argmin(axis=0),
            operators=np.flatnonzero(operator == np.arange(instance.operators)).tolist(),
            blocks=np.flatnonzero(block == np.arange(len(blocks))).tolist(),
        )

    def home(self, block: int, node: int) -> tuple[int, int]:
        """Return a block's representative, and where a node goes when the block is taken there."""
        return int(self.block[block]), int(self.symmetry.node_map[self.block_home[block], node])

    def lifted(self, slots: Integers, sums: Integers, operator_start: Integers) -> Schedule:
        """Return the schedule of all from that of representatives.

        Parameters
        ----------
        slots, sums : ndarray of int64
            Rows of representatives' blocks, as `Schedule.of_rows` takes them.
        operator_start : ndarray of int64, shape (operators,)
            Only starts of representatives are read.
        """
        order = self.symmetry.order
        slots, sums = slots.reshape(-1, 4), sums.reshape(-1, 4)
        all_slots, all_sums = (np.repeat(rows[None], order, axis=0) for rows in (slots, sums))
        all_slots[:, :, 0], all_sums[:, :, 0] = self.block_map[:, slots[:, 0]], self.block_map[:, sums[:, 0]]
        all_slots[:, :, 2] = self.symmetry.bundle_map[:, slots[:, 2]]
        all_sums[:, :, 1] = self.symmetry.node_map[:, sums[:, 1]]
        return Schedule.of_rows(self.cut, all_slots, all_sums, operator_start[self.operator])
