"""Unequal shares made equal for a solver, and cut off again."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings

from lpxsched.schedule.bounds.walk import lower_bound
from lpxsched.schedule.cpsat.layers import Effort, improve
from lpxsched.schedule.result import Schedule
from lpxsched.schedule.routes.blocks import Cut, cut_blocks
from lpxsched.schedule.routes.list_schedule import greedy_schedule
from lpxsched.schedule.symmetry.orbits import Orbits
from lpxsched.schedule.symmetry.padding import Padded, paddings
from tests.schedule.circulants import Shares, circulant, circulant_layers, even_layer, layer_on
from tests.schedule.rules import violations
from tests.strategies import cuts

if TYPE_CHECKING:
    from lpxsched.schedule.problem.instance import Instance


def largest(instance: Instance) -> Padded:
    """Return an instance padded for its largest group."""
    return next(paddings(instance))


def moved(padded: Padded, schedule: Schedule, element: int) -> list[list[tuple[int, ...]]]:
    """Return where an element of the group takes the slots, sums and operators of a schedule, sorted."""
    symmetry = padded.symmetry
    block = Orbits.of(padded.instance, schedule.blocks, symmetry).block_map[element]
    operator = symmetry.carried(padded.instance.operator_node)[element]
    bundle, node = symmetry.bundle_map[element], symmetry.node_map[element]
    tables = [
        (block[schedule.slot_block], schedule.slot_phase, bundle[schedule.slot_bundle], schedule.slot_depart),
        (block[schedule.sum_block], node[schedule.sum_node], schedule.sum_operands, schedule.sum_start),
        (operator, schedule.operator_start),
    ]
    return [sorted(zip(*(column.tolist() for column in columns), strict=True)) for columns in tables]


@given(circulant_layers(), cuts())
@settings(max_examples=60, deadline=None)
def test_greedy_on_representatives_keeps_all_rules(instance: Instance, cut: Cut) -> None:
    """Tests every group: rules kept with the padding and without, left as it is by the group, no bound undercut."""
    for padded in paddings(instance):
        schedule = greedy_schedule(padded.instance, cut_blocks(padded.instance, cut), symmetry=padded.symmetry)
        assert violations(padded.instance, schedule) == []
        assert all(moved(padded, schedule, element) == moved(padded, schedule, 0) for element in range(2))
        kept = padded.cut_off(schedule)
        assert violations(instance, kept) == []
        assert lower_bound(instance).cycles <= kept.makespan_cycles <= schedule.makespan_cycles


@given(circulant_layers(most_chips=4, most_vectors=3), cuts())
@settings(max_examples=25, deadline=None)
def test_the_model_of_representatives_keeps_all_rules(instance: Instance, cut: Cut) -> None:
    """Tests that what CP-SAT finds for representatives holds for all, and is never longer than the hint."""
    padded = largest(instance)
    hint = greedy_schedule(padded.instance, cut_blocks(padded.instance, cut), symmetry=padded.symmetry)
    found, _ = improve(padded.instance, hint, lower_bound(instance), Effort(0, 0.05), symmetry=padded.symmetry)
    assert violations(instance, padded.cut_off(found)) == []
    assert found.makespan_cycles <= hint.makespan_cycles


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
    schedule = greedy_schedule(padded.instance, cut_blocks(padded.instance, Cut(1, 1)), symmetry=padded.symmetry)
    kept = padded.cut_off(schedule)
    assert kept.blocks.demand.tolist() == [0, 1, 2, 3, 4]
    assert violations(instance, kept) == []


def test_blocks_are_cut_off_at_the_end_of_their_share() -> None:
    """Tests shares of 3 and 2 vectors in blocks of 2: the last block of the second share is left out."""
    instance = layer_on(circulant(2, (1,)), Shares([3, 2], [1, 1], [0, 0]))
    padded = largest(instance)
    schedule = greedy_schedule(padded.instance, cut_blocks(padded.instance, Cut(2, 1)), symmetry=padded.symmetry)
    assert schedule.blocks.vectors.tolist() == [2, 1, 2, 1, 1, 1]
    blocks = padded.cut_off(schedule).blocks
    assert blocks.demand.tolist() == [0, 0, 1, 2, 3]
    assert (blocks.first_vector.tolist(), blocks.vectors.tolist()) == ([0, 2, 0, 0, 0], [2, 1, 2, 1, 1])


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
        changes[column] = type(whole).of([*rows[:row], rows[row][:-1], *rows[row + 1 :]])
    assert [padded.symmetry.order for padded in paddings(instance)] == [3]
    assert list(paddings(replace(instance, **changes))) == []


def test_streams_of_one_orbit_share_its_links() -> None:
    """Tests a ring of three, one way, on which each chip's rows pass through the next: 10 vectors of 5/2 cycles."""
    # The next chip could send them on after 18 + 3 = 21 cycles, but its own keep the link until 25. They come in from
    # the host [0, 25) and are read from 18 on, so they leave at 21, and are passed on from 46 on: the last is read at
    # 46 + 18 + ceil(9 x 5/2) = 87.
    instance = layer_on(circulant(3, (1,)), Shares([10] * 3, [1] * 3, [0] * 3))
    padded = largest(instance)
    schedule = greedy_schedule(padded.instance, cut_blocks(padded.instance, Cut(10, 1)), symmetry=padded.symmetry)
    assert violations(instance, padded.cut_off(schedule)) == []
    assert schedule.operator_start[3:6].tolist() == [87, 87, 87]


def test_equal_instances_are_padded_alike() -> None:
    """Tests that nothing depends on the order of sets."""
    shares = Shares([2, 0, 1, 1], [1, 1, 0, 2], [3, 4, 5, 6])
    first, second = (largest(layer_on(circulant(4, (1, 2)), shares)) for _ in range(2))
    assert first.instance.key() == second.instance.key()
    schedules = [
        greedy_schedule(padded.instance, cut_blocks(padded.instance, Cut(1, 1)), symmetry=padded.symmetry)
        for padded in (first, second)
    ]
    for field in fields(Schedule)[1:]:
        assert getattr(schedules[0], field.name).tobytes() == getattr(schedules[1], field.name).tobytes()
