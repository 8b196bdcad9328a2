"""The judgement of a simulated build: late vectors, buffers, slack, and latency against its bound."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from itertools import islice
from math import ceil, floor
from typing import TYPE_CHECKING, Any

import numpy as np

from lpxsched.clocks.latency import nominal_ns
from lpxsched.simulation.bound.bound import case_of, proved
from lpxsched.simulation.bound.latency import latency_of
from lpxsched.simulation.egress import latency_cycles, read_egress, slowest_clocks
from lpxsched.simulation.manifest import read_clock, read_clock_mhz
from lpxsched.simulation.timeline import read_timeline, slots_to_chips
from lpxsched.simulation.trials.adversary import attacks
from lpxsched.simulation.trials.clocks import draw_clocks
from lpxsched.simulation.trials.kernel import columns_of, run_on
from lpxsched.simulation.trials.threads import side_by_side
from lpxsched.units import NONE, cycles_to_ns, exact, ns_to_cycles

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from lpxsched.clocks.specification import ClockSpecification
    from lpxsched.simulation.alignment import Alignment
    from lpxsched.simulation.bound.bound import Proved
    from lpxsched.simulation.egress import Egress
    from lpxsched.simulation.limits import Limits
    from lpxsched.simulation.trials.clocks import NodeClocks
    from lpxsched.simulation.trials.kernel import Seen, Slots
    from lpxsched.timetable.build import Build

DECIMALS = 6
# Latencies of runs are told rounded down to a picosecond, their bound up to one: far above what float64 rounds.
PICOSECONDS = 1000


@dataclass(frozen=True, slots=True)
class Failing:
    """The first failure: `late` or `overflow`, the trial (-1: the adversary), row of the timetable, and vector."""

    what: str
    trial: int
    slot: int
    vector: int


@dataclass(frozen=True, slots=True)
class Summary:
    """What trials and the adversary found.

    Attributes
    ----------
    clock : str
    trials, attacks : int
        Random trials, and runs of the adversary, which come on top.
    violations : int
        Pairs of a run and a slot with a late vector.
    overflows : int
        Vectors that found their buffer full, over all runs.
    first : Failing or None
    least_slack_cycles, random_slack_cycles : float
        Least slack that any run showed, and any random one.
    proved : Proved
        What no run can fall short of.
    observed_worst_ns, nominal_ns, bound_ns : Fraction
        Latency of one token in the fabric, nothing outside of it: longest of all runs, down to a picosecond, on
        perfect clocks without waiting, and proven, up to a picosecond.
    random_worst_ns : Fraction
        Longest latency of the random runs.
    waiting_ns : Fraction
        The most of the latency, on perfect clocks, that passes before segments begin.
    """

    clock: str
    trials: int
    attacks: int
    violations: int
    overflows: int
    first: Failing | None
    least_slack_cycles: float
    random_slack_cycles: float
    proved: Proved
    observed_worst_ns: Fraction
    random_worst_ns: Fraction
    nominal_ns: Fraction
    bound_ns: Fraction
    waiting_ns: Fraction

    @property
    def holds(self) -> bool:
        """Whether no vector was late or without room, and none can be, nor a stall too short to align clocks."""
        return self.violations == self.overflows == 0 and self.proved.holds

    @property
    def tightness(self) -> float | None:
        """How much of the allowance above the nominal latency was observed; None where that is below a picosecond."""
        allowance = self.bound_ns - self.nominal_ns
        if allowance * PICOSECONDS < 1:
            return None
        return float((self.observed_worst_ns - self.nominal_ns) / allowance)

    def as_json(self) -> dict[str, Any]:
        """Return the numbers rounded to six decimals, by the names that scripts rely on."""
        first = self.first
        return {
            "clock": self.clock,
            "trials": self.trials,
            "attacks": self.attacks,
            "violations": self.violations,
            "overflows": self.overflows,
            "first_failure": first
            and {"what": first.what, "trial": first.trial, "slot": first.slot, "vector": first.vector},
            "least_slack_cycles": _rounded(self.least_slack_cycles),
            "random_slack_cycles": _rounded(self.random_slack_cycles),
            "max_buffer_vectors": self.proved.fullest.vectors,
            **proved_json(self.proved),
            "observed_worst_ns": _rounded(self.observed_worst_ns),
            "random_worst_ns": _rounded(self.random_worst_ns),
            "nominal_ns": _rounded(self.nominal_ns),
            "waiting_ns": _rounded(self.waiting_ns),
            "bound_ns": _rounded(self.bound_ns),
            "tightness": None if self.tightness is None else _rounded(self.tightness),
        }


def proved_json(proved: Proved) -> dict[str, Any]:
    """Return what is proved for all clocks, beside what runs showed."""
    return {
        "proven_slack_cycles": _rounded(proved.least_slack_cycles),
        "proven_spare_stall_cycles": _rounded(proved.least_spare_stall_cycles),
        "proven_failure": proved.failing,
    }


def _rounded(value: float | Fraction) -> float:
    """Return a number with six decimals; no minus zero."""
    return round(float(value), DECIMALS) + 0.0


@dataclass(slots=True)
class _Tally:
    """What runs add up to."""

    late: int = 0
    overflows: int = 0
    slack: float = float("inf")
    first: Failing | None = None

    def add(self, trial: int, seen: Seen) -> None:
        self.late += int(seen.late[0])
        self.overflows += int(seen.overflows[0])
        self.slack = min(self.slack, float(seen.least[0]))
        for what, place in (("late", 0), ("overflow", 2)):
            if self.first is None and seen.first[place] != NONE:
                self.first = Failing(what, trial, int(seen.first[place]), int(seen.first[place + 1]))


def _drawn(
    slots: Slots, alignment: Alignment, limits: Limits, egress: Egress, *, deviation_cycles: float, seed: int
) -> Iterator[Callable[[], tuple[Seen, float]]]:
    """Yield random runs, which tell what happens to vectors and the latency in cycles; any thread may do them."""
    generator = np.random.Generator(np.random.PCG64(seed))

    def run(clocks: NodeClocks, number: int, parts: NDArray[np.float64]) -> tuple[Seen, float]:
        seen = run_on(slots, clocks, limits, deviation_cycles=deviation_cycles, seed=number)
        return seen, latency_cycles(egress, clocks, limits, parts)

    while True:
        clocks, number = draw_clocks(generator, alignment, limits), int(generator.integers(2**62))
        yield partial(run, clocks, number, generator.random(len(egress.node)))


def simulate(build: Build, clock: ClockSpecification | None = None, *, trials: int, seed: int) -> Summary:
    """Return what random clocks and an adversary do to a build, on its own clock or on another.

    Raises
    ------
    InputError
        When the build lacks what a run needs, and as `case_of`.
    """
    specification, clock_mhz = clock or read_clock(build), read_clock_mhz(build)
    case = case_of(build, specification)
    alignment, limits = case.alignment, case.limits
    timeline, egress = read_timeline(build, alignment, limits, slots_to_chips(build)), read_egress(build, alignment)
    slots = columns_of(build, timeline)
    deviation = float(ns_to_cycles(exact(specification.jitter_deviation_ns.value), clock_mhz))
    tally, longest = _Tally(), 0.0
    drawn = _drawn(slots, alignment, limits, egress, deviation_cycles=deviation, seed=seed)
    for trial, (seen, latency) in enumerate(side_by_side(islice(drawn, trials))):
        tally.add(trial, seen)
        longest = max(longest, latency)
    random_slack, random_longest = tally.slack, longest
    worst = partial(run_on, slots, limits=limits, deviation_cycles=0.0, seed=0, part=1.0)
    attacked = 0
    for seen in side_by_side(partial(worst, clocks=clocks) for clocks in attacks(timeline, alignment, limits)):
        attacked += 1
        tally.add(NONE, seen)
    slowest = slowest_clocks(egress, alignment, limits)
    longest = max(longest, latency_cycles(egress, slowest, limits, np.ones(len(egress.node))))
    return Summary(
        clock=specification.name,
        trials=trials,
        attacks=attacked,
        violations=tally.late,
        overflows=tally.overflows,
        first=tally.first,
        least_slack_cycles=tally.slack,
        random_slack_cycles=random_slack,
        proved=proved(case),
        observed_worst_ns=_down_ns(longest, clock_mhz),
        random_worst_ns=_down_ns(random_longest, clock_mhz),
        nominal_ns=nominal_ns(clock_mhz, makespan_cycles=build.segments.makespan_cycles),
        bound_ns=_up(latency_of(build, alignment, specification, clock_mhz).step_ns),
        waiting_ns=cycles_to_ns(int(build.segments.waiting_cycles.sum()), clock_mhz),
    )


def _up(time_ns: Fraction) -> Fraction:
    return Fraction(ceil(time_ns * PICOSECONDS), PICOSECONDS)


def _down_ns(cycles: float, clock_mhz: Fraction) -> Fraction:
    return Fraction(floor(cycles_to_ns(Fraction(cycles), clock_mhz) * PICOSECONDS), PICOSECONDS)
