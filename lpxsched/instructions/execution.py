"""Programs on the reference machine, with numbers: what is sent, received and computed goes through addresses alone.

Of a build only the fabric, its clocks and the functions of the layer graph are used, not a time or a tensor of its
timetable.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np

from lpxsched.instructions.control import parked, with_deskews
from lpxsched.instructions.memory import Memory, Rounds
from lpxsched.instructions.soundness import unsound
from lpxsched.instructions.tape import tape_of
from lpxsched.simulation.reference.chosen import drawn, prepare
from lpxsched.simulation.reference.program import Program, in_order, sessions
from lpxsched.simulation.reference.run import run_program
from lpxsched.verify.replay.model import model_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lpxsched.instructions.streams import NodeProgram
    from lpxsched.simulation.reference.outcome import Event
    from lpxsched.timetable.build import Build

MOST_FAULTS = 100


@dataclass(frozen=True, slots=True)
class Executed:
    """What a run of programs showed.

    Attributes
    ----------
    compared, mismatches : int
        Vectors that operators read, and those that are not what a dense run gives.
    failures : int
        Vectors that were not there when they were received, buffers that overflowed, and the like.
    faults : tuple of str
        The first of both, and what is wrong whatever the numbers.
    """

    compared: int
    mismatches: int
    failures: int
    faults: tuple[str, ...]

    @property
    def ok(self) -> bool:
        """Whether something was compared and nothing went wrong."""
        return bool(self.compared) and not self.mismatches and not self.failures and not self.faults


def execute(build: Build, programs: Sequence[NodeProgram], *, seed: int = 0) -> Executed:
    """Run programs on clocks within the specification of the build; unsound ones are told and not run.

    Parameters
    ----------
    build : Build
        For its fabric, clocks, graph and partition; sound by ``verify.check``.
    programs : sequence of NodeProgram
    seed : int
        Clocks and numbers follow from it.
    """
    wrong = list(islice(unsound(build, programs), MOST_FAULTS))
    if not wrong:
        build, wrong = with_deskews(build, programs)
    if wrong:
        return Executed(0, 0, 0, tuple(wrong))
    reference, model = prepare(build), model_of(build, seed)
    rounds, memory = Rounds(model, seed), Memory(build, model, seed)
    chosen, failures, faults = drawn(reference, seed), 0, list(parked(programs))
    for session in sessions(build):
        tape = tape_of(build, reference, programs, session)
        faults += tape.faults
        actions = in_order(build, session, tape.actions, reference.alignment.tree.parent)
        events: list[Event] = []
        outcome = run_program(
            reference, session, Program(actions, np.array(sorted(tape.transfers))), chosen, seen=events
        )
        failures += len(outcome.failures)
        faults += [
            f"{fail.kind} at node {fail.node} in cycle {fail.cycle:.0f}" for fail in outcome.failures[:MOST_FAULTS]
        ]
        memory.follow(session, tape, events, rounds)
    return Executed(memory.compared, memory.mismatches, failures, tuple((faults + memory.faults)[:MOST_FAULTS]))
