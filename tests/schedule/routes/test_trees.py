"""Packed trees: all links of a source carry at once, and each reader passes on what it got."""

from __future__ import annotations

from fractions import Fraction
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np
import pytest

from lpxsched.schedule.routes import trees
from lpxsched.schedule.routes.trees import PackedTrees, packed_trees
from lpxsched.schedule.symmetry.groups import trivial
from lpxsched.schedule.symmetry.quotient import flow_of, quotient
from lpxsched.traffic.collectives import Collective
from tests.schedule.bounds.problems import Wire, adds_of, both_ways, problem_of
from tests.schedule.test_solve_collective import solved

if TYPE_CHECKING:
    from lpxsched.traffic.collectives import Kind


@pytest.mark.parametrize(("kind", "most"), [("broadcast", 272), ("reduce", 280)])
def test_a_full_mesh_splits_a_tensor_over_its_links(kind: Kind, most: int) -> None:
    """Tests four chips: 33 vectors to each of three others, which pass them on, and one more to all.

    The last of 34 leaves the root at 33 x 8 = 264 and is read at 272. A sum of at most 4 operands takes 3 cycles more.
    """
    wires = both_ways(combinations(range(4), 2), pitch=Fraction(8), hop=8)
    problem = problem_of(Collective(kind, 4, 100), wires, add_cost=adds_of(1))
    assert solved(problem).schedule.makespan_cycles <= most


@pytest.mark.parametrize(("vectors", "cycles"), [(5, 1103), (500, 11241)])
def test_parallel_links_of_two_rates_are_through_together(vectors: int, cycles: int) -> None:
    """Tests links of 25.6 and 102.4 cycles a vector, 1000 of latency: of five vectors, four take the fast one.

    The slow one is read at 1103 = ceil(1000 + 102.4), the fourth fast one at ceil(1000 + 25.6) + ceil(3 x 25.6) = 1103.
    Of 500 the fast one takes 400: 1026 + ceil(399 x 25.6) = 11241, the slow one 1103 + ceil(99 x 102.4) = 11241.
    """
    wires = [
        Wire(0, 1, 1026, pitch=Fraction(128, 5)),
        Wire(0, 1, 1103, pitch=Fraction(512, 5), link_class=1),
        Wire(1, 0, 1026, pitch=Fraction(128, 5)),
    ]
    assert solved(problem_of(Collective("broadcast", 2, vectors), wires)).schedule.makespan_cycles == cycles


def test_lanes_carry_side_by_side() -> None:
    """Tests three vectors over three lanes between two chips: all arrive with the first."""
    wires = [Wire(0, 1, lanes=3), Wire(1, 0, lanes=3)]
    assert solved(problem_of(Collective("broadcast", 2, 3), wires)).schedule.makespan_cycles == 3


def test_a_sum_is_made_beside_its_reader() -> None:
    """Tests a star around chip 0: all four others send to it, and it sends chip 3 the sum.

    3 cycles in, 4 additions of 2 cycles after a turnaround of 1, 3 cycles out: 15. A last sum at chip 3 takes 2 more.
    """
    wires = both_ways([(0, leaf) for leaf in range(1, 5)])
    problem = problem_of(Collective("reduce", 5, 1, 3), wires, turnaround=1, add_cost=adds_of(2))
    assert solved(problem).schedule.makespan_cycles == 15


def test_a_relay_sums_for_all() -> None:
    """Tests four chips around a relay, as above: it adds four summands in 6 cycles, and sends all the sum."""
    wires = both_ways([(4, leaf) for leaf in range(4)])
    problem = problem_of(Collective("all-reduce", 4, 1), wires, relays=1, turnaround=1, add_cost=adds_of(2))
    assert solved(problem).schedule.makespan_cycles == 13


def test_an_extensive_search_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests that no trees are grown where that takes too long."""
    monkeypatch.setattr(trees, "MOST_LOOKS", 0)
    problem = problem_of(Collective("broadcast", 2, 1), both_ways([(0, 1)]))
    small = quotient(problem, flow_of(problem.stage, padded=False), trivial(problem.network))
    assert packed_trees(small, PackedTrees(1, 1.0, 0)) is None


def test_relays_that_lead_nowhere_are_cut_off() -> None:
    """Tests two chips with a relay beside: the only tree is the link between the chips."""
    problem = problem_of(Collective("broadcast", 2, 1), both_ways([(0, 1), (0, 2)], hop=3), relays=1)
    small = quotient(problem, flow_of(problem.stage, padded=False), trivial(problem.network))
    ways = packed_trees(small, PackedTrees(1, 1.0, 0))
    assert ways is not None
    assert np.array_equal(problem.network.destination[ways.bundle], [1])


def test_a_slow_link_brings_only_what_it_can_in_time() -> None:
    """Tests a triangle whose link 0 -> 1 takes 10 cycles a vector, all others one, each hop 10, and 23 vectors for all.

    With n over the slow link, chip 1 reads the others at 10 + 10 + 22 - n and those at 10 + 10 (n - 1): 39 and 30 with
    three, 38 and 40 with four. Chip 2 is sent the three last, behind what it passes on, and reads them by 10 + 22.
    """
    wires = [*both_ways([(0, 2), (1, 2)], hop=10), Wire(0, 1, 10, pitch=Fraction(10)), Wire(1, 0, 10)]
    problem = problem_of(Collective("broadcast", 3, 23), wires)
    assert solved(problem).schedule.makespan_cycles == 39
