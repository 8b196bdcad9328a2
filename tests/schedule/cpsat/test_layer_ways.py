"""Tests of layers with ways, sums and operators left open: schedules keep all rules and are never longer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import given, settings

from lpxsched.schedule.bounds import lower_bound
from lpxsched.schedule.cpsat.runs import Effort
from lpxsched.schedule.cpsat.ways import improved_layer
from lpxsched.schedule.symmetry.lift import lifted_layer
from lpxsched.schedule.symmetry.padding import paddings
from tests.schedule.circulants import circulant_layers
from tests.schedule.greedy import greedy_plan
from tests.schedule.rules import violations
from tests.strategies import cuts, instances

if TYPE_CHECKING:
    from lpxsched.schedule.problem.instance import Instance
    from lpxsched.schedule.routes.blocks import Cut


@given(instances(most_chips=5, most_vectors=4, most_demands=3), cuts())
@settings(max_examples=60, deadline=None)
def test_new_ways_keep_the_rules_and_are_never_longer(instance: Instance, cut: Cut) -> None:
    """Tests random instances with all operators, and with none that takes time."""
    for problem in (instance, instance.wires_only()):
        first, bound = greedy_plan(problem, cut), lower_bound(problem).cycles
        best = improved_layer(first, Effort(0.05, 0, bound))
        assert violations(problem, lifted_layer(best)) == []
        assert bound <= best.placement.makespan_cycles <= first.placement.makespan_cycles


@given(circulant_layers(most_chips=4, most_vectors=3), cuts(most_vectors=3))
@settings(max_examples=20, deadline=None)
def test_new_ways_of_representatives_are_ways_of_all(instance: Instance, cut: Cut) -> None:
    """Tests padded layers under each of their groups."""
    for padded in paddings(instance):
        first = greedy_plan(padded, cut)
        best = improved_layer(first, Effort(0.05, 0, 0))
        assert violations(instance, lifted_layer(best)) == []
        assert best.placement.makespan_cycles <= first.placement.makespan_cycles
