"""Sets of nodes with narrow borders."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lpxsched.schedule.bounds.network import CostedNetwork
from lpxsched.schedule.bounds.sets import candidate_sets, partitions
from lpxsched.traffic.collectives import Collective
from tests.schedule.bounds.problems import both_ways, column, path, problem_of

if TYPE_CHECKING:
    from lpxsched.schedule.problem.instance import Instance


def sets_of(problem: Instance) -> set[tuple[int, ...]]:
    """Return the candidates round chip 0 as sets of numbers."""
    found = candidate_sets(problem, CostedNetwork(problem), column([0]))
    return {tuple(row.nonzero()[0].tolist()) for row in found}


def test_halves_and_rows_of_a_grid() -> None:
    """Tests that 2 x 3 chips are cut between rows and between columns, whatever their links are."""
    found = sets_of(problem_of(Collective("all-to-all", 6, 1), path(6)))
    assert {(0, 1, 2), (3, 4, 5), (0, 3), (1, 4), (2, 5), (0, 1, 3, 4)} <= found
    assert () not in found
    assert tuple(range(6)) not in found


def test_complements_and_balls() -> None:
    """Tests chips numbered at random along a line: 0, 3, 1, 4, 2. From 0 on they are met in this order."""
    line = both_ways([(0, 3), (3, 1), (1, 4), (4, 2)])
    found = sets_of(problem_of(Collective("all-to-all", 5, 1), line))
    assert {(0,), (0, 3), (0, 1, 3), (0, 1, 3, 4)} <= found
    # Those nearer to 0 than to the far end 2.
    assert (1, 2, 4) in found


def test_groups_that_one_class_of_links_joins() -> None:
    """Tests pairs 0 3, 1 4 and 2 5 of class 0, joined by links of class 1."""
    wires = [*both_ways([(0, 3), (1, 4), (2, 5)]), *both_ways([(3, 1), (4, 2)], link_class=1)]
    problem = problem_of(Collective("all-to-all", 6, 1), wires)
    assert {(0, 3), (1, 4), (2, 5)} <= sets_of(problem)
    groups = [number.tolist() for number in partitions(problem)]
    assert [0, 1, 2, 0, 1, 2] in groups
    # Without class 0 only 1 and 3, and 2 and 4, are joined.
    assert [0, 1, 2, 1, 2, 3] in groups
