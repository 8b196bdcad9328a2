"""Tests of how many vectors wait in a deskew buffer."""

from __future__ import annotations

from dataclasses import replace
from math import floor
from typing import TYPE_CHECKING

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from lpxsched.simulation.alignment import read_alignment
from lpxsched.simulation.bound.slack import largest_slacks_cycles
from lpxsched.simulation.bound.waiting import most_waiting, waiting_by_link
from lpxsched.simulation.bound.worst import read_walk
from lpxsched.simulation.timeline import read_timeline, slots_to_chips
from tests.builds import ints, two_chip_build
from tests.simulation import examples

if TYPE_CHECKING:
    from lpxsched.clocks.specification import ClockSpecification
    from lpxsched.simulation.timeline import Timeline
    from lpxsched.timetable.build import Build


def build_of(vectors: int, *departs: int) -> Build:
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
    return replace(build, slots=slots)


def timeline_of(vectors: int, *departs: int) -> Timeline:
    """Return the timeline of these slots."""
    return examples.timeline_of(build_of(vectors, *departs))


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


CLOCKS = st.builds(
    examples.clock,
    ppm=st.floats(0, 100_000),
    residual_ns=st.floats(0, 20),
    calibration_ns=st.floats(0, 5),
    spread_ppm=st.floats(0, 100_000),
    spread_khz=st.floats(1, 1000),
    drift_ppm_per_s=st.floats(0, 1000),
)


@given(specification=CLOCKS, later=st.sampled_from([0, 10**6]), longer=st.integers(0, 12))
@settings(deadline=None, max_examples=200)
def test_no_more_wait_than_the_time_that_each_may_wait_holds(
    specification: ClockSpecification, later: int, longer: int
) -> None:
    """Tests what is told of all slots against what is counted, of eight vectors read up to 12 cycles too late.

    A ramp of 1e-12 a cycle counts after 10^6 cycles.
    """
    build, limits = build_of(8, 80 + later), examples.limits_of(specification)
    build = replace(build, slots=replace(build.slots, read=build.slots.read + longer))
    alignment = read_alignment(build)
    timeline = read_timeline(build, alignment, limits, slots_to_chips(build))
    counted = waiting_by_link(build, timeline, largest_slacks_cycles(timeline, limits))
    assert (most_waiting(build, read_walk(build, alignment, limits), limits) >= counted).all()


def test_the_longest_wait_holds_all_that_makes_a_vector_early() -> None:
    """Tests 1 %, 2.07 ns a level and 0.5 of calibration, d = 2 % at 100 kHz, a ramp of 1e-12, 10^6 cycles on.

    One vector waits for its read at 98 since 92.5, 5.5 cycles on perfect clocks. A level and calibration of both make
    it 3.07 earlier, drift 0.02 of 1,000,096 cycles, d / 2 of the 10 on the way, the swing of two clocks 25 each, and
    ramps a cycle. Vectors leave no less than 2.5 (0.98 - 2 (0.01 + 1e-6)) = 2.4 apart. The sum is 8,359 of these and
    0.03 cycles, so that with any less of it one vector fewer would be told.
    """
    told = {
        "residual_ns": 2.07,
        "calibration_ns": 0.5,
        "drift_ppm_per_s": 1000,
        "spread_ppm": 20_000,
        "spread_khz": 100,
    }
    limits = examples.limits_of(examples.clock(ppm=10_000, **told))
    build = build_of(1, 80 + 10**6)
    walk = read_walk(build, read_alignment(build), limits)
    since = 10**6 + 96
    waits = 5.5 + 3.07 + (1 - 0.98) * since + 0.01 * 10 + 2 * 25 + since**2 / 10**12
    apart = 0.98 - 2 * (0.01 + (10**6 + 98) / 10**12)
    assert most_waiting(build, walk, limits)[0] == floor(waits / (2.5 * apart)) + 1 == 8360
    assert waits / (2.5 * apart) - 8359 < 0.02
