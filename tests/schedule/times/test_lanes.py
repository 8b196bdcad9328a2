"""One of the parallel links of a bundle for each slot (R1)."""

from __future__ import annotations

from collections import defaultdict
from fractions import Fraction
from itertools import pairwise
from math import ceil
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lpxsched.schedule.result import SPREADING, Schedule
from lpxsched.schedule.routes.blocks import Cut, cut_blocks
from lpxsched.schedule.routes.list_schedule import greedy_schedule
from lpxsched.schedule.times.lanes import assign_lanes
from tests.schedule.instances import blocks_of, schedule_of, two_chips, wide
from tests.strategies import cuts, instances

if TYPE_CHECKING:
    from lpxsched.schedule.problem.instance import Instance


def _assert_valid(instance: Instance, schedule: Schedule) -> None:
    """Check that the slots of a lane follow each other, and that every lane is one of its bundle."""
    lanes = assign_lanes(instance, schedule)
    assert ((lanes >= 0) & (lanes < instance.network.lanes[schedule.slot_bundle])).all()
    held: dict[tuple[int, int], list[tuple[int, int]]] = defaultdict(list)
    for slot, lane in enumerate(lanes.tolist()):
        bundle, depart = int(schedule.slot_bundle[slot]), int(schedule.slot_depart[slot])
        v = Fraction(int(instance.network.pitch_numerator[bundle]), int(instance.network.pitch_denominator[bundle]))
        end = depart + ceil(int(schedule.blocks.vectors[schedule.slot_block[slot]]) * v)
        held[bundle, lane].append((depart, end))
    for slots in held.values():
        assert all(end <= depart for (_, end), (depart, _) in pairwise(sorted(slots)))


def _one_bundle(lanes: int, departs: list[int], vectors: int) -> tuple[Instance, Schedule]:
    """Return slots of equal length on one bundle of v = 5/2."""
    blocks = blocks_of(*((0, vectors * index, vectors) for index in range(len(departs))))
    slots = [(index, SPREADING, 0, depart) for index, depart in enumerate(departs)]
    return wide(lanes, vectors * len(departs)), schedule_of(blocks, slots)


@given(instances(), cuts())
@settings(max_examples=40, deadline=None)
def test_lanes_of_greedy_schedules_never_overlap(instance: Instance, cut: Cut) -> None:
    """Tests that a schedule that keeps the capacity of every bundle can be laid on its links."""
    _assert_valid(instance, greedy_schedule(instance, cut_blocks(instance, cut)))


@given(st.lists(st.integers(0, 30), min_size=1, max_size=25), st.integers(1, 4))
def test_as_many_lanes_as_overlap_are_enough(departs: list[int], vectors: int) -> None:
    """Tests that k lanes do where k slots overlap at most, and that k - 1 lanes are refused."""
    hold = ceil(vectors * Fraction(5, 2))
    overlap = max(sum(other <= depart < other + hold for other in departs) for depart in departs)
    _assert_valid(*_one_bundle(overlap, departs, vectors))
    if overlap > 1:
        with pytest.raises(ValueError, match=rf"R1: more than {overlap - 1} slots on bundle 0 at "):
            assign_lanes(*_one_bundle(overlap - 1, departs, vectors))


def test_the_lowest_free_lane_is_taken() -> None:
    """Tests lanes of slots of 3 cycles: the third finds lane 0 free again, the fourth only lane 1."""
    # [0, 3) lane 0, [1, 4) lane 1, [3, 6) lane 0 once the first has ended, [4, 7) lane 1
    assert assign_lanes(*_one_bundle(2, [0, 1, 3, 4], 1)).tolist() == [0, 1, 0, 1]


def test_the_order_of_rows_does_not_matter() -> None:
    """Tests that slots listed backwards get the lanes of the same slots."""
    instance, schedule = _one_bundle(2, [4, 3, 1, 0], 1)
    assert assign_lanes(instance, schedule).tolist() == [1, 0, 1, 0]


def test_an_overload_names_bundle_and_cycle() -> None:
    """Tests that two slots of 3 cycles, two cycles apart, are refused on one link."""
    with pytest.raises(ValueError, match="R1: more than 1 slots on bundle 0 at 2"):
        assign_lanes(*_one_bundle(1, [0, 2], 1))


def test_no_slots_need_no_lanes() -> None:
    """Tests an empty schedule."""
    assert assign_lanes(two_chips(), schedule_of(blocks_of((0, 0, 2)))).tolist() == []
    assert assign_lanes(two_chips(), schedule_of(blocks_of((0, 0, 2)))).dtype == np.int64
