"""Where a group takes each thing of a layer, and its representative."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from lpxsched.compiled.kernels import Integers
    from lpxsched.schedule.problem.instance import Instance
    from lpxsched.schedule.symmetry.groups import Symmetry
    from lpxsched.schedule.symmetry.quotient import Blocks


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

    @staticmethod
    def of(instance: Instance, blocks: Blocks, symmetry: Symmetry) -> Orbits:
        """Return the orbits of an instance and its blocks."""
        demand_map = symmetry.carried(instance.demand_root)
        first = np.searchsorted(blocks.piece, np.arange(instance.demands))
        block_map = first[demand_map[:, blocks.piece]] + np.arange(len(blocks)) - first[blocks.piece]
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
        )
