"""Where the elements of a group take all that a plan of representatives speaks of, shares at their true lengths."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from lpxsched.schedule.plan import OPERATOR, SLOT, SUM, Operands, Plan
from lpxsched.traffic.collectives import source_offsets
from lpxsched.units import NONE

if TYPE_CHECKING:
    from lpxsched.compiled.kernels import Integers
    from lpxsched.schedule.problem.instance import AddCost
    from lpxsched.schedule.symmetry.groups import Symmetry
    from lpxsched.schedule.symmetry.padding import Padded
    from lpxsched.schedule.symmetry.quotient import Quotient

    # Reader, value, first vector and vectors of what is read.
    Columns = tuple[Integers, Integers, Integers, Integers]
    Ranges = tuple[range, range, range]


@dataclass(frozen=True, eq=False)
class Images:
    """Images of operators and blocks, element by element of a group, and numbers of the values of their plan.

    Attributes
    ----------
    maker, reader : shape (order, padded operators), of a collective (order, nodes)
        Operators by what they make and by what they read, `NONE` where the problem itself, which has `operators` of
        them, has none. A collective has a source and a reader each.
    piece, first, vectors, held : shape (order, blocks)
        The run of each block within its demand or tensor, cut at the end of that, and where it begins within the
        results of its makers.
    """

    plan: Plan
    symmetry: Symmetry
    maker: Integers
    reader: Integers
    operators: int
    piece: Integers
    first: Integers
    vectors: Integers
    held: Integers
    add_cost: AddCost

    @cached_property
    def total(self) -> Integers:
        """Numbers of the values of sums, shape (order, sums), those that add nothing left out (`NONE`)."""
        there = self.vectors[:, self.plan.sum_block] > 0
        return np.where(there, self.operators + np.cumsum(there).reshape(there.shape) - 1, NONE)

    def ranges(self, *firsts: Integers) -> Ranges:
        """Return in which ranges operators that read, values and first vectors in these lie, some more among these."""
        sums = self.total.size
        tables = (self.held, self.first, *firsts) if sums else (self.held, *firsts)
        first = max(int(table.max(initial=0)) for table in tables)
        values = self.operators + sums if sums else self.maker.shape[1]
        return range(max(0, int(self.reader.min(initial=0))), self.operators), range(values), range(first + 1)

    def read(self, needed: Operands) -> Columns:
        """Return reader, value, first vector in it and vectors of images of what is read; shape (order, rows)."""
        return self.reader[:, needed.reader], *self.operands(needed), self.vectors[:, needed.block]

    def operands(self, needed: Operands) -> tuple[Integers, Integers]:
        """Return the values that are read, and where in them; shape (order, rows)."""
        plan, brought = self.plan, np.flatnonzero(needed.kind == SLOT)
        slot, kind, number = needed.number[brought], needed.kind.copy(), needed.number.copy()
        kind[brought], number[brought] = plan.slot_kind[slot], plan.slot_number[slot]
        # Only in a collective, whose operators are numbered as their nodes, is an image of a slot read.
        is_image = brought[(plan.slot_origin[slot] != needed.origin[brought]) & (kind[brought] == OPERATOR)]
        number[is_image] = needed.origin[is_image]
        return self.made(kind, number, needed.origin, needed.block)

    def carried(self) -> tuple[Integers, Integers]:
        """Return the values that slots carry, and where in them they begin; shape (order, slots)."""
        plan = self.plan
        if plan.sums:
            return self.made(plan.slot_kind, plan.slot_number, plan.slot_origin, plan.slot_block)
        return moved(self.maker, plan.slot_number), _taken(self.held, plan.slot_block)

    def made(self, kind: Integers, number: Integers, node: Integers, block: Integers) -> tuple[Integers, Integers]:
        """Return the values of images of sums and of results of operators, and where in them a block begins."""
        is_sum = kind == SUM
        held, first = self.maker[:, np.where(is_sum, 0, number)], self.held[:, block]
        if not is_sum.any():
            return held, first
        total = np.where(is_sum, number, 0)
        within = self.first[:, block] - self.first[:, self.plan.sum_block[total]]
        return np.where(is_sum, self._sum_at(total, node), held), np.where(is_sum, within, first)

    def _sum_at(self, total: Integers, node: Integers) -> Integers:
        """Return the number of the image of each sum that is at a node: the group acts freely, so there is one."""
        node_map = self.symmetry.node_map
        element: Integers = np.zeros((node_map.shape[1], node_map.shape[1]), dtype=np.int64)
        for at in np.unique(self.plan.sum_node).tolist():
            element[at, node_map[:, at]] = np.arange(len(node_map))
        return np.asarray(self.total[element[self.plan.sum_node[total], node_map[:, node]], total])


def layer_images(problem: Padded, plan: Plan) -> Images:
    """Return the images of a layer's representatives; what was padded is cut off."""
    symmetry, original, blocks = problem.symmetry, problem.original, plan.blocks
    image = problem.demand_map[:, blocks.piece]
    demand = positions(problem.demand_of, problem.instance.demands)[image]
    operators = symmetry.carried(problem.instance.operator_node)
    operator = positions(problem.operator_of, problem.instance.operators)[operators]
    room = np.where(demand >= 0, np.append(original.demand_vectors, 0)[demand], 0) - blocks.first_vector
    return Images(
        plan=plan,
        symmetry=symmetry,
        maker=operator,
        reader=operator,
        operators=original.operators,
        piece=demand,
        first=np.broadcast_to(blocks.first_vector, demand.shape),
        vectors=np.clip(room, 0, blocks.vectors),
        held=np.append(original.demand_first_vectors(), 0)[demand] + blocks.first_vector,
        add_cost=original.add_cost,
    )


def collective_images(problem: Quotient, plan: Plan) -> Images:
    """Return the images of a collective's representatives; pieces may reach beyond the end of their tensor."""
    collective, symmetry, flow = problem.instance.stage, problem.symmetry, problem.flow
    width, blocks = problem.network.width, plan.blocks
    lengths = np.array([tensor.vectors for tensor in collective.tensors], dtype=np.int64)
    image = problem.pieces[:, blocks.piece]
    piece, first = flow.tensor[image], flow.first_vector[image] + blocks.first_vector
    held = first
    if not collective.is_sum:
        held = first - source_offsets(collective, problem.network.nodes)[symmetry.node_map[:, blocks.source]]
    return Images(
        plan=plan,
        symmetry=symmetry,
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


def moved(table: Integers, rows: Integers) -> Integers:
    """Return where elements take rows, shape (order, rows): the rows themselves where all stay where they are."""
    if len(table) == 1 and (table[0] == np.arange(table.shape[1])).all():
        return rows[None]
    return table[:, rows]


def _taken(table: Integers, rows: Integers) -> Integers:
    """Return some rows of all elements; zeros take no memory until somebody writes or reads them."""
    return table[:, rows] if table.any() else np.zeros((len(table), len(rows)), dtype=np.int64)
