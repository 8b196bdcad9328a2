"""The discipline of a build in flight on all kinds of delays, as reserved, and in order of arrival beside it."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np

from lpxsched.errors import InputError
from lpxsched.simulation.frames import ALL_DELAYS, Discipline, Run, run_frames
from lpxsched.units import cycles_to_ns
from lpxsched.verify.outside import LEAST, MOST, Outside, outside_of
from lpxsched.verify.reservations import chain_of, in_flight, stage_cycles

if TYPE_CHECKING:
    from lpxsched.timetable.build import Build

STEPS = 6
ORDERS = {True: "reserved", False: "order of arrival"}


@dataclass(frozen=True, slots=True)
class FramesSummary:
    """What runs of a discipline showed.

    Attributes
    ----------
    plan : Discipline
    runs : dict of Run
        By delays and whether reservations count.
    clock_mhz : Fraction
    """

    plan: Discipline
    runs: dict[tuple[str, bool], Run]
    clock_mhz: Fraction

    @property
    def holds(self) -> bool:
        """Whether nobody started after his reservation, and no step exceeded N P and the lead with which it began."""
        return all(not run.late and not run.excess for (_, in_order), run in self.runs.items() if in_order)

    def as_json(self) -> dict[str, Any]:
        """Return the figures by the names that scripts rely on."""
        return {
            "micro_batches": len(self.plan.residues),
            "period_cycles": self.plan.period,
            "windows": self.plan.windows,
            "longest_step_ns": self._ns(self.plan.step),
            "holds": self.holds,
            "runs": [
                {
                    "delays": delays,
                    "order": ORDERS[in_order],
                    "late": run.late,
                    "latest_ns": self._ns(run.latest),
                    "worst_step_ns": self._ns(run.worst_step),
                    "mean_step_ns": self._ns(run.mean_step),
                }
                for (delays, in_order), run in self.runs.items()
            ],
        }

    def _ns(self, cycles: float) -> float:
        return round(float(cycles_to_ns(Fraction(cycles), self.clock_mhz)), 3)


def simulate_frames(build: Build, *, seed: int) -> FramesSummary:
    """Return what a build in flight shows under each kind of delays.

    Raises
    ------
    InputError
        When one micro-batch is in flight only, or the build does not say what is reserved.
    """
    plan, runs = discipline_of(build), dict[tuple[str, bool], Run]()
    for delays in ALL_DELAYS:
        for in_order in ORDERS:
            runs[delays, in_order] = run_frames(plan, delays, steps=STEPS, seed=seed, in_order=in_order)
    return FramesSummary(plan, runs, Fraction(build.manifest.clock_mhz))


def discipline_of(build: Build) -> Discipline:
    """Return what a build reserves, derived as the checker does.

    Raises
    ------
    InputError
    """
    outside = outside_of(build) if in_flight(build) > 1 else "layers run on demand: compile with --in-flight 2 or more"
    if not isinstance(outside, Outside):
        raise InputError("manifest.json", outside, key="in_flight")
    chain, results = chain_of(build), build.manifest.results
    most = np.stack(stage_cycles(build, outside, MOST), axis=1)
    ends = chain.leaves + most.sum(axis=1)
    later = np.append(chain.start[1:] - chain.waits[1:], chain.start[0] + chain.windows * chain.period - chain.waits[0])
    # What a layer in another domain waits at most belongs to the way there.
    most[:, 2] += later - ends
    return Discipline(
        chain.period,
        chain.windows,
        chain.start,
        chain.leaves - chain.start,
        np.minimum(np.stack(stage_cycles(build, outside, LEAST), axis=1), most),
        most,
        np.array(results["residues"], dtype=np.int64),
        np.array(results.get("servers", range(len(results["residues"]))), dtype=np.int64),
    )
