"""Tests of how many vectors wait in a deskew buffer."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from lpxsched.simulation.bound.waiting import waiting_by_link
from tests.builds import ints, two_chip_build
from tests.simulation import examples

if TYPE_CHECKING:
    from lpxsched.simulation.timeline import Timeline


def timeline_of(vectors: int, *departs: int) -> Timeline:
    """Return slots of tensor 4 (eight vectors) on link 0, each read 18 cycles after it departs."""
    build, count = two_chip_build(), len(departs)
    slots = replace(
        build.slots,
        tensor=np.full(count, 4),
        first_vector=np.zeros(count, dtype=np.int64),
        vectors=np.full(count, vectors),
        link=np.zeros(count, dtype=np.int64),
        depart=ints(*departs),
        read=ints(*departs) + 18,
    )
    return examples.timeline_of(replace(build, slots=slots))


def waiting(timeline: Timeline, slack: float) -> int:
    """Return the most vectors that wait when each arrives `slack` cycles before its read."""
    return int(waiting_by_link(two_chip_build(), timeline, np.full((2, timeline.slots), slack)).max())


def test_a_vector_waits_from_arrival_to_read() -> None:
    """Tests one vector that arrives before its read, at its read, and after it."""
    assert [waiting(timeline_of(1, 80), slack) for slack in (1.0, 0.0, -1.0)] == [1, 0, 0]


def test_vectors_of_one_slot_queue_up() -> None:
    """Tests vectors 2.5 cycles apart that wait 6 cycles: a third arrives before the first is read."""
    assert waiting(timeline_of(8, 80), 6.0) == 3


def test_a_read_makes_room_for_the_vector_that_arrives_then() -> None:
    """Tests vectors 2.5 cycles apart that wait 5 cycles: the third arrives just when the first is read."""
    assert waiting(timeline_of(8, 80), 5.0) == 2


def test_slots_of_one_link_wait_together() -> None:
    """Tests two slots of one vector, 3 cycles apart: both wait at once if each waits longer than that."""
    assert [waiting(timeline_of(1, 80, 83), slack) for slack in (2.0, 4.0)] == [1, 2]


def test_slots_of_different_links_wait_apart() -> None:
    """Tests that equal slots on the two links between the chips do not add up."""
    timeline = replace(timeline_of(1, 80, 80), link=ints(0, 2))
    assert waiting(timeline, 4.0) == 1


def test_arrivals_spread_evenly_between_the_first_and_the_last() -> None:
    """Tests a sender that runs ahead: the vectors of a slot wait 1, 2, 3, .. 8 cycles."""
    slack = np.array([[1.0], [8.0]])
    # Vector k arrives at 97 + 1.5 k and is read at 98 + 2.5 k. At 107.5, when vector 7 arrives, vectors 0 to
    # 3 are read (at 98 to 105.5) and 4 to 7 wait.
    assert waiting_by_link(two_chip_build(), timeline_of(8, 80), slack).tolist() == [4, 0, 0, 0, 0, 0]
