"""Clocks and builds from which the tests of the simulation start."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from lpxsched.clocks.specification import ClockSpecification
from lpxsched.simulation.alignment import read_alignment
from lpxsched.simulation.limits import Limits
from lpxsched.simulation.timeline import Timeline, read_timeline, slots_to_chips
from lpxsched.timetable.columns import Deskews
from tests.builds import ints, two_chip_build

if TYPE_CHECKING:
    from lpxsched.timetable.build import Build
    from lpxsched.timetable.columns import Slots


def clock(
    *,
    ppm: float = 0,
    residual_ns: float = 0,
    jitter_ns: float = 0,
    crossing: int = 0,
    temperature_ns: float = 0,
    **others: Any,
) -> ClockSpecification:
    """Return a clock of the given limits; by default a perfect one."""
    return ClockSpecification.model_validate(
        others
        | {
            "name": "test",
            "offset_ppm": ppm,
            "residual_ns": residual_ns,
            "jitter_peak_to_peak_ns": jitter_ns,
            "crossing_cycles": crossing,
            "temperature_ns": temperature_ns,
            "hac_period_cycles": 252,
        }
    )


def own_clock() -> ClockSpecification:
    """Return a clock of 100 ppm, 1 ns a level, 1 ns of jitter and 1 cycle of crossing."""
    return clock(ppm=100, residual_ns=1, jitter_ns=1, crossing=1)


def limits_of(specification: ClockSpecification, *, in_hop: bool = False) -> Limits:
    """Return the limits of a clock at 1000 MHz, where a cycle is 1 ns."""
    return Limits.of(specification, Fraction(1000), in_hop=in_hop)


def timeline_of(build: Build, specification: ClockSpecification | None = None) -> Timeline:
    """Return the slots of a build that lead to chips, on a clock that tells its classes of links."""
    limits = limits_of(specification or clock())
    return read_timeline(build, read_alignment(build), limits, slots_to_chips(build))


def one_slot(build: Build, row: int) -> Build:
    """Return a build with one row of the timetable only."""
    columns = {name: getattr(build.slots, name)[[row]] for name in build.slots.__slots__}
    slots: Slots = replace(build.slots, **columns)
    return replace(build, slots=slots)


def with_second_deskew(build: Build, cycle: int, stall: int) -> Build:
    """Return a build with one more deskew in its segment."""
    return replace(build, deskews=Deskews(ints(0, 0), ints(0, cycle), ints(2, stall), ints(0, 0)))


def deskewed_in_flight() -> Build:
    """Return the two-chip build with a deskew [86, 90).

    The slots of rows 1 and 4, which depart at 80 and are read at 98, are in flight across it.
    """
    return with_second_deskew(two_chip_build(), 86, 4)
