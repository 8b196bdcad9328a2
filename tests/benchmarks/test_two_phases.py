"""Tests of the all-reduce in two phases."""

from __future__ import annotations

import pytest

from benchmarks.collectives.solving import collective_problem
from benchmarks.collectives.two_phases import two_phases
from tests.schedule.transfer_rules import broken_rules


@pytest.mark.parametrize("vectors", [1, 8, 13, 205, 820])
def test_two_phases_break_no_rule(vectors: int) -> None:
    """Tests tensors of one block and of many, with equal shares and without."""
    problem = collective_problem("tsp-node-11gb", "all-reduce", vectors)
    assert broken_rules(problem, two_phases(problem)) == []


def test_one_vector_a_share_takes_two_hops() -> None:
    """Tests 650 cycles, an add of 9 x 320 bytes in the one cycle that the hop contains, and 650 cycles."""
    problem = collective_problem("tsp-node-11gb", "all-reduce", 8)
    assert two_phases(problem).makespan_cycles == 1300
