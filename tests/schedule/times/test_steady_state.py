"""A layer that takes a new batch before the one before is done."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from hypothesis import given, settings

from lpxsched.schedule.layers import steady_state
from lpxsched.schedule.options import SolveOptions
from lpxsched.schedule.routes.blocks import Cut
from lpxsched.schedule.solve_layer import first_solved
from lpxsched.schedule.symmetry.lift import lifted_layer
from lpxsched.schedule.times import modulo
from lpxsched.workload.config.load import load_model
from lpxsched.workload.ffns import ffn_model
from tests.schedule.greedy import greedy_plan, least_period
from tests.schedule.instances import path_of_three, two_chips
from tests.schedule.layers import layers_on
from tests.schedule.rules import violations
from tests.strategies import cuts, instances

if TYPE_CHECKING:
    import pytest

    from lpxsched.schedule.problem.instance import Instance
    from lpxsched.schedule.result import Found
    from lpxsched.schedule.symmetry.padding import Padded


def best(instance: Instance) -> Found[Padded]:
    """Return the best greedy plan."""
    return first_solved(instance, SolveOptions(effort=1)).plans[0]


def period(found: Found[Padded]) -> int:
    """Return how often a layer takes a batch."""
    return found.placement.period_cycles


def test_the_busiest_thing_decides() -> None:
    """Tests three vectors of 5/2 cycles over two wires: each holds its wire for 8 cycles, so a batch every 8."""
    found = steady_state(greedy_plan(path_of_three(3), Cut(9, 9)))
    assert (period(found), least_period(found)) == (8, 8)


def test_units_of_chips_count() -> None:
    """Tests the layer of two chips: matrix units are busy for 11 + 20 cycles a batch, and no link is for longer."""
    found = steady_state(best(two_chips()))
    assert least_period(found) == 31
    assert period(found) <= 34


def test_a_layer_of_gpt_oss_20b_takes_a_batch_every_415_cycles() -> None:
    """Tests batch 8 on ten chips, two trays of a rack of 256: one batch takes 2,753 cycles, seven are in flight."""
    layers = layers_on("lpx-rack", [range(10)], model=ffn_model(load_model("gpt-oss-20b")), batch=8, weights="mxfp4")
    instance = layers.problem().instance
    found = steady_state(best(instance))
    assert violations(instance, replace(lifted_layer(found), period_cycles=0)) == []
    assert (period(found), least_period(found)) == (415, 415)


def test_with_little_to_spare_a_batch_takes_no_longer_than_alone() -> None:
    """Tests batch 8 on eight chips, whose matrix units work 797 cycles a batch: every 836 cycles, 5 % more.

    First fit leaves 3,375 cycles a batch, which alone takes 3,182.
    """
    layers = layers_on("lpx-rack", [range(8)], model=ffn_model(load_model("gpt-oss-20b")), batch=8)
    plan = first_solved(layers.problem().instance, SolveOptions(effort=1)).plans[0]
    found = steady_state(plan, enough=836)
    assert period(found) == 836
    assert found.placement.makespan_cycles == plan.placement.makespan_cycles


def test_where_no_table_of_turns_fits_batches_follow_each_other(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests a layer for which there is no room: it begins anew when all of it is over, and not before."""
    plan = best(two_chips())
    monkeypatch.setattr(modulo, "MOST_CELLS", 1)
    found = steady_state(plan)
    assert (found.placement.start == plan.placement.start).all()
    assert period(found) >= plan.placement.makespan_cycles
    assert violations(two_chips(), lifted_layer(found)) == []


@settings(max_examples=60, deadline=None)
@given(instances(), cuts())
def test_all_batches_in_flight_keep_the_rules(instance: Instance, cut: Cut) -> None:
    """Tests random layers: one batch keeps all rules, and links and units have room modulo the period."""
    found = steady_state(greedy_plan(instance, cut))
    assert violations(instance, replace(lifted_layer(found), period_cycles=0)) == []
    assert period(found) >= least_period(found)
    assert violations(instance, lifted_layer(found)) == []
