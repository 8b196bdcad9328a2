"""Vectors that begin and end at chips, and the work of vector units."""

from __future__ import annotations

import pytest

from lpxsched.schedule.bounds.ends import entering
from lpxsched.schedule.bounds.ports import ending_cycles, ending_period
from lpxsched.schedule.bounds.sums import sums_cycles, sums_period
from lpxsched.schedule.bounds.view import views
from lpxsched.schedule.problem.instance import AddCost
from lpxsched.traffic.collectives import Collective
from tests.schedule.bounds.problems import adds_of, path, problem_of


@pytest.mark.parametrize(("limit", "cycles", "period"), [(1, 6 + 4, 10), (2, 6 + 2, 5), (3, 6 + 1, 4)])
def test_vectors_end_some_in_a_cycle(limit: int, cycles: int, period: int) -> None:
    """Tests a gather of 5 vectors from each of two chips over wires of four lanes, 3 cycles a hop.

    The near chip's vectors end from 3 on, the far chip's from 6 on: 5 of them one by one until 10, ten of both one by
    one until 3 + 9 = 12.
    """
    view, _ = views(problem_of(Collective("gather", 3, 5), path(3, lanes=4), limit=limit))
    both = 3 + -(-10 // limit) - 1
    assert ending_cycles(view, entering(view, 0), limit) == max(cycles, both)
    assert ending_period(view, 0, limit) == period


def test_vectors_of_sums_begin_one_by_one() -> None:
    """Tests a reduce of 5 vectors to the near end: those of the far end begin one in a cycle, the last two hops ahead.

    Time reversed, they end there from 6 on.
    """
    _, backward = views(problem_of(Collective("reduce", 3, 5), path(3, lanes=4), limit=1))
    assert ending_cycles(backward, entering(backward, 2), 1) == 6 + 4
    assert ending_period(backward, 2, 1) == 5
    # The root sends nothing.
    assert ending_cycles(backward, entering(backward, 0), 1) == ending_period(backward, 0, 1) == 0


def test_additions_are_shared_by_all_chips() -> None:
    """Tests an all-reduce of 4 vectors on three chips: 8 additions of 5 cycles, 3 of them on one chip at least."""
    problem = problem_of(Collective("all-reduce", 3, 4), path(3), add_cost=adds_of(5, fixed_cycles=7))
    assert sums_period(problem) == 3 * 5 + 7
    assert sums_cycles(problem) == 3 + 3 * 5 + 7


def test_sums_move_more_bytes_than_they_add() -> None:
    """Tests a vector unit of 10 bytes a cycle and vectors of 30: sums of three operands move 4 x 30 for 2 additions.

    Three chips sum 2 vectors each: 12 additions, 4 on one chip at least: 4 x 6 cycles.
    """
    slow = AddCost(30, 1, 10, 1, 0)
    problem = problem_of(Collective("reduce-scatter", 3, 2), path(3), add_cost=slow)
    assert sums_period(problem) == 24


@pytest.mark.parametrize("kind", ["all-gather", "all-reduce"])
def test_no_work_without_sums_or_vector_unit(kind: str) -> None:
    """Tests copies, and sums that take no time."""
    problem = problem_of(Collective(kind, 3, 2), path(3))
    assert sums_cycles(problem) == sums_period(problem) == 0
