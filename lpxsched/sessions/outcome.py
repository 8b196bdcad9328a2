"""Where the time of a session goes: its parts along the critical chain, and the interactivity of its requests.

The critical chain ends with the request that ends last; before each request of it comes the one that ended last of
those that it waited for. Its parts sum to the session's time exactly.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from lpxsched.sessions.trace import PS_PER_S

if TYPE_CHECKING:
    from lpxsched.sessions.run import Timeline
    from lpxsched.sessions.trace import Session

# In the order of a request.
PARTS = TOOLS, PREFILL, WAITING, TIMETABLE, ASSUMED = (
    "tools",
    "prefill",
    "waiting for a place",
    "decode, fabric",
    "decode, assumed",
)
PERCENTILE = 90


@dataclass(frozen=True, slots=True, eq=False)
class SessionOutcome:
    """What a session took.

    Attributes
    ----------
    timeline : Timeline
    chain : tuple of int
        Requests of the critical chain, the first of the session first.
    parts_ps : dict of int
        `PARTS` along the chain; they sum to the time of the session.
    interactivity : float
        1 / P90 of (latency / tokens out) over all requests, in tokens/s; latency is prefill, waiting and decode.
    """

    timeline: Timeline
    chain: tuple[int, ...]
    parts_ps: dict[str, int]
    interactivity: float

    def as_json(self) -> dict[str, Any]:
        """Return it as a JSON object, times in seconds."""
        chain_steps = int(self.timeline.steps[list(self.chain)].sum())
        return {
            "session_s": self.timeline.total_ps / PS_PER_S,
            "parts_s": {name: part / PS_PER_S for name, part in self.parts_ps.items()},
            "steps": int(self.timeline.steps.sum()),
            "chain_steps": chain_steps,
            "beyond_steps": int(self.timeline.beyond.sum()),
            "interactivity_tokens_per_s": round(self.interactivity, 3),
        }


def outcome_of(session: Session, timeline: Timeline) -> SessionOutcome:
    """Return what a timeline shows."""
    chain = _chain(session, timeline)
    on_chain = list(chain)
    parts = {name: int(column[on_chain].sum()) for name, column in zip(PARTS, _columns(timeline), strict=True)}
    latency_ps = timeline.end_ps - timeline.open_ps - timeline.tool_ps
    slow = float(np.percentile(latency_ps / session.tokens_out, PERCENTILE))
    return SessionOutcome(timeline, chain, parts, PS_PER_S / slow if slow else 0.0)


def _columns(timeline: Timeline) -> tuple[Any, ...]:
    """Return `PARTS` of each request."""
    ready = timeline.open_ps + timeline.tool_ps + timeline.prefill_ps
    decode = timeline.end_ps - timeline.placed_ps
    waiting = timeline.placed_ps - ready
    return timeline.tool_ps, timeline.prefill_ps, waiting, decode - timeline.assumed_ps, timeline.assumed_ps


def _chain(session: Session, timeline: Timeline) -> tuple[int, ...]:
    ends = timeline.end_ps
    found = [int(np.argmax(ends))]
    while session.after[found[-1]]:
        found.append(max(session.after[found[-1]], key=lambda request: (ends[request], -request)))
    return tuple(reversed(found))


def requests_json(session: Session, outcome: SessionOutcome) -> list[dict[str, Any]]:
    """Return a row a request, times in seconds from the beginning of the session."""
    timeline = outcome.timeline
    chain = set(outcome.chain)
    times = (timeline.open_ps, timeline.open_ps + timeline.tool_ps, timeline.placed_ps, timeline.end_ps)
    names = ("tool_begins_s", "prefill_begins_s", "decode_begins_s", "ends_s")
    return [
        {"request": name, "agent": session.agents[row]}
        | {key: int(column[row]) / PS_PER_S for key, column in zip(names, times, strict=True)}
        | {"critical": row in chain}
        for row, name in enumerate(session.requests)
    ]
