"""Cuts round sets of nodes."""

from __future__ import annotations

import numpy as np

from lpxsched.schedule.bounds.cuts import busiest, cut_cycles, cut_period
from lpxsched.schedule.bounds.view import views
from lpxsched.traffic.collectives import Collective
from tests.schedule.bounds.problems import path, problem_of

HALF = np.array([True, True, False, False])


def test_all_pairs_cross_a_narrow_place() -> None:
    """Tests an all-to-all of 5 vectors in a line of four: 4 pairs cross from one half to the other.

    The last of 20 vectors leaves at 19, is read at 22. Five vectors need not go on from there, but 10 come from the
    far chip, from 3 on: 3 + 9 + 3. And so on: 22 it is. The 5 of the far chip to the far chip: 3 + 4 + 3 + 3.
    """
    view, _ = views(problem_of(Collective("all-to-all", 4, 5), path(4)))
    assert cut_cycles(view, HALF) == 22
    assert cut_period(view, HALF) == 20


def test_far_pairs_cross_in_a_narrow_window() -> None:
    """Tests a single vector a pair with hops of 30: the cut is crossed by 3 + 30, from end to end by 90."""
    view, _ = views(problem_of(Collective("all-to-all", 4, 1), path(4, hop=30)))
    assert cut_cycles(view, HALF) == 90


def test_relays_count_as_nodes_only() -> None:
    """Tests a line of two chips with two relays behind them: one pair crosses."""
    view, _ = views(problem_of(Collective("all-to-all", 2, 5), path(4), relays=2))
    assert cut_cycles(view, np.array([True, False, False, False])) == 4 + 3
    # No vector needs to reach relays.
    assert len(busiest(view, HALF[None], 1)) == 0


def test_the_busiest_cuts_come_first() -> None:
    """Tests that of three prefixes of a line the half is busiest: 4 pairs, not 3."""
    view, _ = views(problem_of(Collective("all-to-all", 4, 1), path(4)))
    prefixes = np.array([[True, False, False, False], HALF, [True, True, True, False]])
    assert busiest(view, prefixes, 1).tolist() == [HALF.tolist()]
    assert len(busiest(view, prefixes, 5)) == 3
