"""The judgement of a simulated build: late vectors, slack, and latency against its bound."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np

from lpxsched.clocks.guard import PARTS_PER_MILLION
from lpxsched.clocks.latency import arrival_ns, nominal_ns, segment_levels, worst_case_ns
from lpxsched.clocks.tree import needs_alignment
from lpxsched.errors import InputError
from lpxsched.simulation.adversary import earliest_arrivals, latest_arrivals
from lpxsched.simulation.alignment import read_alignment
from lpxsched.simulation.buffers import most_waiting
from lpxsched.simulation.egress import read_egress, segment_chips, worst_latency_cycles
from lpxsched.simulation.manifest import (
    read_clock,
    read_clock_mhz,
    read_proved_worst_ns,
)
from lpxsched.simulation.margin import proven_slack_cycles
from lpxsched.simulation.monte_carlo import run_trials
from lpxsched.simulation.propagation import Limits
from lpxsched.simulation.timeline import read_timeline
from lpxsched.units import NONE, cycles_to_ns, exact

if TYPE_CHECKING:
    from collections.abc import Iterable

    from lpxsched.clocks.specification import ClockSpecification
    from lpxsched.simulation.alignment import Alignment
    from lpxsched.simulation.egress import Egress
    from lpxsched.simulation.monte_carlo import Observation
    from lpxsched.simulation.propagation import Floats
    from lpxsched.timetable.build import Build

TOLERANCE_CYCLES = 1e-6
DECIMALS = 6


@dataclass(frozen=True, slots=True)
class Summary:
    """What trials and the adversary found.

    Attributes
    ----------
    clock : str
    trials : int
        Random trials; the adversary's run comes on top.
    violations : int
        Pairs of a run and a slot with a late vector.
    least_slack_cycles, proven_slack_cycles : float, Fraction
        Least slack that any run showed, and that no run can fall short of.
    random_slack_cycles : float
        Least slack that a random run showed.
    max_buffer_vectors : int
        Most vectors that wait on one link.
    observed_worst_ns, nominal_ns, bound_ns : Fraction
        Latency of one token in the fabric, nothing outside of it: longest of all runs, on perfect clocks without
        waiting, and proven.
    random_worst_ns : Fraction
        Longest latency of the random runs.
    waiting_ns : Fraction
        The most of the latency, on perfect clocks, that passes before segments begin.
    """

    clock: str
    trials: int
    violations: int
    least_slack_cycles: float
    proven_slack_cycles: Fraction
    random_slack_cycles: float
    max_buffer_vectors: int
    observed_worst_ns: Fraction
    random_worst_ns: Fraction
    nominal_ns: Fraction
    bound_ns: Fraction
    waiting_ns: Fraction

    @property
    def holds(self) -> bool:
        """Whether no vector was late and none can be."""
        return self.violations == 0 and self.proven_slack_cycles >= 0

    @property
    def tightness(self) -> float | None:
        """How much of the allowance above the nominal latency was observed; None without an allowance."""
        allowance = self.bound_ns - self.nominal_ns
        if round(float(allowance), DECIMALS) == 0:
            return None
        return float((self.observed_worst_ns - self.nominal_ns) / allowance)

    def as_json(self) -> dict[str, Any]:
        """Return the numbers rounded to six decimals, by the names that scripts rely on."""
        return {
            "clock": self.clock,
            "trials": self.trials,
            "violations": self.violations,
            "least_slack_cycles": _rounded(self.least_slack_cycles),
            "proven_slack_cycles": _rounded(self.proven_slack_cycles),
            "random_slack_cycles": _rounded(self.random_slack_cycles),
            "max_buffer_vectors": self.max_buffer_vectors,
            "observed_worst_ns": _rounded(self.observed_worst_ns),
            "random_worst_ns": _rounded(self.random_worst_ns),
            "nominal_ns": _rounded(self.nominal_ns),
            "waiting_ns": _rounded(self.waiting_ns),
            "bound_ns": _rounded(self.bound_ns),
            "tightness": None if self.tightness is None else _rounded(self.tightness),
        }


def _rounded(value: float | Fraction) -> float:
    # Adding zero turns -0.0 into 0.0.
    return round(float(value), DECIMALS) + 0.0


def simulate(build: Build, clock: ClockSpecification | None = None, *, trials: int, seed: int) -> Summary:
    """Run a build on random clocks and against an adversary.

    Parameters
    ----------
    build : Build
    clock : ClockSpecification, optional
        Instead of the clock for which the build was made.
    trials, seed : int

    Raises
    ------
    InputError
        When a frame repeats on clocks that it never aligns, or the build contradicts itself in what is needed.
    """
    clock_mhz, specification = read_clock_mhz(build), clock or read_clock(build)
    limits = Limits.of(specification, clock_mhz, in_hop=build.manifest.guard_in_hop)
    alignment = read_alignment(build)
    timeline, egress = read_timeline(build, alignment), read_egress(build, alignment)
    _refuse_unaligned(build, alignment, specification)
    worst_slack = latest_arrivals(timeline, limits).min(axis=0)
    observations = run_trials(timeline, egress, alignment, limits, trials=trials, seed=seed)
    random_slack, late, longest = _judge(observations)
    # The adversary's latency stays exact, so that rounding never lifts it above the bound that it attains.
    longest_cycles = max(Fraction(longest), worst_latency_cycles(egress, limits))
    return Summary(
        clock=specification.name,
        trials=trials,
        violations=late + _late(worst_slack),
        least_slack_cycles=min(random_slack, float(worst_slack.min())),
        proven_slack_cycles=proven_slack_cycles(timeline, limits),
        random_slack_cycles=random_slack,
        max_buffer_vectors=most_waiting(build, timeline, earliest_arrivals(timeline, limits)),
        observed_worst_ns=cycles_to_ns(longest_cycles, clock_mhz),
        random_worst_ns=cycles_to_ns(Fraction(longest), clock_mhz),
        nominal_ns=nominal_ns(clock_mhz, makespan_cycles=build.segments.makespan_cycles),
        bound_ns=_bound_ns(build, alignment, specification, egress),
        waiting_ns=cycles_to_ns(int(build.segments.waiting_cycles.sum()), clock_mhz),
    )


def _judge(trials: Iterable[Observation]) -> tuple[float, int, float]:
    """Return least slack, late slots and longest latency of the random runs."""
    least_slack, violations, longest = float("inf"), 0, 0.0
    for trial in trials:
        least_slack = min(least_slack, float(trial.slack_cycles.min()))
        violations += _late(trial.slack_cycles)
        longest = max(longest, float(trial.latency_cycles.max()))
    return least_slack, violations, longest


def _late(slack_cycles: Floats) -> int:
    return int(np.count_nonzero(slack_cycles < -TOLERANCE_CYCLES))


def _refuse_unaligned(build: Build, alignment: Alignment, clock: ClockSpecification) -> None:
    """Refuse clocks that disagree unless they are aligned where a chip is in no tree, or a frame never aligns them."""
    chips = sorted({chip for members in segment_chips(build) for chip in members})
    outside = [chip for chip in chips if alignment.tree.depth[chip] == NONE]
    if outside and needs_alignment(clock):
        problem = f"chip {outside[0]} is in no tree, so clocks of {clock.name} never agree; compile for this clock"
        raise InputError(build.chips.file, problem, key="hac_parent")
    never = np.setdiff1d(np.flatnonzero(build.frames.period_cycles > 0), build.deskews.frame)
    if len(never) and needs_alignment(clock):
        problem = f"frame {never[0]} repeats without a deskew, and clocks of {clock.name} drift apart without end"
        raise InputError(build.frames.file, problem, key="period_cycles")


def _bound_ns(build: Build, alignment: Alignment, clock: ClockSpecification, egress: Egress) -> Fraction:
    """Return the manifest's bound on the latency; for another clock, and for a collective, that of the clock."""
    written = read_proved_worst_ns(build) if clock == read_clock(build) else None
    if written is not None:
        return written
    counts = np.bincount(alignment.segment, minlength=len(build.segments)).tolist()
    levels = [
        segment_levels(alignment.tree, chips, deskews=deskews)
        for chips, deskews in zip(segment_chips(build), counts, strict=True)
    ]
    windows = build.graph.windows()
    arrivals = int(np.array(windows)[np.unique(egress.segment[egress.arrives])].sum())
    clock_mhz, rho = read_clock_mhz(build), exact(clock.offset_ppm.value) / PARTS_PER_MILLION
    since = int((np.maximum(-alignment.end_cycle[alignment.first], 0) * windows).sum())
    drift_ns = cycles_to_ns(since * (1 / (1 - rho) - 1 / (1 + rho)), clock_mhz)
    return drift_ns + worst_case_ns(
        clock,
        clock_mhz,
        waiting_cycles=np.repeat(build.segments.waiting_cycles, windows),
        makespan_cycles=np.repeat(build.segments.makespan_cycles, windows),
        levels=np.repeat(levels, windows),
        arrivals_ns=arrivals * arrival_ns(clock, clock_mhz, in_hop=build.manifest.guard_in_hop),
    )
