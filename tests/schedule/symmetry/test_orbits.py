"""Representatives of an instance and its blocks, and the way back to all."""

from __future__ import annotations

import numpy as np

from lpxsched.schedule.result import SPREADING
from lpxsched.schedule.symmetry.groups import network_groups
from lpxsched.schedule.symmetry.orbits import Orbits
from tests.schedule.instances import Demand, Operator, blocks_of, both_ways, instance_of, ints, two_chips


def test_a_lifted_schedule_has_the_images_of_each_row() -> None:
    """Tests one demand of each of two chips in two blocks, and an operator on each chip."""
    demands = [Demand(3, chip, (0, 1), (0, 1), ()) for chip in (0, 1)]
    instance = instance_of(2, both_ways([(0, 1)]), [Operator(0), Operator(1)], demands)
    orbits = Orbits.of(
        instance, blocks_of((0, 0, 1), (0, 1, 2), (1, 0, 1), (1, 1, 2)), next(network_groups(instance.network))
    )
    assert (orbits.operators, orbits.blocks) == ([0], [0, 1])
    slots = np.array([[0, SPREADING, 0, 5], [1, SPREADING, 0, 9]])
    sums = np.array([[1, 0, 2, 30]])
    schedule = orbits.lifted(slots, sums, ints([40, -1]))
    rows = zip(schedule.slot_block, schedule.slot_bundle, schedule.slot_depart, strict=True)
    assert sorted(rows) == [(0, 0, 5), (1, 0, 9), (2, 1, 5), (3, 1, 9)]
    assert sorted(zip(schedule.sum_block, schedule.sum_node, strict=True)) == [(1, 0), (3, 1)]
    assert (schedule.sum_operands.tolist(), schedule.sum_start.tolist()) == ([2, 2], [30, 30])
    assert schedule.operator_start.tolist() == [40, 40]


def test_without_a_group_everything_represents_itself() -> None:
    """Tests the trivial group."""
    orbits = Orbits.of(two_chips(), blocks_of((0, 0, 2), (1, 0, 1), (1, 1, 1)))
    assert orbits.symmetry.order == 1
    assert orbits.demand.tolist() == [0, 1, 2, 3]
    assert orbits.block_map.tolist() == [[0, 1, 2]]
    assert orbits.home(2, 1) == (2, 1)
