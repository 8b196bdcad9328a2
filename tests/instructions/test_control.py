"""Tests of control units: programs deskew together, and their other units wait."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from lpxsched.instructions.control import with_deskews
from lpxsched.instructions.execution import execute
from lpxsched.instructions.streams import CONTROL, DESKEW, NOTIFY, SYNC, Instruction, Section
from lpxsched.units import NONE
from tests.instructions.test_execution import changed, lowered
from tests.timetable.small import compiled
from tests.verify.collectives import LAID, build_of

if TYPE_CHECKING:
    from pathlib import Path

    from lpxsched.instructions.streams import NodeProgram


def without(found: list[NodeProgram], code: int) -> list[NodeProgram]:
    """Return programs without any instruction of some code."""
    return [
        program._replace(
            sections=tuple(
                section._replace(instructions=tuple(one for one in section.instructions if one.code != code))
                for section in program.sections
            )
        )
        for program in found
    ]


def test_deskews_are_those_of_the_programs() -> None:
    """Tests that what the machine deskews by is read back from the programs, and is gone where they have none."""
    build = build_of(LAID["all-reduce"])
    found = lowered(build)
    told, faults = with_deskews(build, found)
    assert not faults
    for name in ("frame", "cycle", "stall", "every_periods"):
        assert getattr(told.deskews, name).tolist() == getattr(build.deskews, name).tolist()
    assert len(build.deskews)
    never, faults = with_deskews(build, without(found, DESKEW))
    assert not len(never.deskews)
    assert faults == ["frame 0 does not open with DESKEW"]


@pytest.mark.parametrize(
    ("code", "by", "told"),
    [
        (DESKEW, 5, "do not deskew in the same cycles"),
        (SYNC, 5, "does not wait in cycle 0"),
        (NOTIFY, 10**6, "before it is notified"),
    ],
)
def test_one_chip_out_of_step_is_told(code: int, by: int, told: str) -> None:
    """Tests one DESKEW, SYNC or NOTIFY later than planned."""
    build = build_of(LAID["all-reduce"])
    late = changed(lowered(build), code, lambda one: one._replace(cycle=one.cycle + by))
    found = execute(build, late)
    assert not found.ok
    assert any(told in fault for fault in found.faults)


@pytest.mark.parametrize(("code", "told"), [(NOTIFY, "is never notified"), (SYNC, "does not wait")])
def test_units_wait_and_are_notified(code: int, told: str) -> None:
    """Tests programs that never notify, and programs that never wait."""
    build = build_of(LAID["all-reduce"])
    found = execute(build, without(lowered(build), code))
    assert not found.ok
    assert told in found.faults[0]


def test_a_frame_without_period_deskews_once() -> None:
    """Tests a DESKEW that would come again in a segment on demand."""
    build = build_of(LAID["all-reduce"])
    again = [
        program._replace(
            sections=tuple(
                section._replace(
                    instructions=tuple(
                        one._replace(every=3) if one.code == DESKEW else one for one in section.instructions
                    )
                )
                for section in program.sections
            )
        )
        for program in lowered(build)
    ]
    assert "cannot deskew" in execute(build, again).faults[0]


@pytest.mark.parametrize("empty", [False, True])
def test_a_chip_that_never_deskews_is_told(tmp_path: Path, *, empty: bool) -> None:
    """Tests a frame that repeats, of which one chip has no unit that deskews, or has it without instructions."""
    build = compiled(tmp_path, num_hidden_layers=1, in_flight=3)
    first, *others = lowered(build)
    frames = [section for section in first.sections if section.segment == NONE]
    assert any(one.code == DESKEW for section in frames for one in section.instructions)
    rest = [section for section in first.sections if section.segment != NONE]
    emptied = [section._replace(instructions=()) for section in frames if empty]
    found = execute(build, [first._replace(sections=(*emptied, *rest)), *others])
    assert "do not deskew in the same cycles" in found.faults[0]


def test_a_deskew_that_is_of_no_segment_on_demand_is_told(tmp_path: Path) -> None:
    """Tests a stall of 1,000 cycles in a frame on demand, where only segments have any."""
    build = compiled(tmp_path, num_hidden_layers=1)
    first, *others = lowered(build)
    beside = Section(NONE, 0, 0, 0, CONTROL, NONE, (Instruction(DESKEW, 7, 1000),))
    found = execute(build, [first._replace(sections=(*first.sections, beside)), *others])
    assert "do not deskew in the same cycles" in found.faults[0]
