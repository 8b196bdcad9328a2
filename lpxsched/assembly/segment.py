"""A segment as the assembly reads it, of layers or a collective: its schedules, and what their numbers stand for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from lpxsched.schedule.flags import polled_hosts
from lpxsched.units import NONE

if TYPE_CHECKING:
    from lpxsched.program.frames.frames import Frame
    from lpxsched.schedule.problem.instance import AddCost
    from lpxsched.schedule.problem.network import Network
    from lpxsched.schedule.result import HostFlags, Schedule
    from lpxsched.timetable.columns import Flags, Integers, Text


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


class TensorColumns(NamedTuple):
    """Tensors that operators leave, or weights that they hold, in the order of their operators."""

    operator: Integers
    name: Text
    offset: Integers
    vectors: Integers
    dtype: Text
    layout: Text
    bytes: Integers


class PieceColumns(NamedTuple):
    """What sums count their runs within: tensor, where in it a piece begins, type, and how its rows are padded."""

    name: Text
    first: Integers
    dtype: Text
    row_bytes: Integers
    vectors_per_row: Integers


@dataclass(frozen=True, slots=True, eq=False)
class SegmentPart:
    """A scheduled part of a segment, over local numbers; its schedule in the time of the segment.

    `node_layer` and `node_shard`, shape (nodes,), are the layer of which a sum at each node is told, and the shard
    there. Of the operators those are rows that are told (`is_told`). Another stands for one of the part before, if it
    leaves a result, or for the end. `after_operator` reads the whole result of `after_result` on its own node.
    """

    schedule: Schedule
    node_layer: Integers
    node_shard: Integers
    network: Network
    operators: GraphOperators
    is_told: Flags
    results: TensorColumns
    weights: TensorColumns
    after_operator: Integers
    after_result: Integers
    pieces: PieceColumns
    add_cost: AddCost


class Sent(NamedTuple):
    """Flags of the hosts of a segment, one vector a slot, and the cycle at which its chips branch; nodes of the fabric.

    Where chips poll all of them have all flags by then.
    """

    host: Integers
    link: Integers
    depart: Integers
    read: Integers
    guard_cycles: Integers
    branch_cycles: int

    @staticmethod
    def on(network: Network, flags: HostFlags) -> Sent:
        """Return flags as they go over the links of a network."""
        return Sent(
            host=np.array(list(polled_hosts(network)), dtype=np.int64)[flags.host],
            link=network.links.values[network.links.offsets[flags.bundle] + flags.lane],
            depart=flags.depart,
            read=flags.depart + network.hop_cycles[flags.bundle],
            guard_cycles=network.guard_cycles[flags.bundle],
            branch_cycles=flags.branch_cycles,
        )


@dataclass(frozen=True, slots=True, eq=False)
class Segment:
    """A scheduled segment: parts of one layer each, or one collective, on all chips of its groups.

    The bound of what repeats is one of its period; its frame tells its windows, its phase its place there. A deskew is
    cycle and stall, the opening one first. Without a deadline that is `NONE`. There are flags where chips poll.
    """

    parts: tuple[SegmentPart, ...]
    layers: tuple[int, ...]
    chips: Integers
    makespan_cycles: int
    bound_cycles: int
    waiting_cycles: int
    deadline_cycles: int = NONE
    deskews: tuple[tuple[int, int], ...] = ()
    frame: Frame | None = None
    phase_cycles: int = 0
    flags: Sent | None = None


def padded_off(vectors: Integers, row_bytes: Integers, vectors_per_row: Integers, vector_bytes: int) -> Integers:
    """Return the bytes, without padding, in the first vectors of tensors."""
    rows, rest = np.divmod(vectors, vectors_per_row)
    return np.asarray(rows * row_bytes + np.minimum(rest * vector_bytes, row_bytes))


def texts(values: list[str]) -> Text:
    """Return a column of text."""
    return np.array(values, dtype=np.str_)
