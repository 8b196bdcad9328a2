"""Constraints of the CP-SAT model: they accept what keeps the rules, and each rule refuses what breaks it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ortools.sat.python import cp_model

from lpxsched.schedule.cpsat import layer_rules
from lpxsched.schedule.cpsat.layer_rules import add_rules
from lpxsched.schedule.cpsat.layer_variables import Variables
from lpxsched.schedule.routes.blocks import Cut, cut_blocks
from lpxsched.schedule.routes.list_schedule import greedy_schedule
from tests.schedule.changes import BREAKS, moved, single_vectors
from tests.schedule.instances import free_sum, rootless, two_chips, wide
from tests.schedule.rules import violations
from tests.strategies import cuts, instances

if TYPE_CHECKING:
    from collections.abc import Callable

    from lpxsched.schedule.problem.instance import Instance
    from lpxsched.schedule.result import Schedule


def accepts(instance: Instance, schedule: Schedule, rule: Callable[[Variables], None] = add_rules) -> bool:
    """Return whether a model with a rule (all rules) has a solution in which every hint is taken at its word."""
    model = Variables(instance, schedule)
    rule(model)
    solver = cp_model.CpSolver()
    solver.parameters.num_workers = 1
    solver.parameters.fix_variables_to_their_hinted_value = True
    return solver.solve(model.cp) in (cp_model.OPTIMAL, cp_model.FEASIBLE)


@given(instances(), cuts(), st.integers(0, 3))
@settings(max_examples=40, deadline=None)
def test_greedy_schedules_are_solutions_of_the_model(instance: Instance, cut: Cut, seed: int) -> None:
    """Tests that the hint is feasible: model and greedy solver agree on every rule."""
    assert accepts(instance, greedy_schedule(instance, cut_blocks(instance, cut), seed=seed))


@given(instances(), cuts(), st.data())
@settings(max_examples=60, deadline=None)
def test_the_model_accepts_nothing_that_breaks_a_rule(instance: Instance, cut: Cut, data: st.DataObject) -> None:
    """Tests greedy schedules with one time moved: what the model still accepts keeps all rules."""
    schedule = greedy_schedule(instance, cut_blocks(instance, cut))
    times = [name for name in ("slot_depart", "sum_start", "operator_start") if len(getattr(schedule, name))]
    name = data.draw(st.sampled_from(times))
    row = data.draw(st.integers(0, len(getattr(schedule, name)) - 1))
    changed = moved(schedule, name, row, data.draw(st.integers(-4, 4)))
    time = getattr(changed, name)[row]
    if instance.release_cycles <= time <= changed.makespan_cycles and accepts(instance, changed):
        assert violations(instance, changed) == []


@pytest.mark.parametrize(
    ("rule", "change"),
    [
        *BREAKS,
        # The model keeps the start of a sum under R5: it starts when its operands are read.
        ("r5_reduction", lambda schedule: moved(schedule, "sum_start", 0, -1)),
    ],
)
def test_each_rule_refuses_what_breaks_it(rule: str, change: Callable[[Schedule], Schedule]) -> None:
    """Tests one rule alone on the layer of two chips: it accepts the schedule, and refuses the changed one."""
    constraint = getattr(layer_rules, rule)
    assert accepts(two_chips(), single_vectors(), constraint)
    assert not accepts(two_chips(), change(single_vectors()), constraint)


def test_a_full_bundle_is_refused_one_slot_more() -> None:
    """Tests that two lanes carry two slots at a time, and that a third waits until they are done."""
    # Three vectors of 5/2 cycles: at 0, 0 and 3.
    schedule = greedy_schedule(wide(2, 3), cut_blocks(wide(2, 3), Cut(1, 1)))
    assert schedule.slot_depart.tolist() == [0, 0, 3]
    assert accepts(wide(2, 3), schedule, layer_rules.r1_links)
    assert not accepts(wide(2, 3), moved(schedule, "slot_depart", 2, -1), layer_rules.r1_links)


def test_a_sum_that_takes_no_time_needs_no_unit() -> None:
    """Tests that a free sum may be made while the vector unit is busy (the model once refused it)."""
    assert accepts(free_sum(), greedy_schedule(free_sum(), cut_blocks(free_sum(), Cut(1, 1))), layer_rules.r4_operators)


def test_a_root_without_a_summand_waits_for_its_sum() -> None:
    """Tests that an operator at a root where one sum arrives waits for it (it once could start at 0)."""
    # Sum on chip 2 until 23, sent at 18 + 3 + 5 = 26, on chip 1 at 44, on the root at 65.
    schedule = greedy_schedule(rootless(), cut_blocks(rootless(), Cut(1, 1)))
    assert accepts(rootless(), schedule)
    assert not accepts(rootless(), moved(schedule, "operator_start", 2, -1))
