"""Search part by part: the model is held fast outside a neighbourhood."""

from __future__ import annotations

from dataclasses import fields
from itertools import islice
from typing import TYPE_CHECKING

from hypothesis import given, settings

from lpxsched.schedule.bounds.walk import lower_bound
from lpxsched.schedule.cpsat.layer_neighbourhoods import Neighbourhood, improve_in_parts, neighbourhoods
from lpxsched.schedule.cpsat.layers import Effort, full_model
from lpxsched.schedule.result import LowerBound, Schedule
from lpxsched.schedule.routes.blocks import Cut, cut_blocks
from lpxsched.schedule.routes.list_schedule import greedy_schedule
from lpxsched.schedule.solve_layer import best_greedy
from tests.schedule.circulants import even_layer
from tests.schedule.instances import crossing, two_chips
from tests.schedule.rules import violations
from tests.strategies import cuts, instances

if TYPE_CHECKING:
    import pytest
    from ortools.sat.python import cp_model

    from lpxsched.schedule.problem.instance import Instance


def improved(instance: Instance, hint: Schedule, *, rounds: int = 8, seed: int = 0) -> Schedule:
    """Return what a number of neighbourhoods make of a hint."""
    return improve_in_parts(instance, hint, lower_bound(instance), Effort(seed, 0.1), rounds=rounds)


@given(instances(most_chips=4, most_vectors=4, most_demands=3), cuts())
@settings(max_examples=25, deadline=None)
def test_what_is_found_keeps_the_rules_and_is_never_worse(instance: Instance, cut: Cut) -> None:
    """Tests random instances: rules kept, not longer than the hint, not shorter than the bound."""
    hint = greedy_schedule(instance, cut_blocks(instance, cut))
    best = improved(instance, hint, rounds=4)
    assert violations(instance, best) == []
    assert lower_bound(instance).cycles <= best.makespan_cycles <= hint.makespan_cycles


def test_parts_find_what_greedy_misses() -> None:
    """Tests the instance on which the order of two demands decides: 76 becomes 66, which is the bound."""
    hint = best_greedy(crossing(), lower_bound(crossing()), seed=0)
    assert (hint.makespan_cycles, improved(crossing(), hint).makespan_cycles) == (76, 66)


def test_the_hint_itself_is_returned_when_nothing_is_shorter() -> None:
    """Tests a layer of which 127 cycles are the best, and a search without a round."""
    hint = best_greedy(two_chips(), lower_bound(two_chips()), seed=0)
    assert improved(two_chips(), hint) is hint
    late = best_greedy(crossing(), lower_bound(crossing()), seed=0)
    assert improved(crossing(), late, rounds=0) is late


def test_a_met_bound_ends_the_search(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests that no neighbourhood is searched once the makespan meets the bound."""
    hint = best_greedy(crossing(), lower_bound(crossing()), seed=0)
    searched = []

    def search(solver: cp_model.CpSolver, part: cp_model.CpModel) -> cp_model.CpSolverStatus:
        searched.append(part)
        return solver.solve(part)

    monkeypatch.setattr("lpxsched.schedule.cpsat.layer_neighbourhoods.solve_interruptibly", search)
    bound = LowerBound(hint.makespan_cycles, "met")
    assert improve_in_parts(crossing(), hint, bound, Effort(0, 0.1), rounds=4) is hint
    assert searched == []


def test_windows_cover_the_makespan_and_chips_all_demands() -> None:
    """Tests the neighbourhoods of a layer on three chips: eight half-overlapping windows, chips 0 and 1, chip 2."""
    instance = even_layer(3, (1,))
    hint = best_greedy(instance, lower_bound(instance), seed=0)
    model, _ = full_model(instance, hint, lower_bound(instance))
    found = list(islice(neighbourhoods(model, 0), 40))
    chosen = {neighbourhood.demands for neighbourhood in found} - {None}
    # Inputs 0, 1, 2 come from the hosts, sums 3, 4, 5 end on the chips.
    assert chosen == {frozenset({0, 1, 3, 4}), frozenset({2, 5})}
    for cycle in range(hint.makespan_cycles + 1):
        assert any(part.demands is None and part.frees(cycle, 0) for part in found)


def test_a_neighbourhood_frees_its_demands_in_its_window() -> None:
    """Tests the ends of a window, and a demand that is not in it."""
    part = Neighbourhood(10, 20, frozenset({1}))
    assert [part.frees(cycle, 1) for cycle in (9, 10, 19, 20)] == [False, True, True, False]
    assert not part.frees(10, 0)
    assert Neighbourhood(10, 20).frees(10, 0)


def test_equal_seeds_give_equal_columns() -> None:
    """Tests that a search can be repeated to the byte."""
    hint = best_greedy(crossing(), lower_bound(crossing()), seed=0)
    first, second = (improved(crossing(), hint, seed=1) for _ in range(2))
    for field in fields(Schedule)[1:]:
        assert getattr(first, field.name).tobytes() == getattr(second, field.name).tobytes()
