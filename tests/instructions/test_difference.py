"""Tests that programs which do something else than their build are told, right or not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from lpxsched.instructions.difference import differences
from lpxsched.instructions.execution import execute
from lpxsched.instructions.streams import (
    ADD,
    COMPUTE,
    DESKEW,
    KEEPS,
    MATRIX,
    NOTIFY,
    RECEIVE,
    SEND,
    VECTOR,
    NodeProgram,
)
from tests.instructions.test_execution import changed, lowered
from tests.timetable.small import compiled
from tests.verify.collectives import LAID, build_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.mark.parametrize("choices", [{}, {"in_flight": 3}, {"moe": "dispatch"}])
def test_programs_do_what_their_build_does(tmp_path: Path, choices: dict[str, Any]) -> None:
    """Tests models on demand and in flight."""
    build = compiled(tmp_path, num_hidden_layers=2, **choices)
    assert list(differences(build, lowered(build))) == []


def later(found: list[NodeProgram], code: int, by: int = 1) -> list[NodeProgram]:
    """Return programs whose last instruction of some code comes later."""
    which = sum(one.code == code for program in found for section in program.sections for one in section.instructions)
    return changed(found, code, lambda one: one._replace(cycle=one.cycle + by), which - 1)


@pytest.mark.parametrize("code", [SEND, RECEIVE, ADD])
def test_what_is_late_is_told_twice(code: int) -> None:
    """Tests an all-reduce of which one instruction comes a cycle later: what either has."""
    build = build_of(LAID["all-reduce"])
    told = list(differences(build, later(lowered(build), code)))
    assert len(told) == 2
    assert sorted(one.split(": ")[1] for one in told) == [
        "of a program, not of the build",
        "of the build, not of a program",
    ]


def test_what_harms_nobody_is_told_all_the_same() -> None:
    """Tests the last delivery 100 cycles later: the machine and numbers find nothing wrong."""
    build = build_of(LAID["all-reduce"])
    idle = later(lowered(build), COMPUTE, by=100)
    assert execute(build, idle).ok
    assert any("COMPUTE of segment 0 on node 2 in cycle" in one for one in differences(build, idle))


def test_other_deskews_are_told(tmp_path: Path) -> None:
    """Tests a model whose chips all stall a cycle longer than the build says."""
    build = compiled(tmp_path, num_hidden_layers=1)
    longer = lowered(build)
    deskews = sum(one.code == DESKEW for program in longer for part in program.sections for one in part.instructions)
    for which in range(deskews):
        longer = changed(longer, DESKEW, lambda one: one._replace(cycles=one.cycles + 1), which)
    told = [one for one in differences(build, longer) if one.startswith("DESKEW of frame 0 in cycle 0, for ")]
    assert len(told) == 2


def test_what_is_left_out_is_told() -> None:
    """Tests a program without one SEND: the row of its slot stays."""
    build = build_of(LAID["broadcast"])
    found = lowered(build)
    sections = [
        section._replace(instructions=tuple(one for one in section.instructions if one.code != SEND))
        for section in found[0].sections
    ]
    told = list(differences(build, [found[0]._replace(sections=tuple(sections)), *found[1:]]))
    assert told
    assert all(one.startswith("SEND") and one.endswith("of the build, not of a program") for one in told)


def without_kept(found: list[NodeProgram]) -> list[NodeProgram]:
    """Return programs whose operators keep nothing."""
    for which in range(sum(one.code == COMPUTE for each in found for part in each.sections for one in part[6])):
        found = changed(
            found,
            COMPUTE,
            lambda one: one._replace(pieces=tuple(piece for piece in one.pieces if piece.use != KEEPS)),
            which,
        )
    return found


def on_vector_unit(found: list[NodeProgram]) -> list[NodeProgram]:
    """Return programs whose products run on vector units."""
    return [
        each._replace(
            sections=tuple(part._replace(unit=VECTOR) if part.unit == MATRIX else part for part in each.sections)
        )
        for each in found
    ]


def notified_later(found: list[NodeProgram]) -> list[NodeProgram]:
    """Return programs of which one control unit tells its units a cycle later to go on."""
    return changed(found, NOTIFY, lambda one: one._replace(cycle=one.cycle + 1))


def waiting_twice(found: list[NodeProgram]) -> list[NodeProgram]:
    """Return programs of which one unit waits twice, so that it needs two notices and gets one."""
    first, *others = found
    *sections, last = first.sections
    again = last._replace(instructions=(last.instructions[0], *last.instructions))
    return [first._replace(sections=(*sections, again)), *others]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (without_kept, "keeping "),
        (on_vector_unit, "unit vector"),
        (notified_later, "NOTIFY of segment 0"),
        (waiting_twice, "SYNC of segment 0"),
    ],
)
def test_what_no_number_shows_is_told(
    tmp_path: Path, change: Callable[[list[NodeProgram]], list[NodeProgram]], told: str
) -> None:
    """Tests weights that nobody keeps, products on another unit, a late notice and a wait too many: numbers agree."""
    build = compiled(tmp_path, num_hidden_layers=1)
    other = change(lowered(build))
    assert execute(build, other).ok
    assert any(told in one for one in differences(build, other))
