"""One segment as the assembly reads it, a layer or a collective: its schedule, and what its numbers stand for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from lpxsched.units import NONE

if TYPE_CHECKING:
    from lpxsched.schedule.frames import Frame
    from lpxsched.schedule.problem.instance import AddCost
    from lpxsched.schedule.problem.network import Network
    from lpxsched.schedule.result import Result
    from lpxsched.timetable.columns import Integers, Text


class GraphOperators(NamedTuple):
    """Operators of the graph, one a shard, with their costs; `node` by local number."""

    node: Integers
    unit: Text
    kind: Text
    cycles: Integers
    dtype: Text
    sram_bytes: Integers
    macs: Integers
    fixed_cycles: Integers


class Held(NamedTuple):
    """Tensors that operators leave, or weights that they hold, in the order of their operators."""

    operator: Integers
    name: Text
    offset: Integers
    vectors: Integers
    dtype: Text
    layout: Text
    bytes: Integers


class Pieces(NamedTuple):
    """What sums count their runs within: tensor, where in it a piece begins, type, and how its rows are padded."""

    name: Text
    first: Integers
    dtype: Text
    row_bytes: Integers
    vectors_per_row: Integers


@dataclass(frozen=True, slots=True, eq=False)
class Segment:
    """A scheduled segment.

    Attributes
    ----------
    result : Result
        Its schedule counts from the segment's time zero.
    layer : int
    chips : ndarray of int64, shape (shards,)
    node_shard : ndarray of int64, shape (nodes,)
        The shard of each local number.
    network : Network
    operators : GraphOperators
    results, weights : Held
    after_operator, after_result : ndarray of int64
        Operators that read a whole result of another on their own node.
    pieces : Pieces
    add_cost : AddCost
    waiting_cycles, deadline_cycles : int
        Longest wait for the segment, `NONE` without a deadline.
    deskews : tuple of (int, int)
        Cycle and stall of each, the opening one first.
    frame : Frame or None
        Its windows, of what repeats.
    """

    result: Result
    layer: int
    chips: Integers
    node_shard: Integers
    network: Network
    operators: GraphOperators
    results: Held
    weights: Held
    after_operator: Integers
    after_result: Integers
    pieces: Pieces
    add_cost: AddCost
    waiting_cycles: int
    deadline_cycles: int
    deskews: tuple[tuple[int, int], ...]
    frame: Frame | None = None


def no_weights() -> Held:
    """Return an empty table."""
    none, text = np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.str_)
    return Held(none, text, none, none, text, text, none)


def padded_off(vectors: Integers, row_bytes: Integers, vectors_per_row: Integers, vector_bytes: int) -> Integers:
    """Return the bytes, without padding, in the first vectors of tensors."""
    rows, rest = np.divmod(vectors, vectors_per_row)
    return np.asarray(rows * row_bytes + np.minimum(rest * vector_bytes, row_bytes))


def numbers(values: list[int]) -> Integers:
    """Return a column of whole numbers."""
    return np.array(values, dtype=np.int64)


def texts(values: list[str]) -> Text:
    """Return a column of text."""
    return np.array(values, dtype=np.str_)


def deadline_or_none(cycles: int | None) -> int:
    """Return a deadline as tables tell it."""
    return NONE if cycles is None else cycles
