"""A layer's plan as tasks, and back."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lpxsched.schedule.routes.blocks import Cut
from lpxsched.schedule.symmetry.lift import lifted_layer
from lpxsched.schedule.symmetry.padding import paddings
from lpxsched.schedule.times.placement import doubly_justified, placed
from lpxsched.schedule.times.plan_tasks import plan_tasks
from lpxsched.workload.config.load import load_model
from lpxsched.workload.ffns import ffn_model
from tests.schedule.circulants import circulant_layers
from tests.schedule.greedy import greedy_plan
from tests.schedule.instances import (
    both_ways,
    copy_along,
    free_sum,
    lone_relay,
    path_of_three,
    rootless,
    summed,
    two_chips,
)
from tests.schedule.layers import layers_on
from tests.schedule.rules import violations
from tests.strategies import cuts, instances

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lpxsched.schedule.problem.instance import Instance
    from lpxsched.schedule.result import Found, Schedule
    from lpxsched.schedule.symmetry.padding import Padded
    from lpxsched.schedule.times.placement import Placement, Tasks

WHOLE = Cut(99, 99)


class Layer(NamedTuple):
    """A plan and its tasks."""

    found: Found[Padded]
    tasks: Tasks

    @property
    def start(self) -> NDArray[np.int64]:
        """Return when each task starts."""
        return self.found.placement.start

    def at(self, placement: Placement) -> Schedule:
        """Return the schedule of other times."""
        return lifted_layer(replace(self.found, placement=placement))


def tasks_of(problem: Instance | Padded, cut: Cut = WHOLE) -> Layer:
    """Return the tasks of a greedy plan."""
    found = greedy_plan(problem, cut)
    return Layer(found, plan_tasks(found.problem, found.plan))


def in_time(layer: Layer) -> NDArray[np.int64]:
    """Return the tasks in order of their starts."""
    return np.argsort(layer.start, kind="stable").astype(np.int64)


def waits(layer: Layer) -> set[tuple[int, int, int]]:
    """Return (before, after, delay) of all precedences."""
    tasks = layer.tasks
    return set(zip(tasks.before.tolist(), tasks.after.tolist(), tasks.delay.tolist(), strict=True))


def test_a_copy_waits_for_its_producer_and_a_reader_for_the_last_vector() -> None:
    """Tests two wires of v = 5/2 with a copy of 3 vectors: slots 0 and 1, operators 2 and 3, all of no time.

    Hop ceil(5/2) + 10 + 5 = 18; the relay leaves 18 + 3 after the first slot; the third vector is read ceil(2 5/2) = 5
    cycles after the first. A slot holds its lane for ceil(15/2) = 8 cycles.
    """
    layer = tasks_of(path_of_three(3))
    assert waits(layer) == {(2, 0, 0), (0, 1, 21), (1, 3, 23)}
    assert layer.tasks.length.tolist() == [8, 8, 0, 0]
    assert layer.tasks.duration.tolist() == [23, 23, 0, 0]
    assert layer.start.tolist() == [0, 21, 0, 44]


def test_a_relay_waits_for_a_slower_wire_in() -> None:
    """Tests four vectors from a wire of v = 5/2 to one of v = 1: 3 (5/2 - 1) = 4.5, so 5 cycles more than 18 + 3."""
    layer = tasks_of(copy_along([Fraction(5, 2), Fraction(1)], 4))
    assert (0, 1, 18 + 3 + 5) in waits(layer)


def test_a_sum_pays_like_a_relay() -> None:
    """Tests a chain of three summands: chip 2 sends to chip 1, which adds its own and sends on to chip 0.

    Slots 0 and 1, sums 2 on chip 1 and 3 on chip 0, operators 4, 5, 6 that produce and 7 that reads. A sum of two takes
    5 cycles. The sum's slot leaves after it, and 18 + 3 + 5 after what it adds has left.
    """
    layer = tasks_of(summed(3, both_ways([(0, 1), (1, 2)]), (0, 1, 2)))
    assert waits(layer) == {
        (6, 0, 0),
        (0, 2, 18),
        (5, 2, 0),
        (2, 1, 5),
        (0, 1, 26),
        (1, 3, 18),
        (4, 3, 0),
        (3, 7, 5),
    }


def test_a_summand_that_is_passed_on_alone_is_relayed() -> None:
    """Tests a path of three whose middle chip has no summand: two vectors go on 18 + 3 after the first has left."""
    layer = tasks_of(lone_relay(2))
    assert (0, 1, 21) in waits(layer)


def test_a_sum_that_is_not_made_at_the_root_is_read_as_it_arrives() -> None:
    """Tests a path of four where chips 2 and 3 add on chip 2 and chip 1 passes on to the root, which reads 18 later."""
    layer = tasks_of(rootless())
    # Slots 3 -> 2, 2 -> 1, 1 -> 0 are tasks 0 to 2, the sum is 3, operators are 4, 5 and the reader 6.
    assert waits(layer) == {(5, 0, 0), (0, 3, 18), (4, 3, 0), (3, 1, 5), (0, 1, 26), (1, 2, 21), (2, 6, 18)}


def test_units_are_held_by_what_takes_time_and_hosts_hold_none() -> None:
    """Tests that sums and vector operators of a chip share a unit, and that nothing of a host holds anything."""
    layer, instance = tasks_of(two_chips()), two_chips()
    plan = layer.found.plan
    first_unit = instance.network.bundles
    # Vector units 0 and 1, of hosts 2 and 3; matrix units 4 and 5, of hosts 6 and 7; then 8 of nobody.
    units = (layer.tasks.resource[plan.slots :] - first_unit).tolist()
    assert units[: plan.sums] == plan.sum_node.tolist()
    assert units[plan.sums :] == [8, 8, 4, 5, 4, 5, 0, 1, 8, 8]
    assert layer.tasks.length[plan.slots + plan.sums :].tolist() == [0, 0, 11, 11, 20, 20, 5, 5, 0, 0]
    assert set(layer.tasks.release.tolist()) == {2}


def test_a_sum_that_takes_no_time_waits_for_no_unit() -> None:
    """Tests a chip whose vector unit is busy for 100 cycles beside a free sum, whose result is read at 18."""
    layer = tasks_of(free_sum())
    # The makespan is the start of the last operator.
    assert placed(layer.tasks, in_time(layer)).makespan_cycles == 18


@settings(max_examples=200, deadline=None)
@given(instances(), cuts())
def test_in_order_of_time_nothing_is_placed_later(instance: Instance, cut: Cut) -> None:
    """Tests that a schedule keeps all precedences of its tasks, and that these placed again are never later."""
    layer = tasks_of(instance, cut)
    tasks = layer.tasks
    assert (layer.start[tasks.after] >= layer.start[tasks.before] + tasks.delay).all()
    assert (layer.start >= tasks.release).all()
    assert int((layer.start + tasks.duration).max(initial=0)) == layer.found.placement.makespan_cycles
    assert (placed(tasks, in_time(layer)).start <= layer.start).all()


@settings(max_examples=150, deadline=None)
@given(instances(), cuts(), st.data())
def test_any_placement_is_a_schedule(instance: Instance, cut: Cut, data: st.DataObject) -> None:
    """Tests that tasks placed in any order, and justified, keep the rules of the plain judge, as long as they say."""
    layer = tasks_of(instance, cut)
    order = np.array(data.draw(st.permutations(range(len(layer.tasks)))), dtype=np.int64)
    for placement in (first := placed(layer.tasks, order), doubly_justified(layer.tasks, first)):
        schedule = layer.at(placement)
        assert violations(instance, schedule) == []
        assert schedule.makespan_cycles == placement.makespan_cycles


@settings(max_examples=60, deadline=None)
@given(instances(most_chips=4), cuts(), st.data())
def test_a_precedence_that_is_broken_breaks_a_rule(instance: Instance, cut: Cut, data: st.DataObject) -> None:
    """Tests that no precedence asks for too much: a task that starts a cycle too early is found by the judge."""
    layer = tasks_of(instance, cut)
    tasks = layer.tasks
    tight = np.flatnonzero(layer.start[tasks.after] == layer.start[tasks.before] + tasks.delay)
    if len(tight):
        row = data.draw(st.sampled_from(tight.tolist()))
        start = layer.start.copy()
        start[tasks.after[row]] -= 1
        assert violations(instance, layer.at(replace(layer.found.placement, start=start))) != []


@settings(max_examples=40, deadline=None)
@given(circulant_layers(most_chips=4, most_vectors=3), cuts(most_vectors=3))
def test_images_are_one_task(instance: Instance, cut: Cut) -> None:
    """Tests padded layers on representatives: precedences kept, never later, and placements are schedules."""
    for padded in paddings(instance):
        layer = tasks_of(padded, cut)
        assert (layer.start[layer.tasks.after] >= layer.start[layer.tasks.before] + layer.tasks.delay).all()
        again = placed(layer.tasks, in_time(layer))
        assert (again.start <= layer.start).all()
        better = doubly_justified(layer.tasks, again)
        schedule = layer.at(better)
        assert violations(instance, schedule) == []
        assert schedule.makespan_cycles <= better.makespan_cycles


@pytest.mark.parametrize(("name", "chips", "batch"), [("gpt-oss-120b", 7, 8), ("gpt-oss-20b", 10, 8)])
def test_layers_of_shipped_models_are_tasks(name: str, chips: int, batch: int) -> None:
    """Tests layers on trays of a rack, in several cuts and with all operators taking no time."""
    whole = (
        layers_on("lpx-rack", [range(chips)], model=ffn_model(load_model(name)), batch=batch, weights="mxfp4")
        .problem()
        .instance
    )
    for instance in (whole, whole.wires_only()):
        for cut in (WHOLE, Cut(8, 1, 4, 2)):
            layer = tasks_of(instance, cut)
            assert (layer.start[layer.tasks.after] >= layer.start[layer.tasks.before] + layer.tasks.delay).all()
            again = placed(layer.tasks, in_time(layer))
            assert (again.start <= layer.start).all()
            assert violations(instance, layer.at(doubly_justified(layer.tasks, again))) == []
