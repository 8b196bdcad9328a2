"""Lengths of links by a linear program."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lpxsched.schedule.bounds.best import collective_bound
from lpxsched.schedule.bounds.loads import flow_bound, least_step_cycles, load_of
from lpxsched.schedule.bounds.view import views
from lpxsched.schedule.problem.collective import stage_instance
from lpxsched.schedule.result import LowerBound
from lpxsched.traffic.collectives import Collective
from tests.schedule.bounds.exact import shortest_makespan
from tests.schedule.bounds.problems import both_ways, column, path, problem_of, ring, small_problems

if TYPE_CHECKING:
    from lpxsched.schedule.problem.instance import Instance

# Hubs 0 and 1, each joined to chips 2, 3 and 4; chip 5 hangs on hub 0 by eight lanes.
HUBS = [*both_ways([(hub, chip) for hub in (0, 1) for chip in (2, 3, 4)], hop=1), *both_ways([(0, 5)], hop=1, lanes=8)]


def test_scarce_links_are_long() -> None:
    """Tests an all-to-all of 12 vectors over two hubs, where links that lead to chip 5 have room enough.

    With them of no length and all others of one, chips 0 and 5 are one place: 3 x 3 pairs are one apart, hub 1 is two
    from both, and 3 pairs of chips are two apart: 2 x (9 + 4 + 6) x 12 lengths on 12 lanes, 38 on each. The last of
    them leaves at 37. No cut proves more than 36: from {0, 2, 5} lead three lanes, for 3 x 3 x 12 vectors.
    """
    problem = problem_of(Collective("all-to-all", 6, 12), HUBS)
    assert collective_bound(problem) == LowerBound(38, "flow")
    assert collective_bound(problem, repeats=True) == LowerBound(38, "flow")


def test_a_narrow_cut_is_found_without_candidates() -> None:
    """Tests chips 0 and 3 joined over 4, over 5, and over 1 and 2: the pair 1, 2 reads 2 x 4 x 10 over two lanes."""
    wires = both_ways([(0, 1), (1, 2), (2, 3), (0, 4), (4, 3), (0, 5), (5, 3)], hop=1)
    problem = problem_of(Collective("all-to-all", 6, 10), wires)
    assert flow_bound(problem, views(problem)[0], 1) == 40
    assert flow_bound(problem, views(problem, repeats=True)[0], 1) == 40


def test_nothing_is_gained_where_all_links_are_alike() -> None:
    """Tests that on a ring, where the load of all links is met by even routes, what is known stays."""
    problem = problem_of(Collective("all-to-all", 8, 6), ring(8))
    known = collective_bound(problem)
    assert known.name != "flow"
    assert flow_bound(problem, views(problem)[0], known.cycles) == known.cycles


@pytest.mark.parametrize("kind", ["gather", "all-gather", "reduce-scatter", "all-reduce"])
def test_only_single_vectors_flow(kind: str) -> None:
    """Tests that what has one reader, is copied or is summed has no such bound."""
    problem = problem_of(Collective(kind, 3, 3), path(3))
    assert flow_bound(problem, views(problem)[0], 5) == 5
    assert flow_bound(problem, views(problem, repeats=True)[0], 5) == 5


@settings(max_examples=40)
@given(small_problems(), st.lists(st.integers(0, 5), min_size=20, max_size=20).filter(any))
def test_all_lengths_prove_a_bound(problem: Instance, lengths: list[int]) -> None:
    """Tests that no lengths at all lead above the optimum."""
    collective = Collective("all-to-all", problem.network.width, problem.stage.vectors)
    problem = stage_instance(problem.network, collective, problem.add_cost)
    view = views(problem)[0]
    length = column(lengths)[: problem.network.bundles]
    if length.any():
        load = load_of(view, length, "flow")
        assert load.cycles(least_step_cycles(view)) <= shortest_makespan(problem)
