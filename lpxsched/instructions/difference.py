"""Where programs do something else than their build: instructions beside the rows of the timetable.

Vectors that leave and are read on a link, runs of operators and sums on a node with their units and what they keep,
where units wait and are notified, and deskews of a frame, with their cycles. Addresses are no part of a timetable.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from lpxsched.instructions.control import with_deskews
from lpxsched.instructions.streams import (
    ADD,
    COMPUTE,
    CONTROL,
    DESKEW,
    KEEPS,
    NAMES,
    NOTIFY,
    RECEIVE,
    SEND,
    SYNC,
    UNITS,
)
from lpxsched.timetable.columns import WEIGHT
from lpxsched.timetable.derived import slot_segments
from lpxsched.units import NONE

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from lpxsched.instructions.streams import Instruction, NodeProgram, Section
    from lpxsched.timetable.build import Build
    from lpxsched.timetable.columns import Deskews


class Doing(NamedTuple):
    """Something that is done: a word, where, when, and of what."""

    word: str
    where: str
    cycle: int
    what: str

    def __str__(self) -> str:
        return f"{self.word} {self.where} in cycle {self.cycle}, {self.what}"


def differences(build: Build, programs: Sequence[NodeProgram]) -> Iterator[str]:
    """Yield what programs do and their build does not, and the other way round, in the order of what it is."""
    done = Counter([*_of_programs(build, programs), *_of_deskews(with_deskews(build, programs)[0].deskews)])
    planned = Counter(
        [*_of_slots(build), *_of_operators(build), *_of_waits(build, programs), *_of_deskews(build.deskews)]
    )
    beyond, missing = done - planned, planned - done
    for doing in sorted({*beyond, *missing}):
        whose = "of a program, not of the build" if doing in beyond else "of the build, not of a program"
        yield f"{doing}: {whose}"


def _of_programs(build: Build, programs: Sequence[NodeProgram]) -> Iterator[Doing]:
    names = [operator.name for operator in build.graph.operators]
    for program in programs:
        for section in program.sections:
            where = f"of segment {section.segment} on "
            for one in section.instructions:
                if one.code in (SEND, RECEIVE):
                    piece = one.pieces[0]
                    yield Doing(NAMES[one.code], f"{where}link {section.link}", one.cycle, _vectors(*piece[2:4]))
                elif one.code in (COMPUTE, ADD):
                    name = names[one.operator] if one.code == COMPUTE else "a sum"
                    what = _run(name, one.shard, one.cycles, UNITS[section.unit], _kept(one))
                    yield Doing(NAMES[one.code], f"{where}node {program.node}", one.cycle, what)
                elif one.code in (SYNC, NOTIFY):
                    yield Doing(NAMES[one.code], f"{where}node {program.node}", one.cycle, _unit(section))


def _of_waits(build: Build, programs: Sequence[NodeProgram]) -> Iterator[Doing]:
    """Yield when the units that programs have wait, and are notified: as segments and stalls begin, and stalls end."""
    units = {(program.node, section[:2], section[4:6]): section for program in programs for section in program.sections}
    repeats, deskews = build.frames.period_cycles > 0, build.deskews
    for (node, (segment, frame), _), section in units.items():
        if segment == NONE:
            continue
        mine = () if repeats[frame] else np.flatnonzero(deskews.frame == frame)
        begins = deskews.cycle[mine].tolist() if len(mine) else []
        ends = (deskews.cycle[mine] + deskews.stall[mine]).tolist() if len(mine) else []
        code, cycles = (NOTIFY, ends) if section.unit == CONTROL else (SYNC, begins)
        # Where no stall opens a segment its units go on at once.
        opening = [0] if 0 not in begins else []
        for cycle in [*opening, *cycles]:
            yield Doing(NAMES[code], f"of segment {segment} on node {node}", cycle, _unit(section))


def _of_slots(build: Build) -> Iterator[Doing]:
    slots = build.slots
    first = build.tensors.offset[slots.tensor] + slots.first_vector
    columns = (slot_segments(build), slots.link, first, slots.vectors, slots.depart, slots.read)
    for segment, link, begin, vectors, depart, read in zip(*(column.tolist() for column in columns), strict=True):
        where, what = f"of segment {segment} on link {link}", _vectors(begin, vectors)
        yield Doing(NAMES[SEND], where, depart, what)
        yield Doing(NAMES[RECEIVE], where, read, what)


def _of_operators(build: Build) -> Iterator[Doing]:
    table, operands = build.operators, build.operands
    names = {(operator.layer, operator.kind): operator.name for operator in build.graph.operators}
    kept: list[list[int]] = [[] for _ in range(len(table))]
    for row in np.flatnonzero(operands.role == WEIGHT).tolist():
        kept[int(operands.operator[row])].append(int(build.tensors.bytes[operands.tensor[row]]))
    columns = (table.layer, table.kind, table.shard, table.segment, table.chip, table.start, table.cycles, table.unit)
    rows = zip(*(one.tolist() for one in columns), kept, strict=True)
    for layer, kind, shard, segment, node, start, cycles, unit, keeps in rows:
        name = names.get((layer, kind))
        of = (cycles, unit, keeps)
        code, what = (ADD, _run("a sum", NONE, *of)) if name is None else (COMPUTE, _run(name, shard, *of))
        yield Doing(NAMES[code], f"of segment {segment} on node {node}", start, what)


def _of_deskews(deskews: Deskews) -> Iterator[Doing]:
    columns = (deskews.frame, deskews.cycle, deskews.stall, deskews.every_periods)
    for frame, cycle, stall, every in zip(*(column.tolist() for column in columns), strict=True):
        often = f", every {every} periods" if every else ""
        yield Doing(NAMES[DESKEW], f"of frame {frame}", cycle, f"for {stall} cycles{often}")


def _vectors(first: int, vectors: int) -> str:
    return f"vectors {first} to {first + vectors - 1} of their tensor"


def _run(name: str, shard: int, cycles: int, unit: str, kept: Sequence[int]) -> str:
    whose = name if shard == NONE else f"{name} on shard {shard}"
    keeps = f", keeping {', '.join(map(str, kept))} bytes" if kept else ""
    return f"{whose} for {cycles} cycles, unit {unit}{keeps}"


def _kept(one: Instruction) -> list[int]:
    """Return the bytes of each resident tensor of an operator, in order."""
    return [piece.vectors for piece in one.pieces if piece.use == KEEPS]


def _unit(section: Section) -> str:
    return f"unit {UNITS[section.unit]}" + (f" of link {section.link}" if section.link != NONE else "")
