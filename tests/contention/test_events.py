"""Tests of the order of events against a sorted list."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, cast

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from lpxsched.contention.events import is_over, note, take_first
from lpxsched.contention.state import BUCKET_BITS, BUCKETS, State, fresh_state

if TYPE_CHECKING:
    from lpxsched.contention.tables import RunTables

HORIZON_PS = BUCKETS << BUCKET_BITS
# How much later than the last one an event is noted: at once, within a bucket, beyond all of them.
LATER = st.sampled_from([0, 1, 2, 1 << BUCKET_BITS, 5 << BUCKET_BITS, HORIZON_PS - 1, HORIZON_PS, 3 * HORIZON_PS])


def room_for(events: int) -> State:
    """Return a state in which so many events may lie ahead."""
    tables = {"group_of": events, "call_sends_at": 1, "hop_of": 0, "lane_vector": 0, "group_unit": 0, "bundle_first": 0}
    empty = {name: np.zeros(length, dtype=np.int64) for name, length in tables.items()}
    return fresh_state(cast("RunTables", SimpleNamespace(**empty)))


@given(st.lists(st.tuples(LATER, st.booleans()), max_size=60))
def test_events_come_by_time_and_then_as_they_were_noted(script: list[tuple[int, bool]]) -> None:
    """Tests any mixture of noting, later than what was taken last, and taking."""
    state, time, waiting = room_for(60), 0, list[tuple[int, int]]()
    for number, (later, takes) in enumerate(script):
        note(state, time + later, number)
        waiting = sorted([*waiting, (time + later, number)])
        if takes:
            assert take_first(state) == waiting[0]
            time = waiting.pop(0)[0]
    for expected in waiting:
        assert not is_over(state)
        assert take_first(state) == expected
    assert is_over(state)
