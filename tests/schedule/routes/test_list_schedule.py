"""Greedy list scheduling."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lpxsched.schedule.bounds import lower_bound
from lpxsched.schedule.problem.instance import MATRIX, VECTOR, Instance, ranks
from lpxsched.schedule.routes.blocks import Cut, cut_blocks
from lpxsched.schedule.routes.list_schedule import work_order
from tests.schedule.greedy import greedy_plan, greedy_schedule
from tests.schedule.instances import (
    Bundle,
    Demand,
    Operator,
    both_ways,
    copy_along,
    free_sum,
    grid,
    instance_of,
    lone_relay,
    one_chip,
    path_of_three,
    rootless,
    two_chips,
    wide,
)
from tests.schedule.plain_greedy import plain_rows
from tests.schedule.rules import violations
from tests.strategies import cuts, instances

if TYPE_CHECKING:
    from lpxsched.schedule.result import Schedule

WHOLE, SINGLE = Cut(100, 100), Cut(1, 1)


def greedy(instance: Instance, cut: Cut = WHOLE, *, seed: int = 0) -> Schedule:
    """Return the greedy schedule of an instance, which keeps all rules."""
    schedule = greedy_schedule(instance, cut, seed=seed)
    assert violations(instance, schedule) == []
    return schedule


def slots(schedule: Schedule) -> list[tuple[int, int, int, int]]:
    """Return value, first vector, bundle and departure of each slot, sorted."""
    columns = (schedule.slot_value, schedule.slot_first, schedule.slot_bundle, schedule.slot_depart)
    return sorted(zip(*(column.tolist() for column in columns), strict=True))


def operand_counts(schedule: Schedule) -> list[int]:
    """Return how many operands each sum has."""
    return np.bincount(schedule.sums.operand_sum, minlength=len(schedule.sums)).tolist()


@given(instances(), cuts(), st.integers(0, 3))
@settings(max_examples=60, deadline=None)
def test_kernels_agree_with_their_plain_twin(instance: Instance, cut: Cut, seed: int) -> None:
    """Tests that compiled and plain code place every slot, sum and operator alike, row by row."""
    found = greedy_plan(instance, cut, seed=seed)
    plan, placement = found.plan, found.placement
    slot_rows, sum_rows, starts = plain_rows(instance, cut_blocks(instance, cut), seed=seed)
    columns = plan.slot_block, plan.slot_bundle, placement.start[: plan.slots], placement.lane[: plan.slots]
    assert list(zip(*(column.tolist() for column in columns), strict=True)) == slot_rows
    totals = plan.sum_block, plan.sum_node, plan.operand_counts(), placement.start[plan.slots :][: plan.sums]
    assert list(zip(*(column.tolist() for column in totals), strict=True)) == sum_rows
    assert placement.start[plan.slots + plan.sums :].tolist() == starts


@given(instances(), cuts(), st.integers(0, 3))
@settings(max_examples=60, deadline=None)
def test_greedy_keeps_all_rules_and_every_bound(instance: Instance, cut: Cut, seed: int) -> None:
    """Tests that a greedy schedule keeps R1 to R5 and is never shorter than the lower bound."""
    schedule = greedy_schedule(instance, cut, seed=seed)
    assert violations(instance, schedule) == []
    assert schedule.makespan_cycles >= lower_bound(instance).cycles


def test_the_layer_of_two_chips() -> None:
    """Tests the timetable of ``tests/builds.py``, worked out there; sums leave 3 + 6 cycles after the read at 101."""
    schedule = greedy(two_chips())
    assert schedule.operator_start.tolist() == [2, 2, 44, 44, 55, 55, 75, 75, 131, 131]
    # Bundles: 0 -> 1, 0 -> host, 1 -> 0, 1 -> host, host -> 0, host -> 1.
    assert slots(schedule) == [
        # Values 0 and 1 enter, 6 and 7 are summands, 10 and 11 sums.
        (0, 0, 0, 23),
        (0, 0, 4, 2),
        (1, 0, 2, 23),
        (1, 0, 5, 2),
        (6, 2, 0, 80),
        (7, 0, 2, 80),
        (10, 0, 1, 110),
        (11, 0, 3, 110),
    ]
    assert schedule.sums.start.tolist() == [101, 101]


def test_short_blocks_let_a_sum_start_early() -> None:
    """Tests the same layer cut into single vectors."""
    # Partial sums depart 80 and 83, are read 98 and 101; sums [98, 103) and [103, 108); results leave a turnaround of 3
    # and the sum after these reads, at 106 and 109; the last is read at 109 + 18.
    schedule = greedy(two_chips(), SINGLE)
    assert schedule.sums.start.tolist() == [98, 98, 103, 103]
    assert schedule.makespan_cycles == 127


def test_a_relay_sends_on_after_its_turnaround() -> None:
    """Tests that a vector read at 18 leaves again at 21 and is read at 39."""
    schedule = greedy(path_of_three())
    assert slots(schedule) == [(0, 0, 0, 0), (0, 0, 1, 21)]
    assert schedule.makespan_cycles == 39


def test_chips_that_no_link_joins_are_a_fault_of_the_caller() -> None:
    """Tests that the search ends where there is no way; groups of chips that fall apart are refused long before."""
    instance = instance_of(2, [], [Operator(0), Operator(1)], [Demand(1, 0, (0,), (0,), (1,))])
    with pytest.raises(ValueError, match="no way leads to a reader"):
        greedy_schedule(instance, WHOLE)


@pytest.mark.parametrize(
    ("vector_times", "depart", "makespan"),
    [
        # v 3 then 2: read at 18, 21, 24; from 21 + 2 on the last vector is there in time: 23 + 2 x 2 = 24 + 3.
        # Read at 23 + 17 + 2 x 2.
        ((Fraction(3), Fraction(2)), 23, 44),
        # v 2 then 3: read at 17; the first vector decides: 20 + 18 + 2 x 3.
        ((Fraction(2), Fraction(3)), 20, 44),
        # v 7/3 then 2: read at ceil(52/3) = 18, last at 18 + 14/3; lead ceil(2/3) = 1: 22 + 17 + 4.
        ((Fraction(7, 3), Fraction(2)), 22, 43),
        # v 1/3 then 1/3: read at 16, 19 + 16 + ceil(2/3).
        ((Fraction(1, 3), Fraction(1, 3)), 19, 36),
    ],
)
def test_relays_between_wires_of_different_rates(
    vector_times: tuple[Fraction, ...], depart: int, makespan: int
) -> None:
    """Tests when a relay sends three vectors on, as one stream."""
    schedule = greedy(copy_along(vector_times, 3))
    assert slots(schedule)[1] == (0, 0, 1, depart)
    assert schedule.makespan_cycles == makespan


def test_wires_without_latency() -> None:
    """Tests that with v = 1 and nothing else a vector needs one cycle a hop, and three stream through two hops."""
    schedule = greedy(copy_along([Fraction(1)] * 2, 3, latency=0, guard=0, turnaround=0))
    assert slots(schedule) == [(0, 0, 0, 0), (0, 0, 1, 1)]
    # The last vector leaves at 2, is read at 3, and at 4 on the next chip.
    assert schedule.makespan_cycles == 4


def test_lanes_carry_blocks_side_by_side() -> None:
    """Tests that two blocks of two vectors leave together on two lanes, the third waits for 5 cycles."""
    schedule = greedy(wide(2, 5), Cut(2, 2))
    assert slots(schedule) == [(0, 0, 0, 0), (0, 2, 0, 0), (0, 4, 0, 5)]


def test_sums_meet_on_the_way() -> None:
    """Tests that on a grid the summand of the far corner is added to a neighbour's before it goes on."""
    # 3 -> 1 read at 18, sum on chip 1 [18, 23), sent at 18 + 3 + 5, read at chip 0 at 44; chip 2 sends at 0. A sum of
    # three operands of one vector takes max(ceil(1280 / 960), 2) + 4 = 6 cycles: 50.
    schedule = greedy(grid())
    assert list(zip(schedule.sums.node, operand_counts(schedule), schedule.sums.start, strict=True)) == [
        (1, 2, 18),
        (0, 3, 44),
    ]
    assert schedule.makespan_cycles == 50


def test_a_relay_passes_a_lone_summand_on() -> None:
    """Tests that a chip without a summand of its own makes no sum: 18 + 3 + 18, then the sum at the root takes 5."""
    schedule = greedy(lone_relay())
    assert schedule.sums.node.tolist() == [0]
    assert schedule.makespan_cycles == 44


def test_a_root_may_lack_a_summand() -> None:
    """Tests that where all summands met before, the root makes no sum."""
    # Sum on chip 2 [18, 23), sent at 26, read on chip 1 at 44, on the root at 47 + 18 = 65.
    schedule = greedy(rootless())
    assert schedule.sums.node.tolist() == [2]
    assert schedule.makespan_cycles == 65


def test_a_layer_on_one_chip_needs_no_sum() -> None:
    """Tests a group of one chip: two vectors in, two out, each 18 + 5/2 cycles: 21 + 20 + 5, then 66.5."""
    schedule = greedy(one_chip())
    assert schedule.sums.node.tolist() == []
    assert schedule.operator_start.tolist() == [0, 21, 41, 67]


def test_a_copy_read_at_its_root_waits_for_its_producer() -> None:
    """Tests that an operator beside the producer of a copy starts after it (it once started at 0)."""
    operators = [Operator(0, MATRIX, 7), Operator(0, VECTOR, 1, (), (0,)), Operator(1, MATRIX, 0, (), (0,))]
    instance = instance_of(2, [Bundle(0, 1)], operators, [Demand(1, 0, (0,), (0,), (1,))])
    assert greedy(instance).operator_start.tolist() == [0, 7, 25]


def test_a_demand_without_other_consumers_stays_at_its_root() -> None:
    """Tests that a sum that only its root reads is not sent anywhere."""
    schedule = greedy(grid())
    # Values below 4 are summands; 5, a sum of two on the way, is the only one that leaves.
    assert sorted(schedule.slot_value.tolist()) == [2, 3, 5]


def test_a_summand_takes_no_way_through_a_host() -> None:
    """Tests that chips that share a host do not sum through it (they once did)."""
    # Chips 0 and 2 share host 3 (one hop), but the way of chip 2 to chip 0 leads over chip 1.
    operators = [Operator(0), Operator(2), Operator(0, demands=(0,))]
    demand = Demand(1, 0, (0, 2), (0, 1), ())
    bundles = both_ways([(0, 1), (1, 2), (0, 3), (2, 3)])
    instance = instance_of(3, bundles, operators, [demand], hosts=1)
    used = {int(instance.network.source[bundle]) for _, _, bundle, _ in slots(greedy(instance))}
    assert used == {1, 2}


def test_a_sum_that_takes_no_time_waits_for_no_unit() -> None:
    """Tests that with free sums a busy vector unit delays nothing."""
    assert greedy(free_sum()).operator_start.tolist() == [0, 0, 0, 18]


def test_operators_of_one_unit_follow_each_other() -> None:
    """Tests that a unit does one thing at a time, two units of a chip work side by side."""
    operators = [Operator(0, MATRIX, 10), Operator(0, MATRIX, 10), Operator(0, VECTOR, 10), Operator(0, MATRIX, 0)]
    assert greedy(instance_of(1, [], operators, [])).operator_start.tolist() == [0, 10, 0, 0]


@given(instances(), cuts(), st.integers(0, 3))
@settings(max_examples=40, deadline=None)
def test_work_is_ordered_by_precedence(instance: Instance, cut: Cut, seed: int) -> None:
    """Tests that all work is in the order once, and nothing comes before what it needs."""
    blocks = cut_blocks(instance, cut)
    order = work_order(instance, blocks, *ranks(instance), seed=seed).tolist()
    assert sorted(order) == [*range(-len(blocks), 0), *range(instance.operators)]
    place = {item: index for index, item in enumerate(order)}
    last_block: dict[int, int] = {}
    for block, demand in enumerate(blocks.piece.tolist()):
        last_block[demand] = max(last_block.get(demand, -1), place[~block])
    for operator in range(instance.operators):
        needed = [place[other] for other in instance.operator_after[operator].tolist()]
        needed += [last_block[demand] for demand in instance.operator_demands[operator].tolist()]
        assert max(needed, default=-1) < place[operator]
    for block, demand in enumerate(blocks.piece.tolist()):
        assert max(place[made] for made in instance.demand_leaf_operators[demand].tolist()) < place[~block]


def test_a_seed_shuffles_equals_only() -> None:
    """Tests that seeds change the order of blocks of equal rank and rest, that of others never."""
    instance = two_chips()
    blocks = cut_blocks(instance, SINGLE)
    orders = {tuple(work_order(instance, blocks, *ranks(instance), seed=seed).tolist()) for seed in range(20)}
    assert len(orders) > 1
    # Blocks 0, 2 are first vectors of the inputs, 1, 3 their second ones.
    assert all({order.index(~0), order.index(~2)} < set(range(order.index(~1))) for order in orders)


def test_equal_seeds_give_equal_schedules() -> None:
    """Tests that a schedule depends on nothing but its arguments."""
    first, second = greedy(two_chips(), SINGLE, seed=5), greedy(two_chips(), SINGLE, seed=5)
    assert slots(first) == slots(second)


def test_a_sum_is_copied_from_where_its_summands_meet() -> None:
    """Tests summands of chips 0 and 1 of a line 0 - 1 - 2 with root 2: chip 1 adds, and does not get its sum back."""
    demand = Demand(1, 2, (0, 1), (0, 1), (0, 1))
    operators = [Operator(0), Operator(1), *(Operator(node, demands=(0,)) for node in range(3))]
    instance = instance_of(3, both_ways([(0, 1), (1, 2)]), operators, [demand])
    schedule = greedy(instance)
    assert schedule.sums.node.tolist() == [1]
    # Chip 0 sends a summand, value 0, on bundle 0 -> 1; chip 1 the sum, value 5, on 1 -> 0 and 1 -> 2.
    assert [(value, bundle) for value, _, bundle, _ in slots(schedule)] == [(0, 0), (5, 1), (5, 2)]
