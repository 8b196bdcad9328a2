"""Columns that the kernels of the list schedule read and write, and how a slot is entered."""

from __future__ import annotations

from typing import NamedTuple

from lpxsched.compiled.kernels import Flags, Integers, kernel
from lpxsched.schedule.problem.wires import Wires, hold_cycles
from lpxsched.schedule.times.calendars import Calendars, earliest_of, reserve


class OperatorColumns(NamedTuple):
    """Operators; `calendar` is `NONE` where a unit has no limit, `needs_node` where a needed demand is waited for.

    Nothing starts before `release`.
    """

    release: int
    calendar: Integers
    cycles: Integers
    after_offsets: Integers
    after: Integers
    needs_offsets: Integers
    needs: Integers
    needs_node: Integers


class Traffic(NamedTuple):
    """Demands and blocks; `sum_cycles` by number of operands and of vectors; `adder` is each chip's vector unit.

    `distance` is in hops to each root, `farthest_first` has the nodes of each root.
    """

    root: Integers
    leaf_offsets: Integers
    leaf: Integers
    leaf_operator: Integers
    reader_offsets: Integers
    reader: Integers
    block_demand: Integers
    block_vectors: Integers
    sum_cycles: Integers
    adder: Integers
    distance: Integers
    farthest_first: Integers


class Placed(NamedTuple):
    """What has been placed: slots (block, phase, bundle, depart, lane), sums (block, node, operands, start)."""

    slots: Integers
    sums: Integers
    counts: Integers
    operator_start: Integers
    delivered: Integers


class TreeScratch(NamedTuple):
    """Scratch of one block: what each node has and through which lane it came.

    Of sums: `ready`, when a node has its operands, then their sum; `arrived`, the last read of what came, `NONE` if
    nothing did; `departs`, when it may send the sum on; `operands`, how many it adds. `winner` is a knock-out among the
    nodes that do not have the block yet: the pairs of place i are 2 i and 2 i + 1, and the first of all is at 1.
    """

    ready: Integers
    arrived: Integers
    departs: Integers
    operands: Integers
    read: Integers
    bundle: Integers
    lane: Integers
    depart: Integers
    order: Integers
    settled: Flags
    placed: Flags
    wanted: Flags
    winner: Integers


class Board(NamedTuple):
    """What the kernels of the list schedule read and write: `traffic` of one cut into blocks, `tree` of one block."""

    wires: Wires
    program: OperatorColumns
    traffic: Traffic
    calendars: Calendars
    placed: Placed
    tree: TreeScratch


@kernel
def earliest_lane(wires: Wires, calendars: Calendars, bundle: int, ready: int, vectors: int) -> tuple[int, int]:
    """Return the lane of a bundle that is free first for a slot, and that cycle."""
    resource, length = wires.resource[bundle], hold_cycles(wires, bundle, vectors)
    return earliest_of(calendars, wires.first_lane[resource], wires.lanes[resource], ready, length)


@kernel
def place_slot(board: Board, block: int, phase: int, bundle: int, lane: int, depart: int) -> None:
    """Enter a slot into its lane's calendar and into the result."""
    wires, placed = board.wires, board.placed
    reserve(board.calendars, lane, depart, hold_cycles(wires, bundle, board.traffic.block_vectors[block]))
    row = placed.counts[0]
    placed.slots[row, 0], placed.slots[row, 1], placed.slots[row, 2] = block, phase, bundle
    placed.slots[row, 3], placed.slots[row, 4] = depart, lane - wires.first_lane[wires.resource[bundle]]
    placed.counts[0] = row + 1
