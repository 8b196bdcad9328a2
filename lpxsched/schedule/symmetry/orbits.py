"""Representatives of the orbits of a group: what a model has variables and constraints for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lpxsched.schedule.symmetry.layer_groups import Symmetry, representatives

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from lpxsched.schedule.problem.instance import Instance
    from lpxsched.schedule.routes.blocks import Blocks


@dataclass(frozen=True, slots=True, eq=False)
class Orbits:
    """The representative of each thing, the least of its orbit.

    Attributes
    ----------
    symmetry : Symmetry
    node, bundle, operator, block : ndarray of int64
        The representative of each.
    block_home : ndarray of int64, shape (blocks,)
        The element of the group that takes a block to its representative.
    operators, blocks : list of int
        The representatives.
    """

    symmetry: Symmetry
    node: NDArray[np.int64]
    bundle: NDArray[np.int64]
    operator: NDArray[np.int64]
    block: NDArray[np.int64]
    block_home: NDArray[np.int64]
    operators: list[int]
    blocks: list[int]

    @staticmethod
    def of(instance: Instance, blocks: Blocks, symmetry: Symmetry) -> Orbits:
        """Return the orbits of an instance and its blocks."""
        block_map = symmetry.block_map(blocks)
        block, operator = representatives(block_map), representatives(symmetry.operator_map)
        return Orbits(
            symmetry,
            representatives(symmetry.node_map),
            representatives(symmetry.bundle_map),
            operator,
            block,
            block_map.argmin(axis=0),
            [index for index in range(instance.operators) if operator[index] == index],
            [index for index in range(len(blocks)) if block[index] == index],
        )

    def home(self, block: int, node: int) -> tuple[int, int]:
        """Return a block's representative, and where a node goes when the block is taken there."""
        return int(self.block[block]), int(self.symmetry.node_map[self.block_home[block], node])
