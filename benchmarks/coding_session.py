"""The session ``coding``: a table of requests from the published totals of a real one, and what is assumed beside them.

    uv run python -m benchmarks.coding_session > models/sessions/coding.csv

Totals and assumptions stand in ``models/sessions/coding.yaml``, each with its source. The main agent grows, writes a
summary in its last growing turn, and goes on behind its first prompt. Some turns start a group of sub-agents; the next
turn waits for all of them, others for a tool. What an agent wrote stays cached; what tools answered is read in. How
long a tool takes follows from the 33 minutes: they are tools, tokens out at the rate of the recording, and its first
tokens, along the longest chain of requests.
"""

from __future__ import annotations

import csv
import sys
from typing import NamedTuple

from lpxsched.files.document import read_yaml
from lpxsched.files.schema import Strict, Tagged, validate
from lpxsched.files.shipped import ROOT

TOTALS = ROOT / "models" / "sessions" / "coding.yaml"
HEADER = ("request", "agent", "after", "context_tokens", "tokens_in", "tokens_out", "tool_s")
MAIN = "main"


class Totals(Strict):
    """What ``coding.yaml`` says."""

    minutes: Tagged[int]
    requests: Tagged[int]
    turns: Tagged[int]
    calls: Tagged[int]
    first_tokens_in: Tagged[int]
    largest_tokens_in: Tagged[int]
    cut_tokens_in: Tagged[int]
    growing_turns: Tagged[int]
    mean_tokens_in: Tagged[int]
    growing_tokens_in: Tagged[int]
    cached_share: Tagged[float]
    growth_exponent: Tagged[float]
    summary_tokens: Tagged[int]
    sub_agents: Tagged[int]
    beside_each_other: Tagged[int]
    turn_tokens_out: Tagged[int]
    call_tokens_out: Tagged[int]
    call_growth_tokens: Tagged[int]
    recorded_tokens_per_s: Tagged[int]
    recorded_first_token_s: Tagged[float]


class Row(NamedTuple):
    """A request; `waits` says whether a tool runs before it."""

    request: str
    agent: str
    after: tuple[str, ...]
    context_tokens: int
    tokens_in: int
    tokens_out: int
    waits: bool


def read_totals() -> Totals:
    """Return the totals."""
    return validate(read_yaml(TOTALS), Totals)


def rows_of(totals: Totals) -> list[Row]:
    """Return the requests, those of the main agent before the sub-agents that they start."""
    groups = totals.sub_agents.value // totals.beside_each_other.value
    # In the middle of equal parts of the growing turns.
    starts = {(2 * group + 1) * totals.growing_turns.value // (2 * groups): group for group in range(groups)}
    rows: list[Row] = []
    ends: tuple[str, ...] = ()
    read, sizes = 0, _turn_sizes(totals)
    for turn, size in enumerate(sizes, start=1):
        cut = turn == totals.growing_turns.value + 1
        cached = totals.first_tokens_in.value if cut else read
        out = totals.summary_tokens if turn == totals.growing_turns.value else totals.turn_tokens_out
        waits = bool(ends) and ends[0].startswith(MAIN)
        rows.append(Row(f"{MAIN}-{turn}", MAIN, ends, cached, size - cached, out.value, waits))
        read, ends = size + out.value, (f"{MAIN}-{turn}",)
        if turn in starts:
            first = 1 + starts[turn] * totals.beside_each_other.value
            agents = [_calls(totals, number, ends) for number in range(first, first + totals.beside_each_other.value)]
            rows += [row for agent in agents for row in agent]
            ends = tuple(agent[-1].request for agent in agents)
    return rows


def _turn_sizes(totals: Totals) -> list[int]:
    """Return the tokens in of each turn: along a curve, then at its mean growth from the cut."""
    growing, first = totals.growing_turns.value, totals.first_tokens_in.value
    span = totals.largest_tokens_in.value - first
    curve = [first + round(span * (turn / (growing - 1)) ** totals.growth_exponent.value) for turn in range(growing)]
    rest, step = totals.turns.value - growing, span // (growing - 1)
    return curve + [totals.cut_tokens_in.value + turn * step for turn in range(rest)]


def _calls(totals: Totals, number: int, after: tuple[str, ...]) -> list[Row]:
    """Return the calls of a sub-agent; its prompt is cached but for its task, of one step of growth."""
    agent, growth, out = f"sub-{number}", totals.call_growth_tokens.value, totals.call_tokens_out.value
    rows: list[Row] = []
    for call in range(totals.calls.value // totals.sub_agents.value):
        size = totals.first_tokens_in.value + call * growth
        fresh = growth - out if call else growth
        rows.append(Row(f"{agent}-{call + 1}", agent, after, size - fresh, fresh, out, bool(call)))
        after = (rows[-1].request,)
    return rows


def tool_s(totals: Totals, rows: list[Row]) -> float:
    """Return how long a tool takes, in seconds to a tenth: what is left of the session along its longest chain."""
    model, waits = 0.0, 0
    chains: dict[str, tuple[float, int]] = {}
    for row in rows:
        model, waits = max((chains[name] for name in row.after), default=(0.0, 0))
        model += row.tokens_out / totals.recorded_tokens_per_s.value + totals.recorded_first_token_s.value
        chains[row.request] = model, waits + row.waits
    return round((60 * totals.minutes.value - model) / chains[rows[-1].request][1], 1)


def main() -> None:
    """Write the table."""
    totals = read_totals()
    rows = rows_of(totals)
    tool = tool_s(totals, rows)
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(HEADER)
    for row in rows:
        writer.writerow((row.request, row.agent, " ".join(row.after), *row[3:6], tool if row.waits else 0))


if __name__ == "__main__":
    main()
