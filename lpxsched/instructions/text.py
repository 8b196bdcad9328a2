"""A program as people read it, a line an instruction; the same from the program and from its bytes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lpxsched.instructions.streams import (
    ADD,
    COMPUTE,
    DESKEW,
    KEEPS,
    NAMES,
    READS,
    RECEIVE,
    SEND,
    UNITS,
)
from lpxsched.units import NONE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lpxsched.instructions.streams import Instruction, NodeProgram, Piece, Section


def text(program: NodeProgram) -> str:
    """Return a program in lines."""
    names = dict(program.names)
    lines = [f"node {program.node} at {program.position}, vectors of {program.vector_bytes} bytes"]
    for section in program.sections:
        lines += ["", _head(section), *(f"{one.cycle:>9}  {_line(one, names)}" for one in section.instructions)]
    return "\n".join(lines) + "\n"


def _head(section: Section) -> str:
    what = f"segment {section.segment}" if section.segment != NONE else f"frame {section.frame}"
    when = f"every {section.period_cycles} cycles from {section.phase_cycles}" if section.period_cycles else "on demand"
    unit = UNITS[section.unit] + (f" link {section.link}" if section.link != NONE else "")
    return f"{what}, {when}, unit {unit}"


def _line(one: Instruction, names: Mapping[int, str]) -> str:
    words = [NAMES[one.code]]
    if one.code == COMPUTE:
        words.append(f"{names.get(one.operator, one.operator)} shard {one.shard}")
    if one.code in (COMPUTE, ADD, DESKEW):
        words.append(f"{one.cycles} cycles")
    if one.code == DESKEW and one.every:
        words.append(f"every {one.every} periods")
    if one.code in (SEND, RECEIVE):
        words += [_span(piece) for piece in one.pieces]
    else:
        words += [f"{_use(piece)} {_span(piece)}" for piece in one.pieces]
    return " ".join(words)


def _use(piece: Piece) -> str:
    name = "keeps" if piece.use == KEEPS else "reads" if piece.use == READS else "writes"
    return f"{name} {piece.place}"


def _span(piece: Piece) -> str:
    turns = f" +{piece.stride:#x} x {piece.copies}" if piece.copies > 1 else ""
    if piece.use == KEEPS:
        return f"{piece.vectors} bytes @{piece.address:#x}"
    return f"[{piece.first}:{piece.first + piece.vectors}] @{piece.address:#x}{turns}"
