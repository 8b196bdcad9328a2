"""Tests of the binary form of programs."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lpxsched.errors import InputError
from lpxsched.instructions.encoding import decode, encode
from lpxsched.instructions.streams import (
    ADD,
    COMPUTE,
    DESKEW,
    NOTIFY,
    RECEIVE,
    SEND,
    SYNC,
    WRITES,
    Instruction,
    NodeProgram,
    Piece,
    Section,
)

FILE = Path("node-0000.lpx")
NUMBERS = st.integers(0, 2**40)


@st.composite
def pieces(draw: st.DrawFn, *, transfer: int | None = None) -> Piece:
    """Draw vectors at an address."""
    use, place = (transfer, 0) if transfer is not None else (draw(st.integers(0, 2)), draw(st.integers(0, 300)))
    copies = draw(st.integers(1, 4))
    stride = draw(NUMBERS) if copies > 1 else 0
    return Piece(use, place, draw(NUMBERS), draw(NUMBERS), draw(NUMBERS), copies, stride)


@st.composite
def instructions(draw: st.DrawFn) -> Instruction:
    """Draw an instruction of any kind."""
    code, cycle = draw(st.integers(SEND, NOTIFY)), draw(st.integers(-5, 2**40))
    if code in (SEND, RECEIVE):
        return Instruction(code, cycle, pieces=(draw(pieces(transfer=WRITES if code == RECEIVE else 0)),))
    if code in (SYNC, NOTIFY):
        return Instruction(code, cycle)
    cycles = draw(NUMBERS)
    if code == DESKEW:
        return Instruction(code, cycle, cycles, every=draw(NUMBERS))
    run = (draw(NUMBERS), draw(NUMBERS)) if code == COMPUTE else (-1, -1)
    return Instruction(code, cycle, cycles, *run, pieces=tuple(draw(st.lists(pieces(), max_size=3))))


SECTIONS = st.builds(
    Section,
    st.integers(-1, 9),
    st.integers(0, 9),
    NUMBERS,
    NUMBERS,
    st.integers(0, 6),
    st.integers(-1, 99),
    st.lists(instructions(), max_size=5).map(tuple),
)
PROGRAMS = st.builds(
    NodeProgram,
    NUMBERS,
    st.text(max_size=4),
    NUMBERS,
    st.lists(st.tuples(NUMBERS, st.text(max_size=4)), max_size=2).map(tuple),
    st.lists(SECTIONS, max_size=3).map(tuple),
)


@given(PROGRAMS)
def test_bytes_hold_all_of_a_program(program: NodeProgram) -> None:
    """Tests that a program comes back from its bytes."""
    assert decode(encode(program), FILE) == program


@given(PROGRAMS, st.data())
def test_a_part_of_the_bytes_is_refused(program: NodeProgram, data: st.DataObject) -> None:
    """Tests programs that are cut anywhere, and one that goes on."""
    whole = encode(program)
    with pytest.raises(InputError, match=r"node-0000\.lpx"):
        decode(whole[: data.draw(st.integers(0, len(whole) - 1))], FILE)
    with pytest.raises(InputError, match="goes on after byte"):
        decode(whole + b"\0", FILE)


@given(st.binary(max_size=200))
def test_any_bytes_are_a_program_or_refused(tail: bytes) -> None:
    """Tests what follows a right beginning: nothing but an input error comes of it."""
    with suppress(InputError):
        decode(b"LPXP\1" + tail, FILE)


def test_an_add_takes_few_bytes() -> None:
    """Tests a sum of two summands at cycle 3: code, 2 x 3, 8 cycles, 3 pieces of 6 bytes whose addresses are small."""
    one = Instruction(ADD, 3, 8, pieces=tuple(Piece(use, place, 0, 1, 0) for use, place in ((0, 0), (0, 1), (1, 0))))
    empty = Section(0, 0, 0, 0, 2, -1, ())
    programs = [NodeProgram(0, "0", 320, (), (empty._replace(instructions=some),)) for some in ((), (one,))]
    without, with_it = (len(encode(program)) for program in programs)
    assert with_it - without == 4 + 3 * 6
