"""What a solver returns."""

from __future__ import annotations

from fractions import Fraction

import pytest

from lpxsched.schedule.result import SPREADING, SUMMING, LowerBound, SolveResult
from tests.schedule.instances import blocks_of, schedule_of


def test_rows_become_columns() -> None:
    """Tests that slots and sums keep their order and their numbers."""
    schedule = schedule_of(
        blocks_of((0, 0, 3), (0, 3, 1)),
        [(0, SUMMING, 5, 10), (1, SPREADING, 6, 20)],
        [(0, 2, 3, 15)],
        [0, 40, 30],
    )
    assert schedule.slot_block.tolist() == [0, 1]
    assert schedule.slot_phase.tolist() == [SUMMING, SPREADING]
    assert schedule.slot_bundle.tolist() == [5, 6]
    assert schedule.slot_depart.tolist() == [10, 20]
    assert (schedule.sum_block.tolist(), schedule.sum_node.tolist()) == ([0], [2])
    assert (schedule.sum_operands.tolist(), schedule.sum_start.tolist()) == ([3], [15])


def test_the_makespan_is_the_start_of_the_last_operator() -> None:
    """Tests that the last start counts, wherever it stands."""
    assert schedule_of(blocks_of((0, 0, 1)), starts=[0, 40, 30]).makespan_cycles == 40


def test_vectors_are_counted_once_a_hop() -> None:
    """Tests that a block of three vectors over two links and one of one vector over one make seven."""
    blocks = blocks_of((0, 0, 3), (0, 3, 1))
    assert schedule_of(blocks, [(0, 1, 0, 0), (0, 1, 1, 9), (1, 1, 0, 8)]).vector_hops == 7


@pytest.mark.parametrize(
    ("makespan", "bound", "status", "gap"),
    [
        (40, 40, "optimal", Fraction(1)),
        (41, 40, "feasible", Fraction(41, 40)),
        (3, 0, "feasible", Fraction(3)),  # at least one cycle is taken as the bound
        (0, 0, "optimal", Fraction(1)),  # nothing takes time
    ],
)
def test_only_a_met_bound_is_optimal(makespan: int, bound: int, status: str, gap: Fraction) -> None:
    """Tests status and gap of a makespan and a bound."""
    result = SolveResult(schedule_of(blocks_of((0, 0, 1)), starts=[makespan]), LowerBound(bound, "test"), "greedy")
    assert (result.status, result.gap) == (status, gap)
