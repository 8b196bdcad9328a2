"""What the simulation takes from the manifest of a build."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Any

from lpxsched.clocks.specification import ClockSpecification
from lpxsched.errors import InputError
from lpxsched.files.document import Document
from lpxsched.files.schema import validate
from lpxsched.timetable.reader import MANIFEST
from lpxsched.units import exact

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


def read_proved_worst_ns(build: Build) -> Fraction | None:
    """Return the bound on the latency of one token that compile wrote, in ns; None for a collective."""
    if "kind" in build.manifest.options and "proved_worst_ns" not in build.manifest.results:
        return None
    return exact(_number("results.proved_worst_ns", build.manifest.results.get("proved_worst_ns")))


def _number(key: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or value < 0:
        raise InputError(MANIFEST, f"must be a number of at least 0, got {value!r}", key=key)
    return value
