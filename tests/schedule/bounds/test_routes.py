"""Routes that are short enough for a makespan."""

from __future__ import annotations

from lpxsched.schedule.bounds.ends import routes_bound
from lpxsched.schedule.bounds.view import views
from lpxsched.traffic.collectives import Collective
from tests.schedule.bounds.problems import adds_of, both_ways, column, path, problem_of

SQUARE = both_ways([(0, 1), (0, 2), (1, 3), (2, 3)], hop=10)
# A slow detour besides: 0, 4, 3.
DETOUR = [*SQUARE, *both_ways([(0, 4), (4, 3)], hop=20)]


def test_only_short_routes_serve_a_short_makespan() -> None:
    """Tests a broadcast of 12 vectors over two routes of 20 cycles and one of 40.

    By 25 cycles each short route carries 6, from 0 to 5. The third helps from 40 cycles on only.
    """
    view, _ = views(problem_of(Collective("broadcast", 5, 12), DETOUR))
    assert routes_bound(view, 3, column([0]), 0) == 25
    # 60 vectors: at 47 cycles 28 + 28 + 8 = 64 are possible, at 46 only 27 + 27 + 7 = 61, at 45 58.
    view, _ = views(problem_of(Collective("broadcast", 5, 60), DETOUR))
    assert routes_bound(view, 3, column([0]), 0) == 46


def test_a_known_bound_is_not_found_again() -> None:
    """Tests that what is no better than the known bound is not worked out."""
    view, _ = views(problem_of(Collective("broadcast", 5, 12), DETOUR))
    assert routes_bound(view, 3, column([0]), 25) == 0
    assert routes_bound(view, 3, column([0]), 24) == 25


def test_the_narrow_place_between_two_groups_is_found() -> None:
    """Tests an all-gather of two triangles, joined by one wire between chips 2 and 3, 5 vectors each.

    Chip 0 reads 15 vectors over that wire: those of chip 3 leave from 0, those of 4 and 5 from 3 on: the last leaves at
    14 in either case, is read at 17 at chip 2 and at 20 at chip 0.
    """
    triangles = both_ways([(0, 1), (0, 2), (1, 2), (3, 4), (3, 5), (4, 5), (2, 3)])
    problem = problem_of(Collective("all-gather", 6, 5), triangles)
    once, again = views(problem)[0], views(problem, repeats=True)[0]
    assert routes_bound(once, 0, column([3, 4, 5]), 0) == 20
    assert routes_bound(again, 0, column([3, 4, 5]), 0) == 15


def test_what_comes_over_routes_ends_with_a_sum() -> None:
    """Tests a reduce of 3 vectors to the end of a line of two: 2 + 3 cycles and a sum of 1."""
    view, _ = views(problem_of(Collective("reduce", 2, 3), path(2), add_cost=adds_of(1)))
    assert [routes_bound(view, 0, column([1]), known) for known in (0, 5, 6)] == [6, 6, 0]


def test_a_reader_without_usable_routes() -> None:
    """Tests that no flow is possible within a makespan that is shorter than the way."""
    view, _ = views(problem_of(Collective("broadcast", 3, 1), path(3)))
    assert [routes_bound(view, 2, column([0]), known) for known in (5, 6)] == [6, 0]
