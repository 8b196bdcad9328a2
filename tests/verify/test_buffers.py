"""R8 reads: vectors that wait in deskew buffers."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lpxsched.verify import buffers
from lpxsched.verify.clock import limits_of
from lpxsched.verify.frames import turns
from lpxsched.verify.hops import exact_arrivals
from tests.builds import signed, two_chip_build
from tests.verify.changes import breaks, change, changed, messages, rules
from tests.verify.collectives import LAID, build_of, limited
from tests.verify.hops import all_hops

# Slots of link 0 leave at 23 and 80. The first vector of slot 0 may arrive 23 + 12.5 - 0.9 = 34.6 and some thousandths
# before, 2.5 later the second one; they are read at 41 and 43.5.


def test_vectors_wait_from_their_earliest_arrival_to_their_read() -> None:
    """Tests that two vectors wait at 37.1, which a buffer of two holds."""
    assert not rules(limited(two_chip_build(), deskew_buffer_vectors=2))
    full = changed("chips", 1, deskew_buffer_vectors=1)
    assert {message.split(" at ")[0] for message in messages(full, "R8")} == {
        "2 vectors wait on link 0 (chip 0 -> chip 1)",
        "2 vectors wait on link 5 (host 0 -> chip 1)",
    }
    assert rules(full) == {"R8"}


@pytest.mark.parametrize(("read", "most"), [(13, 1), (15, 1), (16, 2)])
def test_a_read_makes_room(read: int, most: int) -> None:
    """Tests that vectors which arrive at 12.5 and 15 wait together unless the first one is read by 15."""
    build = change(build_of(replace(LAID["all-gather"], starts=[60, 60, 60])), "slots", 0, read=read)
    assert not rules(limited(build, deskew_buffer_vectors=most))
    assert f"{most} vectors wait on link 0" in " ".join(messages(limited(build, deskew_buffer_vectors=most - 1), "R8"))


def test_iterations_wait_together() -> None:
    """Tests that with a period of 10 a vector which waits for 20.5 cycles waits with those of two iterations more."""
    slots = [(link // 2, 0, 1, link, 0) for link in range(6)]
    graph = [("data", 3, "sharded", None)]
    held = [("data", chip, chip, 1) for chip in range(3)]
    reads = [(chip, tensor, 0, 1) for chip in range(3) for tensor in range(3)]
    laid = replace(LAID["all-gather"], graph=graph, held=held, slots=slots, reads=reads, starts=[40, 40, 40])
    build = change(build_of(laid, period=10), "slots", 0, read=33)
    assert not rules(limited(build, deskew_buffer_vectors=3))
    text = "3 vectors wait on link 0 (chip 0 -> chip 1) at 2 1/2, modulo the period 10, its deskew buffer holds 2"
    assert breaks(limited(build, deskew_buffer_vectors=2), "R8", text)


@given(st.lists(st.integers(0, 30), min_size=2, max_size=2), st.integers(0, 4))
def test_what_waits_is_what_is_counted(waits: list[int], depth: int) -> None:
    """Tests the most at once on link 0 against a count at each arrival, and the bound of the link against both."""
    build = two_chip_build()
    read = build.slots.read + np.array([*waits, 0, 0, 0, 0, 0, 0])
    build = signed(replace(build, slots=replace(build.slots, read=read)))
    limits, hops = limits_of(build), all_hops(build)
    mine = hops.take(np.flatnonzero(hops.link == 0))
    vectors = []
    for k in (0, 1):
        found = exact_arrivals(mine, np.full(2, k), limits)
        vectors += list(zip(found.earliest.tolist(), found.due.tolist(), strict=True))
    most = max(sum(begin <= time < end for begin, end in vectors) for time, _ in vectors)
    assert [count for link, count, *_ in buffers._counted(mine, limits, turns(build)) if link == 0] == [most]
    assert most <= buffers._at_most(build, hops, limits)[0]
    full = limited(build, deskew_buffer_vectors=depth)
    assert (most > depth) == any("on link 0 " in message for message in messages(full, "R8"))


def test_vectors_that_cannot_be_counted_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests that a link which could not be judged does not pass."""
    monkeypatch.setattr(buffers, "MOST_VECTORS", 3)
    text = "4 vectors cross link 0, more than 3 are not counted"
    assert breaks(changed("chips", 1, deskew_buffer_vectors=1), "R8", text)
