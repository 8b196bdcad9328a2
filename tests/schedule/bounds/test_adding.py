"""Work of sums that everyone reads."""

from __future__ import annotations

import pytest

from lpxsched.schedule.bounds.adding import everyones_sums
from lpxsched.schedule.bounds.view import views
from lpxsched.traffic.collectives import Collective
from tests.schedule.bounds.problems import adds_of, both_ways, column, path, problem_of, ring


def test_sums_of_everyone_on_a_ring() -> None:
    """Tests an all-reduce of 20 vectors on a ring of 8: 14 departures each over 16 links, 17.5 a link.

    The last of 18 leaves at 17, is read at 20. Seven departures each come after the first chip has met all summands,
    4 hops: 140 / 16 = 8.75, the last of 9 is read at 4 x 3 + 8. In a period, 18.
    """
    view, _ = views(problem_of(Collective("all-reduce", 8, 20), ring(8)))
    bounds = [
        (needed, int(lanes.shortest(column([needed]), idle[None])[0]))
        for lanes, needed, idle in everyones_sums(problem_of(Collective("all-reduce", 8, 20), ring(8)), view)
    ]
    assert bounds[:2] == [(140, 20), (280, 20)]


def test_sums_cross_between_groups_both_ways() -> None:
    """Tests two pairs of chips, joined by one wire of another class: two departures of each vector, one each way."""
    wires = [*both_ways([(0, 1), (2, 3)]), *both_ways([(1, 2)], link_class=1)]
    problem = problem_of(Collective("all-reduce", 4, 6), wires)
    found = [(needed, len(lanes.count)) for lanes, needed, _ in everyones_sums(problem, views(problem)[0])]
    # All chips by themselves, then the groups {0 1} {2 3} and {0} {1 2} {3}, each class taken away and alone.
    assert found == [(18, 6), (36, 6), (24, 4), (12, 2), (12, 2), (24, 4)]


@pytest.mark.parametrize("kind", ["all-gather", "reduce", "reduce-scatter", "broadcast"])
def test_only_an_all_reduce_is_summed_by_everyone(kind: str) -> None:
    """Tests that other collectives have no such bounds, in either direction of time."""
    problem = problem_of(Collective(kind, 3, 2), path(3), add_cost=adds_of(1))
    assert [list(everyones_sums(problem, view)) for view in views(problem)] == [[], []]
