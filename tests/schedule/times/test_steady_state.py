"""A layer that takes a new batch before the one before is done."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import given, settings

from lpxsched.schedule.routes.blocks import Cut, cut_blocks
from lpxsched.schedule.routes.list_schedule import greedy_schedule
from lpxsched.schedule.solve_layer import SolveOptions, solve
from lpxsched.schedule.times import modulo
from lpxsched.schedule.times.layer_tasks import layer_tasks
from lpxsched.schedule.times.steady_state import steady_state
from lpxsched.workload.config.load import load_model
from lpxsched.workload.ffns import ffn_model
from tests.schedule.instances import path_of_three, two_chips
from tests.schedule.layers import layers_on
from tests.schedule.rules import violations
from tests.strategies import cuts, instances

if TYPE_CHECKING:
    import pytest

    from lpxsched.schedule.problem.instance import Instance


def test_the_busiest_thing_decides() -> None:
    """Tests three vectors of 5/2 cycles over two wires: each holds its wire for 8 cycles, so a batch every 8."""
    found = steady_state(path_of_three(3), greedy_schedule(path_of_three(3), cut_blocks(path_of_three(3), Cut(9, 9))))
    assert found is not None
    assert (found.period_cycles, found.least_cycles) == (8, 8)


def test_units_of_chips_count() -> None:
    """Tests the layer of two chips: matrix units are busy for 11 + 20 cycles a batch, and no link is for longer."""
    found = steady_state(two_chips(), solve(two_chips(), SolveOptions()).schedule)
    assert found is not None
    assert found.least_cycles == 31
    assert found.period_cycles <= 34


def test_a_layer_of_gpt_oss_20b_takes_a_batch_every_415_cycles() -> None:
    """Tests batch 8 on ten chips, two trays of a rack of 256: one batch takes 2,753 cycles, seven are in flight."""
    layers = layers_on("lpx-rack", [range(10)], model=ffn_model(load_model("gpt-oss-20b")), batch=8, weights="mxfp4")
    instance = layers.problem().instance
    found = steady_state(instance, solve(instance, SolveOptions(effort=1)).schedule)
    assert found is not None
    assert violations(instance, found.schedule) == []
    assert (found.period_cycles, found.least_cycles) == (415, 415)


def test_tables_that_grow_too_large_are_not_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests a layer for which there is no room."""
    schedule = solve(two_chips(), SolveOptions()).schedule
    monkeypatch.setattr(modulo, "MOST_CELLS", 1)
    assert steady_state(two_chips(), schedule) is None


@settings(max_examples=60, deadline=None)
@given(instances(), cuts())
def test_all_batches_in_flight_keep_the_rules(instance: Instance, cut: Cut) -> None:
    """Tests random layers: one batch keeps all rules, and links and units have room modulo the period."""
    schedule = greedy_schedule(instance, cut_blocks(instance, cut))
    found = steady_state(instance, schedule)
    if found is None:
        return
    assert violations(instance, found.schedule) == []
    assert found.period_cycles >= found.least_cycles
    again = layer_tasks(instance, found.schedule)
    for resource, lanes in enumerate(again.tasks.lanes.tolist()):
        held = [0] * found.period_cycles
        for task in (again.tasks.resource == resource).nonzero()[0].tolist():
            begin = int(again.start[task])
            for cycle in range(begin, begin + int(again.tasks.length[task])):
                held[cycle % found.period_cycles] += 1
        assert max(held) <= lanes
