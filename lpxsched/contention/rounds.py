"""Steps of micro-batches in flight, one round after the other, as each comes back when it comes back.

All begin at the phases that the timetable gives them; from then on nobody keeps them apart. Rounds are numbered as they
begin and drawn by number. The first of each micro-batch is left out: then they run at phases of their own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from lpxsched.contention.events import note
from lpxsched.contention.kernel import give_on, run_to_gate
from lpxsched.contention.state import BARRIER, DONE, KIND, QUEUE, START_UP, State, fresh_state
from lpxsched.contention.tables import Step
from lpxsched.units import NEVER, NONE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lpxsched.compiled.kernels import Integers
    from lpxsched.contention.circle import Circle, Place
    from lpxsched.contention.drawing import Drawing

PARTS = (START_UP, BARRIER, QUEUE)


class Rounds(NamedTuple):
    """What rounds showed.

    Attributes
    ----------
    segment_ps : ndarray of int64, shape (rounds, segments)
        How long each segment took.
    parts_ps : ndarray of int64, shape (rounds, segments, 3)
        Start-up, barrier and queueing on the way that took longest; the rest are operators and wires.
    round_ps : ndarray of int64, shape (rounds,)
        From the beginning of a step to that of the next one, what lies outside included.
    """

    segment_ps: Integers
    parts_ps: Integers
    round_ps: Integers


def run_rounds(circle: Circle, drawings: Sequence[Drawing], begins_ps: Sequence[int], count: int) -> Rounds:
    """Return rounds of micro-batches in flight.

    Parameters
    ----------
    circle : Circle
    drawings : sequence of Drawing
        Of the steps of each segment.
    begins_ps : sequence of int
        When each micro-batch begins its first round.
    count : int
        Rounds that are told.
    """
    micro_batches, segments = len(begins_ps), len(drawings)
    step, state = _blank_step(circle, drawings[0].step(0)), fresh_state(circle.program)
    for micro_batch, begin in enumerate(begins_ps):
        note(state, begin, micro_batch * KIND + DONE)
    under_way = np.full((micro_batches, 2), NONE, dtype=np.int64)
    lasted, parts = np.zeros((count, segments), dtype=np.int64), np.zeros((count, segments, 3), dtype=np.int64)
    whole = np.zeros(count, dtype=np.int64)
    begun, left = 0, count
    while left:
        mine = run_to_gate(circle.program, step, state, micro_batches)
        assert mine != NONE, "no micro-batch comes back"
        (number, began), now = under_way[mine].tolist(), int(state.ended[mine])
        if number != NONE:
            assert all((state.ended[place.tasks] != NONE).all() for place in circle.places[mine])
        if micro_batches <= number < micro_batches + count:
            at = number - micro_batches
            for segment, place in enumerate(circle.places[mine]):
                lasted[at, segment], parts[at, segment] = _shown(state, place)
            whole[at] = now - began
            left -= 1
        under_way[mine] = begun, now
        _reset(circle, drawings, mine, begun, step, state)
        give_on(circle.program, step, state, mine, now)
        begun += 1
    return Rounds(lasted, parts, whole)


def _blank_step(circle: Circle, like: Step) -> Step:
    """Return a step in which nothing is said yet but how wires are served."""
    program = circle.program
    lengths = (program.call_sends_at, program.send_ways_at), (program.hop_bundle, program.group_of)
    calls, sends = (np.zeros(len(of) - 1, dtype=np.int64) for of in lengths[0])
    hops, tasks = (np.zeros(len(of), dtype=np.int64) for of in lengths[1])
    return Step(circle.duration_ps.copy(), calls, sends, hops, tasks, like.routing, like.arbitration, like.seed)


def _reset(
    circle: Circle, drawings: Sequence[Drawing], micro_batch: int, number: int, step: Step, state: State
) -> None:
    """Let a micro-batch begin a round, with nothing of the one before."""
    chain = circle.program.group_first[circle.chains[micro_batch]]
    step.missing[chain] = circle.awaited[circle.chains[micro_batch]]
    state.task[chain] = 0
    for place, drawing in zip(circle.places[micro_batch], drawings, strict=True):
        drawn = drawing.step(number)
        step.duration[place.groups] = drawn.duration
        step.start_up[place.calls] = drawn.start_up
        step.sent[place.sends] = drawn.sent
        step.carried[place.hops] = drawn.carried
        step.missing[place.tasks] = drawn.missing
        # Operators, which come first, wait for the segment to open.
        step.missing[place.tasks.start : place.tasks.start + len(drawing.laid.operator)] += 1
        state.ended[place.tasks] = NONE
        state.task[place.tasks] = 0
        state.call[place.calls] = 0
        state.entered[place.calls] = NEVER


def _shown(state: State, place: Place) -> tuple[int, Integers]:
    """Return how long a segment took, and the parts of that."""
    last = place.ends[np.argmax(state.ended[place.ends])]
    parts = state.task[last, list(PARTS)] - state.task[place.opens, list(PARTS)]
    return int(state.ended[last] - state.ended[place.opens]), parts
