"""R8 reads: a link delivers in order."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lpxsched.verify.order import out_of_order
from tests.builds import two_chip_build
from tests.verify.changes import change, changed, messages, repeating, rules
from tests.verify.collectives import LAID, build_of
from tests.verify.hops import all_hops

if TYPE_CHECKING:
    from lpxsched.timetable.build import Build

# Slots 0 and 1 on link 0 leave at 23 and 80, two vectors of 5/2 cycles each, and are read from 41 and 98 on.


@pytest.mark.parametrize(("read", "found"), [(95, False), (96, True)])
def test_the_last_vector_is_read_before_the_next_slot(read: int, found: bool) -> None:
    """Tests a second vector that is read 5/2 cycles after the first, at 97 1/2 or 98 1/2; the next one is due at 98."""
    text = (
        "link 0 (chip 0 -> chip 1) delivers in order: the slot that departs at 23 is read until 98, the next one, "
        "which departs at 80, from 98 on"
    )
    build = changed("slots", 0, read=read)
    assert (text in messages(build, "R8")) == found


def all_gather(read: int, period: int) -> Build:
    """Return an all-gather of three chips, a vector a link, with another read of slot 0 on link 0."""
    slots = [(link // 2, 0, 1, link, 0) for link in range(6)]
    graph = [("data", 3, "sharded", None)]
    held = [("data", chip, chip, 1) for chip in range(3)]
    reads = [(chip, tensor, 0, 1) for chip in range(3) for tensor in range(3)]
    laid = replace(LAID["all-gather"], graph=graph, held=held, slots=slots, reads=reads, starts=[60, 60, 60])
    return change(build_of(laid, period=period), "slots", 0, read=read)


def test_iterations_follow_each_other() -> None:
    """Tests a slot alone on its link: the next iteration leaves a period later and waits as long, so it is in order."""
    assert not rules(all_gather(33, period=10))


@given(st.integers(18, 90), st.integers(18, 90), st.integers(5, 35))
def test_neighbours_on_the_circle_say_it_of_all(first: int, second: int, apart: int) -> None:
    """Tests two slots of a frame with period 40 against all pairs of vectors of four iterations.

    Vector 1 is read 5/2 cycles after vector 0, in the second cycle after it.
    """
    build = two_chip_build()
    build = change(build, "slots", 0, depart=23, read=23 + first)
    build = repeating(change(build, "slots", 1, depart=23 + apart, read=23 + apart + second), 40)
    begins = [(23 + number * 40, first) for number in range(4)] + [(23 + apart + n * 40, second) for n in range(4)]
    reads = [depart + wait + after for depart, wait in sorted(begins) for after in (0, 2)]
    hops = all_hops(build)
    told = list(out_of_order(build, hops.take(np.flatnonzero(hops.link == 0))))
    assert bool(told) != all(one < other for one, other in pairwise(reads))
