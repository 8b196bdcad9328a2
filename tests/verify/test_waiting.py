"""R9 deskew, second part: what segments wait for."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from tests.builds import signed, two_chip_build
from tests.polled import polled_build
from tests.verify.changes import breaks, change, changed, rules
from tests.verify.collectives import collective_build

if TYPE_CHECKING:
    from lpxsched.timetable.build import Build


def with_period(build: Build, period: int) -> Build:
    """Return a build whose counter has another period."""
    clock = build.manifest.clock | {"hac_period_cycles": {"value": period}}
    return signed(replace(build, manifest=build.manifest.model_copy(update={"clock": clock})))


@pytest.mark.parametrize(("waiting", "period", "least"), [(252, 252, 252), (44, 44, 44), (60, 43, 86), (66, 22, 44)])
def test_chips_that_poll_wait_for_a_pass(waiting: int, period: int, least: int) -> None:
    """Tests a pass that is over at 44: whole periods of the counter."""
    text = f"a pass of its chips, which poll, takes {least} at least"
    enough = change(polled_build(), "segments", 0, waiting_cycles=max(waiting, least))
    # Half a period must be more than what clocks disagree by, 1.8 cycles and some hundredths.
    assert not rules(with_period(enough, period))
    short = with_period(change(polled_build(), "segments", 0, waiting_cycles=least - 1), period)
    assert breaks(short, "R9", f"segment 0: waiting_cycles is {least - 1}, but {text}")


def test_chips_that_do_not_poll_wait_for_an_epoch_and_one_a_level() -> None:
    """Tests 252 cycles for perfect clocks, and twice that for a tree of one level."""
    assert not rules(collective_build("all-reduce"))
    short = change(collective_build("all-reduce"), "segments", 0, waiting_cycles=251)
    text = "an epoch and the start-up of its chips takes"
    assert breaks(short, "R9", f"segment 0: waiting_cycles is 251, but {text} 252 at least")
    assert not rules(two_chip_build())
    assert breaks(changed("segments", 0, waiting_cycles=503), "R9", f"{text} 504 at least")
