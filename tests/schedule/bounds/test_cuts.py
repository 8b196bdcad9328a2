"""Cuts round sets of nodes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lpxsched.schedule.bounds.cuts import busiest, candidate_sets, cut_cycles, partitions
from lpxsched.schedule.bounds.view import views
from lpxsched.traffic.collectives import Collective
from tests.schedule.bounds.problems import both_ways, column, path, problem_of

if TYPE_CHECKING:
    from lpxsched.schedule.problem.instance import Instance

HALF = np.array([True, True, False, False])


def test_all_pairs_cross_a_narrow_place() -> None:
    """Tests an all-to-all of 5 vectors in a line of four: 4 pairs cross from one half to the other.

    The last of 20 vectors leaves at 19, is read at 22. Five vectors need not go on from there, but 10 come from the
    far chip, from 3 on: 3 + 9 + 3. And so on: 22 it is. The 5 of the far chip to the far chip: 3 + 4 + 3 + 3.
    """
    problem = problem_of(Collective("all-to-all", 4, 5), path(4))
    assert cut_cycles(views(problem)[0], HALF, 0) == 22
    assert cut_cycles(views(problem, repeats=True)[0], HALF, 0) == 20


def test_far_pairs_cross_in_a_narrow_window() -> None:
    """Tests a single vector a pair with hops of 30: the cut is crossed by 3 + 30, from end to end by 90."""
    view, _ = views(problem_of(Collective("all-to-all", 4, 1), path(4, hop=30)))
    assert cut_cycles(view, HALF, 0) == 90


def test_relays_count_as_nodes_only() -> None:
    """Tests a line of two chips with two relays behind them: one pair crosses."""
    view, _ = views(problem_of(Collective("all-to-all", 2, 5), path(4), relays=2))
    assert cut_cycles(view, np.array([True, False, False, False]), 0) == 4 + 3
    # No vector needs to reach relays.
    assert len(busiest(view, HALF[None], 1)) == 0


def test_the_busiest_cuts_come_first() -> None:
    """Tests that of three prefixes of a line the half is busiest: 4 pairs, not 3."""
    view, _ = views(problem_of(Collective("all-to-all", 4, 1), path(4)))
    prefixes = np.array([[True, False, False, False], HALF, [True, True, True, False]])
    assert busiest(view, prefixes, 1).tolist() == [HALF.tolist()]
    assert len(busiest(view, prefixes, 5)) == 3


def sets_of(problem: Instance) -> set[tuple[int, ...]]:
    """Return the candidates round chip 0 as sets of numbers."""
    found = candidate_sets(problem, views(problem)[0], column([0]))
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
