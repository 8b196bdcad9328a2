"""A build on the reference machine: clocks within a specification, all sessions, and what they showed."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np

from lpxsched.simulation.reference.chosen import drawn, prepare
from lpxsched.simulation.reference.counters import Counters, Exchange
from lpxsched.simulation.reference.machine import Machine
from lpxsched.simulation.reference.oscillator import FEMTOSECONDS_PER_US, PARTS, Drawn
from lpxsched.simulation.reference.outcome import Failure, Start
from lpxsched.simulation.reference.passes import Passes
from lpxsched.simulation.reference.program import program_of, sessions
from lpxsched.units import NEVER, NONE

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from lpxsched.clocks.specification import ClockSpecification
    from lpxsched.simulation.alignment import Alignment
    from lpxsched.simulation.reference.chosen import Chosen, Reference
    from lpxsched.simulation.reference.faults import Fault
    from lpxsched.simulation.reference.outcome import Event, Outcome
    from lpxsched.simulation.reference.program import Session, SessionActions
    from lpxsched.timetable.build import Build

# Room that a token needs within the epochs of a level beyond the latency: jitter, and clocks that run apart.
TOKEN_CYCLES = 35
# What ticks of a millionth of a cycle round, on both sides, stays below.
ROUNDING_FS = 100


def timetable_program(reference: Reference, session: Session) -> SessionActions:
    """Return what the rows of the timetable make nodes do in a session."""
    alignment = reference.alignment
    return program_of(reference.build, session, alignment.tree.parent, alignment.sender, reference.row_segments)


def run_session(reference: Reference, session: Session, chosen: Chosen, fault: Fault | None = None) -> Outcome:
    """Run one session of the timetable on chosen clocks."""
    return run_program(reference, session, timetable_program(reference, session), chosen, fault)


def run_program(
    reference: Reference,
    session: Session,
    program: SessionActions,
    chosen: Chosen,
    fault: Fault | None = None,
    seen: list[Event] | None = None,
) -> Outcome:
    """Run the program of a session on chosen clocks; where `seen` is a list, what happens goes there in order."""
    alignment = reference.alignment
    parents = _parents(alignment, program.actions)
    pick = fault.drawn if fault is not None else (lambda _, told: told)
    oscillators = {node: reference.wave.oscillator(pick(node, chosen.clocks.get(node, Drawn()))) for node in parents}
    depth = {node: max(0, int(alignment.tree.depth[node])) for node in parents if node < len(reference.build.chips)}
    exchange = _exchange(reference, session, parents, depth)
    counters = Counters(exchange, parents, oscillators, chosen.counter_jitter_fs, chosen.counters)
    # The root's counter is what its chip counts: so program time and true time begin together.
    for node in counters.locked:
        counters.correction[node] = 0
    counters.locked |= chosen.locked & parents.keys()
    if fault is not None:
        counters.calibration = {node: fault.calibration(node) for node in parents}
    passes = Passes(session.deskews, program.polling, chosen.void_passes, chosen.absent)
    machine = Machine(program, passes, oscillators, counters, depth, seen)
    machine.now_fs = chosen.since_fs
    start = _start(reference, session, counters, depth, chosen, passes.void)
    return machine.run(start, reference.wires, chosen.jitter_fs, fault)


def _parents(alignment: Alignment, actions: Mapping[int, object]) -> dict[int, int]:
    """Return the parent of every node that acts, or that passes alignment on to one."""
    parents: dict[int, int] = {}
    for node in actions:
        at = node
        while at not in parents:
            parent = int(alignment.tree.parent[at])
            parents[at] = at if parent == NONE else parent
            at = parents[at]
    return parents


def _exchange(reference: Reference, session: Session, parents: Mapping[int, int], depth: Mapping[int, int]) -> Exchange:
    clock, links = reference.clock, reference.build.links
    above = np.full(len(reference.build.chips), NONE, dtype=np.int64)
    fastest = np.full(len(above), NEVER, dtype=np.int64)
    for node, parent in parents.items():
        if node < len(above):
            above[node] = parent
    in_tree = np.flatnonzero(above[links.dst] == links.src)
    np.minimum.at(fastest, links.dst[in_tree], links.latency_cycles[in_tree])
    slowest = int(fastest[fastest < NEVER].max(initial=1))
    period, epochs = clock.hac_period_cycles.value, _epochs(reference, session, depth)
    # Where the build says how many epochs a level takes, counters see no more latency than fits.
    latency = min(slowest, epochs * period - TOKEN_CYCLES) if epochs else slowest
    return Exchange(
        period=period,
        every=clock.hac_exchange_cycles.value,
        step=clock.hac_step_cycles.value,
        latency_fs=int(latency * reference.wave.cycle_fs),
        measured=int(latency * (1 - reference.limits.slowdown) * PARTS),
    )


def _epochs(reference: Reference, session: Session, depth: Mapping[int, int]) -> int:
    """Return the epochs that a level takes to start: what a segment waits beyond one, over the levels."""
    levels = max(depth.values(), default=0)
    if session.polled or session.repeats or not levels:
        return 0
    return max(session.waiting_cycles // reference.clock.hac_period_cycles.value - 1, 0) // levels


def _start(
    reference: Reference, session: Session, counters: Counters, depth: Mapping[int, int], chosen: Chosen, void: int
) -> Start:
    """Return when a session begins: at a pass or epoch once all counters follow, of the chip of least depth.

    Rows come in the last pass that is void; where none is, in the pass or epoch before.
    """
    exchange, levels = counters.exchange, max(depth.values(), default=0)
    period, epochs = exchange.period, _epochs(reference, session, depth)
    settled = 0
    if counters.locked != counters.parents.keys():
        settled = (levels + 3) * 4 * (exchange.every + int(exchange.latency_fs / reference.wave.cycle_fs) + 1)
    apart = period * (max(session.waiting_cycles // period, 1) if session.polled else 1)
    root = min(depth, key=lambda node: (depth[node], node))
    now = counters.value_at(root, chosen.since_fs) // PARTS
    first = (now + settled) // apart + 2

    def time_fs(passes: float) -> int:
        return counters.oscillators[root].time_fs(int(passes * apart) * PARTS - counters.correction[root])

    event_fs = time_fs(first + void - 1 + chosen.event)
    boundary = first * apart
    return Start(
        event_fs, time_fs(first - 0.5) if void else event_fs, boundary + levels * epochs * period, boundary, epochs
    )


@dataclass(frozen=True, slots=True)
class ReferenceSummary:
    """What runs on the reference showed.

    Attributes
    ----------
    clock : str
    runs : int
    failures : tuple of Failure
        Of all runs, with the run before each.
    least_slack_cycles : float
    max_buffer_vectors : int
    observed_worst_ns : Fraction
        Of all runs the longest from the events to the last results of all segments on demand, one after the other.
    """

    clock: str
    runs: int
    failures: tuple[tuple[int, Failure], ...]
    least_slack_cycles: float
    max_buffer_vectors: int
    observed_worst_ns: Fraction

    @property
    def holds(self) -> bool:
        """Whether nothing failed."""
        return not self.failures

    def as_json(self) -> dict[str, Any]:
        """Return the numbers by the names that scripts rely on."""
        told = [{"run": run, **failure._asdict()} for run, failure in self.failures[:20]]
        return {
            "clock": self.clock,
            "reference": True,
            "trials": self.runs,
            "violations": len(self.failures),
            "least_slack_cycles": round(self.least_slack_cycles, 6),
            "max_buffer_vectors": self.max_buffer_vectors,
            "observed_worst_ns": round(float(self.observed_worst_ns), 6),
            "first_failure": told[0] if told else None,
            "failures": told,
        }


def run_reference(
    build: Build,
    clock: ClockSpecification | None = None,
    *,
    runs: int = 1,
    seed: int = 0,
    program: Callable[[Reference, Session], SessionActions] = timetable_program,
    follow: Callable[[int, Session, list[Event]], None] | None = None,
) -> ReferenceSummary:
    """Run all sessions of a build on the reference, one after the other, each run on clocks of its own.

    Parameters
    ----------
    build : Build
    clock : ClockSpecification, optional
        Instead of the build's own.
    runs, seed : int
    program : callable
        What nodes do in a session.
    follow : callable, optional
        Takes the number of a run, a session, and what happened in it, in the order of true time.
    """
    reference = prepare(build, clock)
    failures: list[tuple[int, Failure]] = []
    slack, fullest, longest = float("inf"), 0, 0
    for run in range(runs):
        chosen, total = drawn(reference, seed + run), 0
        for session in sessions(build):
            seen: list[Event] | None = None if follow is None else []
            outcome = run_program(reference, session, program(reference, session), chosen, seen=seen)
            if follow is not None and seen is not None:
                follow(run, session, seen)
            chosen = chosen.after(outcome)
            failures += [
                (run, failure) for failure in (*outcome.failures, *beyond_residuals(reference, session, outcome))
            ]
            fullest = max(fullest, outcome.fullest)
            slack = min(slack, min(slacks_cycles(reference, chosen, outcome).values(), default=slack))
            total += 0 if session.repeats else outcome.ended_fs - outcome.event_fs
        longest = max(longest, total)
    return ReferenceSummary(
        reference.clock.name, runs, tuple(failures), slack, fullest, Fraction(longest, FEMTOSECONDS_PER_US // 1000)
    )


def beyond_residuals(reference: Reference, session: Session, outcome: Outcome) -> list[Failure]:
    """Return the deskews after which a node is farther from its parent than the clock says: no chip notices it.

    Counters that follow too slowly, or by too few messages, make a residual that all else takes for granted untrue.
    """
    parent, deskews = reference.alignment.tree.parent, outcome.resumed
    most_fs = int(reference.limits.residual_cycles * reference.wave.cycle_fs) + ROUNDING_FS
    return [
        Failure("residual", node, float(session.deskews[deskew % len(session.deskews)][0]), NONE, deskew)
        for (deskew, node), (time_fs, _) in sorted(deskews.items())
        if deskew >= 0 and abs(time_fs - deskews.get((deskew, int(parent[node])), (time_fs, 0))[0]) > most_fs
    ]


def slacks_cycles(reference: Reference, chosen: Chosen, outcome: Outcome) -> dict[tuple[int, int], float]:
    """Return the slack of each vector in cycles of the receiver's mean rate."""
    rate = {
        to: float(reference.wave.rate(chosen.clocks.get(to, Drawn())) / reference.wave.cycle_fs)
        for to in {reference.wires[row].to for row, _ in outcome.slack_fs}
    }
    return {key: fs * rate[reference.wires[key[0]].to] for key, fs in outcome.slack_fs.items()}
