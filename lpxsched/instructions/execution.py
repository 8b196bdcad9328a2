"""Programs on the reference machine, with numbers: what is sent, received and computed goes through addresses alone.

Of a build only the fabric, its clocks, the functions of the layer graph and where they run are used, not a time or a
tensor of its timetable.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np

from lpxsched.instructions.control import waiting_faults, with_deskews
from lpxsched.instructions.homes import misplaced
from lpxsched.instructions.memory import Memory, Rounds
from lpxsched.instructions.soundness import unsound
from lpxsched.instructions.tape import tape_of
from lpxsched.simulation.reference.program import SessionActions, in_order
from lpxsched.simulation.reference.run import run_reference
from lpxsched.verify.replay.model import model_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lpxsched.clocks.specification import ClockSpecification
    from lpxsched.instructions.streams import NodeProgram
    from lpxsched.instructions.tape import Tape
    from lpxsched.simulation.reference.chosen import Reference
    from lpxsched.simulation.reference.outcome import Event
    from lpxsched.simulation.reference.program import Session
    from lpxsched.simulation.reference.run import ReferenceSummary
    from lpxsched.timetable.build import Build

MOST_FAULTS = 100


@dataclass(frozen=True, slots=True)
class Executed:
    """What runs of programs showed.

    Attributes
    ----------
    summary : ReferenceSummary or None
        What the machine showed; None where unsound programs were not run.
    compared, mismatches : int
        Vectors that operators read, and those that are not what a dense run gives.
    faults : tuple of str
        The first failures of the machine and mismatches, and what is wrong whatever the numbers.
    """

    summary: ReferenceSummary | None
    compared: int
    mismatches: int
    faults: tuple[str, ...]

    @property
    def failures(self) -> int:
        """Vectors that were not there when they were received, buffers that overflowed, and the like."""
        return len(self.summary.failures) if self.summary is not None else 0

    @property
    def ok(self) -> bool:
        """Whether something was compared and nothing went wrong."""
        return bool(self.compared) and not self.mismatches and not self.failures and not self.faults

    def as_json(self) -> dict[str, Any]:
        """Return what numbers showed, by the names that scripts rely on."""
        return {
            "ok": self.ok,
            "compared": self.compared,
            "mismatches": self.mismatches,
            "faults": list(self.faults),
        }


def execute(
    build: Build,
    programs: Sequence[NodeProgram],
    clock: ClockSpecification | None = None,
    *,
    runs: int = 1,
    seed: int = 0,
) -> Executed:
    """Run programs on clocks within a specification; unsound ones are told and not run.

    Parameters
    ----------
    build : Build
        For its fabric, clocks, graph, partition, and when segments begin and end.
    programs : sequence of NodeProgram
    clock : ClockSpecification, optional
        Instead of the build's own.
    runs : int
        Each on clocks of its own, with the same numbers.
    seed : int
        Clocks and numbers follow from it.
    """
    if wrong := _not_to_run(build, programs):
        return Executed(None, 0, 0, tuple(wrong))
    build, _ = with_deskews(build, programs)
    model = model_of(build, seed)
    rounds, memories = Rounds(model, seed), list[Memory]()
    tapes: dict[Session, Tape] = {}

    def program(reference: Reference, session: Session) -> SessionActions:
        if session not in tapes:
            tapes[session] = tape_of(build, reference, programs, session)
            in_order(session, tapes[session].actions, reference.alignment.tree.parent)
        tape = tapes[session]
        return SessionActions(tape.actions, np.array(sorted(tape.transfers)))

    def follow(run: int, session: Session, events: list[Event]) -> None:
        if run == len(memories):
            memories.append(Memory(build, model, seed))
        memories[run].follow(session, tapes[session], events, rounds)

    summary = run_reference(build, clock, runs=runs, seed=seed, program=program, follow=follow)
    faults = [fault for tape in tapes.values() for fault in tape.faults]
    faults += [f"{fail.kind} at node {fail.node} in cycle {fail.cycle:.0f}" for _, fail in summary.failures]
    faults += [fault for memory in memories for fault in memory.faults]
    compared, mismatches = (sum(getattr(memory, name) for memory in memories) for name in ("compared", "mismatches"))
    return Executed(summary, compared, mismatches, tuple(faults[:MOST_FAULTS]))


def _not_to_run(build: Build, programs: Sequence[NodeProgram]) -> list[str]:
    """Return why programs are not run; what is looked at later takes for granted what comes before."""
    for faults in (unsound(build, programs), misplaced(build, programs)):
        if wrong := list(islice(faults, MOST_FAULTS)):
            return wrong
    return [*with_deskews(build, programs)[1], *waiting_faults(programs)][:MOST_FAULTS]
