"""Lower bounds: each argument by hand, and no bound above any schedule."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given, settings

from lpxsched.schedule.bounds import lower_bound
from lpxsched.schedule.cpsat.runs import Effort
from lpxsched.schedule.problem.instance import MATRIX, VECTOR, Instance
from lpxsched.schedule.result import LowerBound
from lpxsched.schedule.routes.blocks import Cut
from lpxsched.schedule.solve_layer import ranked_greedy, retimed
from lpxsched.schedule.symmetry.padding import unpadded
from tests.schedule.greedy import greedy_plan
from tests.schedule.instances import (
    Operator,
    beside_hosts,
    both_ways,
    copy_along,
    crossing,
    grid,
    hub,
    instance_of,
    late_summand,
    lone_relay,
    one_chip,
    path_of_three,
    rootless,
    summed,
    two_chips,
    two_sums,
    wide,
)
from tests.strategies import instances

PATH, STREAM, CUT = "critical path", "critical path + stream", "critical path + cut"
SUMMANDS = "critical path + summands"
TWO_CHIPS = both_ways([(0, 1)])


@pytest.mark.parametrize(
    ("instance", "cycles", "name"),
    [
        # Two hops of 18 and a turnaround of 3.
        (path_of_three(), 39, PATH),
        # The fourth vector leaves no earlier than 3 x 5/2 = 7.5: 8 + 18.
        (wide(1, 4), 26, STREAM),
        # One of two lanes carries three of five vectors: 2 x 5/2 + 18.
        (wide(2, 5), 23, STREAM),
        # v = 3, then 2: the third vector leaves the root at 6; hops of 18 and 17 with 3 between: 6 + 38.
        (copy_along([Fraction(3), Fraction(2)], 3), 44, STREAM),
        # v = 2, then 3: the third enters the last chip 6 after the first, which is there at 17 + 3 + 18.
        (copy_along([Fraction(2), Fraction(3)], 3), 44, STREAM),
        # v = 1/3: ceil(1/3) + 15 cycles a hop, and ceil(3 x 1/3) for the fourth vector.
        (copy_along([Fraction(1, 3)], 4), 17, STREAM),
        # Three vectors over two wires of one cycle: 2 + 1 + 1.
        (copy_along([Fraction(1)] * 2, 3, latency=0, guard=0, turnaround=0), 4, STREAM),
        # Four vectors enter chip 0 over one lane: 3 x 5/2, after two hops with a turnaround, 39.
        (hub(), 47, CUT),
        # Chip 3's summand needs two hops and a turnaround of 3 between them; then a sum of 5.
        (grid(), 44, PATH),
        (lone_relay(), 44, PATH),
        # Three hops and twice 3 between them, and a sum of 5: at the root, or sooner, and then it leaves later.
        (rootless(), 65, PATH),
        # One vector: 18 and a sum of 5. Four over one lane: 8 later.
        (summed(2, TWO_CHIPS, (0, 1)), 23, PATH),
        (summed(2, TWO_CHIPS, (0, 1), vectors=4), 31, CUT),
        # Chip 2's summand is read at 118 at the earliest; one of two lanes into chip 0 carries two of its four vectors,
        # the second 3 cycles later; then a sum of 5.
        (late_summand(), 126, CUT),
        # Four summands leave chip 3 by one lane, the last after 7.5 cycles; two hops with 3 between, a sum of 5.
        (two_sums(), 52, SUMMANDS),
        # The second sum's are there after 100 cycles only; two of them need 3 more, 18 + 3 + 18 and a sum of 5.
        (two_sums(second_after=100), 147, CUT),
        # Between a chip and its host two lanes, two vectors on each.
        (beside_hosts(0, 2), 21, STREAM),
        (beside_hosts(2, 0), 21, STREAM),
        # From chip to chip one lane, though two more lead to a host; from a host to the other chip by way of its own.
        (beside_hosts(0, 1), 26, STREAM),
        (beside_hosts(2, 1), 47, STREAM),
        # Vector 2 enters the chip 3 later: 21; 20 + 5 of compute; the same out: 46 + 21.
        (one_chip(), 67, STREAM),
        # The inputs meet on each chip at 2 + 18 + 3 + 18 = 41, the second vector of the host's lane 3 later: 44.
        # Compute until 44 + 11 + 20 + 5 = 80, a hop, a turnaround and a sum: 106. The second vector is 3 later, as it
        # leaves over the host's lane: 109 + 18 = 127.
        (two_chips(), 127, STREAM),
        # Demand 1 alone: 8 + 18, then 40 cycles of compute.
        (crossing(), 66, STREAM),
    ],
)
def test_bounds_worked_out_by_hand(instance: Instance, cycles: int, name: str) -> None:
    """Tests the bound of each small instance, and which arguments it names."""
    assert lower_bound(instance) == LowerBound(cycles, name)


def test_operators_alone_are_a_critical_path() -> None:
    """Tests a chain of operators on one chip after the opening deskew; the last start counts, not its end."""
    operators = [Operator(0, MATRIX, 10), Operator(0, VECTOR, 5, (0,)), Operator(0, MATRIX, 7, (1,))]
    assert lower_bound(instance_of(1, [], operators, [], release=4)) == LowerBound(19, PATH)


def test_nothing_starts_before_its_release() -> None:
    """Tests that the opening deskew bounds a schedule by itself."""
    assert lower_bound(instance_of(1, [], [Operator(0)], [], release=4)) == LowerBound(4, PATH)


@given(instances(most_chips=4, most_vectors=3, most_demands=2))
@settings(max_examples=30, deadline=None)
def test_no_bound_is_above_the_best_of_single_vectors(instance: Instance) -> None:
    """Tests bounds against times that CP-SAT has searched, of blocks of one vector each."""
    best = retimed(greedy_plan(instance, Cut(1, 1)), Effort(0.3, 0, 0))
    assert lower_bound(instance).cycles <= best.placement.makespan_cycles


@given(instances())
@settings(max_examples=40, deadline=None)
def test_no_bound_is_above_the_best_greedy_schedule(instance: Instance) -> None:
    """Tests bounds against the best of all candidate cuts, which single vectors do not always give."""
    bound = lower_bound(instance)
    nowhere = LowerBound(-1, "never met")
    assert bound.cycles <= ranked_greedy(unpadded(instance), nowhere, seed=0)[0].makespan_cycles


@given(instances())
@settings(max_examples=40, deadline=None)
def test_compute_only_adds_to_a_bound(instance: Instance) -> None:
    """Tests that the bound of the wires alone is not above the bound of the whole."""
    assert lower_bound(instance.wires_only()).cycles <= lower_bound(instance).cycles
