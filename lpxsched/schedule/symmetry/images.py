"""Where the elements of a group take all that a plan of representatives speaks of, shares at their true lengths."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from lpxsched.traffic.collectives import source_offsets
from lpxsched.units import NONE

if TYPE_CHECKING:
    from lpxsched.compiled.kernels import Integers
    from lpxsched.schedule.problem.instance import AddCost
    from lpxsched.schedule.symmetry.padding import Padded
    from lpxsched.schedule.symmetry.quotient import Blocks, Quotient


@dataclass(frozen=True, slots=True, eq=False)
class Images:
    """Images of nodes, bundles, operators and blocks, element by element.

    Attributes
    ----------
    node, bundle : shape (order, nodes) and (order, bundles)
    maker, reader : shape (order, padded operators), of a collective (order, nodes)
        Operators by what they make and by what they read, `NONE` where the problem itself, which has `operators` of
        them, has none. A collective has a source and a reader each.
    piece, first, vectors, held : shape (order, blocks)
        The run of each block within its demand or tensor, cut at the end of that, and where it begins within the
        results of its makers.
    """

    node: Integers
    bundle: Integers
    maker: Integers
    reader: Integers
    operators: int
    piece: Integers
    first: Integers
    vectors: Integers
    held: Integers
    add_cost: AddCost

    @property
    def order(self) -> int:
        """Number of elements."""
        return len(self.node)


def layer_images(problem: Padded, blocks: Blocks) -> Images:
    """Return the images of a layer's representatives; what was padded is cut off."""
    symmetry, original = problem.symmetry, problem.original
    moved = problem.demand_map[:, blocks.piece]
    demand = positions(problem.demand_of, problem.instance.demands)[moved]
    operators = symmetry.carried(problem.instance.operator_node)
    operator = positions(problem.operator_of, problem.instance.operators)[operators]
    room = np.where(demand >= 0, np.append(original.demand_vectors, 0)[demand], 0) - blocks.first_vector
    return Images(
        node=symmetry.node_map,
        bundle=symmetry.bundle_map,
        maker=operator,
        reader=operator,
        operators=original.operators,
        piece=demand,
        first=np.broadcast_to(blocks.first_vector, demand.shape),
        vectors=np.clip(room, 0, blocks.vectors),
        held=np.append(original.demand_first_vectors(), 0)[demand] + blocks.first_vector,
        add_cost=original.add_cost,
    )


def collective_images(problem: Quotient, blocks: Blocks) -> Images:
    """Return the images of a collective's representatives; pieces may reach beyond the end of their tensor."""
    collective, symmetry, flow = problem.instance.stage, problem.symmetry, problem.flow
    width = problem.network.width
    lengths = np.array([tensor.vectors for tensor in collective.tensors], dtype=np.int64)
    moved = problem.pieces[:, blocks.piece]
    piece, first = flow.tensor[moved], flow.first_vector[moved] + blocks.first_vector
    held = first
    if not collective.is_sum:
        held = first - source_offsets(collective, problem.network.nodes)[symmetry.node_map[:, blocks.source]]
    return Images(
        node=symmetry.node_map,
        bundle=symmetry.bundle_map,
        maker=symmetry.node_map,
        reader=symmetry.node_map + width,
        operators=2 * width,
        piece=piece,
        first=first,
        vectors=np.clip(lengths[piece] - first, 0, blocks.vectors),
        held=held,
        add_cost=problem.instance.add_cost,
    )


def positions(chosen: Integers, size: int) -> Integers:
    """Return the position of each of `size` things among the chosen ones, `NONE` for all others."""
    found = np.full(size, NONE, dtype=np.int64)
    found[chosen] = np.arange(len(chosen))
    return found
