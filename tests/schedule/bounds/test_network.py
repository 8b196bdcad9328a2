"""Costs of ways."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from lpxsched.schedule.bounds.network import CostedNetwork, densest
from lpxsched.schedule.problem.wires import FAR
from lpxsched.traffic.collectives import Collective
from tests.schedule.bounds.problems import Wire, adds_of, column, path, problem_of


def test_cost_counts_the_turnaround_of_every_hop() -> None:
    """Tests a line of three, 3 cycles a hop and 2 between: 0, 5 and 10 cycles to the far end."""
    network = CostedNetwork(problem_of(Collective("all-gather", 3, 1), path(3), turnaround=2))
    assert network.into(column([2, 0])).tolist() == [[10, 5, 0], [0, 5, 10]]


@pytest.mark.parametrize("add", [0, 1, 7])
def test_a_sum_pays_the_turnaround(add: int) -> None:
    """Tests that a turnaround of 2 cycles lies between two hops, however long sums are."""
    problem = problem_of(Collective("reduce", 3, 1), path(3), turnaround=2, add_cost=adds_of(add))
    assert CostedNetwork(problem).into(column([0])).tolist() == [[0, 3 + 2, 6 + 2 * 2]]


def test_the_nearest_of_several_starts() -> None:
    """Tests ways from either end of a line."""
    network = CostedNetwork(problem_of(Collective("all-gather", 4, 1), path(4)))
    assert network.from_any(column([0, 3])).tolist() == [0, 3, 3, 0]


def test_no_way_is_far() -> None:
    """Tests a wire that leads one way only."""
    network = CostedNetwork(problem_of(Collective("broadcast", 2, 1), [Wire(0, 1)]))
    assert network.into(column([0])).tolist() == [[0, FAR]]
    assert network.from_any(np.array([0])).tolist() == [0, 3]


@pytest.mark.parametrize(
    ("pitch", "longest_run", "held"),
    [
        (Fraction(3, 2), 1, Fraction(2)),
        (Fraction(3, 2), 2, Fraction(3, 2)),
        # 2 x 2.6 = 5.2, 3 x 2.6 = 7.8: three vectors in 8 cycles are the densest.
        (Fraction(13, 5), 4, Fraction(8, 3)),
        # Too many lengths to try; the pitch is never too long.
        (Fraction(10**5 + 1, 10**5), 500, Fraction(10**5 + 1, 10**5)),
    ],
)
def test_densest_slots(pitch: Fraction, longest_run: int, held: Fraction) -> None:
    """Tests how long a slot holds its lane for each of its vectors."""
    assert densest(pitch, longest_run) == held


@pytest.mark.parametrize(
    ("kind", "run"),
    [("all-gather", 2), ("broadcast", 2), ("all-reduce", 2), ("scatter", 6), ("all-to-all", 6), ("reduce-scatter", 6)],
)
def test_longest_run_is_the_largest_value(kind: str, run: int) -> None:
    """Tests collectives of three chips and two vectors: each has a shard, or a whole tensor."""
    assert CostedNetwork(problem_of(Collective(kind, 3, 2), path(3))).longest_run == run
