"""Representatives of an instance and its blocks."""

from __future__ import annotations

from lpxsched.schedule.symmetry.groups import network_groups, trivial
from lpxsched.schedule.symmetry.orbits import Orbits
from lpxsched.schedule.symmetry.represented import operator_tasks
from tests.schedule.instances import Demand, Operator, blocks_of, both_ways, instance_of, two_chips


def test_the_least_of_each_orbit_represents_it() -> None:
    """Tests one demand of each of two chips in two blocks, and an operator of 7 cycles on each chip."""
    demands = [Demand(3, chip, (0, 1), (0, 1), ()) for chip in (0, 1)]
    operators = [Operator(0, cycles=7), Operator(1, cycles=7)]
    instance = instance_of(2, both_ways([(0, 1)]), operators, demands)
    group = next(network_groups(instance.network))
    orbits = Orbits.of(instance, blocks_of((0, 0, 1), (0, 1, 2), (1, 0, 1), (1, 1, 2)), group)
    assert (orbits.operator.tolist(), orbits.block.tolist()) == ([0, 0], [0, 1, 0, 1])
    tasks = operator_tasks(instance, group)
    assert (tasks.task.tolist(), tasks.node.tolist(), tasks.cycles.tolist()) == ([0, 0], [0], [7])


def test_without_a_group_everything_represents_itself() -> None:
    """Tests the trivial group."""
    instance = two_chips()
    orbits = Orbits.of(instance, blocks_of((0, 0, 2), (1, 0, 1), (1, 1, 1)), trivial(instance.network))
    assert orbits.symmetry.order == 1
    assert orbits.demand.tolist() == [0, 1, 2, 3]
    assert orbits.block_map.tolist() == [[0, 1, 2]]
