"""The choice of solvers, and what is said of a result."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, NoReturn

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lpxsched.schedule.bounds import lower_bound
from lpxsched.schedule.options import SolveOptions
from lpxsched.schedule.result import LowerBound, Result, Schedule, Sums
from lpxsched.schedule.routes.blocks import candidate_cuts
from lpxsched.schedule.solve_layer import is_symmetric, ranked_greedy, solve
from lpxsched.schedule.symmetry.padding import paddings, unpadded
from tests.schedule.circulants import circulant_layers, even_layer
from tests.schedule.greedy import greedy_plan
from tests.schedule.instances import crossing, fork, grid, path_of_three, two_chips
from tests.schedule.rules import violations
from tests.strategies import instances

if TYPE_CHECKING:
    from lpxsched.options import Solver
    from lpxsched.schedule.problem.instance import Instance

SOLVERS: tuple[Solver, ...] = ("auto", "greedy", "symmetric")


@pytest.fixture
def no_cpsat(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fail when CP-SAT is run."""

    def fail(*_: object, **__: object) -> NoReturn:
        raise AssertionError("CP-SAT was run")

    monkeypatch.setattr("lpxsched.schedule.cpsat.times.solved_times", fail)


def columns(schedule: Schedule) -> list[bytes]:
    """Return the bytes of a schedule's columns."""
    found = {field.name: getattr(schedule, field.name) for field in fields(Schedule)}
    found |= {field.name: getattr(schedule.sums, field.name) for field in fields(Sums)}
    return [column.tobytes() for column in found.values() if isinstance(column, np.ndarray)]


def outcome(result: Result) -> tuple[str, str, int, int]:
    """Return solver, status, makespan and bound."""
    return result.solver, result.status, result.makespan_cycles, result.bound.cycles


@pytest.mark.usefixtures("no_cpsat")
@pytest.mark.parametrize(
    "options",
    [
        SolveOptions("auto", 1),
        SolveOptions("cpsat", 1),
        SolveOptions("greedy", 9),
        SolveOptions("cpsat", 0),
        # No translation leaves it as it is: all goes one way.
        SolveOptions("symmetric", 9),
    ],
)
def test_effort_1_and_greedy_are_greedy_alone(options: SolveOptions) -> None:
    """Tests that CP-SAT is not run, though it would beat greedy here."""
    assert outcome(solve(fork(), options)) == ("greedy", "feasible", 42, 39)


@pytest.mark.usefixtures("no_cpsat")
@pytest.mark.parametrize("solver", ["auto", "greedy", "cpsat"])
def test_what_greedy_finds_is_justified(solver: Solver) -> None:
    """Tests the instance on which the order of two demands decides: 76 becomes 66, which is the bound."""
    assert ranked_greedy(unpadded(crossing()), lower_bound(crossing()), seed=0)[0].makespan_cycles == 76
    assert outcome(solve(crossing(), SolveOptions(solver, 1))) == ("greedy", "optimal", 66, 66)


@pytest.mark.usefixtures("no_cpsat")
@pytest.mark.parametrize("solver", ["auto", "cpsat"])
def test_a_met_bound_needs_no_more_search(solver: Solver) -> None:
    """Tests that where greedy meets the bound CP-SAT is not run."""
    assert outcome(solve(path_of_three(), SolveOptions(solver, 9))) == ("greedy", "optimal", 39, 39)


@pytest.mark.parametrize("solver", ["auto", "cpsat"])
def test_cpsat_finds_ways_that_greedy_misses(solver: Solver) -> None:
    """Tests two vectors that greedy sends over one link: 42, and 41 with the other one first.

    The vector of chip 1 goes over it in [20, 23), the other over the link that is free, and is read at 39.
    """
    assert outcome(solve(fork(), SolveOptions(solver))) == ("cpsat", "optimal", 39, 39)


def test_the_finder_is_named_not_the_last_to_try() -> None:
    """Tests that where CP-SAT finds nothing shorter the schedule is greedy's, and not called optimal."""
    # 50 is the best: see test_list_schedule; the bound does not see that four summands make two sums in a row.
    assert outcome(solve(grid(), SolveOptions("cpsat"))) == ("greedy", "feasible", 50, 44)


def test_new_times_of_many_tasks_are_left_to_higher_efforts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests six tasks, three slots and three operators, where all but few are too many; ``cpsat`` knows no limit."""
    monkeypatch.setattr("lpxsched.schedule.policy.MOST_RETIMED", 5)
    assert solve(fork(), SolveOptions("auto", 3)).makespan_cycles == 42
    assert solve(fork(), SolveOptions("auto", 4)).makespan_cycles == 39
    assert solve(fork(), SolveOptions("cpsat", 3)).makespan_cycles == 39


def test_symmetric_searches_representatives() -> None:
    """Tests the layer of two chips, which are alike: nothing is lost by it."""
    result = solve(two_chips(), SolveOptions("symmetric"))
    assert outcome(result) == ("symmetric", "optimal", 127, 127)
    assert violations(two_chips(), result.schedule) == []


@pytest.mark.parametrize(
    ("instance", "expected"), [(two_chips(), True), (crossing(), False), (even_layer(4, (1, 2, 3)), True)]
)
def test_what_is_symmetric(instance: Instance, *, expected: bool) -> None:
    """Tests chips that are alike and chips that are not."""
    assert is_symmetric(instance) == expected


@given(circulant_layers(most_chips=4, most_vectors=3), st.sampled_from([1, 2]))
@settings(max_examples=25, deadline=None)
def test_symmetric_schedules_keep_the_rules(instance: Instance, effort: int) -> None:
    """Tests layers with unequal shares: rules kept, bound not undercut, and the solver named."""
    result = solve(instance, SolveOptions("symmetric", effort))
    assert violations(instance, result.schedule) == []
    assert result.solver == "symmetric"
    assert result.bound == lower_bound(instance)
    assert result.makespan_cycles >= result.bound.cycles


@pytest.mark.slow
@given(circulant_layers(most_chips=4, most_vectors=3))
@settings(max_examples=15, deadline=None)
def test_auto_is_never_longer_than_greedy_or_symmetric(instance: Instance) -> None:
    """Tests that of all solvers the shortest schedule is kept."""
    found = {solver: solve(instance, SolveOptions(solver, 2)).makespan_cycles for solver in SOLVERS}
    assert found["auto"] <= min(found["greedy"], found["symmetric"])


def test_more_cuts_are_tried_on_representatives() -> None:
    """Tests that a group gives more candidates, which only it can afford."""
    instance = even_layer(3, (1, 2), vectors=12)
    padded = next(paddings(instance))
    bound = LowerBound(-1, "never met")
    alone = ranked_greedy(unpadded(instance), bound, seed=0)
    represented = ranked_greedy(padded, bound, seed=0)
    assert len(represented) > len(alone)
    lengths = [found.makespan_cycles for found in represented]
    assert lengths == sorted(lengths)


def test_each_step_of_effort_doubles_the_time() -> None:
    """Tests deterministic seconds: a tenth at effort 2."""
    assert [SolveOptions(effort=effort).seconds(0.1) for effort in (2, 3, 4, 7)] == [0.1, 0.2, 0.4, 3.2]


@given(instances(most_chips=4), st.integers(0, 3))
@settings(max_examples=30, deadline=None)
def test_the_best_greedy_schedule_is_the_shortest_of_all_cuts(instance: Instance, seed: int) -> None:
    """Tests that of all candidate cuts the shortest schedule is taken, of equal ones that with the fewest slots."""
    best = ranked_greedy(unpadded(instance), LowerBound(-1, "never met"), seed=seed)[0]
    plans = [greedy_plan(instance, cut, seed=seed) for cut in candidate_cuts(instance)]
    qualities = [(found.placement.makespan_cycles, found.plan.slots) for found in plans]
    assert best.quality == min(qualities)


@given(instances(most_chips=4, most_vectors=3, most_demands=2), st.sampled_from(["auto", "greedy", "cpsat"]))
@settings(max_examples=30, deadline=None)
def test_results_keep_their_word(instance: Instance, solver: Solver) -> None:
    """Tests that a schedule keeps the rules, and is called optimal exactly when it is as short as the bound."""
    result = solve(instance, SolveOptions(solver, 2))
    assert violations(instance, result.schedule) == []
    assert result.bound == lower_bound(instance)
    assert result.makespan_cycles >= result.bound.cycles
    assert (result.status == "optimal") == (result.makespan_cycles == result.bound.cycles)


@given(instances(most_chips=4, most_vectors=3, most_demands=2), st.integers(0, 3))
@settings(max_examples=20, deadline=None)
def test_equal_options_give_equal_results(instance: Instance, seed: int) -> None:
    """Tests that the same seed gives the same bytes, CP-SAT included."""
    first, second = (solve(instance, SolveOptions("auto", 2, seed)) for _ in range(2))
    assert columns(first.schedule) == columns(second.schedule)
    assert outcome(first) == outcome(second)
