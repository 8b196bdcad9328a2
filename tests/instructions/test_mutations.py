"""Tests that no field of a program in bytes can be another one without being told, exit 5 or exit 2."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from lpxsched.errors import InputError
from lpxsched.instructions.difference import differences
from lpxsched.instructions.encoding import decode, encode
from lpxsched.instructions.execution import execute
from lpxsched.instructions.streams import Instruction, NodeProgram, Piece, Section
from tests.instructions.test_execution import lowered
from tests.timetable.small import compiled
from tests.verify.collectives import LAID, build_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lpxsched.timetable.build import Build

FILE = Path("node.lpx")
# The kind of the record that a field is of, and its name; the program with one more there.
Mutant = tuple[tuple[object, ...], NodeProgram]


def _more(value: Any, kind: tuple[object, ...]) -> Iterator[tuple[tuple[object, ...], Any]]:
    """Yield a value with one of its numbers greater by one, or one of its texts longer by a letter, each once."""
    if isinstance(value, str):
        yield kind, value + "x"
    elif isinstance(value, int):
        yield kind, value + 1
    else:
        kind = (*kind, *_kind(value))
        names = getattr(value, "_fields", [None] * len(value))
        for at, (name, part) in enumerate(zip(names, value, strict=True)):
            for of, other in _more(part, kind if name is None else (*kind, name)):
                parts = [*value[:at], other, *value[at + 1 :]]
                yield of, tuple(parts) if name is None else type(value)(*parts)


def _kind(value: Any) -> tuple[object, ...]:
    match value:
        case Section():
            return value.unit, value.segment < 0
        case Instruction():
            return (value.code,)
        case Piece():
            return value.use, value.copies > 1
    return ()


def mutants(program: NodeProgram) -> Iterator[Mutant]:
    """Yield a program with one field changed, as its bytes hold it; fields that no byte holds come back unchanged."""
    for kind, other in _more(program, ()):
        try:
            read = decode(encode(other), FILE)
        except (InputError, ValueError):
            # No bytes hold it.
            continue
        if read != program:
            yield kind, read


def untold(build: Build, *, each: bool) -> list[tuple[object, ...]]:
    """Return the fields of which a change is not told: of all records, or of the first of a kind."""
    programs, seen, quiet = lowered(build), set[tuple[object, ...]](), []
    for at, program in enumerate(programs):
        for kind, other in mutants(program):
            if each or kind not in seen:
                seen.add(kind)
                changed = [*programs[:at], other, *programs[at + 1 :]]
                if execute(build, changed).ok and not list(differences(build, changed)):
                    quiet.append(kind)
    assert len(seen) > 20
    return quiet


@pytest.mark.parametrize("kind", LAID)
def test_every_field_of_a_collective_means_something(kind: str) -> None:
    """Tests all fields of all records of three programs."""
    assert untold(build_of(LAID[kind]), each=True) == []


def test_every_field_of_a_model_means_something(tmp_path: Path) -> None:
    """Tests each field of each kind of record once, of a layer on demand."""
    assert untold(compiled(tmp_path, num_hidden_layers=1), each=False) == []


@pytest.mark.slow
def test_every_field_of_a_frame_means_something(tmp_path: Path) -> None:
    """Tests the same of a frame that repeats."""
    assert untold(compiled(tmp_path, num_hidden_layers=1, in_flight=3), each=False) == []
