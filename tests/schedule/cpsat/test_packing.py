"""Tests of trees of even load."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings

from lpxsched.schedule.cpsat import packing
from lpxsched.schedule.cpsat.packing import packed_ways
from lpxsched.schedule.cpsat.runs import Effort
from lpxsched.schedule.plan import sum_plan
from lpxsched.schedule.routes.candidates import Candidate
from lpxsched.schedule.search import Budget, search
from lpxsched.schedule.symmetry.groups import trivial
from lpxsched.schedule.symmetry.lift import lifted_collective
from lpxsched.schedule.symmetry.quotient import Quotient, flow_of, quotient
from lpxsched.traffic.collectives import Collective
from tests.schedule.bounds.problems import Wire, adds_of, both_ways, problem_of, ring
from tests.schedule.fabrics import problems
from tests.schedule.transfer_rules import broken_rules
from tests.schedule.trees import broken_ways

if TYPE_CHECKING:
    from lpxsched.schedule.problem.instance import Instance
    from lpxsched.schedule.routes.choices import Style
    from lpxsched.traffic.collectives import Kind

MESH_OF_3 = both_ways([(0, 1), (0, 2), (1, 2)])
MESH_OF_4 = both_ways([(0, 1), (0, 2), (0, 3), (1, 2), (1, 3), (2, 3)])


def both_directions(problem: Instance) -> tuple[Quotient, Quotient]:
    """Return the whole problem, and the same with its bundles reversed."""
    flow, symmetry = flow_of(problem.stage, padded=False), trivial(problem.network)
    return quotient(problem, flow, symmetry), quotient(problem.reversed(), flow, symmetry)


def directions_of(problem: Instance) -> tuple[list[Quotient], list[bool]]:
    """Return the directions of a collective's trees, and which are sums."""
    forward, backward = both_directions(problem)
    if problem.stage.kind == "all-reduce":
        return [backward, forward], [True, False]
    return ([backward], [True]) if problem.stage.is_sum else ([forward], [False])


def period(problem: Instance, *, seconds: float = 1.0) -> int:
    """Return the period that a search finds with trees packed for some seconds."""
    forward, backward = both_directions(problem)
    budget = Budget(10**6, 4, 0, 4, cyclic=True, packing_seconds=seconds)
    found = search(forward, backward, seed=0, budget=budget)
    assert found is not None
    return found.objective_cycles


@pytest.mark.parametrize(
    ("kind", "wires", "chips", "vectors", "cycles"),
    [
        # A root with d links out has as many trees that share no link, where d links enter every part of the fabric
        # (Edmonds 1973): every link carries one vector.
        ("broadcast", MESH_OF_4, 4, 3, 1),
        ("broadcast", ring(5), 5, 2, 1),
        # The fourth vector finds all three links of the root taken.
        ("broadcast", MESH_OF_4, 4, 4, 2),
        # Two vectors, each summed over two links and copied over two: 8 crossings of 6 links.
        ("all-reduce", MESH_OF_3, 3, 2, 2),
        # Three: 12 crossings.
        ("all-reduce", MESH_OF_3, 3, 3, 2),
        ("reduce", MESH_OF_4, 4, 3, 1),
    ],
)
def test_trees_share_no_link_where_they_need_not(
    kind: Kind, wires: list[Wire], chips: int, vectors: int, cycles: int
) -> None:
    """Tests periods by hand, on wires that take a vector a cycle, with sums that take no time."""
    problem = problem_of(Collective(kind, chips, vectors), wires, add_cost=adds_of(0))
    assert period(problem) == cycles


def test_sums_weigh_on_the_vector_unit() -> None:
    """Tests a reduce of one vector over a mesh of three: at one chip with two additions of 5 cycles each it takes 10.

    In a line each of two chips makes one.
    """
    assert period(problem_of(Collective("reduce", 3, 1), MESH_OF_3, add_cost=adds_of(5))) == 5


def test_ports_limit_what_begins_and_ends() -> None:
    """Tests a broadcast on a mesh of three with one vector a cycle in and out: a line, not a star."""
    assert period(problem_of(Collective("broadcast", 3, 1), MESH_OF_3, limit=1)) == 1


@settings(max_examples=40)
@given(problems(most_vectors=3))
def test_packed_ways_are_trees_within_the_period(problem: Instance) -> None:
    """Tests that each reader is reached once, and that no link carries more than lanes and period allow."""
    if problem.network.width < 2:
        return
    directions, sums = directions_of(problem)
    blocks = directions[0].blocks(1)
    below = int(problem.network.hold_cycles(1).sum()) * len(blocks) * 4 + 2
    both = list(zip(directions, sums, strict=True))
    ways = packed_ways(both, blocks, effort=Effort(0.2, 0, 1), below_cycles=below)
    if ways is None:
        return
    load = np.zeros(problem.network.bundles, dtype=np.int64)
    for small, found in zip(directions, ways, strict=True):
        assert list(broken_ways(small, found)) == []
        np.add.at(load, found.bundle, problem.network.hold_cycles(1)[found.bundle])
    assert (load <= problem.network.lanes * (below - 1)).all()


@settings(max_examples=30)
@given(problems(most_vectors=3))
def test_packing_never_makes_the_period_longer(problem: Instance) -> None:
    """Tests that a repeating timetable on packed trees keeps all rules, and is no slower than without."""
    forward, backward = both_directions(problem)
    budget = Budget(10**6, 8, 0, 8, cyclic=True)
    plain = search(forward, backward, seed=0, budget=budget)
    packed = search(forward, backward, seed=0, budget=replace(budget, packing_seconds=0.05))
    if plain is None or packed is None:
        assert plain is packed
        return
    assert packed.quality <= plain.quality
    schedule = lifted_collective(packed)
    assert broken_rules(problem, schedule) == []


@pytest.mark.parametrize(("enough", "tried"), [(5, 3), (4, 9)])
def test_trees_are_packed_when_a_quarter_of_the_patience_is_spent(
    monkeypatch: pytest.MonkeyPatch, enough: int, tried: int
) -> None:
    """Tests a reduce for which the first candidate takes 10 cycles, those after it no less, and packed trees 5.

    With patience for eight candidates two may be in vain before, and six after that where 5 cycles are not enough.
    """
    forward, backward = both_directions(problem_of(Collective("reduce", 3, 1), MESH_OF_3, add_cost=adds_of(5)))
    choices: list[Style] = []

    def star(choice: Style, limit: int) -> Candidate:
        choices.append(choice)
        into = np.flatnonzero(backward.network.source == 0)
        return Candidate(sum_plan(forward, forward.blocks(1), np.zeros(2, dtype=np.int64), into))

    monkeypatch.setattr("lpxsched.schedule.search.Candidates", lambda *_, **__: star)
    budget = Budget(10**6, 64, enough, 8, cyclic=True, packing_seconds=1.0)
    found = search(forward, backward, seed=0, budget=budget)
    assert found is not None
    assert (found.objective_cycles, len(choices)) == (5, tried)


def test_large_models_are_not_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests 3 blocks over 12 bundles, 36 literals, where 35 are allowed."""
    small, _ = both_directions(problem_of(Collective("broadcast", 4, 3), MESH_OF_4))
    effort = Effort(1.0, 0, 1)
    monkeypatch.setattr(packing, "MOST_LITERALS", 36)
    assert packed_ways([(small, False)], small.blocks(1), effort=effort, below_cycles=9) is not None
    monkeypatch.setattr(packing, "MOST_LITERALS", 35)
    assert packed_ways([(small, False)], small.blocks(1), effort=effort, below_cycles=9) is None


def test_periods_that_are_no_shorter_are_not_looked_for() -> None:
    """Tests a broadcast of three vectors that repeats every cycle, the bound, where less than 1 is asked for."""
    small, _ = both_directions(problem_of(Collective("broadcast", 4, 3), MESH_OF_4))
    assert packed_ways([(small, False)], small.blocks(1), effort=Effort(1.0, 0, 1), below_cycles=2) is not None
    assert packed_ways([(small, False)], small.blocks(1), effort=Effort(1.0, 0, 1), below_cycles=1) is None
