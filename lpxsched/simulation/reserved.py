"""The discipline of a build in flight on all kinds of delays, as reserved, and in order of arrival beside it."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np

from lpxsched.errors import InputError
from lpxsched.simulation.discipline import Discipline
from lpxsched.simulation.frames import ALL_DELAYS, Run, run_frames
from lpxsched.simulation.ports import INTO, OUT_OF, Port, binding_ports
from lpxsched.units import ceil_cycles, cycles_to_ns, exact, ns_to_cycles
from lpxsched.verify.outside import LEAST, MOST, Outside, outside_of
from lpxsched.verify.reservations import chain_of, in_flight, outside_cycles, stage_cycles

if TYPE_CHECKING:
    from lpxsched.timetable.build import Build
    from lpxsched.timetable.columns import Integers

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
    most, least = (np.stack(stage_cycles(build, outside, end), axis=1) for end in (MOST, LEAST))
    ports = _ports(build, outside, least)
    # What is left of each hand-over beside its time on ports is the way.
    on_ports = {side: [port.most for port in ports if port.side == side] for side in (OUT_OF, INTO)}
    before = max((int(one.max()) for one in on_ports[INTO]), default=0)
    ends = chain.leaves + most.sum(axis=1)
    later = np.append(chain.start[1:] - chain.waits[1:], chain.start[0] + chain.windows * chain.period - chain.waits[0])
    most[:, 0] -= np.max(on_ports[OUT_OF], axis=0) if on_ports[OUT_OF] else 0
    # What a layer in another domain waits at most belongs to the way there.
    most[:, 2] += later - ends - before
    least[:, [0, 2]] = _way_cycles(build, LEAST)
    return Discipline(
        chain.period,
        chain.windows,
        chain.start,
        chain.leaves - chain.start,
        np.minimum(least, most),
        most,
        np.array(results["residues"], dtype=np.int64),
        np.array(results.get("servers", range(len(results["residues"]))), dtype=np.int64),
        binding_ports(ports),
        tuple(frozenset(build.frames.gaps[frame].tolist()) for frame in build.segments.frame.tolist()),
    )


def _ports(build: Build, outside: Outside, least: Integers) -> list[Port]:
    """Return both sides of the ports of all hosts; at best rows keep one for what the least hand-over leaves."""
    layers, way = len(outside.ports), _way_cycles(build, LEAST)
    best = {INTO: np.roll(least[:, 2], 1) - way, OUT_OF: least[:, 0] - way}
    hosts = sorted({host for of_layer in outside.ports for host in of_layer})
    found = []
    for host in hosts:
        for side in (INTO, OUT_OF):
            times = [outside.ports[layer].get(host, (Fraction(0), Fraction(0)))[side] for layer in range(layers)]
            most = np.array([outside_cycles(build, time) for time in times], dtype=np.int64)
            found.append(Port(side, np.clip(best[side], 0, most), most))
    return found


def _way_cycles(build: Build, end: int) -> int:
    """Return the one-way time without that of the bytes, in cycles of a perfect clock; 0 where nothing is outside."""
    told = build.manifest.outside.get("handover", {}).get("one_way_ns", {"value": 0})
    time_ns = (told["value"], *(told.get("range") or (told["value"], told["value"])))[end]
    return ceil_cycles(ns_to_cycles(exact(time_ns), Fraction(build.manifest.clock_mhz)))
