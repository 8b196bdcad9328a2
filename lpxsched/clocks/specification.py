"""How far the clocks of a fabric may disagree (``topologies/clocks/*.yaml``), every number with its source."""

from __future__ import annotations

from fractions import Fraction
from typing import Annotated, Literal

from pydantic import Field, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError

from lpxsched.files.document import read_yaml
from lpxsched.files.schema import Strict, Tagged, validate
from lpxsched.files.shipped import find_file
from lpxsched.units import exact

Ppm = Annotated[float, Field(ge=0, le=100_000)]
Time = Annotated[float, Field(ge=0, le=1e6)]
Cycles = Annotated[int, Field(ge=0, le=1_000_000)]
Period = Annotated[int, Field(ge=2, le=1_000_000)]
Rate = Annotated[float, Field(ge=0, le=1_000)]
Frequency = Annotated[float, Field(ge=1, le=1_000)]
Steps = Annotated[int, Field(ge=1, le=1_000_000)]
Shared = Literal["chip", "tray", "rack"]

NO_RATE: Tagged[Rate] = Tagged(value=0.0)
NO_TIME: Tagged[Time] = Tagged(value=0.0)


class ClockSpecification(Strict):
    """Limits that every clock of a fabric keeps; also the form in which a manifest stores them.

    What is not told is not there: no ramp, no spread, no error of calibration.

    Attributes
    ----------
    name : str
    offset_ppm : float
        One-sided bound of the frequency error of a clock when it is aligned (rho).
    drift_ppm_per_s : float
        How fast the frequency may move after that, as the temperature does (rho').
    spread_ppm, spread_khz : float
        Depth and rate of a down-spread: all clocks run slower by half the depth, and each swings around that by a
        triangle of its own phase.
    residual_ns : float
        Largest alignment error between parent and child after a deskew (epsilon of one level of the tree).
    calibration_ns : float
        Error of the latency that was measured for a link: of each level of the tree, and of each hop.
    jitter_peak_to_peak_ns : float
        Spread of the latency of one link.
    jitter_by_class_ns : dict of str to float
        The same for some classes of links; others have `jitter_peak_to_peak_ns`.
    jitter_deviation_ns : float
        Standard deviation within that spread; 0: all of the spread is equally likely.
    crossing_cycles : int
        Cycles lost between two clock domains.
    temperature_ns : float
        Change of a link's latency with temperature after its calibration.
    hac_period_cycles : int
        Period of the hardware-aligned counter; one period is an epoch.
    hac_exchange_cycles, hac_step_cycles : int
        How often a parent sends its counter to a child, and by how much the child's moves then at most.
    deskew_cycles : int
        What a deskew costs beyond its stall.
    shared_by : str
        Which chips have one oscillator in common, and so drift together.
    """

    name: str
    offset_ppm: Tagged[Ppm]
    drift_ppm_per_s: Tagged[Rate] = NO_RATE
    spread_ppm: Tagged[Ppm] = NO_TIME
    spread_khz: Tagged[Frequency] = Tagged(value=31.5)
    residual_ns: Tagged[Time]
    calibration_ns: Tagged[Time] = NO_TIME
    jitter_peak_to_peak_ns: Tagged[Time]
    jitter_by_class_ns: dict[str, Tagged[Time]] = Field(default_factory=dict)
    jitter_deviation_ns: Tagged[Time] = NO_TIME
    crossing_cycles: Tagged[Cycles]
    temperature_ns: Tagged[Time]
    hac_period_cycles: Tagged[Period]
    hac_exchange_cycles: Tagged[Steps] = Tagged(value=256)
    hac_step_cycles: Tagged[Steps] = Tagged(value=2)
    deskew_cycles: Tagged[Cycles] = Tagged(value=0)
    shared_by: Tagged[Shared] = Tagged(value="chip")

    @field_validator("hac_step_cycles", "deskew_cycles")
    @classmethod
    def _within_the_period(cls, told: Tagged[int], info: ValidationInfo) -> Tagged[int]:
        """Refuse a deskew that lasts longer than the counter's period, and a step of more than half of it."""
        if "hac_period_cycles" in info.data:
            parts = 2 if info.field_name == "hac_step_cycles" else 1
            most = info.data["hac_period_cycles"].value // parts
            if told.value > most:
                what = "half of hac_period_cycles" if parts == 2 else "hac_period_cycles"
                raise PydanticCustomError("period", "must be at most {most}, {what}", {"most": most, "what": what})
        return told


def load_clock(name: str, clock_mhz: Fraction | None = None) -> ClockSpecification:
    """Return the clock of a shipped name or a path.

    Parameters
    ----------
    name : str
    clock_mhz : Fraction or None
        Clock in which its cycles are counted, where that is known: what is told in ns is then held against them.

    Raises
    ------
    InputError
        Also where the error that one level may have reaches half the counter's period: no chip knows its distance then.
    """
    document = read_yaml(find_file("clock", name))
    clock = validate(document, ClockSpecification)
    if clock_mhz is not None:
        error_ns = exact(clock.residual_ns.value) + exact(clock.calibration_ns.value)
        half_ns = Fraction(clock.hac_period_cycles.value, 2) * 1000 / clock_mhz
        if error_ns >= half_ns:
            limit = f"{float(half_ns):g} ns, half of hac_period_cycles at {float(clock_mhz):g} MHz"
            problem = f"must be below {limit}, together with calibration_ns, got {float(error_ns):g}"
            raise document.error(("residual_ns",), problem)
    return clock
