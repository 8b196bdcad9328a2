"""From a build and its addresses to a program for each node."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from lpxsched.instructions.streams import (
    ADD,
    COMPUTE,
    CONTROL,
    DESKEW,
    IN,
    KEEPS,
    NOTIFY,
    OUT,
    READS,
    RECEIVE,
    SEND,
    SYNC,
    UNITS,
    WRITES,
    Instruction,
    NodeProgram,
    Piece,
    Section,
)
from lpxsched.timetable.columns import WEIGHT
from lpxsched.units import NONE
from lpxsched.verify.replay.placement import placement_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lpxsched.instructions.allocation import Addresses
    from lpxsched.instructions.blocks import Blocks
    from lpxsched.timetable.build import Build
    from lpxsched.timetable.columns import Integers
    from lpxsched.verify.replay.placement import Placement


class Stream(NamedTuple):
    """Whose instructions follow each other: `segment` is `NONE` of what belongs to a frame, `link` of other units."""

    segment: int
    frame: int
    unit: int
    link: int


Streams = defaultdict[Stream, list[Instruction]]


@dataclass(frozen=True, slots=True, eq=False)
class Lowering:
    """A build with its addresses, and which rows concern each node.

    Attributes
    ----------
    build : Build
    blocks : Blocks
    addresses : Addresses
    placed : Placement
    leaving, coming, running, reading, made : list of ndarray of int64
        By node, rows of the timetable that leave it and come to it, of operators that run there in their order, of what
        they read, and of tensors that they leave.
    """

    build: Build
    blocks: Blocks
    addresses: Addresses
    placed: Placement
    leaving: list[Integers]
    coming: list[Integers]
    running: list[Integers]
    reading: list[Integers]
    made: list[Integers]

    @staticmethod
    def of(build: Build, blocks: Blocks, addresses: Addresses) -> Lowering:
        """Return a build with the rows of each node."""
        links, table, tensors, nodes = build.links, build.operators, build.tensors, len(build.chips)
        made = np.flatnonzero((tensors.producer != NONE) & (tensors.vectors > 0))
        in_order = np.lexsort((np.arange(len(table)), _levels(build), table.start))
        return Lowering(
            build,
            blocks,
            addresses,
            placement_of(build),
            _of_each(links.src[build.slots.link], nodes),
            _of_each(links.dst[build.slots.link], nodes),
            [in_order[rows] for rows in _of_each(table.chip[in_order], nodes)],
            _of_each(table.chip[build.operands.operator], nodes),
            [made[rows] for rows in _of_each(tensors.chip[made], nodes)],
        )

    def pieces(self, use: int, node: int, tensor: Integers, first: Integers, vectors: Integers) -> list[Piece]:
        """Return what lies at a node, a piece a row without its place; `first` counts within the tensor."""
        row = self.blocks.find(np.full(len(tensor), node, dtype=np.int64), tensor, first)
        size = self.build.manifest.vector_bytes
        copies = self.addresses.copies[row]
        columns = (
            self.build.tensors.offset[tensor] + first,
            vectors,
            self.addresses.block[row] + (first - self.blocks.first[row]) * size,
            copies,
            np.where(copies > 1, self.blocks.vectors[row] * size, 0),
        )
        return [Piece(use, 0, *values) for values in zip(*(column.tolist() for column in columns), strict=True)]


def _of_each(owner: Integers, count: int) -> list[Integers]:
    """Return the rows of each of so many owners, in their order."""
    order = np.argsort(owner, kind="stable")
    return np.split(order, np.searchsorted(owner[order], np.arange(1, count)))


def programs(build: Build, blocks: Blocks, addresses: Addresses) -> Iterator[NodeProgram]:
    """Yield the program of every node that does anything, sorted by node.

    Parameters
    ----------
    build : Build
        Sound by ``verify.check``.
    blocks : Blocks
    addresses : Addresses
    """
    lowering = Lowering.of(build, blocks, addresses)
    for node in range(len(build.chips)):
        streams: Streams = defaultdict(list)
        _add_transfers(lowering, node, streams)
        _add_operators(lowering, node, streams)
        if streams:
            _add_deskews(build, streams)
            yield _program(lowering, node, streams)


def _add_transfers(lowering: Lowering, node: int, streams: Streams) -> None:
    build, slots = lowering.build, lowering.build.slots
    for code, unit, rows, cycle in (
        (SEND, OUT, lowering.leaving[node], slots.depart),
        (RECEIVE, IN, lowering.coming[node], slots.read),
    ):
        use, tensor = READS if code == SEND else WRITES, slots.tensor[rows]
        pieces = lowering.pieces(use, node, tensor, slots.first_vector[rows], slots.vectors[rows])
        segment = build.operators.segment[build.tensors.producer[tensor]]
        columns = (
            column.tolist() for column in (segment, build.segments.frame[segment], slots.link[rows], cycle[rows])
        )
        for of, frame, link, when, piece in zip(*columns, pieces, strict=True):
            streams[Stream(of, frame, unit, link)].append(Instruction(code, when, pieces=(piece,)))


def _add_operators(lowering: Lowering, node: int, streams: Streams) -> None:
    table, placed = lowering.build.operators, lowering.placed
    pieces = _pieces_of_operators(lowering, node)
    for row in lowering.running[node].tolist():
        number = int(placed.number[row])
        found = Instruction(
            ADD if number == NONE else COMPUTE,
            int(table.start[row]),
            int(table.cycles[row]),
            number,
            int(placed.shard[row]),
            pieces=tuple(sorted(pieces.get(row, ()))),
        )
        segment, unit = int(table.segment[row]), UNITS.index(str(table.unit[row]))
        streams[Stream(segment, int(lowering.build.segments.frame[segment]), unit, NONE)].append(found)


def _levels(build: Build) -> Integers:
    """Return the place of operators that follow each other at one node without a cycle between them."""
    operators, operands = build.operators, build.operands
    producer = build.tensors.producer[operands.tensor]
    at_once = (producer != NONE) & (operators.cycles[np.maximum(producer, 0)] == 0)
    at_once &= operators.start[np.maximum(producer, 0)] == operators.start[operands.operator]
    at_once &= operators.chip[np.maximum(producer, 0)] == operators.chip[operands.operator]
    before, after = producer[at_once], operands.operator[at_once]
    level = np.zeros(len(operators), dtype=np.int64)
    while len(before) and (level[after] <= level[before]).any():
        np.maximum.at(level, after, level[before] + 1)
    return level


def _pieces_of_operators(lowering: Lowering, node: int) -> dict[int, list[Piece]]:
    """Return what each operator of a node reads, leaves and keeps."""
    build, found = lowering.build, defaultdict[int, list[Piece]](list)
    operands, tensors = build.operands, build.tensors
    rows, made = lowering.reading[node], lowering.made[node]
    kept = operands.role[rows] == WEIGHT
    moved = rows[~kept]
    first = operands.first_vector[moved]
    uses = (
        (operands.operator[moved], operands.tensor[moved], first, operands.vectors[moved], READS),
        (tensors.producer[made], made, np.zeros_like(made), tensors.vectors[made], WRITES),
    )
    for owner, tensor, begin, vectors, use in uses:
        pieces = lowering.pieces(use, node, tensor, begin, vectors)
        places = _places(lowering, owner, tensor, inputs=use == READS)
        for row, place, piece in zip(owner.tolist(), places, pieces, strict=True):
            found[row].append(piece._replace(place=place))
    for operand in rows[kept].tolist():
        of, by = int(operands.tensor[operand]), int(operands.operator[operand])
        place = sum(piece.use == KEEPS for piece in found[by])
        found[by].append(Piece(KEEPS, place, 0, int(tensors.bytes[of]), int(lowering.addresses.resident[of])))
    return found


def _places(lowering: Lowering, operator: Integers, tensor: Integers, *, inputs: bool) -> list[int]:
    """Return which input or output of its operator each tensor is; of sums, which summand."""
    build, number = lowering.build, lowering.placed.number
    seen: defaultdict[int, int] = defaultdict(int)
    found = []
    for row, name in zip(operator.tolist(), build.tensors.name[tensor].tolist(), strict=True):
        if number[row] == NONE:
            found.append(seen[row])
            seen[row] += 1
        else:
            of = build.graph.operators[number[row]]
            found.append([read.tensor for read in of.inputs].index(name) if inputs else of.outputs.index(name))
    return found


def _add_deskews(build: Build, streams: Streams) -> None:
    """Let units wait for all others at the beginning of a segment and of each stall."""
    deskews = build.deskews
    for segment in sorted({stream.segment for stream in streams}):
        frame = int(build.segments.frame[segment])
        rows = np.flatnonzero(deskews.frame == frame)
        columns = (deskews.cycle[rows], deskews.stall[rows], deskews.every_periods[rows])
        spans = sorted(zip(*(column.tolist() for column in columns), strict=True))
        repeats = bool(build.frames.period_cycles[frame])
        if repeats and spans:
            streams[Stream(NONE, frame, CONTROL, NONE)] = [
                Instruction(DESKEW, cycle, stall, every=every) for cycle, stall, every in spans
            ]
        stalls = [] if repeats else spans
        waits = [Instruction(SYNC, cycle) for cycle in sorted({0, *(cycle for cycle, _, _ in stalls)})]
        for key in [key for key in streams if key.segment == segment]:
            streams[key] = sorted([*waits, *streams[key]], key=lambda one: (one.cycle, one.code != SYNC))
        streams[Stream(segment, frame, CONTROL, NONE)] = _control(stalls)


def _control(stalls: list[tuple[int, int, int]]) -> list[Instruction]:
    found = [] if stalls and not stalls[0][0] else [Instruction(NOTIFY, 0)]
    for cycle, stall, every in stalls:
        found += [Instruction(DESKEW, cycle, stall, every=every), Instruction(NOTIFY, cycle + stall)]
    return found


def _program(lowering: Lowering, node: int, streams: Streams) -> NodeProgram:
    build, sections = lowering.build, []
    segments = build.segments
    for (segment, frame, unit, link), instructions in sorted(streams.items()):
        phase = int(segments.phase_cycles[segment]) if segment != NONE else 0
        period = int(build.frames.period_cycles[frame])
        sections.append(Section(segment, frame, period, phase, unit, link, tuple(instructions)))
    numbers = np.unique(lowering.placed.number[lowering.running[node]])
    names = tuple((number, build.graph.operators[number].name) for number in numbers.tolist() if number != NONE)
    position, size = str(build.chips.position[node]), build.manifest.vector_bytes
    return NodeProgram(node, position, size, names, tuple(sections))
