"""R9 deskew, second part: what segments wait for."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from tests.builds import signed, two_chip_build
from tests.verify.changes import breaks, change, changed, rules
from tests.verify.collectives import collective_build

if TYPE_CHECKING:
    from lpxsched.timetable.build import Build


def with_period(build: Build, period: int) -> Build:
    """Return a build whose counter has another period."""
    clock = build.manifest.clock | {"hac_period_cycles": {"value": period}}
    return signed(replace(build, manifest=build.manifest.model_copy(update={"clock": clock})))


@pytest.mark.parametrize(("waiting", "period", "least"), [(252, 252, 252), (8, 8, 8), (14, 7, 14), (20, 5, 10)])
def test_chips_that_poll_wait_for_a_pass(waiting: int, period: int, least: int) -> None:
    """Tests links that two vectors and one of flags hold for 5 + 3 cycles: whole periods of the counter."""
    text = f"a pass of its chips, which poll, takes {least} at least"
    assert not rules(with_period(changed("segments", 0, waiting_cycles=waiting), period))
    short = with_period(changed("segments", 0, waiting_cycles=least - 1), period)
    assert breaks(short, "R9", f"segment 0: waiting_cycles is {least - 1}, but {text}")


def test_flags_are_those_of_each_host_once() -> None:
    """Tests that the one host of two chips sends one vector of flags: 8 cycles fit where 9 would not."""
    assert not rules(with_period(changed("segments", 0, waiting_cycles=8), 8))


def test_chips_that_do_not_poll_wait_for_an_epoch_and_one_a_level() -> None:
    """Tests 252 cycles for perfect clocks, and twice that for a tree of one level."""
    assert not rules(collective_build("all-reduce"))
    short = change(collective_build("all-reduce"), "segments", 0, waiting_cycles=251)
    text = "an epoch and the start-up of its chips takes"
    assert breaks(short, "R9", f"segment 0: waiting_cycles is 251, but {text} 252 at least")
    chips = replace(two_chip_build().chips, resident=np.zeros(3, dtype=np.bool_))
    started = signed(replace(two_chip_build(), chips=chips))
    assert not rules(started)
    assert breaks(change(started, "segments", 0, waiting_cycles=503), "R9", f"{text} 504 at least")
