"""The whole bound of a build on some clocks."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np

from lpxsched.clocks.tree import needs_alignment
from lpxsched.errors import InputError
from lpxsched.simulation.alignment import read_alignment
from lpxsched.simulation.bound.latency import latency_of, runs_cycles
from lpxsched.simulation.bound.slack import tightest
from lpxsched.simulation.bound.stalls import read_stalls
from lpxsched.simulation.bound.tolerance import Case, Tolerance, failing, with_interval, with_ppm, with_residual
from lpxsched.simulation.bound.waiting import fullest
from lpxsched.simulation.bound.worst import read_walk, worst_rows
from lpxsched.simulation.egress import segment_chips
from lpxsched.simulation.limits import Limits
from lpxsched.simulation.manifest import read_clock, read_clock_mhz
from lpxsched.simulation.timeline import read_timeline
from lpxsched.units import NONE

if TYPE_CHECKING:
    from lpxsched.clocks.specification import ClockSpecification
    from lpxsched.simulation.alignment import Alignment
    from lpxsched.simulation.bound.latency import Latency
    from lpxsched.simulation.bound.waiting import Fullest
    from lpxsched.timetable.build import Build

DECIMALS = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Proved:
    """What holds for all clocks within a specification.

    Attributes
    ----------
    least_slack_cycles : Fraction
        Below 0: some clocks make a vector late.
    least_spare_stall_cycles : Fraction
        What is left of a stall, or of half the counters' period, at least.
    fullest : Fullest
    failing : dict or None
        What some clocks make fail, where they do; see `failing`.
    """

    least_slack_cycles: Fraction
    least_spare_stall_cycles: Fraction
    fullest: Fullest
    failing: dict[str, Any] | None

    @property
    def holds(self) -> bool:
        """Whether no vector can be late, no stall be too short and no buffer overflow."""
        return self.failing is None


@dataclass(frozen=True, slots=True, kw_only=True)
class Bound(Proved):
    """What holds for all clocks within a specification, and how much worse they may be.

    Attributes
    ----------
    clock : str
    latency : Latency
    ppm, residual, interval : Tolerance
        In ppm, ns and cycles.
    """

    clock: str
    latency: Latency
    ppm: Tolerance
    residual: Tolerance
    interval: Tolerance

    def as_json(self) -> dict[str, Any]:
        """Return the bound by the names that scripts rely on; times up, slack down, to six decimals."""
        return {
            "clock": self.clock,
            "holds": self.holds,
            "failing": self.failing,
            "worst_case_ns": _up(self.latency.step_ns),
            "reserved_step_ns": None if self.latency.reserved_ns is None else _up(self.latency.reserved_ns),
            "segments_ns": [_up(time) for time in self.latency.segments_ns],
            "frames_ns": [_up(time) for time in self.latency.frames_ns],
            "least_slack_cycles": _down(self.least_slack_cycles),
            "least_spare_stall_cycles": _down(self.least_spare_stall_cycles),
            "max_buffer_vectors": self.fullest.vectors,
            "max_buffer_link": self.fullest.link,
            "spare_buffer_vectors": self.fullest.spare_vectors,
            "max_tolerable_ppm": _down(self.ppm.value),
            "max_tolerable_residual_ns": _down(self.residual.value),
            "longest_interval_cycles": int(self.interval.value),
            "witness": self.ppm.witness,
            "residual_witness": self.residual.witness,
            "interval_witness": self.interval.witness,
        }


def bound(build: Build, clock: ClockSpecification | None = None) -> Bound:
    """Return the bound of a build on its own clock, or on another.

    Raises
    ------
    InputError
        As `case_of`.
    """
    specification, clock_mhz = clock or read_clock(build), read_clock_mhz(build)
    case = case_of(build, specification)
    told = proved(case)
    return Bound(
        clock=specification.name,
        latency=latency_of(build, case.alignment, specification, clock_mhz),
        least_slack_cycles=told.least_slack_cycles,
        least_spare_stall_cycles=told.least_spare_stall_cycles,
        fullest=told.fullest,
        failing=told.failing,
        ppm=with_ppm(case),
        residual=with_residual(case),
        interval=with_interval(case),
    )


def case_of(build: Build, clock: ClockSpecification) -> Case:
    """Return what a build must hold on some clocks.

    Raises
    ------
    InputError
        When the build lacks what a bound needs, or never aligns clocks that must be aligned.
    """
    clock_mhz = read_clock_mhz(build)
    limits = Limits.of(clock, clock_mhz, in_hop=build.manifest.guard_in_hop)
    alignment = read_alignment(build, clock.shared_by.value)
    refuse_unaligned(build, alignment, clock)
    walk = read_walk(build, alignment, limits)
    timeline = read_timeline(build, alignment, limits, worst_rows(walk))
    stalls = read_stalls(build, alignment, clock, runs_cycles(build, walk.columns))
    aligned = not _outside(build, alignment) and _deskewed(build)
    full = fullest(build, alignment, walk, limits)
    return Case(build, alignment, walk, timeline, stalls, limits, clock_mhz, aligned, full)


def proved(case: Case) -> Proved:
    """Return what holds of a build on all clocks within its limits."""
    slack, spare = tightest(case.timeline, case.limits).slack_cycles, case.stalls.least_spare_cycles(case.limits)[0]
    holds = min(slack, spare) >= 0 and case.fullest.spare_vectors >= 0
    return Proved(
        least_slack_cycles=slack,
        least_spare_stall_cycles=spare,
        fullest=case.fullest,
        failing=None if holds else failing(case, 0),
    )


def refuse_unaligned(build: Build, alignment: Alignment, clock: ClockSpecification) -> None:
    """Refuse clocks that disagree unless they are aligned where a chip is in no tree, or a frame never aligns them.

    Raises
    ------
    InputError
    """
    if not needs_alignment(clock):
        return
    outside = _outside(build, alignment)
    if outside:
        problem = f"chip {outside[0]} is in no tree, so clocks of {clock.name} never agree; compile for this clock"
        raise InputError(build.chips.file, problem, key="hac_parent")
    never = np.setdiff1d(np.flatnonzero(build.frames.period_cycles > 0), build.deskews.frame)
    if len(never):
        problem = f"frame {never[0]} repeats without a deskew, and clocks of {clock.name} drift apart without end"
        raise InputError(build.frames.file, problem, key="period_cycles")


def _outside(build: Build, alignment: Alignment) -> list[int]:
    chips = sorted({chip for members in segment_chips(build) for chip in members})
    return [chip for chip in chips if alignment.tree.depth[chip] == NONE]


def _deskewed(build: Build) -> bool:
    return bool(np.isin(build.segments.frame, build.deskews.frame).all())


def _up(value: Fraction) -> float:
    return float(Fraction(-(-value.numerator * 10**DECIMALS // value.denominator), 10**DECIMALS))


def _down(value: Fraction) -> float:
    return float(Fraction(value.numerator * 10**DECIMALS // value.denominator, 10**DECIMALS))
