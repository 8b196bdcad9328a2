"""Tests of collectives without clocks whose optimum is known: chips alone, pairs, stars, rings."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from lpxsched.errors import InfeasibleError
from lpxsched.schedule.collective import solve_transfers
from lpxsched.traffic.collectives import KINDS, Collective
from tests.schedule.bounds.problems import (
    Wire,
    adds_of,
    both_ways,
    path,
    problem_of,
    ring,
)
from tests.schedule.solved import STAR, options, solved

if TYPE_CHECKING:
    from lpxsched.options import Solver
    from lpxsched.schedule.problem.instance import Instance
    from lpxsched.traffic.collectives import Kind


@pytest.mark.parametrize("cyclic", [False, True])
@pytest.mark.parametrize(("vectors", "relays"), [(1, 0), (3, 2), (9, 0)])
@pytest.mark.parametrize("kind", KINDS)
def test_a_chip_alone_keeps_what_it_has(kind: Kind, vectors: int, relays: int, cyclic: bool) -> None:
    """Tests that nothing moves, takes 0 cycles, and repeats every cycle."""
    problem = problem_of(Collective(kind, 1, vectors), ring(3) if relays else [], relays=relays, add_cost=adds_of(1))
    result = solved(problem, cyclic=cyclic)
    assert (result.schedule.slots, result.schedule.makespan_cycles) == (0, 0)
    assert result.schedule.period_cycles == int(cyclic)


@pytest.mark.parametrize(
    ("kind", "vectors", "cycles"),
    [
        # The last of n vectors leaves at n - 1 and is read 3 cycles later.
        ("broadcast", 4, 6),
        ("all-gather", 4, 6),
        ("all-to-all", 4, 6),
        ("scatter", 4, 6),
        ("gather", 4, 6),
        # Each chip adds its vectors in 2 cycles each once the first is read: from 3, 5, 7 and 9 on.
        ("reduce-scatter", 4, 11),
        ("reduce", 1, 5),
        ("all-reduce", 1, 5),
        # Each chip adds both vectors; what one chip adds alone the other reads at 3 + 2 + 3 at the earliest.
        ("all-reduce", 2, 7),
    ],
)
def test_two_chips(kind: Kind, vectors: int, cycles: int) -> None:
    """Tests one lane each way, 3 cycles a hop, a vector a cycle, 2 cycles an addition."""
    result = solved(problem_of(Collective(kind, 2, vectors), path(2), add_cost=adds_of(2)))
    assert result.schedule.makespan_cycles == cycles


@pytest.mark.parametrize(
    ("kind", "cycles"),
    [
        # Two hops of 3 cycles, 2 cycles at the relay, and two vectors behind the first.
        ("broadcast", 3 + 2 + 3 + 2),
        ("all-gather", 3 + 2 + 3 + 2),
        # The last vector is read at 10; the additions of the first, at 8, and of the next end before the third's.
        ("reduce", 10 + 1),
    ],
)
def test_two_chips_with_a_relay_between(kind: Kind, cycles: int) -> None:
    """Tests three vectors from chip to chip by way of node 2; each addition takes a cycle."""
    wires = both_ways([(0, 2), (2, 1)])
    problem = problem_of(Collective(kind, 2, 3), wires, relays=1, turnaround=2, add_cost=adds_of(1))
    assert solved(problem).schedule.makespan_cycles == cycles


@pytest.mark.parametrize(
    ("kind", "root", "cycles"),
    [
        ("broadcast", 0, 3),
        ("broadcast", 1, 6),
        ("gather", 0, 3),
        # The centre's own vector leaves at 0, the other leaves' at 3, 4, 5.
        ("gather", 1, 8),
        # Vectors for the other leaves leave at 0, 1, 2, and go on when they are read.
        ("scatter", 1, 8),
        ("all-gather", 0, 8),
        ("all-to-all", 0, 8),
        # Four additions of 2 cycles from 3 on.
        ("reduce", 0, 3 + 8),
    ],
)
def test_a_star(kind: Kind, root: int, cycles: int) -> None:
    """Tests a centre with four leaves, one vector a chip, 3 cycles a hop."""
    problem = problem_of(Collective(kind, 5, 1, root), STAR, add_cost=adds_of(2))
    assert solved(problem).schedule.makespan_cycles == cycles


def test_a_chip_between_all_others_sums_for_all() -> None:
    """Tests an all-reduce of eight vectors on the star: they come in from 3 on, one a cycle, and go back at once.

    Shares that are summed at each chip would cross the centre twice.
    """
    result = solved(problem_of(Collective("all-reduce", 5, 8), STAR, add_cost=adds_of(0)))
    assert (result.schedule.makespan_cycles, result.status) == (3 + 7 + 3, "optimal")


@pytest.mark.parametrize(
    ("problem", "cycles"),
    [
        # Three vectors come in over two links, two in the first step.
        (problem_of(Collective("all-gather", 4, 1), ring(4, hop=1)), 2),
        # 16 hops over 8 links. No schedule that all rotations leave as it is takes less than 3 steps.
        (problem_of(Collective("all-to-all", 4, 1), ring(4, hop=1)), 2),
        (problem_of(Collective("broadcast", 4, 1), ring(4, hop=1)), 2),
        # On a ring of one direction the last of three vectors has three hops.
        (problem_of(Collective("all-gather", 4, 1), [Wire(a, (a + 1) % 4, 1) for a in range(4)]), 3),
        # Every vector has a link of its own.
        (problem_of(Collective("all-to-all", 3, 2), ring(3, hop=1)), 2),
        (problem_of(Collective("all-to-all", 3, 2), ring(3, hop=1, lanes=2)), 1),
        # One vector may end at a chip in a cycle.
        (problem_of(Collective("all-to-all", 3, 1), ring(3, hop=1), limit=1), 2),
    ],
)
def test_rings_in_steps(problem: Instance, cycles: int) -> None:
    """Tests hops of one cycle that hold their link for it."""
    result = solved(problem)
    assert (result.schedule.makespan_cycles, result.status) == (cycles, "optimal")


# All-to-all on a ring of four; a chip injects and ejects one vector a cycle. Its ports alone would allow 3 cycles.
PORTED_RING = problem_of(Collective("all-to-all", 4, 1), ring(4, hop=1), limit=1)


@pytest.mark.parametrize(("solver", "bound", "name"), [("greedy", 3, "ports"), ("auto", 4, "CP-SAT")])
def test_a_model_of_all_ways_proves_more(solver: Solver, bound: int, name: str) -> None:
    """Tests that 4 cycles are optimal, and said to be, where CP-SAT may be asked."""
    result = solved(PORTED_RING, solver=solver, effort=3)
    assert (result.schedule.makespan_cycles, result.bound.cycles, result.bound.name) == (4, bound, name)


def test_a_deadline_below_what_a_model_proves_is_infeasible() -> None:
    """Tests 3 cycles, which only the model of all ways refuses."""
    with pytest.raises(
        InfeasibleError, match=r"the deadline of 3 cycles is below the lower bound of 4 cycles \(CP-SAT\)"
    ):
        solve_transfers(PORTED_RING, options(effort=3, deadline_cycles=3))


def test_a_model_of_all_ways_finds_more() -> None:
    """Tests six vectors from one chip of a ring of four: greedy keeps to ways that take 5 cycles, the bound is 4."""
    problem = problem_of(Collective("broadcast", 4, 6), ring(4, hop=1))
    assert solved(problem, solver="greedy", effort=3).schedule.makespan_cycles == 5
    result = solved(problem, effort=3)
    assert (result.schedule.makespan_cycles, result.solver, result.status) == (4, "cpsat", "optimal")
