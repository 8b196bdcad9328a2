"""Tests of what steps are taken from builds, and of which builds belong together."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import pytest

from lpxsched.cli.verification import read_granted_build
from lpxsched.errors import InputError
from lpxsched.sessions.steps import read_steps
from lpxsched.timetable.writer import write_build
from lpxsched.units import exact
from tests.builds import signed, two_chip_build
from tests.sessions.small import with_manifest
from tests.timetable.small import compiled

if TYPE_CHECKING:
    from pathlib import Path

    from lpxsched.timetable.build import Build


def written(folder: Path, build: Build, name: str, results: dict[str, Any], **options: Any) -> Path:
    """Write a build that tells other options and results, and return its folder."""
    write_build(folder / name, with_manifest(build, results, options))
    return folder / name


def test_builds_stand_in_the_order_of_their_contexts(tmp_path: Path, small_build: Build) -> None:
    """Tests that folders may be named in any order, and differ in how they were searched for."""
    long = written(tmp_path, small_build, "long", {"step_ns": 7.5}, context=16384, effort=5, seed=3)
    short = written(tmp_path, small_build, "short", {"step_ns": 2.5})
    steps = read_steps([long, short], read_granted_build)
    assert (steps.folders, steps.contexts) == ((short, long), [8192, 16384])
    assert [float(step) for step in steps.results_ns("step_ns")] == [2.5, 7.5]
    assert (steps.batch, steps.micro_batches, steps.layers) == (8, 1, 2)


def test_a_row_beyond_is_what_a_build_there_assumes(tmp_path: Path, small_build: Build) -> None:
    """Tests a build of 16,384 rows against one of 8,192 and as many rows beyond.

    The toy has full attention, whose caches grow with the context but for the one row a user that is written: so what
    is reckoned is no less than what the build of 16,384 assumes, and less than a hundredth more.
    """
    steps = read_steps([written(tmp_path, small_build, "b", {})], read_granted_build)
    longer = compiled(tmp_path, context=16384).manifest.results
    assert longer["proved_ns"] == small_build.manifest.results["proved_ns"]
    for key, row_ns in (("step_ns", steps.further_ns.value), ("step_high_ns", steps.further_ns.high)):
        grown = exact(longer[key]) - exact(small_build.manifest.results[key])
        # Manifests tell times to a thousandth of a ns.
        assert grown - Fraction(1, 1000) <= 8192 * row_ns <= grown * Fraction(101, 100)


def test_builds_in_flight_hold_their_own_context_alone(tmp_path: Path, small_build: Build) -> None:
    """Tests that nothing is reckoned beyond the windows of micro-batches in flight."""
    steps = read_steps([written(tmp_path, small_build, "b", {}, in_flight=2)], read_granted_build)
    assert (steps.further_ns.high, steps.most_context) == (0, 8192)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"context": 8192}, r"options.context: 8,192 is that of .* too"),
        ({"context": 9000, "batch": 4}, r"options.batch: 4 here and 8 in .* differ in context alone"),
        ({"context": 9000, "model": "other"}, r"options.model: other here"),
    ],
)
def test_builds_of_other_machines_are_refused(
    tmp_path: Path, small_build: Build, options: dict[str, Any], said: str
) -> None:
    """Tests two of one context, of two batches, and of two models."""
    folders = [written(tmp_path, small_build, "one", {}), written(tmp_path, small_build, "two", {}, **options)]
    with pytest.raises(InputError, match=said):
        read_steps(folders, read_granted_build)


def test_a_build_without_a_step_is_refused(tmp_path: Path) -> None:
    """Tests a build by hand, whose manifest tells of no model."""
    write_build(tmp_path / "b", two_chip_build())
    with pytest.raises(InputError, match=r"manifest.json: results: tells no step_ns, so of no step"):
        read_steps([tmp_path / "b"], read_granted_build)


def test_a_build_that_tells_too_little_is_refused(tmp_path: Path, small_build: Build) -> None:
    """Tests a manifest that somebody changed: no context, and no acceptance length."""
    manifest = small_build.manifest
    options = {key: value for key, value in manifest.options.items() if key != "context"}
    results = {key: value for key, value in manifest.results.items() if key != "acceptance_length"}
    for update, said in (
        ({"options": options}, "options: tell no context; compile it again"),
        ({"results": results}, "results: tells no acceptance_length"),
    ):
        write_build(tmp_path / "b", signed(replace(small_build, manifest=manifest.model_copy(update=update))))
        with pytest.raises(InputError, match=said):
            read_steps([tmp_path / "b"], read_granted_build)


@pytest.mark.parametrize(
    ("part", "changes", "said"),
    [
        ("results", {"step_ns": "long"}, "results.step_ns: must be a number, got"),
        ("results", {"layers": True}, "results.layers: must be a number, got"),
        ("options", {"batch": [None]}, "options.batch: must be a whole number above 0, got"),
        ("options", {"context": 0}, "options.context: must be a whole number above 0, got 0"),
        ("outside", {"gpus": {}}, "outside: holds no GPUs and work that can be reckoned with"),
        ("outside", {"users": "all"}, "outside: holds no GPUs and work that can be reckoned with"),
    ],
)
def test_a_build_that_tells_something_odd_is_refused(
    tmp_path: Path, small_build: Build, part: str, changes: dict[str, Any], said: str
) -> None:
    """Tests manifests that somebody changed, which nothing signs."""
    update = {part: getattr(small_build.manifest, part) | changes}
    write_build(tmp_path / "b", replace(small_build, manifest=small_build.manifest.model_copy(update=update)))
    with pytest.raises(InputError, match=said):
        read_steps([tmp_path / "b"], read_granted_build)
