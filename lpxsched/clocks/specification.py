"""How far the clocks of a fabric may disagree (``topologies/clocks/*.yaml``), every number with its source."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from lpxsched.files.document import read_yaml
from lpxsched.files.schema import Strict, Tagged, validate
from lpxsched.files.shipped import find_file

Ppm = Annotated[float, Field(ge=0, le=100_000)]
Time = Annotated[float, Field(ge=0, le=1e6)]
Cycles = Annotated[int, Field(ge=0, le=1_000_000)]
Period = Annotated[int, Field(ge=2, le=1_000_000)]


class ClockSpecification(Strict):
    """Limits that every clock of a fabric keeps; also the form in which a manifest stores them.

    Attributes
    ----------
    name : str
    offset_ppm : float
        One-sided bound of the frequency error of a clock (rho).
    residual_ns : float
        Largest alignment error between parent and child after a deskew (epsilon of one level of the tree).
    jitter_peak_to_peak_ns : float
        Spread of the latency of one link.
    crossing_cycles : int
        Cycles lost between two clock domains.
    temperature_ns : float
        Change of a link's latency with temperature after its calibration.
    hac_period_cycles : int
        Period of the hardware-aligned counter; one period is an epoch.
    """

    name: str
    offset_ppm: Tagged[Ppm]
    residual_ns: Tagged[Time]
    jitter_peak_to_peak_ns: Tagged[Time]
    crossing_cycles: Tagged[Cycles]
    temperature_ns: Tagged[Time]
    hac_period_cycles: Tagged[Period]


def load_clock(name: str) -> ClockSpecification:
    """Return the clock of a shipped name or a path."""
    return validate(read_yaml(find_file("clock", name)), ClockSpecification)
