"""The binary form of a program: bytes of seven bits, differences where numbers follow each other.

Numbers are LEB128 (seven bits a byte, the lowest first); those that may be negative are folded, 0, -1, 1, -2 .. to 0,
1, 2, 3. Cycles and addresses are differences from those before in the section. docs/programs.md tells the order.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lpxsched.errors import InputError
from lpxsched.instructions.streams import (
    ADD,
    COMPUTE,
    DESKEW,
    NAMES,
    RECEIVE,
    SEND,
    UNITS,
    Instruction,
    NodeProgram,
    Piece,
    Section,
)

if TYPE_CHECKING:
    from pathlib import Path

MAGIC, VERSION = b"LPXP", 1
# What numbers of the timetable may be.
MOST_BITS = 63


def encode(program: NodeProgram) -> bytes:
    """Return a program in bytes."""
    out = bytearray(MAGIC)
    out.append(VERSION)
    for number in (program.node, program.vector_bytes):
        _put(out, number)
    _put_text(out, program.position)
    _put(out, len(program.names))
    for number, name in program.names:
        _put(out, number)
        _put_text(out, name)
    _put(out, len(program.sections))
    for section in program.sections:
        _put_section(out, section)
    return bytes(out)


def decode(data: bytes, path: Path) -> NodeProgram:
    """Return the program that bytes hold.

    Raises
    ------
    InputError
        Where they hold none.
    """
    if data[: len(MAGIC)] != MAGIC or data[len(MAGIC) : len(MAGIC) + 1] != bytes([VERSION]):
        raise InputError(str(path), f"is no program of version {VERSION}; lpxsched export --programs writes them")
    reader = _Reader(data, len(MAGIC) + 1)
    try:
        node, vector_bytes, position = reader.number(), reader.number(), reader.text()
        names = tuple((reader.number(), reader.text()) for _ in range(reader.number()))
        sections = tuple(_section(reader) for _ in range(reader.number()))
    except (IndexError, ValueError) as error:
        raise InputError(
            str(path), f"ends or goes wrong at byte {reader.at} of {len(data)}; export it again"
        ) from error
    if reader.at != len(data):
        raise InputError(str(path), f"goes on after byte {reader.at}, where its program ends; export it again")
    return NodeProgram(node, position, vector_bytes, names, sections)


class _Reader:
    """Bytes and how far they are read."""

    def __init__(self, data: bytes, at: int) -> None:
        self.data, self.at = data, at

    def number(self) -> int:
        """Return the next number, of at most 63 bits."""
        value = shift = 0
        while True:
            byte = self.data[self.at]
            self.at += 1
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                break
            if shift > MOST_BITS:
                raise ValueError(shift)
        return value

    def signed(self) -> int:
        """Return the next number that may be negative."""
        folded = self.number()
        return folded >> 1 if not folded & 1 else -(folded + 1 >> 1)

    def text(self) -> str:
        """Return the next text."""
        length = self.number()
        part = self.data[self.at : self.at + length]
        if len(part) < length:
            raise IndexError(length)
        self.at += length
        return part.decode()


def _put(out: bytearray, number: int) -> None:
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    out.append(number)


def _put_signed(out: bytearray, number: int) -> None:
    _put(out, number << 1 if number >= 0 else (-number << 1) - 1)


def _put_text(out: bytearray, text: str) -> None:
    data = text.encode()
    _put(out, len(data))
    out += data


def _put_section(out: bytearray, section: Section) -> None:
    for number in (section.segment, section.frame):
        _put_signed(out, number)
    for number in (section.period_cycles, section.phase_cycles, section.unit):
        _put(out, number)
    _put_signed(out, section.link)
    _put(out, len(section.instructions))
    cycle = address = 0
    for one in section.instructions:
        out.append(one.code)
        _put_signed(out, one.cycle - cycle)
        cycle = one.cycle
        if one.code in (COMPUTE, ADD, DESKEW):
            _put(out, one.cycles)
        if one.code == DESKEW:
            _put(out, one.every)
        if one.code == COMPUTE:
            _put(out, one.operator)
            _put(out, one.shard)
        if one.code in (COMPUTE, ADD):
            _put(out, len(one.pieces))
        for piece in one.pieces:
            address = _put_piece(out, piece, address, short=one.code in (SEND, RECEIVE))


def _put_piece(out: bytearray, piece: Piece, address: int, *, short: bool) -> int:
    """Write a piece, of a transfer without what it is of, and return its address."""
    if not short:
        _put(out, piece.use)
        _put(out, piece.place)
    _put(out, piece.first)
    _put(out, piece.vectors)
    _put_signed(out, piece.address - address)
    _put(out, piece.copies)
    if piece.copies > 1:
        _put(out, piece.stride)
    return piece.address


def _section(reader: _Reader) -> Section:
    segment, frame = reader.signed(), reader.signed()
    period, phase, unit = reader.number(), reader.number(), reader.number()
    link, count = reader.signed(), reader.number()
    if unit >= len(UNITS):
        raise ValueError(unit)
    instructions = []
    cycle = address = 0
    for _ in range(count):
        one, address = _instruction(reader, cycle, address)
        cycle = one.cycle
        instructions.append(one)
    return Section(segment, frame, period, phase, unit, link, tuple(instructions))


def _instruction(reader: _Reader, cycle: int, address: int) -> tuple[Instruction, int]:
    code = reader.number()
    if code >= len(NAMES):
        raise ValueError(code)
    cycle += reader.signed()
    cycles = reader.number() if code in (COMPUTE, ADD, DESKEW) else 0
    every = reader.number() if code == DESKEW else 0
    run = (reader.number(), reader.number()) if code == COMPUTE else (-1, -1)
    transfer = code in (SEND, RECEIVE)
    count = 1 if transfer else reader.number() if code in (COMPUTE, ADD) else 0
    pieces = []
    for _ in range(count):
        use, place = (int(code == RECEIVE), 0) if transfer else (reader.number(), reader.number())
        first, vectors = reader.number(), reader.number()
        address += reader.signed()
        copies = reader.number()
        pieces.append(Piece(use, place, first, vectors, address, copies, reader.number() if copies > 1 else 0))
    return Instruction(code, cycle, cycles, *run, every, tuple(pieces)), address
