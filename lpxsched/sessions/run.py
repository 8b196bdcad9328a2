"""A session on the steps of builds: when each request waits, is read in, and decodes.

*Nominal* takes every number as it is told; *worst* takes the longest step within clocks and described ranges, one token
a step, and the slowest prefill. Neither is a bound: both hold assumed numbers, and where requests wait for places a
longer step of one may let another one begin earlier. Tools take what the table says.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from lpxsched.errors import InputError
from lpxsched.files.ranged import ranged
from lpxsched.sessions.kernel import Levels, Log, Requests, run
from lpxsched.sessions.trace import PS_PER_S
from lpxsched.units import NEVER, NONE, ceil_cycles, counted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lpxsched.compiled.kernels import Integers
    from lpxsched.sessions.prefill import PrefillFile
    from lpxsched.sessions.steps import Steps
    from lpxsched.sessions.trace import Session

PS_PER_NS = 1000
MOST_STEPS = 10**9


class Case(NamedTuple):
    """Numbers with which a session is run.

    Attributes
    ----------
    step_ps, assumed_ps : ndarray of int64, shape (builds, picks) and (builds,)
        A step of each build as often as it may be picked, and what of each is assumed.
    tokens : Fraction
        That a step emits a user.
    further_ps : int
        What a row beyond the largest context adds to a step.
    prefill_tokens_per_s : Fraction
    """

    step_ps: Integers
    assumed_ps: Integers
    tokens: Fraction
    further_ps: int
    prefill_tokens_per_s: Fraction


@dataclass(frozen=True, slots=True, eq=False)
class Timeline:
    """When requests do what, in ps; columns of shape (requests,).

    Attributes
    ----------
    open_ps : ndarray of int64
        When all requests before have ended: the tool begins, then prefill.
    tool_ps, prefill_ps : ndarray of int64
    placed_ps, end_ps : ndarray of int64
        When it takes its place in a micro-batch, and when it has emitted its last token.
    assumed_ps : ndarray of int64
        What of its steps is assumed; the rest is that of the timetable.
    steps, beyond : ndarray of int64
        Steps, and those of them beyond the largest context of all builds.
    """

    open_ps: Integers
    tool_ps: Integers
    prefill_ps: Integers
    placed_ps: Integers
    end_ps: Integers
    assumed_ps: Integers
    steps: Integers
    beyond: Integers

    @property
    def total_ps(self) -> int:
        """From the first request to the end of the last one."""
        return int(self.end_ps.max())


def nominal_case(steps: Steps, prefill: PrefillFile) -> Case:
    """Return every number as it is told."""
    rate = ranged(prefill.tokens_per_s)
    times = column_ps(steps.results_ns("step_ns")), column_ps(steps.results_ns("assumed_ns"))
    return Case(times[0][:, None], times[1], steps.tokens, _further(steps.further_ns.value), rate.value)


def worst_case(steps: Steps, prefill: PrefillFile) -> Case:
    """Return every number at its worse end."""
    rate = ranged(prefill.tokens_per_s)
    times = column_ps(steps.results_ns("step_high_ns")), column_ps(steps.results_ns("assumed_high_ns"))
    return Case(times[0][:, None], times[1], Fraction(1), _further(steps.further_ns.high), rate.low)


def column_ps(times_ns: Sequence[Fraction]) -> Integers:
    """Return times as a column, rounded up to a picosecond."""
    return np.array([ceil_cycles(time_ns * PS_PER_NS) for time_ns in times_ns], dtype=np.int64)


def _further(row_ns: Fraction) -> int:
    return ceil_cycles(row_ns * PS_PER_NS)


def refuse_long_contexts(session: Session, steps: Steps) -> None:
    """Refuse a session some of whose requests no build holds, and of which no time can be reckoned.

    Raises
    ------
    InputError
        With how many, and what would hold them.
    """
    ends = session.context + session.tokens_in + session.tokens_out
    too_long = int((ends > steps.most_context).sum())
    if too_long:
        told = (
            f"{too_long:,} of {counted(len(ends), 'request')} end with more than {steps.most_context:,} rows of context"
        )
        problem = f"{told}, and no build holds them; name one of --context {session.longest_context}"
        raise InputError(str(steps.folders[-1]), problem)


def run_session(session: Session, steps: Steps, case: Case, picks: Integers | None = None) -> Timeline:
    """Return when requests do what.

    Parameters
    ----------
    session : Session
    steps : Steps
        For how many users there are places.
    case : Case
    picks : ndarray of int64, optional
        Which time each step takes, from the beginning, again and again; the first if left out.

    Raises
    ------
    InputError
        When it is too long to be reckoned with.
    """
    requests = _requests(session, case)
    _refuse_endless(session, requests, case)
    tokens, parts = case.tokens.as_integer_ratio()
    chosen = np.zeros(1, dtype=np.int64) if picks is None else picks
    contexts = np.array(steps.contexts, dtype=np.int64)
    levels = Levels(contexts, case.step_ps, case.assumed_ps, chosen, tokens, parts, case.further_ps)
    log = _empty_log(session, (steps.micro_batches, steps.batch))
    ended = run(requests, levels, log)
    assert ended == len(session.requests), "requests wait for what never ends"
    return Timeline(
        log.open_ps,
        requests.tool_ps,
        requests.prefill_ps,
        log.placed_ps,
        log.end_ps,
        log.assumed_ps,
        requests.steps,
        log.beyond,
    )


def _requests(session: Session, case: Case) -> Requests:
    followers: list[list[int]] = [[] for _ in session.requests]
    for request, before in enumerate(session.after):
        for one in before:
            followers[one].append(request)
    tokens, parts = case.tokens.as_integer_ratio()
    rate = case.prefill_tokens_per_s
    return Requests(
        first=np.cumsum([0, *map(len, followers)], dtype=np.int64),
        following=np.array([one for of_request in followers for one in of_request], dtype=np.int64),
        tool_ps=session.tool_ps,
        prefill_ps=column_ps([Fraction(int(read) * PS_PER_S, PS_PER_NS) / rate for read in session.tokens_in]),
        context=session.context + session.tokens_in,
        steps=-(-session.tokens_out * parts // tokens),
    )


def _refuse_endless(session: Session, requests: Requests, case: Case) -> None:
    """Refuse what has too many steps, or would end later than can be told."""
    steps = int(requests.steps.sum())
    longest = int(case.step_ps.max()) + session.longest_context * case.further_ps
    waits = sum(map(int, requests.tool_ps)) + sum(map(int, requests.prefill_ps))
    if steps > MOST_STEPS or waits + steps * longest >= NEVER:
        days = NEVER // PS_PER_S // 86400
        problem = f"{counted(steps, 'step')}; at most {MOST_STEPS:,}, and {days} days with tools, can be reckoned with"
        raise InputError(session.name, problem)


def _empty_log(session: Session, places: tuple[int, int]) -> Log:
    """Return the state before the first request; places of each micro-batch."""
    count = len(session.requests)

    def column() -> Integers:
        return np.zeros(count, dtype=np.int64)

    return Log(
        open_ps=column(),
        placed_ps=column(),
        end_ps=column(),
        assumed_ps=column(),
        beyond=column(),
        done=column(),
        left=np.array([len(before) for before in session.after], dtype=np.int64),
        waiting=column(),
        users=np.full(places, NONE, dtype=np.int64),
        busy=np.zeros(places[0], dtype=np.int64),
        free_ps=np.zeros(places[0], dtype=np.int64),
        state=np.zeros(2, dtype=np.int64),
    )
