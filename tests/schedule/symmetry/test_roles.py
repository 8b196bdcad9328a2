"""What operators and demands are, whichever chip they belong to."""

from __future__ import annotations

from lpxsched.schedule.symmetry.roles import roles
from tests.schedule.circulants import Shares, circulant, layer_on
from tests.schedule.instances import Demand, Operator, both_ways, instance_of


def test_roles_do_not_depend_on_shares_or_durations() -> None:
    """Tests a layer on two chips whose shares and durations differ: one role each for what both have."""
    operators, demands = roles(layer_on(circulant(2, (1,)), Shares([3, 1], [1, 2], [9, 4])))
    # Sources, matrix operators, vector operators, sinks; inputs, outputs.
    assert [operators[index] for index in (0, 2, 4, 6)] == [operators[index] for index in (1, 3, 5, 7)]
    assert len(set(operators)) == 4
    assert (demands[0], demands[2]) == (demands[1], demands[3])
    assert demands[0] != demands[2]


def test_a_missing_share_leaves_the_other_roles_alone() -> None:
    """Tests that a host without an input has its sink in the same role as the others."""
    operators, demands = roles(layer_on(circulant(2, (1,)), Shares([3, 0], [1, 2], [9, 9])))
    # One source, two matrix and two vector operators, two sinks.
    assert (operators[1], operators[3], operators[5]) == (operators[2], operators[4], operators[6])
    assert demands[1] == demands[2]


def test_equals_on_one_node_are_told_apart_by_their_order() -> None:
    """Tests two operators and two demands of one kind on a chip."""
    operators = [Operator(0), Operator(0), Operator(1, demands=(0, 1))]
    demands = [Demand(1, 0, (0,), (index,), (1,)) for index in (0, 1)]
    operator_roles, demand_roles = roles(instance_of(2, both_ways([(0, 1)]), operators, demands))
    assert len(set(operator_roles)) == 3
    assert len(set(demand_roles)) == 2
