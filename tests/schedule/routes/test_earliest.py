"""Ways of earliest arrival over links as loaded as they are."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lpxsched.schedule.routes import list_schedule
from lpxsched.schedule.routes.list_schedule import spread_ways
from lpxsched.schedule.symmetry.groups import trivial
from lpxsched.schedule.symmetry.quotient import flow_of, quotient
from lpxsched.traffic.collectives import Collective
from tests.schedule.bounds.problems import both_ways, path, problem_of
from tests.schedule.fabrics import problems
from tests.schedule.trees import broken_ways

if TYPE_CHECKING:
    from lpxsched.schedule.problem.instance import Instance
    from lpxsched.schedule.symmetry.quotient import Quotient


def whole(problem: Instance) -> Quotient:
    """Return a problem without symmetry; sums backwards in time."""
    which = problem.reversed() if problem.stage.is_sum else problem
    return quotient(which, flow_of(problem.stage, padded=False), trivial(problem.network))


@settings(max_examples=80)
@given(problems(), st.integers(1, 4), st.integers(0, 2))
def test_every_block_reaches_its_readers(problem: Instance, length: int, seed: int) -> None:
    """Tests that ways are trees from the source to all readers, relays included."""
    small = whole(problem)
    ways = spread_ways(small, length, seed=seed)
    assert ways is not None
    assert list(broken_ways(small, ways)) == []
    blocks = small.blocks(length)
    found = [getattr(ways.blocks, name).tolist() for name in ("piece", "first_vector", "vectors", "source", "target")]
    assert found == [
        getattr(blocks, name).tolist() for name in ("piece", "first_vector", "vectors", "source", "target")
    ]


def test_a_relay_takes_what_the_direct_link_has_no_time_for() -> None:
    """Tests ten vectors from 0 to 1, over one lane or by way of relay 2, a hop of 3 cycles longer.

    By the direct link they are read at 3, 4, 5, .., by the other from 6 on: the direct one takes 3 first, then both
    one a cycle; with ten vectors 3 + 4 and 3, or, as both tie, 3 + 3 and 4.
    """
    small = whole(problem_of(Collective("broadcast", 2, 10), both_ways([(0, 1), (0, 2), (2, 1)]), relays=1))
    ways = spread_ways(small, 1, seed=0)
    assert ways is not None
    # Bundles 0 -> 1, 0 -> 2, 1 -> 0, 1 -> 2, 2 -> 0, 2 -> 1.
    used = Counter(ways.bundle.tolist())
    assert used[0] in (6, 7)
    assert (used[1], used[5]) == (10 - used[0], 10 - used[0])


def test_departures_are_those_of_the_search() -> None:
    """Tests two vectors over a line of three, 3 cycles a hop: sorted by departure."""
    ways = spread_ways(whole(problem_of(Collective("broadcast", 3, 2), path(3))), 1, seed=0)
    assert ways is not None
    assert ways.depart.tolist() == [0, 1, 3, 4]
    assert ways.bundle.tolist() == [0, 0, 2, 2]


@pytest.mark.parametrize(("most", "found"), [(6, True), (5, False)])
def test_large_problems_are_left_to_other_searches(monkeypatch: pytest.MonkeyPatch, most: int, found: bool) -> None:
    """Tests two blocks on three nodes, which are six."""
    monkeypatch.setattr(list_schedule, "MOST_WORK", most)
    small = whole(problem_of(Collective("broadcast", 3, 2), path(3)))
    assert (spread_ways(small, 1, seed=0) is not None) is found
