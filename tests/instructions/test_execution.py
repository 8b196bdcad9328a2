"""Tests of programs on the event reference: right ones give the numbers of a replay, wrong ones are found."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from lpxsched.clocks.specification import load_clock
from lpxsched.instructions.allocation import allocate
from lpxsched.instructions.blocks import blocks_of
from lpxsched.instructions.encoding import decode, encode
from lpxsched.instructions.execution import execute
from lpxsched.instructions.lowering import programs
from lpxsched.instructions.streams import ADD, COMPUTE, IN, NOTIFY, OUT, READS, RECEIVE, SEND, SYNC, WRITES, Instruction
from lpxsched.simulation.reference.run import run_reference
from lpxsched.verify.replay.replay import replay
from tests.timetable.small import compiled
from tests.toy import slow_handover
from tests.verify.collectives import KINDS, LAID, build_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from lpxsched.instructions.streams import NodeProgram
    from lpxsched.timetable.build import Build

    Change = Callable[[Instruction], Instruction]


def lowered(build: Build) -> list[NodeProgram]:
    """Return the programs of a build."""
    blocks = blocks_of(build)
    return list(programs(build, blocks, allocate(build, blocks)))


def changed(found: list[NodeProgram], code: int, change: Change, which: int = 0) -> list[NodeProgram]:
    """Return programs of which one instruction of some code is another one."""
    seen = 0
    result = []
    for program in found:
        sections = []
        for section in program.sections:
            kept = []
            for one in section.instructions:
                kept.append(change(one) if one.code == code and seen == which else one)
                seen += one.code == code
            sections.append(section._replace(instructions=tuple(kept)))
        result.append(program._replace(sections=tuple(sections)))
    assert seen > which
    return result


def elsewhere(use: int, by: int) -> Change:
    """Return a change of the first address of a kind."""

    def change(one: Instruction) -> Instruction:
        at = next(place for place, piece in enumerate(one.pieces) if piece.use == use)
        moved = one.pieces[at]._replace(address=one.pieces[at].address + by)
        return one._replace(pieces=(*one.pieces[:at], moved, *one.pieces[at + 1 :]))

    return change


@pytest.mark.parametrize("kind", KINDS)
def test_collectives_come_out_as_in_a_replay(kind: str) -> None:
    """Tests that as many vectors are compared as in a replay, and none differs."""
    build = build_of(LAID[kind])
    executed, replayed = execute(build, lowered(build)), replay(build)
    assert executed.ok
    assert executed.faults == ()
    assert executed.compared * replayed.iterations == replayed.compared


WHOLE = {"num_attention_heads": 8, "num_key_value_heads": 4, "head_dim": 32, "vocab_size": 512, "attention": "lpu"}


MTP = {"num_nextn_predict_layers": 1, "draft": 2}


@pytest.mark.parametrize(
    "choices",
    [
        {},
        WHOLE | {"context": 64, "partition": "auto"},
        WHOLE | MTP | {"context": 64, "partition": "auto", "batch": 2},
        {"moe": "dispatch"},
        {"moe": "whole"},
    ],
)
def test_models_come_out_right(tmp_path: Path, choices: dict[str, object]) -> None:
    """Tests two layers with mixers on GPUs and on the chips, drafts of one module, and experts that are whole."""
    build = compiled(tmp_path, num_hidden_layers=2, **choices)
    executed = execute(build, lowered(build))
    assert executed.ok, executed.faults[:3]


@pytest.mark.slow
def test_zeros_of_experts_that_nobody_chose_are_told_apart(tmp_path: Path) -> None:
    """Tests each SEND of the second or a later vector from the address of the one before: all rows have their marks."""
    build = compiled(tmp_path, num_hidden_layers=1, moe="dispatch")
    found = lowered(build)
    sends = [one for each in found for part in each.sections for one in part.instructions if one.code == SEND]
    for which in [place for place, one in enumerate(sends) if one.pieces[0].first]:
        assert not execute(build, changed(found, SEND, elsewhere(READS, -320), which)).ok


def test_what_is_in_flight_rotates(tmp_path: Path) -> None:
    """Tests a frame in which tensors outlive the period: all iterations come out right, and not in one place."""
    build = compiled(
        tmp_path, num_hidden_layers=1, in_flight=4, handover=slow_handover(tmp_path, 100.0), chips=[list(range(8))]
    )
    found = lowered(build)
    assert execute(build, found).ok
    rotating = [
        (program, section, one)
        for program in found
        for section in program.sections
        for one in section.instructions
        if any(piece.copies > 1 for piece in one.pieces)
    ]
    assert rotating
    still = [
        program._replace(
            sections=tuple(
                section._replace(
                    instructions=tuple(
                        one._replace(pieces=tuple(piece._replace(copies=1) for piece in one.pieces))
                        for one in section.instructions
                    )
                )
                for section in program.sections
            )
        )
        for program in found
    ]
    assert not execute(build, still).ok


@pytest.mark.parametrize("code", [SEND, RECEIVE, ADD, COMPUTE])
@pytest.mark.parametrize("by", [320, -320, 160, 1 << 20])
def test_a_wrong_address_is_found(code: int, by: int) -> None:
    """Tests an all-reduce of which one instruction reads or writes elsewhere: other vectors, or parts of two."""
    build = build_of(LAID["all-reduce"])
    use = WRITES if code in (RECEIVE, COMPUTE) else READS
    found = execute(build, changed(lowered(build), code, elsewhere(use, by)))
    assert not found.ok
    assert found.mismatches > 0 or "has no vector at" in found.faults[0]


def test_a_vector_that_leaves_too_late_is_found() -> None:
    """Tests a SEND 500 cycles later than planned: whoever receives it finds nothing in its buffer."""
    build = build_of(LAID["broadcast"])
    late = changed(lowered(build), SEND, lambda one: one._replace(cycle=one.cycle + 500))
    found = execute(build, late)
    assert not found.ok
    assert any("underflow" in fault for fault in found.faults)


def test_a_vector_that_leaves_before_it_is_there_is_found() -> None:
    """Tests a relay that sends on at cycle 0 what it has not read yet."""
    build = build_of(LAID["broadcast"])
    early = changed(lowered(build), SEND, lambda one: one._replace(cycle=0), which=1)
    assert not execute(build, early).ok


def test_a_unit_that_does_not_wait_is_found() -> None:
    """Tests a control unit that notifies 20 cycles late, and a unit that does not wait for it at all."""
    build = build_of(LAID["broadcast"])
    late = changed(lowered(build), NOTIFY, lambda one: one._replace(cycle=20))
    assert any("acts in cycle 0, before it is notified in 20" in fault for fault in execute(build, late).faults)
    hasty = changed(lowered(build), SYNC, lambda one: one._replace(cycle=5))
    assert any("does not wait in cycle 0" in fault for fault in execute(build, hasty).faults)


def test_what_lies_where_an_operator_writes_is_told(tmp_path: Path) -> None:
    """Tests a sum over experts that leaves its rows where it reads: it needs both while it runs, whatever the order."""
    build = compiled(tmp_path, num_hidden_layers=1)
    first, *others = lowered(build)
    number = next(at for at, one in enumerate(build.graph.operators) if one.kind == "combine")
    run = next(one for part in first.sections for one in part.instructions if one.operator == number)
    read, written = run.pieces[0].address, next(piece for piece in run.pieces if piece.use == WRITES)

    def moved(one: Instruction) -> Instruction:
        """Return an instruction that finds the rows where the sum reads."""
        after, last = one.cycle >= run.cycle, written.address + 320 * written.vectors
        pieces = tuple(
            piece._replace(address=piece.address - written.address + read)
            if after and written.address <= piece.address < last
            else piece
            for piece in one.pieces
        )
        return one._replace(pieces=pieces)

    sections = [part._replace(instructions=tuple(map(moved, part.instructions))) for part in first.sections]
    found = execute(build, [first._replace(sections=tuple(sections)), *others])
    assert found.mismatches == 0
    assert "layer.0.combine on node 0 is written over while it runs" in found.faults


def with_links_of(one: NodeProgram, other: NodeProgram) -> NodeProgram:
    """Return a program that serves the links of another one."""
    mine = [section for section in one.sections if section.link < 0]
    return one._replace(sections=(*mine, *(section for section in other.sections if section.link >= 0)))


@pytest.mark.parametrize("choices", [{}, {"in_flight": 3}, {"moe": "dispatch"}])
def test_bytes_run_as_rows_do(tmp_path: Path, choices: dict[str, object]) -> None:
    """Tests two runs of both on the same clocks: slack, fullest buffer, failures and longest latency are equal."""
    build = compiled(tmp_path, num_hidden_layers=2, **choices)
    assert execute(build, lowered(build), runs=2, seed=7).summary == run_reference(build, runs=2, seed=7)


def test_a_clock_beyond_the_specification_is_found() -> None:
    """Tests programs on a clock that drifts, of a build whose reads have no guard."""
    build = build_of(LAID["broadcast"])
    found = execute(build, lowered(build), load_clock("xo-100ppm"), runs=2)
    assert found.summary is not None
    assert (found.summary.clock, found.summary.runs) == ("xo-100ppm", 2)
    assert found.failures > 0


def test_both_ends_of_a_link_must_fit() -> None:
    """Tests a link on which less is received than sent, and one that another node serves."""
    build = build_of(LAID["broadcast"])
    found = lowered(build)
    short = changed(found, RECEIVE, lambda one: one._replace(pieces=(one.pieces[0]._replace(vectors=1),)))
    assert any("what is received is not what is sent" in fault for fault in execute(build, short).faults)
    swapped = [with_links_of(found[0], found[1]), with_links_of(found[1], found[0]), *found[2:]]
    assert any("does not join the nodes" in fault for fault in execute(build, swapped).faults)
    assert {section.unit for program in found for section in program.sections} >= {IN, OUT}


def test_bytes_run_as_programs_do(tmp_path: Path) -> None:
    """Tests that what is decoded is what was lowered."""
    found = lowered(build_of(LAID["all-reduce"]))
    assert [decode(encode(program), tmp_path / "a.lpx") for program in found] == found
