"""Tests of sessions on steps, worked out by hand, and of what must hold of any."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lpxsched.errors import InputError
from lpxsched.files.ranged import Ranged, known
from lpxsched.sessions.outcome import outcome_of
from lpxsched.sessions.run import nominal_case, refuse_long_contexts, run_session, worst_case
from lpxsched.sessions.trace import Session
from tests.sessions.small import prefill_of, session_of, steps_of

if TYPE_CHECKING:
    from pathlib import Path

    from lpxsched.compiled.kernels import Integers
    from lpxsched.sessions.run import Timeline
    from lpxsched.sessions.steps import Steps

# 10^-7 s are 100 ns.
CHAIN = ("a,main,,7,1,4,0", "b,one,a,0,2,1,1e-7", "c,two,a,0,1,2,0")


def ns(column: Integers) -> list[float]:
    """Return a column in ns."""
    return [time / 1000 for time in column.tolist()]


def nominal(session: Session, steps: Steps) -> Timeline:
    """Return the nominal session."""
    return run_session(session, steps, nominal_case(steps, prefill_of()))


def test_requests_wait_for_each_other_tools_prefill_and_a_place(tmp_path: Path) -> None:
    """Tests three requests at one place.

    a reads one token in 1 ns. Its four steps see 9, 10, 11 and 12 rows: 100 + 100 + 200 + 200 ns, until 601. c is read
    in at 602 and takes two steps, until 802. b runs a tool until 701 and is read in at 703, but finds a place at 802.
    """
    timeline = nominal(session_of(tmp_path, *CHAIN), steps_of())
    assert ns(timeline.open_ps) == [0, 601, 601]
    assert ns(timeline.placed_ps) == [1, 802, 602]
    assert ns(timeline.end_ps) == [601, 902, 802]
    assert ns(timeline.assumed_ps) == [40 + 40 + 70 + 70, 40, 80]
    assert timeline.steps.tolist() == [4, 1, 2]


def test_the_parts_of_the_critical_chain_are_its_time(tmp_path: Path) -> None:
    """Tests a and b of the session above: 100 of a tool, 1 + 2 of prefill, 99 for a place, 700 of steps, 260 assumed.

    Latencies a token are 601 / 4, 201 and 201 / 2 ns; their 90th percentile lies 0.8 of the way from 150.25 to 201.
    """
    session = session_of(tmp_path, *CHAIN)
    outcome = outcome_of(session, nominal(session, steps_of()))
    assert [session.requests[request] for request in outcome.chain] == ["a", "b"]
    assert [part / 1000 for part in outcome.parts_ps.values()] == [100, 3, 99, 440, 260]
    assert outcome.timeline.total_ps == 902_000
    assert outcome.interactivity == pytest.approx(1e9 / 190.85)


def test_the_worst_case_takes_every_number_at_its_worse_end(tmp_path: Path) -> None:
    """Tests that a is read in for 2 ns and takes 150 + 150 + 300 + 300, whatever drafts are accepted."""
    steps, session = steps_of(tokens=2.0), session_of(tmp_path, CHAIN[0])
    timeline = run_session(session, steps, worst_case(steps, prefill_of()))
    assert (ns(timeline.placed_ps), ns(timeline.end_ps), ns(timeline.assumed_ps)) == ([2], [902], [60 + 60 + 100 + 100])


def test_users_of_a_micro_batch_step_together(tmp_path: Path) -> None:
    """Tests that a short request beside a long one takes its steps, and joins at the beginning of one only.

    x and y step together, 200 ns for 15 rows; z is ready at 50, and joins when both leave at 200.
    """
    session = session_of(tmp_path, "x,m,,0,0,1,0", "y,m,,14,0,1,0", "z,m,,0,0,1,5e-8")
    timeline = nominal(session, steps_of(batch=3))
    assert (ns(timeline.placed_ps), ns(timeline.end_ps)) == ([0, 0, 200], [200, 200, 300])


def test_micro_batches_step_by_themselves(tmp_path: Path) -> None:
    """Tests the same requests in two micro-batches of one: x leaves at 100, where z begins."""
    session = session_of(tmp_path, "x,m,,0,0,1,0", "y,m,,14,0,1,0", "z,m,,0,0,1,5e-8")
    timeline = nominal(session, steps_of(in_flight=2))
    assert (ns(timeline.placed_ps), ns(timeline.end_ps)) == ([0, 0, 100], [100, 200, 200])


def test_drafts_shorten_a_request(tmp_path: Path) -> None:
    """Tests 2.5 tokens a step: four tokens take two steps, which see 9 and 11 rows."""
    timeline = nominal(session_of(tmp_path, "a,m,,8,0,4,0"), steps_of(tokens=2.5))
    assert (timeline.steps.tolist(), ns(timeline.end_ps)) == ([2], [300])


def test_rows_beyond_the_largest_build_add_time(tmp_path: Path) -> None:
    """Tests steps that see 20, 21 and 22 rows at 3 ns a row beyond 20, which are assumed; 5 ns at worst."""
    steps = steps_of(further=Ranged(Fraction(3), Fraction(1), Fraction(5)))
    session = session_of(tmp_path, "a,m,,19,0,3,0")
    timeline = nominal(session, steps)
    assert (ns(timeline.end_ps), ns(timeline.assumed_ps)) == ([609], [219])
    assert timeline.beyond.tolist() == [2]
    assert ns(run_session(session, steps, worst_case(steps, prefill_of())).end_ps) == [915]


def test_requests_that_no_build_holds_are_counted(tmp_path: Path) -> None:
    """Tests one line with how many, and a context that would hold them."""
    session = session_of(tmp_path, "a,m,,18,0,2,0", "b,m,,18,0,3,0", "c,m,,15,6,1,0")
    with pytest.raises(InputError, match=r"2 of 3 requests end with more than 20 .* name one of --context 22"):
        refuse_long_contexts(session, steps_of())


def test_what_would_never_end_is_refused(tmp_path: Path) -> None:
    """Tests a session of more steps than can be reckoned with."""
    rows = (f"{number},m,,0,0,100000000,0" for number in range(11))
    steps = steps_of(further=known(1))
    with pytest.raises(InputError, match="1,100,000,000 steps"):
        nominal(session_of(tmp_path, *rows), steps)


@st.composite
def sessions(draw: st.DrawFn) -> Session:
    """Draw up to eight requests; each waits for some of those before it."""
    count = draw(st.integers(1, 8))
    after = tuple(tuple(before for before in range(number) if draw(st.integers(0, 3)) == 0) for number in range(count))

    def column(least: int, most: int) -> Integers:
        return np.array(draw(st.lists(st.integers(least, most), min_size=count, max_size=count)), dtype=np.int64)

    names = tuple(map(str, range(count)))
    return Session("drawn", names, names, after, column(0, 9), column(0, 5), column(1, 6), column(0, 400_000))


@given(session=sessions(), batch=st.integers(1, 3), in_flight=st.integers(1, 3))
def test_places_are_not_given_twice_and_no_time_is_lost(session: Session, batch: int, in_flight: int) -> None:
    """Tests that no more decode than there are places, that none waits with one free, and that parts add up."""
    timeline = nominal(session, steps_of(batch=batch, in_flight=in_flight))
    begin, end = timeline.placed_ps, timeline.end_ps
    ready = timeline.open_ps + timeline.tool_ps + timeline.prefill_ps
    held = ((begin[None, :] <= begin[:, None]) & (begin[:, None] < end[None, :])).sum(axis=1)
    assert held.max() <= batch * in_flight
    assert (ready <= begin).all()
    # Every micro-batch begins a step within 200 ns, and is full from then on as long as anyone waits.
    for request in np.flatnonzero(begin - ready > 200_000):
        before = begin[request] - 1
        assert ((begin <= before) & (before < end)).sum() == batch * in_flight
    outcome = outcome_of(session, timeline)
    assert sum(outcome.parts_ps.values()) == timeline.total_ps
    assert min(outcome.parts_ps.values()) >= 0


@given(session=sessions())
def test_with_a_place_for_each_a_session_is_its_longest_way(session: Session) -> None:
    """Tests ends against sums along the longest way, by a recursion of its own."""
    timeline = nominal(session, steps_of(in_flight=len(session.requests)))
    ends: list[int] = []
    for number, before in enumerate(session.after):
        end = max((ends[one] for one in before), default=0)
        end += int(session.tool_ps[number]) + 1000 * int(session.tokens_in[number])
        rows = int(session.context[number] + session.tokens_in[number])
        end += sum(100_000 if rows + step <= 10 else 200_000 for step in range(1, int(session.tokens_out[number]) + 1))
        ends.append(end)
    assert timeline.end_ps.tolist() == ends
