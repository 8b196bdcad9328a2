"""CP-SAT improves on a hint and never does worse."""

from __future__ import annotations

from dataclasses import fields
from fractions import Fraction
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings

from lpxsched.schedule.bounds.walk import lower_bound
from lpxsched.schedule.cpsat.layers import Effort, improve
from lpxsched.schedule.result import Schedule
from lpxsched.schedule.routes.blocks import Cut, cut_blocks
from lpxsched.schedule.routes.list_schedule import greedy_schedule
from lpxsched.schedule.solve_layer import best_greedy
from tests.schedule.instances import Bundle, Demand, Operator, crossing, fork, grid, instance_of, rootless, two_chips
from tests.schedule.rules import violations
from tests.strategies import cuts, instances

if TYPE_CHECKING:
    from lpxsched.schedule.problem.instance import Instance


def improved(instance: Instance, hint: Schedule, *, seed: int = 0, seconds: float = 1) -> Schedule:
    """Return what CP-SAT makes of a hint."""
    return improve(instance, hint, lower_bound(instance), Effort(seed, seconds))[0]


@given(instances(most_chips=5, most_vectors=4, most_demands=3), cuts())
@settings(max_examples=40, deadline=None)
def test_what_is_found_keeps_the_rules_and_is_never_worse(instance: Instance, cut: Cut) -> None:
    """Tests random instances: rules kept, not longer than the hint, not shorter than the bound."""
    hint = greedy_schedule(instance, cut_blocks(instance, cut))
    best = improved(instance, hint, seconds=0.1)
    assert violations(instance, best) == []
    assert lower_bound(instance).cycles <= best.makespan_cycles <= hint.makespan_cycles


@pytest.mark.parametrize(
    ("instance", "greedy", "best"),
    [
        # The demand with 40 cycles of compute behind it goes first.
        (crossing(), 76, 66),
        # Nothing beats two sums one after the other.
        (two_chips(), 127, 127),
        (grid(), 50, 50),
        # The root reads what arrives; a turnaround would be for sending it on.
        (rootless(), 65, 65),
    ],
)
def test_best_of_small_instances(instance: Instance, greedy: int, best: int) -> None:
    """Tests instances small enough to be searched to the end."""
    hint = best_greedy(instance, lower_bound(instance), seed=0)
    assert (hint.makespan_cycles, improved(instance, hint).makespan_cycles) == (greedy, best)


def test_routes_are_chosen_with_times() -> None:
    """Tests two vectors that greedy sends over one link, one after the other, where there is another way."""
    hint = best_greedy(fork(), lower_bound(fork()), seed=0)
    assert (hint.makespan_cycles, improved(fork(), hint).makespan_cycles) == (42, 39)


def test_the_hint_itself_is_returned_when_nothing_is_better() -> None:
    """Tests that the caller can tell an improvement from the hint."""
    hint = best_greedy(two_chips(), lower_bound(two_chips()), seed=0)
    assert improved(two_chips(), hint) is hint


def test_no_time_leaves_the_hint() -> None:
    """Tests that a search that ends before it begins returns the hint."""
    hint = best_greedy(crossing(), lower_bound(crossing()), seed=0)
    assert improved(crossing(), hint, seconds=0) is hint


@pytest.mark.parametrize("seed", [0, 1])
def test_equal_seeds_give_equal_columns(seed: int) -> None:
    """Tests that a search can be repeated to the byte."""
    hint = best_greedy(crossing(), lower_bound(crossing()), seed=0)
    first, second = (improved(crossing(), hint, seed=seed) for _ in range(2))
    for field in fields(Schedule)[1:]:
        assert getattr(first, field.name).tobytes() == getattr(second, field.name).tobytes()


def test_a_hint_that_meets_its_bound_is_no_fault() -> None:
    """Tests an instance on which the presolve of OR-Tools 9.15 failed with ``absl::btree_map::at``."""
    ends = [(0, 1), (0, 2), (0, 4), (1, 0), (1, 3), (1, 4), (2, 0), (3, 2), (4, 0), (4, 1)]
    bundles = [Bundle(*pair, 2 if pair == (2, 0) else 1, 0, 0, Fraction(1)) for pair in ends]
    operators = [Operator(2), *(Operator(node, 2 if node == 4 else 0, 0, (), (0,)) for node in range(5))]
    demand = Demand(3, 2, (2,), (0,), (0, 1, 3, 4))
    instance = instance_of(4, bundles, operators, [demand], hosts=1, turnaround=0, release=1)
    hint = greedy_schedule(instance, cut_blocks(instance, Cut(1, 1)))
    assert improved(instance, hint) is hint
