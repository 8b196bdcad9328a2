"""How many vectors each tree carries."""

from __future__ import annotations

import numpy as np

from lpxsched.schedule.routes.dealing import dealt, lateness
from lpxsched.schedule.symmetry.groups import trivial
from lpxsched.schedule.symmetry.quotient import flow_of, quotient
from lpxsched.traffic.collectives import Collective
from tests.schedule.bounds.problems import both_ways, problem_of


def test_a_short_tree_carries_in_the_end_what_a_long_one_cannot() -> None:
    """Tests a triangle, a vector a cycle, hops of 10: trees 0 -> 1 -> 2, 0 -> 2 -> 1, and both links of 0.

    Twelve vectors on each long tree are read at 20 + 11 = 31. The star has 10 cycles less to go, behind the others on
    both links of 0: with 7 on each long tree it carries 10, and all are through at 20 + 6 = 10 + 16 = 26. With 8 and 8
    the long ones are at 27.
    """
    problem = problem_of(Collective("broadcast", 3, 24), both_ways([(0, 1), (0, 2), (1, 2)], hop=10))
    wires = quotient(problem, flow_of(problem.stage, padded=False), trivial(problem.network)).wires
    bundle = {(int(a), int(b)): i for i, (a, b) in enumerate(zip(wires.source, wires.destination, strict=True))}
    none = -1
    parents = np.array(
        [
            [none, bundle[0, 1], bundle[1, 2]],
            [none, bundle[2, 1], bundle[0, 2]],
            [none, bundle[0, 1], bundle[0, 2]],
        ],
        dtype=np.int32,
    )
    late = lateness(wires, parents)
    assert late[0].tolist() == [[0, 10, 20], [0, 20, 10], [0, 10, 10]]
    assert late[1].tolist() == [[20, 20, 20], [20, 20, 20], [10, 10, 10]]
    vectors = dealt(wires, parents, late, np.zeros(3, dtype=np.int64), np.array([12, 12, 0]))
    assert vectors.tolist() == [7, 7, 10]


def test_vectors_stay_with_their_piece() -> None:
    """Tests a link for the pieces of both its ends: neither can take what the other has."""
    problem = problem_of(Collective("all-gather", 2, 5), both_ways([(0, 1)]))
    wires = quotient(problem, flow_of(problem.stage, padded=False), trivial(problem.network)).wires
    parents = np.array([[-1, 0], [1, -1]], dtype=np.int32)
    vectors = dealt(wires, parents, lateness(wires, parents), np.array([0, 1]), np.array([5, 1]))
    assert vectors.tolist() == [5, 1]
