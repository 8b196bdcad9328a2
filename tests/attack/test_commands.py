"""Tests of the list of commands that are attacked."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

from lpxsched.timetable.build import Build
from lpxsched.timetable.columns import TABLES
from lpxsched.timetable.consistency import NUMBERED
from lpxsched.verify.bounds import BOUNDS
from lpxsched.verify.bounds import REFERENCES as BOUNDED_REFERENCES
from tests.attack.commands import CHOICES, calls, readers_of_builds


def test_every_command_that_reads_a_build_is_attacked() -> None:
    """Tests that commands are found by their argument DIR, and that no choice is for one that is not there."""
    assert set(readers_of_builds()) >= {"check", "replay", "bound", "simulate", "report", "export"}
    assert CHOICES.keys() <= set(readers_of_builds())
    assert {call[0] for call in calls(Path("a"), Path("b"))} == set(readers_of_builds())


def test_every_number_of_a_build_is_bounded() -> None:
    """Tests that no column of integers is left out: a number without bounds overflows somewhere."""
    bounded = {(bound.table, column) for bound in BOUNDS for column in bound.columns}
    bounded |= {(table, column) for _, table, column, *_ in BOUNDED_REFERENCES} | set(NUMBERED)
    columns = {
        (name.name, column.name)
        for name, table in zip(fields(Build), TABLES, strict=False)
        for column in fields(table)
        if column.type == "Integers"
    }
    assert columns - bounded == set()
