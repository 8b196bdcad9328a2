"""Tests that programs which cannot be right are told, not run."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from lpxsched.instructions.execution import execute
from lpxsched.instructions.soundness import unsound
from lpxsched.instructions.streams import (
    ADD,
    COMPUTE,
    KEEPS,
    READS,
    RECEIVE,
    SEND,
    VECTOR,
    WRITES,
    Instruction,
    NodeProgram,
    Piece,
)
from tests.instructions.test_execution import changed, lowered
from tests.timetable.small import compiled
from tests.verify.collectives import LAID, build_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def moved(found: list[NodeProgram], use: Callable[[int], bool], by: int) -> list[NodeProgram]:
    """Return programs of which all pieces of some use lie elsewhere, so that numbers still find each other."""
    return [
        program._replace(
            sections=tuple(
                section._replace(
                    instructions=tuple(
                        one._replace(
                            pieces=tuple(
                                piece._replace(address=piece.address + by) if use(piece.use) else piece
                                for piece in one.pieces
                            )
                        )
                        for one in section.instructions
                    )
                )
                for section in program.sections
            )
        )
        for program in found
    ]


@pytest.mark.parametrize(
    ("by", "told"),
    [(-(1 << 40), "no vector at"), (1 << 40, "of an SRAM of"), (7, "no vector at")],
)
def test_all_addresses_elsewhere_alike_are_told(by: int, told: str) -> None:
    """Tests numbers that find each other, before the SRAM, behind it, and across two vectors of 320 bytes."""
    build = build_of(LAID["all-reduce"])
    wrong = execute(build, moved(lowered(build), lambda _: True, by * 320 if by != 7 else by))
    assert not wrong.ok
    assert told in wrong.faults[0]


def test_nothing_lies_on_weights(tmp_path: Path) -> None:
    """Tests a model whose rows move down onto its weights, and one whose weights all lie at byte 0."""
    build = compiled(tmp_path, num_hidden_layers=1)
    found = lowered(build)
    lowest = min(
        piece.address
        for program in found
        if not build.chips.host[program.node]
        for section in program.sections
        for one in section.instructions
        for piece in one.pieces
        if piece.use != KEEPS
    )
    assert lowest % 320 == 0
    chips = [program for program in found if not build.chips.host[program.node]]
    for wrong in (
        moved(chips, lambda use: use != KEEPS, -320),
        moved(chips, lambda use: use == KEEPS, 320),
    ):
        assert any("lie on what is resident" in fault for fault in unsound(build, wrong))
    assert not list(unsound(build, found))


BROKEN: dict[str, tuple[int, Callable[[Instruction], Instruction]]] = {
    "has no input or output 9": (COMPUTE, lambda one: one._replace(pieces=(one.pieces[0]._replace(place=9),))),
    "operator 99": (COMPUTE, lambda one: one._replace(operator=99)),
    "shard 99": (COMPUTE, lambda one: one._replace(shard=99)),
    "does not see": (COMPUTE, lambda one: one._replace(pieces=(one.pieces[0]._replace(first=9999),))),
    "vectors of one range": (ADD, lambda one: one._replace(pieces=one.pieces[:1])),
    "long after its segment": (SEND, lambda one: one._replace(cycle=1 << 60)),
    "0 times": (RECEIVE, lambda one: one._replace(pieces=(one.pieces[0]._replace(copies=0),))),
    "none of its unit's": (SEND, lambda one: one._replace(code=ADD)),
}


@pytest.mark.parametrize("told", BROKEN)
def test_numbers_out_of_range_are_told(told: str) -> None:
    """Tests one instruction of an all-reduce that no machine could run."""
    build = build_of(LAID["all-reduce"])
    wrong = execute(build, changed(lowered(build), *BROKEN[told]))
    assert not wrong.compared
    assert told in wrong.faults[0]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda one: one._replace(node=99), "no node 99"),
        (lambda one: one._replace(vector_bytes=64), "vectors of 64 bytes"),
        (lambda one: one._replace(position="9"), "in the build, not at '9'"),
        (lambda one: one._replace(names=((0, "x"),)), "node 0 names operator 0 'x', and runs 0 'source'"),
        (lambda one: one._replace(sections=(one.sections[0]._replace(segment=9),)), "no segment 9"),
        (lambda one: one._replace(sections=(one.sections[0]._replace(period_cycles=9),)), "another period"),
        (lambda one: one._replace(sections=(one.sections[-1]._replace(link=9999),)), "no unit serves link 9999"),
    ],
)
def test_programs_of_another_machine_are_told(change: Callable[[NodeProgram], NodeProgram], told: str) -> None:
    """Tests a node, vectors, a position, a name, a segment, a period and a link that the build does not have."""
    build = build_of(LAID["all-reduce"])
    found = lowered(build)
    wrong = execute(build, [change(found[0]), *found[1:]])
    assert not wrong.compared
    assert told in wrong.faults[0]


def test_what_turns_through_other_places_is_told_whatever_lies_between(tmp_path: Path) -> None:
    """Tests three pieces of a sum: 4 vectors in 2 places, one of them alike, and behind that one in places apart."""
    build = compiled(tmp_path, num_hidden_layers=1, in_flight=3)
    first, *others = lowered(build)
    top = max(piece.address for part in first.sections for one in part.instructions for piece in one.pieces) + 320000
    turning = (
        Piece(READS, 0, 0, 4, top, 2, 4 * 320),
        Piece(READS, 1, 0, 1, top + 320, 2, 4 * 320),
        Piece(WRITES, 0, 0, 1, top + 6 * 320, 2, 8 * 320),
    )
    part = next(part for part in first.sections if part.unit == VECTOR)
    wrong = part._replace(instructions=(*part.instructions, Instruction(ADD, 9, pieces=turning)))
    found = [first._replace(sections=tuple(wrong if one is part else one for one in first.sections)), *others]
    assert any(f"turns through 2 places every {8 * 320} bytes" in one for one in unsound(build, found))


def test_a_vector_is_read_once() -> None:
    """Tests a last operator that reads all it reads twice, of which numbers show nothing."""
    build = build_of(LAID["all-reduce"])
    found = lowered(build)
    runs = sum(one.code == COMPUTE for each in found for part in each.sections for one in part.instructions)
    twice = changed(found, COMPUTE, lambda one: one._replace(pieces=2 * one.pieces), runs - 1)
    assert "reads a vector of an input twice" in execute(build, twice).faults[0]


def test_a_node_has_one_program() -> None:
    """Tests the same program twice."""
    build = build_of(LAID["all-reduce"])
    found = lowered(build)
    assert "has 2 programs" in execute(build, [*found, found[0]]).faults[0]


def test_a_summand_is_read_where_it_should_be() -> None:
    """Tests that sound programs have nothing to tell, whatever the collective."""
    for laid in LAID.values():
        build = build_of(laid)
        assert not list(unsound(build, lowered(build)))
        assert READS in {
            p.use for q in lowered(build) for s in q.sections for one in s.instructions for p in one.pieces
        }
