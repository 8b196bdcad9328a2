"""What ``lpxsched contend`` tells: tails of steps and layers, what they are made of, and the timetable beside them."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from lpxsched.contention.network import PS_PER_NS
from lpxsched.contention.quantiles import QUANTILES, interval_of, observed_quantile
from lpxsched.contention.runtime import BETTER, WORSE, read_runtime, runtime_of
from lpxsched.contention.steps import contended_steps
from lpxsched.files.schema import assumed_values
from lpxsched.simulation.alignment import read_alignment
from lpxsched.simulation.bound.latency import latency_of
from lpxsched.simulation.manifest import read_clock, read_clock_mhz
from lpxsched.units import cycles_to_ns

if TYPE_CHECKING:
    from fractions import Fraction

    from numpy.typing import NDArray

    from lpxsched.compiled.kernels import Integers
    from lpxsched.contention.runtime import RuntimeFile
    from lpxsched.contention.steps import Contended
    from lpxsched.options import ContendOptions
    from lpxsched.timetable.build import Build

PART_NAMES = ("operators and wires", "start-up", "barrier", "queueing")
DECIMALS = 3
# The manifest's own.
TOLD = ("proved_worst_ns", "assumed_ns", "assumed_low_ns", "assumed_high_ns", "assumed_parts_ns")
# Steps at the ends of the ranges, of those that were asked for, and at least.
ENDS_SHARE, LEAST_AT_ENDS = 5, 20
NOT_MODELLED = (
    "limits of buffers and back pressure",
    "time for routing and arbitration in a chip",
    "lost packets",
)
# Of micro-batches in flight.
PORTS = "ports of hosts that rows of other micro-batches hold"


class Timetable(NamedTuple):
    """What segments of the same build take one after the other: nominal and, proved and rounded up, at worst.

    On demand that is the step within the fabric; micro-batches in flight wait for their windows besides.
    """

    nominal_ns: float
    segments_worst_ns: float


@dataclass(frozen=True, slots=True, eq=False)
class Contention:
    """What steps showed, and the timetable.

    Attributes
    ----------
    options : ContendOptions
    runtime : RuntimeFile
    shown : Contended
    ends : dict of Contended
        The same with what is assumed of software and headers at its better and its worse ends, in fewer steps.
    step, longest_segment : Timetable
        Of a step, and the longest of a segment.
    results : dict
        Those of the manifest.
    """

    options: ContendOptions
    runtime: RuntimeFile
    shown: Contended
    ends: dict[str, Contended]
    step: Timetable
    longest_segment: Timetable
    results: dict[str, Any]

    @property
    def steps_ns(self) -> NDArray[np.float64]:
        """How long each step took."""
        return _in_ns(self.shown.step_ps)

    def parts_ns(self, *, slowest: bool = False) -> dict[str, float]:
        """Return the mean parts of all steps, or of those that take as long as the 99th percentile or longer."""
        total = self.shown.step_ps
        least = observed_quantile(total, QUANTILES["p99_ns"]) if slowest else 0
        parts = self.shown.parts_ps.sum(axis=1)[total >= least].mean(axis=0) / PS_PER_NS
        rest = total[total >= least].mean() / PS_PER_NS - parts.sum()
        return dict(zip(PART_NAMES, (_rounded(part) for part in (rest, *parts)), strict=True))

    def as_json(self) -> dict[str, Any]:
        """Return the figures by the names that scripts rely on; times in ns."""
        ports = [PORTS] if len(self.shown.round_ps) else []
        told = {key: self.results[key] for key in TOLD if key in self.results}
        return {
            **self.options.model_dump(),
            **quantiles_ns(self.shown.step_ps),
            # Steps of micro-batches in flight follow each other, and are not independent.
            "intervals": {} if len(self.shown.round_ps) else _intervals_ns(self.shown.step_ps),
            "mean_ns": _rounded(self.steps_ns.mean()),
            "parts": self.parts_ns(),
            "parts_p99": self.parts_ns(slowest=True),
            "nominal_ns": _rounded(self.step.nominal_ns),
            "segments_worst_ns": self.step.segments_worst_ns,
            "segment": {
                **quantiles_ns(self.shown.segment_ps.reshape(-1)),
                "nominal_ns": _rounded(self.longest_segment.nominal_ns),
                "segments_worst_ns": self.longest_segment.segments_worst_ns,
            },
            "ends": {name: quantiles_ns(end.step_ps) for name, end in self.ends.items()},
            **told,
            **self._in_flight(),
            "assumptions": assumed_values(self.runtime.model_dump(), "runtime"),
            "not_modelled": [*NOT_MODELLED, *ports, *self.results.get("not_modelled", [])],
        }

    def _in_flight(self) -> dict[str, Any]:
        """Return what whole steps of micro-batches in flight take, what lies outside included; nothing of one alone."""
        if not len(self.shown.round_ps):
            return {}
        told = {name: self.results[name] for name in ("in_flight", "step_ns", "longest_step_ns")}
        return {**told, "round": quantiles_ns(self.shown.round_ps)}


def contention_of(build: Build, options: ContendOptions) -> Contention:
    """Return what steps of a build show with run-time arbitration, beside its timetable.

    Raises
    ------
    InputError
    """
    runtime = read_runtime(options.runtime)
    fewer = options.model_copy(update={"steps": min(options.steps, max(LEAST_AT_ENDS, options.steps // ENDS_SHARE))})
    shown = contended_steps(build, options, runtime_of(runtime))
    ends = {
        name: contended_steps(build, fewer, runtime_of(runtime, end))
        for name, end in (("low", BETTER), ("high", WORSE))
    }
    clock, clock_mhz = read_clock(build), read_clock_mhz(build)
    worst = latency_of(build, read_alignment(build, clock.shared_by.value), clock, clock_mhz)
    makespans = build.segments.makespan_cycles
    return Contention(
        options,
        runtime,
        shown,
        ends,
        Timetable(float(cycles_to_ns(int(makespans.sum()), clock_mhz)), _up(worst.step_ns)),
        Timetable(float(cycles_to_ns(int(makespans.max()), clock_mhz)), _up(max(worst.segments_ns))),
        build.manifest.results,
    )


def quantiles_ns(times_ps: Integers) -> dict[str, float]:
    """Return median, tails and the largest of some times, in ns."""
    return {name: _rounded(observed_quantile(times_ps, part) / PS_PER_NS) for name, part in QUANTILES.items()}


def _intervals_ns(times_ps: Integers) -> dict[str, list[float | None]]:
    """Return between what median and tails lie, with a probability of 95 %, in ns."""
    return {
        name: [None if end is None else _rounded(end / PS_PER_NS) for end in interval_of(times_ps, part)]
        for name, part in QUANTILES.items()
        if part < 1
    }


def _in_ns(times_ps: Integers) -> NDArray[np.float64]:
    return np.asarray(times_ps / PS_PER_NS)


def _up(time_ns: Fraction) -> float:
    scale = 10**DECIMALS
    return float(ceil(time_ns * scale) / scale)


def _rounded(time_ns: float) -> float:
    return round(float(time_ns), DECIMALS) + 0.0
