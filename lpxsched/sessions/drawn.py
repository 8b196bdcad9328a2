"""A session on steps that are arbitrated at run time: how tails of steps add up over requests that wait for each other.

Each step of each session is one of the steps that ``contend`` showed, drawn independently, and the time on GPUs and the
hand-over that the timetable is told with; of micro-batches in flight it is a whole step among rivals. Along a chain of
n steps independent tails grow with the square root of n, so a session is far from the sum of the tails of its steps,
and near n times their mean; where requests run beside each other the slowest of them counts.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from lpxsched.contention.quantiles import observed_quantile
from lpxsched.contention.runtime import read_runtime, runtime_of
from lpxsched.contention.steps import contended_steps
from lpxsched.sessions.outcome import outcome_of
from lpxsched.sessions.run import PS_PER_NS, nominal_case, run_session
from lpxsched.sessions.trace import PS_PER_S

if TYPE_CHECKING:
    from collections.abc import Callable

    from lpxsched.compiled.kernels import Integers
    from lpxsched.contention.steps import Contended
    from lpxsched.options import ContendOptions
    from lpxsched.sessions.outcome import SessionOutcome
    from lpxsched.sessions.prefill import PrefillFile
    from lpxsched.sessions.run import Case
    from lpxsched.sessions.steps import Steps
    from lpxsched.sessions.trace import Session

MEDIAN, TAIL = 0.5, 0.99
# Steps that are drawn before they come again.
MOST_PICKS = 1 << 20


@dataclass(frozen=True, slots=True, eq=False)
class Drawn:
    """Sessions on arbitrated steps.

    Attributes
    ----------
    options : ContendOptions
    step_ps : ndarray of int64, shape (builds, steps)
        Arbitrated steps, what is assumed outside of the fabric included.
    session_ps : ndarray of int64, shape (sessions,)
    mean, tail : SessionOutcome
        The session with every step the mean of its build, and the 99th percentile.
    """

    options: ContendOptions
    step_ps: Integers
    session_ps: Integers
    mean: SessionOutcome
    tail: SessionOutcome

    @property
    def median_ps(self) -> int:
        """Half of the sessions take no longer."""
        return int(observed_quantile(self.session_ps, MEDIAN))

    @property
    def tail_ps(self) -> int:
        """Of the sessions 99 % take no longer."""
        return int(observed_quantile(self.session_ps, TAIL))

    def as_json(self) -> dict[str, Any]:
        """Return it as a JSON object; sessions in seconds, steps in ns."""
        steps = [
            {
                "p50_ns": _ns(observed_quantile(row, MEDIAN)),
                "p99_ns": _ns(observed_quantile(row, TAIL)),
                "mean_ns": _ns(row.mean()),
            }
            for row in self.step_ps
        ]
        return {
            **self.options.model_dump(),
            "sessions": len(self.session_ps),
            "p50_s": self.median_ps / PS_PER_S,
            "p99_s": self.tail_ps / PS_PER_S,
            "every_step_mean": self.mean.as_json(),
            "every_step_p99": self.tail.as_json(),
            "step": steps,
        }


def drawn_sessions(
    session: Session,
    steps: Steps,
    prefill: PrefillFile,
    options: ContendOptions,
    count: int,
    *,
    progress: Callable[[str, int, int], None],
) -> Drawn:
    """Return sessions on steps with run-time arbitration.

    Parameters
    ----------
    session : Session
    steps : Steps
    prefill : PrefillFile
    options : ContendOptions
        Of the steps; its seed is that of the sessions too. Session i is the same whatever their number.
    count : int
        Sessions to draw.
    progress : callable
        Told a step, how many are done, and how many there are.

    Raises
    ------
    InputError
        As `contended_steps`, and when a session is too long.
    """
    nominal = nominal_case(steps, prefill)
    step_ps = _arbitrated_ps(steps, nominal.assumed_ps, options, progress)
    case = nominal._replace(step_ps=step_ps)
    drawn = np.zeros(count, dtype=np.int64)
    for number in range(count):
        progress("sessions", number, count)
        generator = np.random.default_rng([options.seed, number])
        picks = generator.integers(options.steps, size=_steps_of(session, case))
        drawn[number] = run_session(session, steps, case, picks).total_ps
    means = np.rint(step_ps.mean(axis=1)).astype(np.int64)
    tails = np.array([observed_quantile(row, TAIL) for row in step_ps], dtype=np.int64)
    mean, tail = (
        outcome_of(session, run_session(session, steps, case._replace(step_ps=row[:, None]))) for row in (means, tails)
    )
    return Drawn(options, step_ps, drawn, mean, tail)


def _arbitrated_ps(
    steps: Steps, assumed_ps: Integers, options: ContendOptions, progress: Callable[[str, int, int], None]
) -> Integers:
    """Return arbitrated steps of each build, shape (builds, steps), what is assumed outside of the fabric included."""
    runtime = runtime_of(read_runtime(options.runtime))
    found: dict[str, Contended] = {}
    rows = []
    for number, build in enumerate(steps.builds):
        progress("builds with arbitration", number, len(steps.builds))
        # Builds that differ only on GPUs have the same content, and the same steps where micro-batches run alone.
        key = build.manifest.content_sha256 if steps.micro_batches == 1 else str(number)
        if key not in found:
            found[key] = contended_steps(build, options, runtime)
        shown = found[key]
        rows.append(shown.round_ps if len(shown.round_ps) else shown.step_ps + assumed_ps[number])
    return np.stack(rows)


def _ns(time_ps: float) -> float:
    return float(time_ps / PS_PER_NS)


def _steps_of(session: Session, case: Case) -> int:
    """Return how many steps a session takes at most, or after how many they come again."""
    tokens, parts = case.tokens.as_integer_ratio()
    return min(MOST_PICKS, int((-(-session.tokens_out * parts // tokens)).sum()))
