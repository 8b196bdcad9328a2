"""Tests of what two builds assume."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from lpxsched.report.comparison.assumed import assumed_of_both, assumed_rows, assumed_sentence
from tests.builds import two_chip_build

if TYPE_CHECKING:
    from lpxsched.timetable.build import Build


def assuming(**told: tuple[Any, list[Any]]) -> Build:
    """Return a build that assumes values with their ranges."""
    build = two_chip_build()
    found = {name: {"value": value, "range": ends, "source": "said"} for name, (value, ends) in told.items()}
    return replace(build, manifest=build.manifest.model_copy(update={"assumptions": found}))


def test_values_ranges_and_what_only_one_assumes_differ() -> None:
    """Tests an equal value, another value, another range, and one that the first build lacks."""
    first = assuming(a=(1, [0, 2]), b=(1, [0, 2]), c=(1, [0, 2]))
    second = assuming(a=(1, [0, 2]), b=(2, [0, 2]), c=(1, [0, 3]), d=("rack", ["chip", "rack"]))
    found = assumed_of_both(first, second)
    assert [each.differs for each in found] == [False, True, True, True]
    assert assumed_sentence(found) == "3 of 4 assumed values differ"
    assert assumed_rows(found).rows[1:] == [
        ["b", "1 (0 .. 2)", "2 (0 .. 2)"],
        ["c", "1 (0 .. 2)", "1 (0 .. 3)"],
        ["d", "-", "rack (chip .. rack)"],
    ]


def test_equal_assumptions_are_one_sentence() -> None:
    """Tests the same values in both builds, and none in either."""
    assert assumed_sentence(assumed_of_both(assuming(a=(1, [0, 2])), assuming(a=(1, [0, 2])))) == "all the same in both"
    assert assumed_sentence(assumed_of_both(assuming(), assuming())) == "nothing in both"
