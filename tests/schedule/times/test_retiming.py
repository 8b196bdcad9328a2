"""New times on the ways of a layer's schedule."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings

from lpxsched.schedule.bounds import lower_bound
from lpxsched.schedule.cpsat.runs import Effort
from lpxsched.schedule.result import LowerBound
from lpxsched.schedule.routes.list_plan import found_of
from lpxsched.schedule.solve_layer import justified, ranked_greedy, retimed
from lpxsched.schedule.symmetry.lift import lifted_layer
from lpxsched.schedule.symmetry.padding import paddings, unpadded
from tests.schedule.circulants import circulant_layers
from tests.schedule.greedy import greedy_plan
from tests.schedule.instances import crossing, fork, two_chips
from tests.schedule.rules import violations
from tests.strategies import cuts, instances

if TYPE_CHECKING:
    from lpxsched.schedule.problem.instance import Instance
    from lpxsched.schedule.result import Found
    from lpxsched.schedule.routes.blocks import Cut
    from lpxsched.schedule.symmetry.padding import Padded

NEVER_MET = LowerBound(-1, "never met")


def greedy(instance: Instance) -> Found[Padded]:
    """Return the best greedy plan."""
    return found_of(ranked_greedy(unpadded(instance), lower_bound(instance), seed=0)[0])


def length(found: Found[Padded]) -> int:
    """Return the makespan of a plan."""
    return found.placement.makespan_cycles


def test_justification_mends_the_order() -> None:
    """Tests two demands on one wire, the longer tail second: 76 cycles become 66."""
    assert length(greedy(crossing())) == 76
    assert length(justified(greedy(crossing()), lower_bound(crossing()))) == 66


def test_cpsat_finds_times_that_justification_misses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests two vectors on one link, which stay in greedy's order when justified: 42, the other way round 41."""
    monkeypatch.setattr("lpxsched.schedule.cpsat.ways.improved_layer", lambda found, _: found)
    first, bound = greedy(fork()), lower_bound(fork())
    assert justified(first, bound) is first
    best = retimed(first, Effort(0.1, 0, bound.cycles))
    assert (length(best), violations(fork(), lifted_layer(best))) == (41, [])


def test_cpsat_finds_ways_where_no_times_are_better() -> None:
    """Tests the same two vectors, which need not share a link: one over chip 2, read at 39, and one at 38."""
    best = retimed(greedy(fork()), Effort(0.1, 0, lower_bound(fork()).cycles))
    assert (length(best), violations(fork(), lifted_layer(best))) == (39, [])


def test_what_is_not_shortened_stays_as_it_is() -> None:
    """Tests a layer of which 127 cycles are the best, with bounds that are met and not."""
    first = greedy(two_chips())
    for bound in (lower_bound(two_chips()), NEVER_MET):
        assert justified(first, bound) is first
        assert retimed(first, Effort(0.1, 0, bound.cycles)) is first


def test_a_met_bound_needs_no_more_search(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests that CP-SAT is not run where justification meets the bound."""
    for module in ("times.solved_times", "ways.improved_layer"):
        monkeypatch.setattr(f"lpxsched.schedule.cpsat.{module}", lambda *_: pytest.fail("CP-SAT was run"))
    assert length(retimed(greedy(crossing()), Effort(0.1, 0, 66))) == 66


@given(instances(most_chips=5, most_vectors=4, most_demands=3), cuts())
@settings(max_examples=40, deadline=None)
def test_new_times_keep_the_rules_and_are_never_longer(instance: Instance, cut: Cut) -> None:
    """Tests random instances with all operators, and with none that takes time."""
    for problem in (instance, instance.wires_only()):
        first, bound = greedy_plan(problem, cut), lower_bound(problem)
        just = justified(first, bound)
        best = retimed(first, Effort(0.05, 0, bound.cycles))
        assert violations(problem, lifted_layer(just)) == violations(problem, lifted_layer(best)) == []
        assert bound.cycles <= length(best) <= length(just) <= length(first)


@given(circulant_layers(most_chips=4, most_vectors=3), cuts(most_vectors=3))
@settings(max_examples=15, deadline=None)
def test_new_times_of_representatives_are_times_of_all(instance: Instance, cut: Cut) -> None:
    """Tests padded layers under each of their groups."""
    for padded in paddings(instance):
        first = greedy_plan(padded, cut)
        best = retimed(first, Effort(0.05, 0, -1))
        assert violations(instance, lifted_layer(best)) == []
        assert length(best) <= length(first)
