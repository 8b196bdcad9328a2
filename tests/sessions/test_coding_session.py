"""Tests that the shipped session is what its script makes, and that it has the published totals."""

from __future__ import annotations

import pytest

from benchmarks.coding_session import MAIN, TOTALS, main, read_totals, rows_of, tool_s
from lpxsched.files.document import read_yaml
from lpxsched.files.shipped import find_file
from lpxsched.sessions.trace import PS_PER_S, Session, read_session


@pytest.fixture(scope="module")
def session() -> Session:
    """Return the shipped session."""
    return read_session("coding")


def test_the_shipped_table_is_what_the_script_writes(capsys: pytest.CaptureFixture[str]) -> None:
    """Tests that nobody edited the table by hand."""
    main()
    assert find_file("session", "coding").read_text() == capsys.readouterr().out


def test_every_number_says_how_it_was_derived() -> None:
    """Tests that each has a tag and a source, and an assumed one a range."""
    for key, entry in read_yaml(TOTALS).data.items():
        assert entry["tag"] in {"published", "derived", "assumed"}, key
        assert entry["source"].strip(), key
        assert ("range" in entry) or entry["tag"] != "assumed", key


def test_it_has_the_published_requests(session: Session) -> None:
    """Tests 283 requests, 58 of the main agent and 225 of others."""
    mains = session.agents.count(MAIN)
    assert (len(session.requests), mains, len(session.requests) - mains) == (283, 58, 225)


def test_it_grows_and_is_cut_as_published(session: Session) -> None:
    """Tests 15K growing to 156K, then 20K; 85K a turn and 3.5 million in all over the first 40, as they are rounded."""
    total = (session.context + session.tokens_in).tolist()
    turns = [total[row] for row, agent in enumerate(session.agents) if agent == MAIN]
    growing = turns[:40]
    assert (growing[0], growing[-1], turns[40]) == (15_000, 156_000, 20_000)
    assert growing == sorted(growing)
    assert 3_450_000 <= sum(growing) < 3_550_000
    assert 82_500 <= sum(growing) / 40 < 87_500


def test_as_much_is_cached_as_published(session: Session) -> None:
    """Tests 95 to 98 % of all tokens in, of the main agent's growing turns and of sub-agents."""
    main_rows = [row for row, agent in enumerate(session.agents) if agent == MAIN][:40]
    subs = [row for row, agent in enumerate(session.agents) if agent != MAIN]
    for rows in (range(len(session.requests)), main_rows, subs):
        cached, fresh = (int(column[list(rows)].sum()) for column in (session.context, session.tokens_in))
        assert 0.95 <= cached / (cached + fresh) <= 0.98


def test_it_took_33_minutes_where_it_was_recorded(session: Session) -> None:
    """Tests the longest chain at the rate and the first tokens of the recording, within a tenth of a second a tool."""
    totals, ends = read_totals(), list[float]()
    for row, before in enumerate(session.after):
        model = session.tokens_out[row] / totals.recorded_tokens_per_s.value + totals.recorded_first_token_s.value
        ends.append(max((ends[one] for one in before), default=0.0) + session.tool_ps[row] / PS_PER_S + float(model))
    # 122 tools lie on the chain: 57 turns but 5 that wait for sub-agents, and 5 x 14 calls.
    assert abs(max(ends) - 33 * 60) <= 122 * 0.05
    assert tool_s(totals, rows_of(totals)) == 7.7


def test_sub_agents_run_beside_each_other(session: Session) -> None:
    """Tests that a group of sub-agents begins after one turn, and that the next turn waits for all of it."""
    row = {name: number for number, name in enumerate(session.requests)}
    assert {session.after[row[f"sub-{number}-1"]] for number in (1, 2, 3)} == {(row["main-4"],)}
    assert set(session.after[row["main-5"]]) == {row[f"sub-{number}-15"] for number in (1, 2, 3)}
