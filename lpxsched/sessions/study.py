"""What is told of a session: nominal and worst, what jitter costs it, and on which contexts steps stand."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lpxsched.sessions.outcome import SessionOutcome, outcome_of, requests_json
from lpxsched.sessions.run import PS_PER_NS, nominal_case, refuse_long_contexts, run_session, worst_case
from lpxsched.sessions.trace import PS_PER_S

if TYPE_CHECKING:
    from lpxsched.sessions.drawn import Drawn
    from lpxsched.sessions.prefill import PrefillFile
    from lpxsched.sessions.steps import Steps
    from lpxsched.sessions.trace import Session

JITTER_PS = 1000 * PS_PER_NS


@dataclass(frozen=True, slots=True, eq=False)
class Study:
    """A session on the steps of builds.

    Attributes
    ----------
    session : Session
    steps : Steps
    prefill : PrefillFile
    nominal, worst : SessionOutcome
    jitter_ps : int
        How much longer the nominal session is when each layer of each step takes 1 us more.
    drawn : Drawn or None
        Sessions with run-time arbitration, where they were asked for.
    """

    session: Session
    steps: Steps
    prefill: PrefillFile
    nominal: SessionOutcome
    worst: SessionOutcome
    jitter_ps: int
    drawn: Drawn | None = None

    @property
    def held_by(self) -> dict[int, int]:
        """How many requests end within each context of a build, and not within a smaller one."""
        ends = self.session.context + self.session.tokens_in + self.session.tokens_out
        counts, below = {}, 0
        for context in self.steps.contexts:
            held = int((ends <= context).sum())
            counts[context], below = held - below, held
        return counts

    @property
    def beyond(self) -> int:
        """How many requests no build holds."""
        return len(self.session.requests) - sum(self.held_by.values())

    def as_json(self) -> dict[str, Any]:
        """Return it as a JSON object."""
        rate = self.prefill.tokens_per_s
        return {
            "session": self.session.name,
            "model": self.steps.options["model"],
            "requests": len(self.session.requests),
            "agents": len(set(self.session.agents)),
            "places": self.steps.batch * self.steps.micro_batches,
            "acceptance_length": float(self.steps.tokens),
            "requests_by_context": {str(context): count for context, count in self.held_by.items()},
            "requests_beyond": self.beyond,
            "prefill": rate.model_dump(mode="json"),
            "nominal": self.nominal.as_json(),
            "worst": self.worst.as_json(),
            "jitter_1us_a_layer_s": self.jitter_ps / PS_PER_S,
            **({"arbitrated": self.drawn.as_json()} if self.drawn else {}),
            "critical_chain": [self.session.requests[request] for request in self.nominal.chain],
            "timeline": requests_json(self.session, self.nominal),
        }


def study_of(session: Session, steps: Steps, prefill: PrefillFile) -> Study:
    """Return what is told of a session.

    Raises
    ------
    InputError
        When no build holds some of its requests and their steps cannot be reckoned, or it is too long.
    """
    refuse_long_contexts(session, steps)
    case = nominal_case(steps, prefill)
    nominal = outcome_of(session, run_session(session, steps, case))
    worst = outcome_of(session, run_session(session, steps, worst_case(steps, prefill)))
    later = case._replace(step_ps=case.step_ps + steps.layers * JITTER_PS)
    jitter = run_session(session, steps, later).total_ps - nominal.timeline.total_ps
    return Study(session, steps, prefill, nominal, worst, jitter)
