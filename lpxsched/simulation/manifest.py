"""What the simulation takes from the manifest of a build."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

from lpxsched.clocks.specification import ClockSpecification
from lpxsched.errors import InputError
from lpxsched.files.document import Document
from lpxsched.files.schema import validate
from lpxsched.timetable.reader import MANIFEST

if TYPE_CHECKING:
    from lpxsched.timetable.build import Build


def read_clock(build: Build) -> ClockSpecification:
    """Return the clock for which a build was made."""
    clock = build.manifest.clock
    return validate(Document(f"{MANIFEST}: clock", clock, {(key,): (1, 1) for key in clock}), ClockSpecification)


def read_clock_mhz(build: Build) -> Fraction:
    """Return the clock in which cycles are counted, in MHz."""
    text = build.manifest.clock_mhz
    try:
        clock_mhz = Fraction(text)
    except (ValueError, ZeroDivisionError):
        clock_mhz = Fraction(0)
    if clock_mhz <= 0:
        raise InputError(MANIFEST, f"must be a positive number or fraction, got {text!r}", key="clock_mhz")
    return clock_mhz
