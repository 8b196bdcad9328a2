"""R10 deadlines."""

from __future__ import annotations

from dataclasses import replace

import pytest

from lpxsched.verify.check import check
from lpxsched.verify.violation import Row
from tests.builds import signed
from tests.verify.changes import breaks, changed, rules


@pytest.mark.parametrize("deadline", [-1, 128, 129])
def test_a_makespan_within_its_deadline_is_kept(deadline: int) -> None:
    """Tests that 128 cycles meet a deadline of 128, and any where there is none."""
    assert not rules(changed("segments", 0, deadline_cycles=deadline))


@pytest.mark.parametrize("deadline", [0, 127])
def test_a_makespan_beyond_its_deadline_is_found(deadline: int) -> None:
    """Tests that a segment that takes longer than asked for is told with its row."""
    build = changed("segments", 0, deadline_cycles=deadline)
    assert breaks(build, "R10", f"segment 0: makespan_cycles is 128, its deadline {deadline}")
    assert check(build).violations[0].rows == (Row("segments.parquet", 0),)


@pytest.mark.parametrize("deadline", [-2, 1 << 62])
def test_a_deadline_out_of_bounds_is_found(deadline: int) -> None:
    """Tests that a deadline is a number of cycles, or -1."""
    assert breaks(changed("segments", 0, deadline_cycles=deadline), "R10", f"row 0: deadline_cycles is {deadline}")


@pytest.mark.parametrize(("asked", "kept"), [(200, True), (199, False), (None, True), ("200", False)])
def test_a_deadline_is_that_of_the_options(asked: object, kept: bool) -> None:
    """Tests a deadline of 200 cycles against what the options ask for."""
    build = changed("segments", 0, deadline_cycles=200)
    build = signed(replace(build, manifest=build.manifest.model_copy(update={"options": {"deadline": asked}})))
    assert (not rules(build)) == kept
    assert breaks(build, "R10", f"segment 0: deadline_cycles is 200, options ask for {asked!r}") != kept
