"""Greedy search within a budget."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lpxsched.schedule.routes.choices import Choice, find_ways
from lpxsched.schedule.search import Budget, exchange, search
from lpxsched.schedule.symmetry.groups import trivial
from lpxsched.schedule.symmetry.quotient import flow_of, gathered_flow, quotient
from lpxsched.traffic.collectives import Collective
from lpxsched.units import NEVER
from tests.schedule.bounds.problems import adds_of, path, problem_of
from tests.schedule.fabrics import problems

if TYPE_CHECKING:
    from lpxsched.schedule.problem.instance import Instance
    from lpxsched.schedule.search import Found
    from lpxsched.schedule.symmetry.quotient import Quotient, Ways


def budget(rounds: int = 64, *, slots: int = 10**6, enough: int = 0, cyclic: bool = False) -> Budget:
    """Return a budget."""
    return Budget(slots=slots, rounds=rounds, enough_cycles=enough, patience=1000, cyclic=cyclic)


def looked(problem: Instance, limits: Budget) -> Found | None:
    """Return what a search without symmetry finds."""
    flow, symmetry = flow_of(problem.stage, padded=False), trivial(problem.network)
    forward, backward = quotient(problem, flow, symmetry), quotient(problem.reversed(), flow, symmetry)
    return search(forward, backward, seed=0, budget=limits)


@settings(max_examples=25)
@given(problems(most_vectors=4), st.booleans())
def test_more_rounds_never_find_worse(problem: Instance, cyclic: bool) -> None:
    """Tests that the best of more candidates is at least as good; one of the first eight is always found."""
    found = [looked(problem, budget(rounds, cyclic=cyclic)) for rounds in (8, 16, 24)]
    if problem.network.width > 1:
        qualities = [best.quality for best in found if best is not None]
        assert len(qualities) == 3
        assert all(later <= earlier for earlier, later in pairwise(qualities))


def test_a_candidate_is_tried_whatever_the_budget() -> None:
    """Tests a budget of no slots."""
    found = looked(problem_of(Collective("broadcast", 3, 2), path(3)), budget(slots=0))
    assert found is not None
    # Two hops of 3 cycles, the second vector a cycle later.
    assert found.objective_cycles == 7


@pytest.mark.parametrize(("known", "in_vain"), [(NEVER, 24), (110, 24), (105, 12), (101, 3)])
def test_the_less_is_left_to_win_the_fewer_candidates_are_in_vain(known: int, in_vain: int) -> None:
    """Tests a bound of 100 cycles, and patience for 24 candidates from 10 above it on: 5 above it is half of them."""
    limits = Budget(10**6, 64, 100, 24, patient_cycles=10, known_cycles=known)
    assert not limits.is_spent(None, in_vain - 1)
    assert limits.is_spent(None, in_vain)


def test_the_search_ends_at_the_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests that with 7 cycles as a bound nothing is tried once a schedule of 7 is found."""
    tried: list[Choice] = []

    def counted(problem: Quotient, choice: Choice, **limit: int) -> Ways | None:
        tried.append(choice)
        return find_ways(problem, choice, **limit)

    monkeypatch.setattr("lpxsched.schedule.routes.candidates.find_ways", counted)
    problem = problem_of(Collective("broadcast", 3, 2), path(3))
    assert looked(problem, budget(enough=7)) is not None
    ended = len(tried)
    assert looked(problem, budget(enough=6)) is not None
    assert ended < 8
    assert len(tried) - ended > 8


@pytest.mark.parametrize(
    ("vectors", "cycles"),
    [
        # A hop of 3 cycles and one addition of 2.
        (1, 5),
        # The second vector is read a cycle later, and added after the first.
        (2, 7),
    ],
)
def test_two_chips_exchange_their_summands(vectors: int, cycles: int) -> None:
    """Tests exchanges and gathered summands of two chips, which come to the same."""
    problem = problem_of(Collective("all-reduce", 2, vectors), path(2), add_cost=adds_of(2))
    exchanged = exchange(problem, trivial(problem.network), budget=budget())
    gathering = quotient(problem, gathered_flow(problem.stage), trivial(problem.network))
    gathered = search(gathering, gathering, seed=0, budget=budget(), gathered=True)
    assert exchanged is not None
    assert gathered is not None
    assert (exchanged.objective_cycles, gathered.objective_cycles) == (cycles, cycles)


def test_a_line_has_no_exchange() -> None:
    """Tests that where no sequence of phases is an all-reduce, nothing is found."""
    problem = problem_of(Collective("all-reduce", 3, 4), path(3), add_cost=adds_of(2))
    assert exchange(problem, trivial(problem.network), budget=budget()) is None


def test_the_period_is_what_repeats() -> None:
    """Tests a broadcast of two vectors over a line of three: each link carries two vectors, one a cycle."""
    found = looked(problem_of(Collective("broadcast", 3, 2), path(3)), budget(cyclic=True))
    assert found is not None
    assert (found.objective_cycles, found.placement.makespan_cycles) == (2, 7)
    assert found.quality == (2, 7, found.plan.slots)
