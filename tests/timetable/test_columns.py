"""Tests of the tables as columns."""

from __future__ import annotations

from dataclasses import fields

import pytest

from lpxsched.timetable.columns import TABLES, Deskews
from tests.builds import ints, two_chip_build


def test_the_length_of_a_table_is_that_of_its_columns() -> None:
    """Tests that the two-chip build has eight slots, and a table of no rows the length 0."""
    assert len(two_chip_build().slots) == 8
    assert len(Deskews(ints(), ints(), ints(), ints())) == 0


def test_columns_of_unequal_length_are_refused() -> None:
    """Tests that the error names the file and every column's length."""
    with pytest.raises(ValueError, match=r"deskews.parquet: columns differ in length: .*'stall': 2"):
        Deskews(ints(0), ints(0), ints(2, 2), ints(0))


def test_every_file_is_one_table() -> None:
    """Tests that nine files are named, each once, and that every column has a kind that can be written."""
    assert len({table.file for table in TABLES}) == 9
    assert {str(field.type) for table in TABLES for field in fields(table)} == {
        "Integers",
        "Text",
        "Flags",
        "Floats",
        "Lists",
    }
