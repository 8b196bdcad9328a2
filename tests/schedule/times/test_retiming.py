"""New times on the ways of a layer's schedule."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings

from lpxsched.schedule.bounds.walk import lower_bound
from lpxsched.schedule.cpsat.runs import Effort
from lpxsched.schedule.result import LowerBound, Schedule
from lpxsched.schedule.routes.blocks import Cut, cut_blocks
from lpxsched.schedule.routes.list_schedule import greedy_schedule
from lpxsched.schedule.solve_layer import best_greedy
from lpxsched.schedule.symmetry.padding import paddings
from lpxsched.schedule.times.retiming import justified, retimed
from tests.schedule.circulants import circulant_layers
from tests.schedule.instances import crossing, fork, two_chips
from tests.schedule.rules import violations
from tests.strategies import cuts, instances

if TYPE_CHECKING:
    from lpxsched.schedule.problem.instance import Instance

NEVER_MET = LowerBound(-1, "never met")


def greedy(instance: Instance) -> Schedule:
    """Return the best greedy schedule."""
    return best_greedy(instance, lower_bound(instance), seed=0)


def test_justification_mends_the_order() -> None:
    """Tests two demands on one wire, the longer tail second: 76 cycles become 66."""
    assert greedy(crossing()).makespan_cycles == 76
    assert justified(crossing(), greedy(crossing()), lower_bound(crossing())).makespan_cycles == 66


def test_cpsat_finds_times_that_justification_misses() -> None:
    """Tests two vectors on one link, which stay in greedy's order when justified: 42, the other way round 41."""
    first, bound = greedy(fork()), lower_bound(fork())
    assert justified(fork(), first, bound) is first
    best = retimed(fork(), first, Effort(0.1, 0, bound.cycles))
    assert (best.makespan_cycles, violations(fork(), best)) == (41, [])


def test_what_is_not_shortened_stays_as_it_is() -> None:
    """Tests a layer of which 127 cycles are the best, with bounds that are met and not."""
    first = greedy(two_chips())
    for bound in (lower_bound(two_chips()), NEVER_MET):
        assert justified(two_chips(), first, bound) is first
        assert retimed(two_chips(), first, Effort(0.1, 0, bound.cycles)) is first


def test_a_met_bound_needs_no_more_search(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests that CP-SAT is not run where justification meets the bound."""
    monkeypatch.setattr("lpxsched.schedule.cpsat.times.retimed", lambda *_: pytest.fail("CP-SAT was run"))
    assert retimed(crossing(), greedy(crossing()), Effort(0.1, 0, 66)).makespan_cycles == 66


@given(instances(most_chips=5, most_vectors=4, most_demands=3), cuts())
@settings(max_examples=40, deadline=None)
def test_new_times_keep_the_rules_and_are_never_longer(instance: Instance, cut: Cut) -> None:
    """Tests random instances with all operators, and with none that takes time."""
    for problem in (instance, instance.wires_only()):
        first, bound = greedy_schedule(problem, cut_blocks(problem, cut)), lower_bound(problem)
        just = justified(problem, first, bound)
        best = retimed(problem, first, Effort(0.05, 0, bound.cycles))
        assert violations(problem, just) == violations(problem, best) == []
        assert bound.cycles <= best.makespan_cycles <= just.makespan_cycles <= first.makespan_cycles


@given(circulant_layers(most_chips=4, most_vectors=3), cuts(most_vectors=3))
@settings(max_examples=15, deadline=None)
def test_new_times_of_representatives_are_times_of_all(instance: Instance, cut: Cut) -> None:
    """Tests padded layers under each of their groups."""
    for padded in paddings(instance):
        whole, symmetry = padded.instance, padded.symmetry
        first = greedy_schedule(whole, cut_blocks(whole, cut), symmetry=symmetry)
        best = retimed(whole, first, Effort(0.05, 0, -1), symmetry=symmetry)
        assert violations(whole, best) == violations(instance, padded.cut_off(best)) == []
        assert best.makespan_cycles <= first.makespan_cycles
