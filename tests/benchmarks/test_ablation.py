"""The table of what each search and each proof is worth."""

from __future__ import annotations

from functools import partial
from pkgutil import resolve_name

import pytest

from benchmarks.collectives.ablation import BOUNDS, SCHEDULE, SEARCHES, compared
from benchmarks.collectives.ablation_problems import Problem
from lpxsched.schedule.options import SolveOptions
from lpxsched.traffic.collectives import Collective
from tests.schedule.bounds.problems import both_ways, problem_of

# Chip 4 in the middle of four that take part.
STAR = problem_of(Collective("all-reduce", 4, 1), both_ways([(4, leaf) for leaf in range(4)]), relays=1)
RING = problem_of(Collective("all-gather", 4, 2), both_ways([(0, 1), (1, 2), (2, 3), (3, 0)]))


@pytest.mark.parametrize("name", [*SEARCHES, *BOUNDS])
def test_what_is_left_out_is_there(name: str) -> None:
    """Tests that every name of the table still is one of the engine."""
    target, _ = (SEARCHES | BOUNDS)[name]
    assert callable(resolve_name(f"{SCHEDULE}{target}"))


@pytest.mark.parametrize("name", SEARCHES)
def test_collectives_are_solved_without_each_search(name: str) -> None:
    """Tests a sum over a relay, and a ring of four: hops of 3 cycles, six vectors for each chip over two links.

    At worst they come one hop after the other.
    """
    problems = [Problem("star", STAR), Problem("ring", RING)]
    target, _ = SEARCHES[name]
    cycles = partial(Problem.cycles, options=SolveOptions())
    assert cycles(problems[1]) <= 6 * 3
    assert compared(problems, [(1, {target}), (1, {target})], cycles, name)[1] == "2"


def test_a_sum_at_the_relay_saves_crossings() -> None:
    """Tests hops of 3 cycles, sums in none: to the relay and back takes 6 cycles.

    Where the relay adds nothing, each of its links carries the summands of three others to a chip: 3 + 2 + 3 cycles, a
    third more.
    """
    problem, cycles = Problem("star", STAR), partial(Problem.cycles, options=SolveOptions(effort=1))
    assert cycles(problem) == 6
    row = compared([problem], [(6, {"attempts._at_middle"})], cycles, "sums at one node")
    assert row == ("sums at one node", "1", "1", "33.33", "star", "0")


def test_what_was_not_called_is_not_tried() -> None:
    """Tests a bound that a problem does not ask for."""
    row = compared([Problem("star", STAR)], [(-6, set())], Problem.unproved, "stages of a layer")
    assert row == ("stages of a layer", "0", "0", "", "", "0")
