"""R9 deskew, fourth part: micro-batches in flight own windows, and are back for their next ones in time."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from lpxsched.verify.reservations import step_cycles, visit_cycles
from tests.builds import signed, two_chip_build
from tests.verify.changes import breaks, change, repeating, rules, with_rows

if TYPE_CHECKING:
    from lpxsched.timetable.build import Build

STEP = {"step_ns": 1600.0, "step_high_ns": 1600.161}


def flying(results: dict[str, Any] | None = None, **cells: Any) -> Build:
    """Return two chips every 200 cycles, the last of eight windows a gap, three micro-batches and 1,400 ns outside.

    One is back after 128 + 3 cycles of makespan and stall and (1,400 + late + crossing) x 1.0001 outside.
    """
    build = with_rows(repeating(two_chip_build(), 200), "deskews", (0, 1400, 3, 8))
    told = build.manifest.results | {"in_flight": 3, "assumed_high_ns": 1400.0} | STEP | (results or {})
    build = replace(build, manifest=build.manifest.model_copy(update={"results": told}))
    build = change(build, "frames", 0, **({"windows": 8, "gaps": [7]} | cells))
    return signed(build)


def test_micro_batches_with_windows_of_their_own_pass() -> None:
    """Tests a visit of 131 + ceil(1,404.5 x 1.0001) cycles, of which clocks add some, in eight windows of 200."""
    build = flying()
    assert step_cycles(build) == 1600
    # Jitter and crossing of the clock lie within four cycles.
    assert 128 + 3 + 1401 <= visit_cycles(build) <= 128 + 3 + 1406
    assert not rules(change(build, "segments", 0, waiting_cycles=1600 - visit_cycles(build)))


@pytest.mark.parametrize(
    ("results", "text"),
    [
        ({"in_flight": 8}, "8 micro-batches own a window each, 8 less 1 gaps hold fewer"),
        ({"in_flight": 0}, "in_flight is 0, must be a number from 1 on"),
        ({"in_flight": True}, "in_flight is True, must be a number from 1 on"),
        ({"assumed_high_ns": 1500.0}, "8 windows take 1600 cycles, a micro-batch may be back for its next one after"),
        ({"assumed_high_ns": None}, "assumed_high_ns is None, must be what lies outside of the fabric"),
        ({"step_ns": 1599.999}, "results step_ns is 1599.999, 8 windows take 1600.000"),
        ({"step_high_ns": 1600.1}, "results step_high_ns is 1600.1, 8 windows take 1600.160"),
        ({"step_ns": "1600"}, "results step_ns is '1600'"),
    ],
)
def test_what_is_promised_too_much_is_found(results: dict[str, Any], text: str) -> None:
    """Tests more micro-batches than windows, visits longer than a round, and steps shorter than one."""
    assert breaks(flying(results), "R9", text)


def test_who_owns_windows_waits_for_them() -> None:
    """Tests that a visit of V cycles leaves 1,600 - V of waiting, whatever the period; without owners it is 200."""
    build = flying()
    least = 1600 - visit_cycles(build)
    assert not rules(change(build, "segments", 0, waiting_cycles=least))
    short = change(build, "segments", 0, waiting_cycles=least - 1)
    assert breaks(short, "R9", f"waiting_cycles is {least - 1}, but its own window takes {least} at least")
    unowned = change(flying({"in_flight": 1}), "segments", 0, waiting_cycles=least)
    assert breaks(unowned, "R9", "but the period of its frame takes 200 at least")


def test_only_a_frame_that_repeats_holds_several() -> None:
    """Tests three micro-batches over a segment on demand."""
    build = two_chip_build()
    told = build.manifest.results | {"in_flight": 3, "assumed_high_ns": 0.0}
    on_demand = replace(build, manifest=build.manifest.model_copy(update={"results": told}))
    text = "3 micro-batches are in flight, which only one segment in a frame that repeats can hold"
    assert breaks(signed(on_demand), "R9", text)
