"""Loads of classes of links, ramps, and lengths of links by a linear program."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lpxsched.schedule.bounds.best import collective_bound
from lpxsched.schedule.bounds.loads import flow_bound, least_step_cycles, load_of, loads, ramp
from lpxsched.schedule.bounds.view import views
from lpxsched.schedule.problem.collective import stage_instance
from lpxsched.schedule.result import LowerBound
from lpxsched.traffic.collectives import Collective
from tests.schedule.bounds.exact import shortest_makespan
from tests.schedule.bounds.problems import both_ways, column, path, problem_of, ring, small_problems

if TYPE_CHECKING:
    from lpxsched.schedule.problem.instance import Instance

# A grid of two trays of two chips: links inside a tray are of class 0, between trays of class 1.
GRID = [*both_ways([(0, 1), (2, 3)]), *both_ways([(0, 2), (1, 3)], hop=7, link_class=1)]
# Hubs 0 and 1, each joined to chips 2, 3 and 4; chip 5 hangs on hub 0 by eight lanes.
HUBS = [*both_ways([(hub, chip) for hub in (0, 1) for chip in (2, 3, 4)], hop=1), *both_ways([(0, 5)], hop=1, lanes=8)]


def test_each_class_carries_what_no_route_avoids() -> None:
    """Tests an all-to-all of 6 vectors on a grid.

    Each chip has two others in the other tray: 12 vectors over one link of class 1, and likewise of class 0, and 24
    hops over two links in all. Class 1 is slower: the last of 12 leaves at 11 and is read at 18. All together make
    4 x 24 = 96 hops; within 16 cycles each of 4 links of class 0 has room for 14, each of class 1 for 10.
    """
    problem = problem_of(Collective("all-to-all", 4, 6), GRID)
    view = views(problem)[0]
    found = {(load.name, load.cycles(least_step_cycles(view))) for load in loads(problem, view)}
    assert found == {("link class", 11 + 3), ("link class", 11 + 7), ("links", 16)}
    again = views(problem, repeats=True)[0]
    assert {load.cycles(least_step_cycles(again)) for load in loads(problem, again)} == {12}


def test_copies_have_no_loads() -> None:
    """Tests that an all-gather, whose copies may part anywhere, has none."""
    problem = problem_of(Collective("all-gather", 4, 6), GRID)
    assert list(loads(problem, views(problem)[0])) == []


def test_far_vectors_spend_their_hops_one_after_the_other() -> None:
    """Tests an all-to-all of one vector on a ring of 6 with hops of 10 cycles.

    Each chip makes 2 x 1 + 2 x 2 + 3 = 9 hops over two links. Leaving out one step of 10: 2 x 1 + 2 = 4 hops, two
    on each link, in a window of 1 cycle: 10 + 1 + 10; leaving out two: 1 hop: 20 + 0 + 10.
    """
    problem = problem_of(Collective("all-to-all", 6, 1), ring(6, hop=10))
    view = views(problem)[0]
    (load,) = loads(problem, view)
    assert load.cycles(least_step_cycles(view)) == 30


@pytest.mark.parametrize(("pitch", "outside"), [(Fraction(1), [0, 3, 6, 9]), (Fraction(3, 2), [0, 6, 6, 12])])
def test_departures_of_a_ramp(pitch: Fraction, outside: list[int]) -> None:
    """Tests three chips that exchange 2 vectors each, of which one ends at a chip in a cycle, hops of 2 cycles.

    In the last cycle three are read for the last time, in the one before the other three: 3 and 6 departures are read
    so late. Each was read 2 cycles before that once more: 9 reads within 3 cycles. If reads lie between cycles, those
    of the cycle before the last may come just after it begins: 6 within 1 cycle, 12 within 3.
    """
    problem = problem_of(Collective("all-to-all", 3, 1), ring(3, hop=2, pitch=pitch), limit=1)
    # All six may begin at once, which makes 6 departures before cycle 1: no less than what is left out at the end.
    problem = replace(problem, network=replace(problem.network, inject_per_cycle=0))
    found = ramp(problem, views(problem)[0])
    assert found is not None
    assert found[:4].tolist() == outside


def test_departures_of_a_ramp_on_both_ends() -> None:
    """Tests the same with one vector beginning in a cycle: leaving out 1 + 1 cycles or 2 on one side is alike."""
    problem = problem_of(Collective("all-to-all", 3, 1), ring(3, hop=2), limit=1)
    found = ramp(problem, views(problem)[0])
    assert found is not None
    assert found[:4].tolist() == [0, 3, 6, 9]


def test_no_ramp_without_limits() -> None:
    """Tests that vectors may begin and end at once."""
    problem = problem_of(Collective("all-to-all", 3, 1), ring(3))
    assert ramp(problem, views(problem)[0]) is None


def test_a_line_is_no_exchange_when_all_goes_to_one() -> None:
    """Tests that a gather, which routes bound, has no loads."""
    problem = problem_of(Collective("gather", 3, 1), path(3))
    assert list(loads(problem, views(problem)[0])) == []


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
