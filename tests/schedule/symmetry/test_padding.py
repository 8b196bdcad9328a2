"""Unequal shares made equal for a solver, and cut off again."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings

from lpxsched.schedule.bounds import lower_bound
from lpxsched.schedule.problem.ragged import Ragged
from lpxsched.schedule.result import Schedule, Sums
from lpxsched.schedule.routes.blocks import Cut
from lpxsched.schedule.symmetry.lift import lifted_layer
from lpxsched.schedule.symmetry.padding import Padded, paddings, roles, unpadded
from tests.schedule.circulants import Shares, circulant, circulant_layers, even_layer, layer_on
from tests.schedule.greedy import greedy_plan, greedy_schedule
from tests.schedule.instances import Demand, Operator, both_ways, instance_of, two_chips
from tests.schedule.rules import violations
from tests.strategies import cuts

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lpxsched.schedule.problem.instance import Instance


def largest(instance: Instance) -> Padded:
    """Return an instance padded for its largest group."""
    return next(paddings(instance))


@given(circulant_layers(), cuts())
@settings(max_examples=60, deadline=None)
def test_greedy_on_representatives_keeps_all_rules(instance: Instance, cut: Cut) -> None:
    """Tests every group: rules kept with the padding and without, left as it is by the group, no bound undercut."""
    for padded in paddings(instance):
        found = greedy_plan(padded, cut)
        whole = replace(padded, original=padded.instance, **as_it_is(padded.instance))
        schedule = lifted_layer(replace(found, problem=whole))
        assert violations(padded.instance, schedule) == []
        assert schedule.makespan_cycles == found.placement.makespan_cycles
        kept = lifted_layer(found)
        assert violations(instance, kept) == []
        assert lower_bound(instance).cycles <= kept.makespan_cycles <= schedule.makespan_cycles


def as_it_is(instance: Instance) -> dict[str, NDArray[np.int64]]:
    """Return that every operator and demand is what it is padded to."""
    return {"operator_of": np.arange(instance.operators), "demand_of": np.arange(instance.demands)}


def test_an_even_layer_needs_no_padding() -> None:
    """Tests that the padded instance is the instance itself, to the byte."""
    instance = even_layer(4, (1, 3))
    padded = largest(instance)
    assert padded.symmetry.order == 4
    assert padded.instance.key() == instance.key()
    assert padded.operator_of.tolist() == list(range(instance.operators))


def test_shares_take_the_length_of_the_longest() -> None:
    """Tests shares of 2, 1 and 1 vectors that enter and 3, 3 and 2 that leave, and operators of unequal durations."""
    padded = largest(layer_on(circulant(3, (1,)), Shares([2, 1, 1], [3, 3, 2], [9, 8, 7])))
    assert padded.instance.demand_vectors.tolist() == [2, 2, 2, 3, 3, 3]
    # Sources, matrix operators, vector operators, sinks.
    assert padded.instance.operator_cycles.tolist() == [0, 0, 0, 9, 9, 9, 5, 5, 5, 0, 0, 0]


def test_missing_shares_are_added_and_cut_off() -> None:
    """Tests a layer of which one host brings no rows: it gets a source and a demand, which no schedule shows."""
    instance = layer_on(circulant(3, (1, 2)), Shares([1, 0, 1], [1, 1, 1], [0, 0, 0]))
    padded = largest(instance)
    assert (padded.instance.operators, padded.instance.demands) == (instance.operators + 1, instance.demands + 1)
    assert padded.demand_of.tolist() == [0, 2, 3, 4, 5]
    kept = greedy_schedule(padded, Cut(1, 1))
    # Nothing is read of what the second host does not bring.
    assert sorted(set(kept.read_value[kept.read_value < instance.operators].tolist())) == [0, 1]
    assert violations(instance, kept) == []


def test_blocks_are_cut_off_at_the_end_of_their_share() -> None:
    """Tests shares of 3 and 2 vectors in blocks of 2: the last block of the second share is left out."""
    instance = layer_on(circulant(2, (1,)), Shares([3, 2], [1, 1], [0, 0]))
    padded = largest(instance)
    whole = greedy_plan(padded, Cut(2, 1))
    assert whole.plan.blocks.vectors.tolist() == [2, 1, 1]
    kept = lifted_layer(whole)
    entering = kept.slot_value < 2
    runs = zip(kept.slot_value[entering], kept.slot_first[entering], kept.slot_vectors[entering], strict=True)
    assert sorted(set(runs)) == [(0, 0, 2), (0, 2, 1), (1, 0, 2)]


@pytest.mark.parametrize(
    ("columns", "row"),
    [(["demand_leaves", "demand_leaf_operators"], 5), (["demand_consumers"], 2), (["operator_after"], 8)],
)
def test_a_program_that_differs_between_chips_has_no_symmetry(columns: list[str], row: int) -> None:
    """Tests a layer of three chips in which the last of a kind asks for one thing less than the others.

    A sum without one summand, an input that one chip does not read, a vector operator that waits for nothing: padding
    would ask for more there than the layer does.
    """
    instance = even_layer(3, (1,))
    changes = {}
    for column in columns:
        whole = getattr(instance, column)
        rows = [whole[index].tolist() for index in range(len(whole))]
        changes[column] = Ragged.of([*rows[:row], rows[row][:-1], *rows[row + 1 :]])
    assert [padded.symmetry.order for padded in paddings(instance)] == [3]
    assert list(paddings(replace(instance, **changes))) == []


def test_streams_of_one_orbit_share_its_links() -> None:
    """Tests a ring of three, one way, on which each chip's rows pass through the next: 10 vectors of 5/2 cycles."""
    # The next chip could send them on after 18 + 3 = 21 cycles, but its own keep the link until 25. They come in from
    # the host [0, 25) and are read from 18 on, so they leave at 21, and are passed on from 46 on: the last is read at
    # 46 + 18 + ceil(9 x 5/2) = 87.
    instance = layer_on(circulant(3, (1,)), Shares([10] * 3, [1] * 3, [0] * 3))
    padded = largest(instance)
    schedule = greedy_schedule(padded, Cut(10, 1))
    assert violations(instance, schedule) == []
    assert schedule.operator_start[3:6].tolist() == [87, 87, 87]


def test_equal_instances_are_padded_alike() -> None:
    """Tests that nothing depends on the order of sets."""
    shares = Shares([2, 0, 1, 1], [1, 1, 0, 2], [3, 4, 5, 6])
    first, second = (largest(layer_on(circulant(4, (1, 2)), shares)) for _ in range(2))
    assert first.instance.key() == second.instance.key()
    one, other = (greedy_schedule(padded, Cut(1, 1)) for padded in (first, second))
    for field in fields(Schedule):
        if field.name != "sums":
            assert np.array_equal(getattr(one, field.name), getattr(other, field.name))
    for field in fields(Sums):
        assert np.array_equal(getattr(one.sums, field.name), getattr(other.sums, field.name))


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
