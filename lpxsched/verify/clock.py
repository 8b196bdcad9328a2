"""What ``manifest.json`` says of the clocks, in exact cycles: how far the clocks of a run may disagree."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from lpxsched.units import exact, ns_to_cycles
from lpxsched.verify.violation import MANIFEST_FILE, Violation

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lpxsched.timetable.build import Build

RULE = "R8"
PARTS_PER_MILLION = 1_000_000
LARGEST_CLOCK_MHZ = 1_000_000
# key of the clock, lowest and largest value
NUMBERS = (
    ("offset_ppm", 0, 100_000),
    ("residual_ns", 0, 1_000_000),
    ("jitter_peak_to_peak_ns", 0, 1_000_000),
    ("temperature_ns", 0, 1_000_000),
    ("crossing_cycles", 0, 1_000_000),
    ("hac_period_cycles", 2, 1_000_000),
)


@dataclass(frozen=True, slots=True)
class Limits:
    """What every run keeps.

    Attributes
    ----------
    rho : Fraction
        Largest frequency error of a clock, to either side.
    residual_cycles : Fraction
        Largest error that a deskew leaves between parent and child.
    late_cycles : Fraction
        How much longer than its latency a link may take.
    early_cycles : Fraction
        How much shorter; above 0 where the latency holds what may not happen.
    crossing_cycles : Fraction
        Cycles of the receiver that pass between two clocks.
    hac_period_cycles : int
        Period of the hardware-aligned counter.
    """

    rho: Fraction
    residual_cycles: Fraction
    late_cycles: Fraction
    early_cycles: Fraction
    crossing_cycles: Fraction
    hac_period_cycles: int

    @property
    def align(self) -> bool:
        """Whether clocks must align: they drift, or their alignment leaves an error."""
        return bool(self.rho or self.residual_cycles)

    def disagreement_cycles(self, interval_cycles: int, depth: int) -> Fraction:
        """Return the largest difference of two clocks after an interval: 2 rho T + 2 depth residual, in cycles."""
        return 2 * self.rho * interval_cycles + 2 * depth * self.residual_cycles


def faults_of_clock(build: Build) -> Iterator[Violation]:
    """Yield every number of the clock that is not there, is no number, or is out of its bounds."""
    for key, lowest, largest in NUMBERS:
        value = _value(build, key)
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        if not is_number or not lowest <= value <= largest:
            message = f"{MANIFEST_FILE}: clock {key} is {value!r}, must be {lowest} to {largest}"
            yield Violation(RULE, message)
    if not 0 < _clock_mhz(build) <= LARGEST_CLOCK_MHZ:
        message = f"clock_mhz is {build.manifest.clock_mhz!r}, must be above 0 and at most {LARGEST_CLOCK_MHZ}"
        yield Violation(RULE, f"{MANIFEST_FILE}: {message}")


def limits_of(build: Build) -> Limits:
    """Return the limits of a build without `faults_of_clock`.

    Where the published hop already holds jitter and crossing, they may make it shorter and cannot make it longer.
    """
    clock_mhz, inside = _clock_mhz(build), build.manifest.guard_in_hop

    def cycles(key: str) -> Fraction:
        return ns_to_cycles(exact(_value(build, key)), clock_mhz)

    jitter, crossing = cycles("jitter_peak_to_peak_ns"), exact(_value(build, "crossing_cycles"))
    return Limits(
        rho=exact(_value(build, "offset_ppm")) / PARTS_PER_MILLION,
        residual_cycles=cycles("residual_ns"),
        late_cycles=cycles("temperature_ns") + (0 if inside else jitter),
        early_cycles=jitter + crossing if inside else Fraction(0),
        crossing_cycles=Fraction(0) if inside else crossing,
        hac_period_cycles=int(_value(build, "hac_period_cycles")),
    )


def _value(build: Build, key: str) -> Any:
    told = build.manifest.clock.get(key)
    return told.get("value") if isinstance(told, dict) else None


def _clock_mhz(build: Build) -> Fraction:
    try:
        return Fraction(build.manifest.clock_mhz)
    except (ValueError, ZeroDivisionError):
        return Fraction(0)
