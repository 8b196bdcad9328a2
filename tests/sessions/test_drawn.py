"""Tests of how tails of steps add up over a session."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from lpxsched.contention.steps import Contended
from lpxsched.options import ContendOptions
from lpxsched.sessions import drawn as module
from lpxsched.sessions.drawn import drawn_sessions
from tests.sessions.small import prefill_of, session_of, steps_of

if TYPE_CHECKING:
    from pathlib import Path

    from lpxsched.contention.runtime import Runtime
    from lpxsched.sessions.drawn import Drawn
    from lpxsched.timetable.build import Build

OPTIONS = ContendOptions(steps=100)


def drawn(
    patch: pytest.MonkeyPatch, folder: Path, fabric_ns: list[float], count: int, *rows: str, whole_ns: float = 0
) -> Drawn:
    """Return sessions on steps that take what is told within the fabric, again and again.

    With the time of whole steps two micro-batches are in flight.
    """

    def told(build: Build, options: ContendOptions, runtime: Runtime) -> Contended:
        del build, runtime
        round_ps = np.full(options.steps if whole_ns else 0, round(whole_ns * 1000), dtype=np.int64)
        segment_ps = np.rint(np.resize(np.array(fabric_ns), (options.steps, 1)) * 1000).astype(np.int64)
        return Contended(segment_ps, np.zeros((options.steps, 1, 3), dtype=np.int64), round_ps)

    patch.setattr(module, "contended_steps", told)
    session, steps = session_of(folder, *rows), steps_of(in_flight=2 if whole_ns else 1)
    return drawn_sessions(session, steps, prefill_of(), OPTIONS, count, progress=lambda *_: None)


def test_steps_without_a_tail_give_one_session(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Tests steps of 60 ns in the fabric, as nominal ones: 40 more are assumed below 10 rows, 70 beyond.

    One request sees 9, 10, 11 and 12 rows after 1 ns of prefill: 1 + 100 + 100 + 130 + 130.
    """
    found = drawn(monkeypatch, tmp_path, [60.0], 3, "a,main,,7,1,4,0")
    assert found.session_ps.tolist() == [461_000] * 3
    assert found.mean.timeline.total_ps == found.tail.timeline.total_ps == found.tail_ps == 461_000


def test_a_step_among_rivals_counts_as_a_whole(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Tests steps of 150 ns, 60 of them in the fabric: 1 of prefill and four of them, below 10 rows and beyond."""
    found = drawn(monkeypatch, tmp_path, [60.0], 3, "a,main,,7,1,4,0", whole_ns=150)
    assert found.session_ps.tolist() == [601_000] * 3


def test_tails_of_steps_in_a_row_add_up_by_the_square_root(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Tests 10,000 steps in a row of 100 or 300 ns, 70 of which are assumed, each as likely.

    A session has a mean of 10,000 x 200 ns and a deviation of 100 x sqrt(10,000) = 10 us: 99 % take less than
    2,023.3 us, one step in a hundred 300 ns: 3,000 us if every step took that.
    """
    found = drawn(monkeypatch, tmp_path, [30.0, 230.0], 400, "a,main,,10,0,10000,0")
    assert found.mean.timeline.total_ps == 2_000_000_000
    assert found.tail.timeline.total_ps == 3_000_000_000
    assert found.median_ps / 1e6 == pytest.approx(2000, abs=2)
    assert found.tail_ps / 1e6 == pytest.approx(2023.3, abs=5)
    assert found.session_ps.std() / 1e6 == pytest.approx(10, rel=0.1)


def test_a_session_is_the_same_whatever_their_number(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Tests three sessions against the first three of five, all of which differ."""
    rows = ["a,main,,0,0,10,0", "b,sub,a,0,0,10,0"]
    fabric = [float(time) for time in range(100)]
    few, more = (drawn(monkeypatch, tmp_path, fabric, count, *rows).session_ps for count in (3, 5))
    assert few.tolist() == more[:3].tolist()
    assert len(set(more.tolist())) == 5
