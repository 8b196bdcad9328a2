"""From a build and its addresses to a program for each node."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

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
    from lpxsched.instructions.allocation import Addresses
    from lpxsched.instructions.blocks import Blocks
    from lpxsched.timetable.build import Build
    from lpxsched.timetable.columns import Integers

# Node, segment, unit, link.
Key = tuple[int, int, int, int]


class Lowering:
    """A build, its blocks and their addresses, and the instructions of each unit so far."""

    def __init__(self, build: Build, blocks: Blocks, addresses: Addresses) -> None:
        self.build, self.blocks, self.addresses = build, blocks, addresses
        self.streams: defaultdict[Key, list[Instruction]] = defaultdict(list)

    def pieces(
        self, use: int, place: Integers, node: Integers, tensor: Integers, first: Integers, vectors: Integers
    ) -> list[Piece]:
        """Return what lies at nodes, a piece a row; `first` counts within the tensor."""
        row = self.blocks.find(node, tensor, first)
        size = self.build.manifest.vector_bytes
        copies = self.addresses.copies[row]
        columns = (
            np.broadcast_to(place, row.shape),
            self.build.tensors.offset[tensor] + first,
            vectors,
            self.addresses.block[row] + (first - self.blocks.first[row]) * size,
            copies,
            np.where(copies > 1, self.blocks.vectors[row] * size, 0),
        )
        return [Piece(use, *values) for values in zip(*(column.tolist() for column in columns), strict=True)]


def programs(build: Build, blocks: Blocks, addresses: Addresses) -> tuple[NodeProgram, ...]:
    """Return the program of every node that does anything, sorted by node.

    Parameters
    ----------
    build : Build
        Sound by ``verify.check``.
    blocks : Blocks
    addresses : Addresses
    """
    lowering = Lowering(build, blocks, addresses)
    _transfers(lowering)
    named = _operators(lowering)
    _deskews(lowering)
    return _of_nodes(lowering, named)


def _transfers(lowering: Lowering) -> None:
    build, slots = lowering.build, lowering.build.slots
    segment = build.operators.segment[build.tensors.producer[slots.tensor]].tolist()
    for code, unit, node, cycle in (
        (SEND, OUT, build.links.src[slots.link], slots.depart),
        (RECEIVE, IN, build.links.dst[slots.link], slots.read),
    ):
        use = READS if code == SEND else WRITES
        pieces = lowering.pieces(use, np.array(0), node, slots.tensor, slots.first_vector, slots.vectors)
        columns = (node.tolist(), segment, slots.link.tolist(), cycle.tolist(), pieces)
        for at, of, link, when, piece in zip(*columns, strict=True):
            lowering.streams[at, of, unit, link].append(Instruction(code, when, pieces=(piece,)))


def _operators(lowering: Lowering) -> dict[int, set[int]]:
    """Add the runs of operators, and return which operators of the graph run at each node."""
    build, table = lowering.build, lowering.build.operators
    placed, pieces, named = placement_of(build), _pieces_of_operators(lowering), defaultdict[int, set[int]](set)
    order = np.lexsort((np.arange(len(table)), _levels(build), table.start)).tolist()
    for row in order:
        node, number = int(table.chip[row]), int(placed.number[row])
        code = ADD if number == NONE else COMPUTE
        if number != NONE:
            named[node].add(number)
        found = Instruction(
            code,
            int(table.start[row]),
            int(table.cycles[row]),
            number,
            int(placed.shard[row]),
            pieces=tuple(sorted(pieces.get(row, ()))),
        )
        unit = UNITS.index(str(table.unit[row]))
        lowering.streams[node, int(table.segment[row]), unit, NONE].append(found)
    return named


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


def _pieces_of_operators(lowering: Lowering) -> dict[int, list[Piece]]:
    """Return what each operator reads, leaves and keeps."""
    build, found = lowering.build, defaultdict[int, list[Piece]](list)
    operands, tensors, table = build.operands, build.tensors, build.operators
    made = np.flatnonzero((tensors.producer != NONE) & (tensors.vectors > 0))
    moved = np.flatnonzero(operands.role != WEIGHT)
    kept = np.flatnonzero(operands.role == WEIGHT)
    reader = operands.operator[moved]
    uses = (
        (
            reader,
            lowering.pieces(
                READS,
                _places(build, reader, operands.tensor[moved], inputs=True),
                table.chip[reader],
                operands.tensor[moved],
                operands.first_vector[moved],
                operands.vectors[moved],
            ),
        ),
        (
            tensors.producer[made],
            lowering.pieces(
                WRITES,
                _places(build, tensors.producer[made], made, inputs=False),
                tensors.chip[made],
                made,
                np.zeros_like(made),
                tensors.vectors[made],
            ),
        ),
    )
    for owner, pieces in uses:
        for row, piece in zip(owner.tolist(), pieces, strict=True):
            found[row].append(piece)
    for operand in kept.tolist():
        tensor, by = int(operands.tensor[operand]), int(operands.operator[operand])
        place = sum(piece.use == KEEPS for piece in found[by])
        address = int(lowering.addresses.resident[tensor])
        found[by].append(Piece(KEEPS, place, 0, int(tensors.bytes[tensor]), address))
    return found


def _places(build: Build, operator: Integers, tensor: Integers, *, inputs: bool) -> Integers:
    """Return which input or output of its operator each tensor is; of sums, which summand."""
    number = placement_of(build).number
    place = {
        (row, name): at
        for row, of in enumerate(build.graph.operators)
        for at, name in enumerate([read.tensor for read in of.inputs] if inputs else of.outputs)
    }
    seen: defaultdict[int, int] = defaultdict(int)
    found = []
    for row, name in zip(operator.tolist(), build.tensors.name[tensor].tolist(), strict=True):
        if number[row] == NONE:
            found.append(seen[row])
            seen[row] += 1
        else:
            found.append(place[int(number[row]), name])
    return np.array(found, dtype=np.int64)


def _deskews(lowering: Lowering) -> None:
    """Let units wait for all others at the beginning of a segment and of each stall."""
    build, streams = lowering.build, lowering.streams
    deskews, period = build.deskews, build.frames.period_cycles
    nodes_of: defaultdict[int, set[int]] = defaultdict(set)
    for node, segment, _, _ in streams:
        nodes_of[segment].add(node)
    spans: dict[int, list[tuple[int, int, int]]] = defaultdict(list)
    columns = (deskews.frame, deskews.cycle, deskews.stall, deskews.every_periods)
    for frame, *span in zip(*(column.tolist() for column in columns), strict=True):
        spans[frame].append((span[0], span[1], span[2]))
    for segment, nodes in sorted(nodes_of.items()):
        frame = int(build.segments.frame[segment])
        stalls = [] if period[frame] else sorted(spans[frame])
        for node in sorted(nodes):
            streams[node, segment, CONTROL, NONE] = _control(stalls)
            if period[frame] and spans[frame]:
                streams[node, NONE - 1 - frame, CONTROL, NONE] = [
                    Instruction(DESKEW, cycle, stall, every=every) for cycle, stall, every in sorted(spans[frame])
                ]
        parked = [Instruction(SYNC, cycle) for cycle in sorted({0, *(cycle for cycle, _, _ in stalls)})]
        for key in [key for key in streams if key[1] == segment and key[2] != CONTROL]:
            streams[key] = sorted([*parked, *streams[key]], key=lambda one: (one.cycle, one.code != SYNC))


def _control(stalls: list[tuple[int, int, int]]) -> list[Instruction]:
    found = [] if stalls and not stalls[0][0] else [Instruction(NOTIFY, 0)]
    for cycle, stall, every in stalls:
        found += [Instruction(DESKEW, cycle, stall, every=every), Instruction(NOTIFY, cycle + stall)]
    return found


def _of_nodes(lowering: Lowering, named: dict[int, set[int]]) -> tuple[NodeProgram, ...]:
    build, sections = lowering.build, defaultdict[int, list[Section]](list)
    segments, names = build.segments, [operator.name for operator in build.graph.operators]
    for (node, segment, unit, link), instructions in sorted(lowering.streams.items()):
        frame = int(segments.frame[segment]) if segment >= 0 else NONE - 1 - segment
        phase = int(segments.phase_cycles[segment]) if segment >= 0 else 0
        period = int(build.frames.period_cycles[frame])
        of = max(segment, NONE)
        sections[node].append(Section(of, frame, period, phase, unit, link, tuple(instructions)))
    return tuple(
        NodeProgram(
            node,
            str(build.chips.position[node]),
            build.manifest.vector_bytes,
            tuple((number, names[number]) for number in sorted(named.get(node, ()))),
            tuple(found),
        )
        for node, found in sorted(sections.items())
    )
