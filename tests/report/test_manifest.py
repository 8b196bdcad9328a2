"""Results of a manifest, which nobody signs."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from lpxsched.errors import InputError
from lpxsched.report.headline import headline_lines
from lpxsched.report.manifest import results_of

if TYPE_CHECKING:
    from lpxsched.timetable.build import Build


@pytest.mark.parametrize(
    ("key", "value", "named"),
    [
        ("proved_ns", [-1], "results.proved_ns"),
        ("step_ns", True, "results.step_ns"),
        ("not_modelled", "all", "results.not_modelled"),
        ("assumed_parts_ns", {"mixers": [1.0]}, "results.assumed_parts_ns.mixers"),
        ("loads", [{"resource": "a link", "kind": "link"}], "results.loads.0.load_ns"),
        ("deskews", [3], "results.deskews"),
        ("in_flight", [4], "results.in_flight"),
    ],
)
def test_results_of_other_types_are_refused(small_build: Build, key: str, value: object, named: str) -> None:
    """Tests that the key is named, and that no line is made of it."""
    results = small_build.manifest.results | {key: value}
    build = replace(small_build, manifest=small_build.manifest.model_copy(update={"results": results}))
    with pytest.raises(InputError) as raised:
        headline_lines(build)
    assert raised.value.key == named


def test_results_that_a_compile_writes_are_taken(small_build: Build) -> None:
    """Tests that nothing is changed."""
    assert results_of(small_build) is small_build.manifest.results
