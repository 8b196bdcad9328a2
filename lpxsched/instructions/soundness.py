"""What must hold of programs before they run, whoever wrote them: numbers within range, and addresses within SRAM.

Nothing moving lies on what is resident, and no two resident tensors share a byte: their bytes are no part of a run with
numbers, so a wrong address there is told here.
"""

from __future__ import annotations

from collections import Counter
from itertools import pairwise, zip_longest
from typing import TYPE_CHECKING, NamedTuple

from lpxsched.instructions.homes import nodes_by_shard
from lpxsched.instructions.streams import (
    ADD,
    COMPUTE,
    CONTROL,
    DESKEW,
    IN,
    KEEPS,
    NAMES,
    NOTIFY,
    OUT,
    READS,
    RECEIVE,
    SEND,
    SYNC,
    WRITES,
)
from lpxsched.units import NONE
from lpxsched.verify.replay.placement import seen

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from lpxsched.instructions.streams import Instruction, NodeProgram, Piece, Section
    from lpxsched.timetable.build import Build
    from lpxsched.timetable.documents import GraphOperator, GraphTensor

# Cycles after its segment's makespan beyond which nothing is waited for.
MOST_LATE_CYCLES = 1 << 20
# What a unit runs; all others than these run operators.
CODES = {IN: (RECEIVE, SYNC), OUT: (SEND, SYNC), CONTROL: (DESKEW, NOTIFY)}


class _Graph(NamedTuple):
    """Operators of the layer graph with the number of their shards, and its tensors by name."""

    operators: list[tuple[GraphOperator, int]]
    tensors: dict[str, GraphTensor]


def unsound(build: Build, programs: Sequence[NodeProgram]) -> Iterator[str]:
    """Yield what is wrong with programs for the fabric and the layer graph of a build."""
    for node, count in Counter(program.node for program in programs).items():
        if count > 1:
            yield f"node {node} has {count} programs"
    widths = map(len, nodes_by_shard(build))
    graph = _Graph(
        list(zip(build.graph.operators, widths, strict=True)),
        {tensor.name: tensor for tensor in build.graph.tensors},
    )
    for program in programs:
        if program.node >= len(build.chips):
            yield f"the build has no node {program.node}"
        elif problem := _head(build, program):
            yield f"node {program.node} {problem}"
        else:
            for section in program.sections:
                problem = _section(build, section)
                told = [problem] if problem else _instructions(build, program.node, section, graph)
                yield from (f"node {program.node}: {one}" for one in told)
            yield from _overwritten(build, program)
            yield from _turned(build, program)
            yield from _names(build, program)


def _head(build: Build, program: NodeProgram) -> str:
    """Return what is wrong with what a program says of its node; empty where nothing is."""
    size, position = build.manifest.vector_bytes, str(build.chips.position[program.node])
    if program.vector_bytes != size:
        return f"has vectors of {program.vector_bytes} bytes, not {size}"
    return "" if program.position == position else f"is at {position!r} in the build, not at {program.position!r}"


def _names(build: Build, program: NodeProgram) -> Iterator[str]:
    """Yield the first operator whose name is not that of the graph, or that only one of both has."""
    operators = build.graph.operators
    run = {one.operator for section in program.sections for one in section.instructions if one.code == COMPUTE}
    names = [(number, operators[number].name) for number in sorted(run) if number < len(operators)]
    for told, right in zip_longest(program.names, names):
        if told != right:
            yield f"node {program.node} names operator {_named(told)}, and runs {_named(right)}"
            return


def _named(operator: tuple[int, str] | None) -> str:
    return "none" if operator is None else f"{operator[0]} {operator[1]!r}"


def _section(build: Build, section: Section) -> str:
    """Return what is wrong with the head of a section; empty where nothing is."""
    segments, frames = build.segments, build.frames
    if not NONE <= section.segment < len(segments) or not 0 <= section.frame < len(frames):
        return f"there is no segment {section.segment} of frame {section.frame}"
    phase = 0 if section.segment == NONE else int(segments.phase_cycles[section.segment])
    frame = section.frame if section.segment == NONE else int(segments.frame[section.segment])
    if (frame, int(frames.period_cycles[frame]), phase) != (section.frame, section.period_cycles, section.phase_cycles):
        return f"segment {section.segment} runs in frame {frame}, at another period or phase"
    if (section.unit in (IN, OUT)) != (section.link > NONE) or section.link >= len(build.links):
        return f"no unit serves link {section.link}"
    return "" if section.segment != NONE or section.unit == CONTROL else "a frame has no unit but control"


def _instructions(build: Build, node: int, section: Section, graph: _Graph) -> Iterator[str]:
    last = int(build.segments.makespan_cycles.max(initial=0)) + MOST_LATE_CYCLES
    if section.segment == NONE:
        last = max(last, int(build.frames.windows[section.frame]) * section.period_cycles)
    for one in section.instructions:
        place = f"{NAMES[one.code]} in cycle {one.cycle}"
        if one.code not in CODES.get(section.unit, (COMPUTE, ADD, SYNC)):
            yield f"{place} is none of its unit's"
        elif not 0 <= one.cycle <= last or one.cycles > last:
            yield f"{place} is before or long after its segment"
        elif problem := _operator(one, graph) or _summands(one):
            yield f"{place} {problem}"
        else:
            size = build.manifest.vector_bytes
            wrong = (_address(build, node, piece) or _turns(section, piece, size) for piece in one.pieces)
            yield from (f"{place} {problem}" for problem in wrong if problem)


def _operator(one: Instruction, graph: _Graph) -> str:
    """Return what is wrong with a run of an operator; its pieces lie within what its shard sees."""
    if one.code != COMPUTE:
        return ""
    if one.operator >= len(graph.operators) or one.shard >= graph.operators[one.operator][1]:
        return f"is of operator {one.operator} on shard {one.shard}, which the graph does not have"
    operator, width = graph.operators[one.operator]
    for piece in one.pieces:
        if piece.use not in (READS, WRITES, KEEPS):
            return f"uses a piece as {piece.use}"
        if piece.use == KEEPS:
            continue
        if piece.place >= len(operator.inputs if piece.use == READS else operator.outputs):
            return f"has no input or output {piece.place}"
        name = operator.inputs[piece.place].tensor if piece.use == READS else operator.outputs[piece.place]
        tensor = graph.tensors[name]
        view = seen(operator.inputs[piece.place] if piece.use == READS else tensor, tensor.vectors, width, one.shard)
        if not view.first <= piece.first <= piece.first + piece.vectors <= view.end:
            return f"takes vectors of {name} that shard {one.shard} does not see"
    kept = [(piece.place, piece.first) for piece in one.pieces if piece.use == KEEPS]
    if kept != [(place, 0) for place in range(len(kept))]:
        return "does not keep whole tensors in order"
    return "reads a vector of an input twice" if _read_twice(one) else ""


def _read_twice(one: Instruction) -> bool:
    """Return whether two pieces that an operator reads hold the same vector of one input."""
    spans = sorted(
        (piece.place, piece.first, piece.first + piece.vectors) for piece in one.pieces if piece.use == READS
    )
    return any(place == after and first < end for (place, _, end), (after, first, _) in pairwise(spans))


def _summands(one: Instruction) -> str:
    """Return what is wrong with a sum: summands in order are vectors of one range, which the result has too."""
    if one.code != ADD:
        return ""
    summands = [(READS, place) for place in range(max(len(one.pieces) - 1, 2))]
    right = [piece[:2] for piece in one.pieces] == [*summands, (WRITES, 0)]
    return "" if right and len({piece[2:4] for piece in one.pieces}) == 1 else "does not add vectors of one range"


def _address(build: Build, node: int, piece: Piece) -> str:
    """Return what is wrong with where a piece lies: whole vectors, within the SRAM; hosts have no limit."""
    size = build.manifest.vector_bytes
    whole = piece.use == KEEPS or not (piece.address % size or piece.stride % size)
    if piece.copies < 1 or piece.address < 0 or not whole:
        return f"has no vector at {piece.address}, {piece.copies} times every {piece.stride} bytes"
    end = _end(piece, size)
    if not build.chips.host[node] and end > build.chips.sram_bytes[node]:
        return f"reaches byte {end} of an SRAM of {build.chips.sram_bytes[node]}"
    return ""


def _turns(section: Section, piece: Piece, size: int) -> str:
    """Return what is wrong with the places of a piece: one of what is kept and on demand, else one beside the other."""
    if piece.copies == 1:
        return ""
    if piece.use == KEEPS or not section.period_cycles:
        return f"has {piece.copies} places, and takes one"
    return "" if piece.stride >= piece.vectors * size else f"has {piece.copies} places that overlap"


def _end(piece: Piece, size: int) -> int:
    """Return the first byte behind a piece and all its copies."""
    length = piece.vectors if piece.use == KEEPS else piece.vectors * size
    return piece.address + (piece.copies - 1) * piece.stride + length


def _overwritten(build: Build, program: NodeProgram) -> Iterator[str]:
    """Yield where something lies on a resident tensor of a node, or one lies in two places."""
    size = build.manifest.vector_bytes
    moving, kept = set[tuple[int, int]](), set[tuple[int, int, str]]()
    for section in program.sections:
        for one in section.instructions:
            for piece in one.pieces:
                if piece.use == KEEPS:
                    kept.add((piece.address, _end(piece, size), _name_kept(build, one.operator, piece.place)))
                else:
                    moving.add((piece.address, _end(piece, size)))
    for name, count in Counter(name for *_, name in kept).items():
        if count > 1:
            yield f"node {program.node}: {name} lies in {count} places"
    spans = [(begin, end, True) for begin, end, _ in kept if begin < end]
    spans += [(begin, end, False) for begin, end in moving if begin < end and kept]
    reach = {True: 0, False: 0}
    for begin, end, resident in sorted(spans):
        over = max(reach.values()) if resident else reach[True]
        if begin < over:
            yield f"node {program.node}: bytes {begin} to {end - 1} lie on what is resident, or under what moves"
            return
        reach[resident] = max(reach[resident], end)


def _turned(build: Build, program: NodeProgram) -> Iterator[str]:
    """Yield where two that turn through places of a node meet there, and turn through others."""
    turning = {
        (piece.address, _end(piece, build.manifest.vector_bytes), piece.copies, piece.stride)
        for section in program.sections
        for one in section.instructions
        for piece in one.pieces
        if piece.copies > 1
    }
    reach = dict[tuple[int, int], int]()
    for begin, end, copies, stride in sorted(turning):
        for turn, last in reach.items():
            if begin < last and turn != (copies, stride):
                yield (
                    f"node {program.node}: from byte {begin} on one turns through {copies} places every {stride} "
                    f"bytes, another through {turn[0]} every {turn[1]}"
                )
                return
        reach[copies, stride] = max(reach.get((copies, stride), 0), end)


def _name_kept(build: Build, number: int, place: int) -> str:
    """Return the name of what an operator of the graph keeps: operators of one name share it."""
    operators = build.graph.operators
    residents = operators[number].resident if 0 <= number < len(operators) else []
    return residents[place].name if 0 <= place < len(residents) else f"{place} of {number}"
