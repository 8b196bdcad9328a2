"""Sums of many operands on a line, where summands pass chips as they are."""

from __future__ import annotations

import pytest

from lpxsched.schedule.policy import MOST_PACED
from lpxsched.schedule.problem.instance import AddCost
from lpxsched.schedule.routes.merging import merged_plan, pace
from lpxsched.schedule.routes.trees import Merging, PackedTrees, packed_trees
from lpxsched.schedule.symmetry.groups import trivial
from lpxsched.schedule.symmetry.quotient import flow_of, quotient
from lpxsched.traffic.collectives import Collective
from lpxsched.units import NEVER
from tests.schedule.bounds.problems import adds_of, path, problem_of
from tests.schedule.test_solve_collective import solved

# Sums take four cycles and one for each 32 vectors that are added.
LP30 = AddCost(
    vector_bytes=320, elements_per_vector=160, sram_bytes_per_cycle=150_000, operations_per_cycle=5120, fixed_cycles=4
)


@pytest.mark.parametrize(("chips", "cycles"), [(16, 20), (64, 69)])
def test_one_vector_is_summed_at_the_end(chips: int, cycles: int) -> None:
    """Tests that all summands pass on raw, one behind the other: 15 hops and a sum of 5, 63 hops and one of 6."""
    problem = problem_of(Collective("reduce", chips, 1), path(chips, hop=1), add_cost=LP30)
    assert solved(problem).schedule.makespan_cycles == cycles


def test_many_vectors_are_added_every_few_chips() -> None:
    """Tests 16 vectors on 16 chips: with three streams, 3 x 16 cycles on the last link, 14 hops before, 3 sums of 5.

    One behind the other that is 77; pairs, pairs of pairs and so on overlap more. A sum at every chip takes 140, all at
    the end 16 x 15 + 5 = 245.
    """
    problem = problem_of(Collective("reduce", 16, 16), path(16, hop=1), add_cost=LP30)
    assert solved(problem).schedule.makespan_cycles <= 75


def test_few_vectors_are_added_where_four_of_a_depth_meet() -> None:
    """Tests four vectors on 16 chips: chips 12, 8 and 4 add four summands each, chip 0 three sums and four summands.

    In blocks of two: six reach chip 12 within 8 hops, a sum of 5, then 12 hops and the four behind it, and a sum of 5:
    35. With as many streams as may go on, 40.
    """
    problem = problem_of(Collective("reduce", 16, 4), path(16, hop=1), add_cost=LP30)
    assert solved(problem).schedule.makespan_cycles <= 35


@pytest.mark.parametrize(
    ("merging", "nodes", "operands"),
    [
        # A sum of its own and what comes, at every chip that gets anything.
        (Merging(1, NEVER), [5, 4, 3, 2, 1, 0], [2, 2, 2, 2, 2, 2]),
        # At 4 a third stream would go on; at 2 again, and its sum takes two; at 1 two sums of depth one meet a third.
        (Merging(2, NEVER), [4, 2, 1, 0], [3, 2, 3, 2]),
        (Merging(6, NEVER), [0], [7]),
        # At 5 its own and that of 6; at 3 its own, that of 4 and the sum of 5, of which two are as deep; at 1 two.
        (Merging(7, 2), [5, 3, 1, 0], [2, 3, 2, 3]),
    ],
)
def test_as_few_sums_as_streams_allow(merging: Merging, nodes: list[int], operands: list[int]) -> None:
    """Tests where seven chips in a line add one vector, and how many operands."""
    problem = problem_of(Collective("reduce", 7, 1), path(7), add_cost=adds_of(1))
    forward = quotient(problem, flow_of(problem.stage, padded=False), trivial(problem.network))
    ways = packed_trees(forward.reversed(), PackedTrees(1, 1.0, 0))
    assert ways is not None
    plan = merged_plan(forward, ways, merging)
    assert plan.sum_node.tolist() == nodes
    assert plan.operand_counts().tolist() == operands
    assert plan.sum_complete.tolist() == [node == 0 for node in nodes]


@pytest.mark.parametrize(("streams", "vectors"), [(1, 5), (2, 3), (3, 2)])
def test_blocks_keep_pace_with_sums(streams: int, vectors: int) -> None:
    """Tests that a sum of 5 cycles is done while streams bring 5 or 6 vectors of a cycle each."""
    problem = problem_of(Collective("reduce", 3, 1), path(3), add_cost=LP30)
    assert pace(quotient(problem, flow_of(problem.stage, padded=False), trivial(problem.network)), streams) == vectors


def test_slow_sums_never_keep_pace() -> None:
    """Tests additions of two cycles a vector, of which one comes every cycle."""
    problem = problem_of(Collective("reduce", 3, 1), path(3), add_cost=adds_of(2))
    assert pace(quotient(problem, flow_of(problem.stage, padded=False), trivial(problem.network)), 1) == MOST_PACED
