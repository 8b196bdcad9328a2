"""Solves of collectives without clocks: every schedule of every kind keeps all rules, and small optima are met.

`test_collective.py` has what guards and deskews add to them.
"""

from __future__ import annotations

from dataclasses import fields, replace
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lpxsched.errors import InfeasibleError, NothingFoundError
from lpxsched.schedule.collective import solve_transfers
from lpxsched.schedule.problem.collective import stage_instance
from lpxsched.schedule.result import Schedule, Sums
from lpxsched.traffic.collectives import ROOTED, Collective
from lpxsched.units import counted
from tests.schedule.bounds.exact import shortest_makespan
from tests.schedule.bounds.problems import (
    Wire,
    adds_of,
    both_ways,
    path,
    problem_of,
    ring,
    shipped,
    small_problems,
)
from tests.schedule.fabrics import one_way_fabrics, problems, regular_fabrics
from tests.schedule.solved import STAR, options, solved
from tests.schedule.transfer_rules import broken_rules

if TYPE_CHECKING:
    from lpxsched.options import Solver
    from lpxsched.schedule.problem.instance import Instance

ANY_SOLVER: tuple[Solver, ...] = ("auto", "greedy", "cpsat")


def columns(schedule: Schedule) -> list[bytes | int]:
    """Return all that is in a schedule, byte by byte."""
    parts = [getattr(schedule, field.name) for field in fields(Schedule) if field.name != "sums"]
    parts += [getattr(schedule.sums, field.name) for field in fields(Sums)]
    return [part.tobytes() if isinstance(part, np.ndarray) else part for part in parts]


@pytest.mark.slow
@settings(max_examples=60)
@given(problems(), st.sampled_from(ANY_SOLVER), st.integers(0, 2), st.booleans())
def test_every_schedule_keeps_all_rules(problem: Instance, solver: Solver, seed: int, cyclic: bool) -> None:
    """Tests all kinds on random fabrics, once and repeating, with relays, ports, busy wires, any chips."""
    solved(problem, solver=solver, seed=seed, cyclic=cyclic)


@pytest.mark.slow
@settings(max_examples=30)
@given(
    problems(kinds=("all-gather", "all-to-all", "reduce-scatter", "all-reduce"), fabrics=regular_fabrics()),
    st.booleans(),
)
def test_symmetric_schedules_keep_all_rules(problem: Instance, cyclic: bool) -> None:
    """Tests what is found on representatives alone; where there is no group, or it leads nowhere, that is said."""
    try:
        result = solve_transfers(problem, options(solver="symmetric", cyclic=cyclic))
    except NothingFoundError:
        return
    assert broken_rules(problem, result.schedule) == []
    assert result.objective_cycles >= result.bound.cycles
    assert result.solver == "symmetric"


# Only collectives with a root can be solved there, and of these only some roots: most of what is drawn is left out.
@settings(max_examples=30, suppress_health_check=[HealthCheck.filter_too_much])
@given(problems(kinds=ROOTED, fabrics=one_way_fabrics()), st.sampled_from(ANY_SOLVER), st.booleans())
def test_chips_that_are_joined_one_way(problem: Instance, solver: Solver, cyclic: bool) -> None:
    """Tests broadcasts and the like down links that never lead back."""
    solved(problem, solver=solver, cyclic=cyclic)


@settings(max_examples=15)
@given(problems(), st.booleans())
def test_a_spent_budget_still_finds_a_schedule(problem: Instance, cyclic: bool) -> None:
    """Tests that with room for one slot a candidate is tried that leads everywhere."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("lpxsched.schedule.policy.SLOTS", 1)
        solved(problem, cyclic=cyclic)


@settings(max_examples=10)
@given(problems(), st.integers(0, 1), st.booleans())
def test_equal_input_gives_equal_columns(problem: Instance, seed: int, cyclic: bool) -> None:
    """Tests two runs, byte by byte."""
    runs = [solved(problem, seed=seed, cyclic=cyclic) for _ in range(2)]
    assert columns(runs[0].schedule) == columns(runs[1].schedule)


def renumbered(problem: Instance, number: list[int]) -> Instance:
    """Return a problem with other numbers of nodes, its bundles sorted as they must be."""
    new = np.array(number, dtype=np.int64)
    source, destination = new[problem.network.source], new[problem.network.destination]
    order = np.lexsort((problem.network.link_class, destination, source))
    places = problem.network.fabric_node[np.argsort(new)]
    network = replace(problem.network, source=source, destination=destination, fabric_node=places)
    collective = replace(problem.stage, root=number[problem.stage.root])
    return stage_instance(network.with_bundles(order), collective, problem.add_cost)


@settings(max_examples=15)
@given(st.data(), problems())
def test_other_numbers_of_chips_change_no_rule(data: st.DataObject, problem: Instance) -> None:
    """Tests participants, and relays, in another order."""
    width = problem.network.width
    number = [
        *data.draw(st.permutations(range(width))),
        *data.draw(st.permutations(range(width, problem.network.nodes))),
    ]
    solved(renumbered(problem, number))


@settings(max_examples=8)
@given(problems(most_vectors=3))
def test_a_deadline_is_kept_or_refused(problem: Instance) -> None:
    """Tests deadlines at the makespan, a cycle earlier, and below the bound."""
    result = solved(problem, solver="greedy")
    makespan, bound = result.schedule.makespan_cycles, result.bound.cycles
    kept = solved(problem, solver="greedy", deadline_cycles=makespan)
    assert columns(kept.schedule) == columns(result.schedule)
    early = counted(bound - 1, "cycle")
    with pytest.raises(InfeasibleError, match=f"the deadline of {early} is below the lower bound of {bound:,}"):
        solve_transfers(problem, options(deadline_cycles=bound - 1))
    if bound < makespan:
        with pytest.raises(NothingFoundError, match=f"takes {makespan} cycles, {makespan - 1} are allowed"):
            solve_transfers(problem, options(solver="greedy", deadline_cycles=makespan - 1))


@settings(max_examples=20)
@given(small_problems().filter(lambda problem: problem.network.nodes < 3 or not problem.stage.is_sum))
def test_no_schedule_beats_the_optimum(problem: Instance) -> None:
    """Tests tiny collectives against an exact model that shares nothing with the solvers, nor with the rules."""
    assert solved(problem).schedule.makespan_cycles >= shortest_makespan(problem)


def test_auto_asks_for_no_other_ways_within_good_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests the same six vectors where a gap of one part in one is good enough at effort 1, a quarter at effort 3."""
    problem = problem_of(Collective("broadcast", 4, 6), ring(4, hop=1))
    monkeypatch.setattr("lpxsched.schedule.policy.GOOD_ENOUGH", 1)
    assert solved(problem, effort=3).schedule.makespan_cycles == 5
    assert solved(problem, effort=3, solver="cpsat").schedule.makespan_cycles == 4


@pytest.mark.parametrize("solver", ["auto", "symmetric", "cpsat"])
def test_equal_input_gives_equal_columns_with_cp_sat(solver: Solver) -> None:
    """Tests two runs on a torus of 3 x 3, with time for models and neighbourhoods that close no gap, byte by byte."""
    rows = [(3 * row + column, 3 * row + (column + 1) % 3) for row in range(3) for column in range(3)]
    columns_too = [(3 * row + column, 3 * ((row + 1) % 3) + column) for row in range(3) for column in range(3)]
    wires = both_ways([*rows, *columns_too], hop=1)
    problem = problem_of(Collective("all-to-all", 9, 1), wires, limit=1)
    runs = [solved(problem, solver=solver, effort=2) for _ in range(2)]
    assert runs[0].status == "feasible"
    assert columns(runs[0].schedule) == columns(runs[1].schedule)


def test_only_the_rotations_of_a_ring_cost_a_step() -> None:
    """Tests all-to-all on a ring of four under groups alone; by halves of the rotations two steps may be found."""
    result = solved(problem_of(Collective("all-to-all", 4, 1), ring(4, hop=1)), solver="symmetric")
    assert result.schedule.makespan_cycles in (2, 3)


@pytest.mark.parametrize(
    ("problem", "period"),
    [
        (problem_of(Collective("broadcast", 2, 4), path(2)), 4),
        # Two vectors into each end of the line, over one link.
        (problem_of(Collective("all-gather", 3, 1), path(3)), 2),
        # Three vectors over two links.
        (problem_of(Collective("all-gather", 4, 1), ring(4)), 2),
        (problem_of(Collective("all-gather", 5, 1), ring(5)), 2),
        # Two vectors hold a link for 5 cycles at 5/2 each.
        (problem_of(Collective("broadcast", 2, 2), path(2, pitch=Fraction(5, 2))), 5),
        # Each of two chips adds its two vectors of the result, 3 cycles each.
        (problem_of(Collective("reduce-scatter", 2, 2), path(2), add_cost=adds_of(3)), 6),
        # One vector may begin at the root in a cycle.
        (problem_of(Collective("scatter", 5, 1), STAR, limit=1), 4),
        # Two chips of a line send two vectors each to three others over one link, for 2 cycles each. Ports keep lanes
        # off one grid: first fit alone leaves holes of a cycle, and takes 25.
        (problem_of(Collective("all-to-all", 5, 2), path(5, pitch=Fraction(2)), limit=1), 24),
    ],
)
def test_the_shortest_periods(problem: Instance, period: int) -> None:
    """Tests timetables that repeat, by the load of the busiest link, chip or port."""
    result = solved(problem, cyclic=True)
    assert (result.schedule.period_cycles, result.status) == (period, "optimal")


def test_slots_of_many_vectors_keep_to_ports() -> None:
    """Tests an all-reduce in which two vectors may begin at a chip in a cycle, on lanes that each take three."""
    wires = [Wire(a, (a + 1) % 3, 1, 2, Fraction(1, 3)) for a in range(3)]
    problem = problem_of(Collective("all-reduce", 3, 8), wires, limit=2, add_cost=adds_of(0))
    for solver in ("auto", "symmetric", "greedy"):
        solved(problem, solver=solver)


def test_participants_that_only_relays_join() -> None:
    """Tests chips 0 and 1 at opposite ends of a ring of four: two hops of 3 cycles."""
    problem = problem_of(Collective("all-gather", 2, 1), both_ways([(0, 2), (2, 1), (1, 3), (3, 0)]), relays=2)
    assert solved(problem).schedule.makespan_cycles == 6


def test_what_has_no_symmetry_is_not_found_by_symmetry() -> None:
    """Tests a line, on which nothing but the identity acts."""
    with pytest.raises(NothingFoundError, match="no translation leaves this collective as it is"):
        solve_transfers(problem_of(Collective("all-gather", 3, 1), path(3)), options(solver="symmetric"))


@pytest.mark.parametrize(("solver", "cycles", "name"), [("auto", 24, "cpsat"), ("greedy", 48, "greedy")])
def test_cp_sat_packs_trees_of_what_repeats(solver: Solver, cycles: int, name: str) -> None:
    """Tests an all-reduce of 4 vectors in a node of 8 TSPs: 4 x 7 sums and 4 x 7 copies, one on each of 56 links.

    A vector takes 23.6 cycles.
    """
    result = solved(shipped("tsp-node", "all-reduce", 4), solver=solver, effort=3, cyclic=True)
    assert (result.objective_cycles, result.solver) == (cycles, name)
