"""Representatives of operators and demands."""

from __future__ import annotations

from lpxsched.schedule.symmetry.padding import paddings, unpadded
from tests.schedule.instances import Demand, Operator, both_ways, instance_of, two_chips


def test_the_least_of_each_orbit_represents_it() -> None:
    """Tests one demand of each of two chips, and an operator of 7 cycles on each chip."""
    demands = [Demand(3, chip, (0, 1), (0, 1), ()) for chip in (0, 1)]
    operators = [Operator(0, cycles=7), Operator(1, cycles=7)]
    problem = next(paddings(instance_of(2, both_ways([(0, 1)]), operators, demands)))
    assert (problem.least_operator.tolist(), problem.least_demand.tolist()) == ([0, 0], [0, 0])
    assert problem.least_node.tolist() == [0, 0]
    tasks = problem.operators
    assert (tasks.task.tolist(), tasks.node.tolist(), tasks.cycles.tolist()) == ([0, 0], [0], [7])


def test_without_a_group_everything_represents_itself() -> None:
    """Tests the trivial group."""
    problem = unpadded(two_chips())
    assert problem.symmetry.order == 1
    assert problem.least_demand.tolist() == [0, 1, 2, 3]
    assert problem.demand_map.tolist() == [[0, 1, 2, 3]]
