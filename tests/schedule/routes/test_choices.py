"""Ways of copied blocks: every search leads every block to its readers."""

from __future__ import annotations

from collections import Counter
from fractions import Fraction
from itertools import islice
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lpxsched.schedule.routes.choices import (
    Choice,
    KnownWays,
    block_lengths,
    class_orders,
    find_ways,
    first_choices,
    further_choices,
    mixtures,
    packings,
    packs_trees,
)
from lpxsched.schedule.symmetry.groups import symmetries, trivial
from lpxsched.schedule.symmetry.quotient import HALVES, flow_of, quotient
from lpxsched.traffic.collectives import Collective
from tests.schedule.bounds.problems import Wire, both_ways, path, problem_of, ring
from tests.schedule.fabrics import problems
from tests.schedule.trees import broken_ways

if TYPE_CHECKING:
    from lpxsched.schedule.problem.instance import Instance
    from lpxsched.schedule.symmetry.groups import Symmetry
    from lpxsched.schedule.symmetry.quotient import Quotient

# Two rows of two chips: links within rows are of class 0 and have two lanes, others of class 1.
GRID = [
    *both_ways([(0, 1), (2, 3)], lanes=2),
    *both_ways([(0, 2), (1, 3)], link_class=1),
]


def searched(problem: Instance, symmetry: Symmetry | None = None) -> Quotient:
    """Return the problem that is searched: sums backwards in time."""
    symmetry = symmetry or trivial(problem.network)
    which = problem.reversed() if problem.stage.is_sum else problem
    return quotient(which, flow_of(problem.stage, padded=symmetry.order > 1), symmetry)


@settings(max_examples=60)
@given(st.data(), problems(most_vectors=4), st.integers(0, 2), st.booleans())
def test_every_search_leads_blocks_to_their_readers(
    data: st.DataObject, problem: Instance, seed: int, unit_blocks: bool
) -> None:
    """Tests one of the searches, with symmetry or without, by following each block."""
    small = searched(problem, data.draw(st.sampled_from([trivial(problem.network), *symmetries(problem)])))
    choices = list(first_choices(small, seed=seed, unit_blocks=unit_blocks))
    choices += list(islice(further_choices(small, [1, 2], seed=seed, cyclic=data.draw(st.booleans())), 20))
    if packs_trees(small):
        choices += list(islice(packings(small, seed=seed, unit_blocks=unit_blocks), 40))
    ways = find_ways(small, data.draw(st.sampled_from(choices)))
    if ways is not None:
        assert list(broken_ways(small, ways)) == []


@settings(max_examples=60)
@given(problems(most_vectors=4))
def test_some_search_succeeds(problem: Instance) -> None:
    """Tests that without symmetry some search finds a way for everything that moves."""
    small = searched(problem)
    if len(small.representatives):
        assert any(find_ways(small, choice) for choice in first_choices(small, seed=0, unit_blocks=True))


@pytest.mark.parametrize(
    ("vectors", "unit_blocks", "expected"),
    [
        (1, False, [1]),
        (8, True, [1]),
        (2, False, [1, 2]),
        # Single vectors, whole pieces, and halves rounded up: 7, 4, 2, 1.
        (7, False, [1, 7, 2, 4]),
        # Long pieces are also cut into unequal blocks.
        (8, False, [1, 8, 2, 4, HALVES]),
    ],
)
def test_the_lengths_of_blocks(vectors: int, unit_blocks: bool, expected: list[int]) -> None:
    """Tests a broadcast over a line of two."""
    small = searched(problem_of(Collective("broadcast", 2, vectors), path(2)))
    assert block_lengths(small, unit_blocks=unit_blocks) == expected


def test_long_messages_have_few_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests seven vectors on two chips where candidates may have eight slots: blocks of one are 7 x 2 slots."""
    small = searched(problem_of(Collective("broadcast", 2, 7), path(2)))
    monkeypatch.setattr("lpxsched.schedule.policy.MOST_SLOTS", 8)
    assert sorted(block_lengths(small, unit_blocks=False)) == [2, 4, 7]
    monkeypatch.setattr("lpxsched.schedule.policy.MOST_SLOTS", 1)
    assert block_lengths(small, unit_blocks=False) == [7]


def test_classes_are_crossed_in_either_order() -> None:
    """Tests ranks of bundles for both orders of two classes; of one class there is no order."""
    small = searched(problem_of(Collective("all-gather", 4, 3), GRID))
    # Bundles 0 -> 1, 0 -> 2, 1 -> 0, 1 -> 3, 2 -> 0, 2 -> 3, 3 -> 1, 3 -> 2.
    across, down = [0, 1, 0, 1, 1, 0, 1, 0], [1, 0, 1, 0, 0, 1, 0, 1]
    assert class_orders(small).tolist() == [across, down]
    assert len(class_orders(searched(problem_of(Collective("all-gather", 4, 3), ring(4))))) == 0


def test_blocks_are_mixed_by_the_lanes_they_end_on() -> None:
    """Tests three blocks a piece: one ends on the class of one lane, two on that of two, or nearly so."""
    small = searched(problem_of(Collective("all-gather", 4, 3), GRID))
    assert mixtures(small, 1)[0] == (1, 2)
    # One block that keeps an order leaves no other.
    assert set(mixtures(small, 3)) == {(0, 1), (1, 0)}
    assert mixtures(searched(problem_of(Collective("all-gather", 4, 3), ring(4))), 1) == []


@pytest.mark.parametrize(("mixture", "last"), [((1, 0), 1), ((0, 1), 0)])
def test_a_block_keeps_its_order_of_classes(mixture: tuple[int, int], last: int) -> None:
    """Tests that to the opposite chip a broadcast's second hop is of the order's last class."""
    problem = problem_of(Collective("broadcast", 4, 1), GRID)
    ways = find_ways(searched(problem), Choice(1, "near", True, 0, mixture))
    assert ways is not None
    into = int(ways.bundle[problem.network.destination[ways.bundle] == 3][0])
    assert problem.network.link_class[into] == last


def test_ways_beyond_the_limit_are_none() -> None:
    """Tests a broadcast over two hops of 3 cycles."""
    small = searched(problem_of(Collective("broadcast", 3, 1), path(3)))
    choice = Choice(1, "near", True, 0)
    assert find_ways(small, choice, limit=5) is None
    assert find_ways(small, choice, limit=6) is not None


def test_known_ways_are_not_searched_for_again() -> None:
    """Tests trees of even load on two by two chips."""
    small, known = searched(problem_of(Collective("broadcast", 4, 1), GRID)), KnownWays()
    choice = Choice(1, "near", True, 1, (), 0.2)
    ways = find_ways(small, choice, known=known)
    assert ways is not None
    assert find_ways(small, choice, known=known) is ways
    assert find_ways(small, choice, known=known, limit=ways.makespan_cycles - 1) is None


def test_a_longer_way_round_is_taken_while_the_direct_link_is_slow() -> None:
    """Tests five vectors from chip 0 to 1 and 2: directly to 1 every 4 cycles, by way of 2 every cycle."""
    slow = Wire(0, 1, hop=4, pitch=Fraction(4), link_class=1)
    problem = problem_of(Collective("broadcast", 3, 5), [slow, Wire(0, 2), Wire(2, 1), Wire(1, 0)])
    shortest = find_ways(searched(problem), Choice(1, "flat", True, 0))
    free = find_ways(searched(problem), Choice(1, "flat", False, 0))
    assert shortest is not None
    assert free is not None
    # Bundles 0 -> 1, 0 -> 2, 1 -> 0, 2 -> 1. What has been at chip 2 is at chip 1 from 6 on; the direct link brings one
    # vector by then, is busy with the second until 8, and takes no third.
    assert Counter(shortest.bundle.tolist()) == {0: 5, 1: 5}
    assert Counter(free.bundle.tolist()) == {0: 2, 1: 5, 3: 3}
