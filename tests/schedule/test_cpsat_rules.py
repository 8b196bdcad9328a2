"""Constraints of the CP-SAT model: they accept what keeps the rules, and each rule refuses what breaks it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ortools.sat.python import cp_model

from lpxsched.schedule import cpsat_rules
from lpxsched.schedule.blocks import Cut, cut_blocks
from lpxsched.schedule.cpsat_rules import add_rules
from lpxsched.schedule.cpsat_variables import Variables
from lpxsched.schedule.greedy import greedy_schedule
from tests.schedule.instances import rootless, two_chips
from tests.schedule.rules import violations
from tests.strategies import cuts, instances

if TYPE_CHECKING:
    from collections.abc import Callable

    from lpxsched.schedule.instance import Instance
    from lpxsched.schedule.result import Schedule


def accepts(instance: Instance, schedule: Schedule, rule: Callable[[Variables], None] = add_rules) -> bool:
    """Return whether a model with a rule (all rules) has a solution in which every hint is taken at its word."""
    model = Variables(instance, schedule)
    rule(model)
    solver = cp_model.CpSolver()
    solver.parameters.num_workers = 1
    solver.parameters.fix_variables_to_their_hinted_value = True
    return solver.solve(model.cp) in (cp_model.OPTIMAL, cp_model.FEASIBLE)


def moved(schedule: Schedule, name: str, row: int, cycles: int) -> Schedule:
    """Return a schedule with one time moved."""
    column = getattr(schedule, name).copy()
    column[row] += cycles
    return replace(schedule, **{name: column})


def single_vectors() -> Schedule:
    """Return the layer of two chips cut into single vectors, sorted by block and departure; see ``test_greedy``."""
    schedule = greedy_schedule(two_chips(), cut_blocks(two_chips(), Cut(1, 1)))
    order = np.lexsort((schedule.slot_depart, schedule.slot_block))
    names = ("slot_block", "slot_phase", "slot_bundle", "slot_depart")
    return replace(schedule, **{name: getattr(schedule, name)[order] for name in names})


def without_slot(schedule: Schedule, row: int) -> Schedule:
    """Return a schedule with one slot left out."""
    names = ("slot_block", "slot_phase", "slot_bundle", "slot_depart")
    return replace(schedule, **{name: np.delete(getattr(schedule, name), row) for name in names})


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
        # Partial sums leave chip 1 at 80 and 83 over one link and hold it for 3 cycles.
        (cpsat_rules.r1_links, lambda s: moved(s, "slot_depart", slot_at(s, 4, 83 - 3), 1)),
        # The first input vector is read at 20 and relayed at 23, not at 22.
        (cpsat_rules.r2_causality, lambda s: moved(s, "slot_depart", slot_at(s, 0, 23), -1)),
        # The first sum ends at 103, when it leaves for the host, not at 102.
        (cpsat_rules.r2_causality, lambda s: moved(s, "slot_depart", slot_at(s, 4, 103), -1)),
        (cpsat_rules.r3_delivery, lambda s: without_slot(s, slot_at(s, 0, 23))),
        # Routers start at 44, when the second vector of the other chip's input is read.
        (cpsat_rules.r3_operands, lambda s: moved(s, "operator_start", 2, -1)),
        # Experts start at 55, when the router has ended.
        (cpsat_rules.r3_operands, lambda s: moved(s, "operator_start", 4, -1)),
        # Sums on one chip are [98, 103) and [103, 108).
        (cpsat_rules.r4_operators, lambda s: moved(s, "sum_start", 2, -1)),
        # The first sum takes what is read at 98.
        (cpsat_rules.r5_reduction, lambda s: moved(s, "sum_start", 0, -1)),
        (cpsat_rules.r5_reduction, lambda s: without_slot(s, slot_at(s, 4, 80))),
    ],
)
def test_each_rule_refuses_what_breaks_it(rule: Any, change: Callable[[Schedule], Schedule]) -> None:
    """Tests one rule alone on the layer of two chips: it accepts the schedule, and refuses the changed one."""
    schedule = single_vectors()
    assert accepts(two_chips(), schedule, rule)
    assert not accepts(two_chips(), change(schedule), rule)


def slot_at(schedule: Schedule, block: int, depart: int) -> int:
    """Return the row of a block's slot that departs at a cycle."""
    return int(np.flatnonzero((schedule.slot_block == block) & (schedule.slot_depart == depart))[0])


def test_a_root_without_a_summand_waits_for_its_sum() -> None:
    """Tests that an operator at a root where one sum arrives waits for it (it once could start at 0)."""
    # Sum on chip 2 until 23, on chip 1 at 41, on the root at 62; greedy waits for a turnaround more.
    schedule = greedy_schedule(rootless(), cut_blocks(rootless(), Cut(1, 1)))
    assert accepts(rootless(), moved(schedule, "operator_start", 2, 62 - 65))
    assert not accepts(rootless(), moved(schedule, "operator_start", 2, 61 - 65))
