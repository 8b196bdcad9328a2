"""Variables of the CP-SAT model."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lpxsched.schedule.cpsat.layer_variables import Variables, shortest_bundles
from lpxsched.schedule.result import SPREADING, SUMMING
from lpxsched.schedule.routes.blocks import Cut, cut_blocks
from lpxsched.schedule.routes.list_schedule import greedy_schedule
from tests.schedule.instances import Demand, Operator, both_ways, copy_along, grid, instance_of, lone_relay, two_chips
from tests.schedule.problem.test_distances import shared_host
from tests.strategies import VECTOR_TIMES, cuts, instances

if TYPE_CHECKING:
    from fractions import Fraction

    from lpxsched.schedule.problem.instance import Instance


WHOLE = Cut(100, 100)


def variables(instance: Instance, cut: Cut = WHOLE) -> Variables:
    """Return the variables of an instance and its greedy schedule."""
    return Variables(instance, greedy_schedule(instance, cut_blocks(instance, cut)))


def test_summands_go_to_the_root_and_results_from_it() -> None:
    """Tests the ways of the layer of two chips; each is one hop, but an input's to the other chip takes two."""
    # Bundles: 0 -> 1, 0 -> host, 1 -> 0, 1 -> host, host -> 0, host -> 1.
    assert shortest_bundles(two_chips()) == [
        [(SPREADING, 0), (SPREADING, 4)],
        [(SPREADING, 2), (SPREADING, 5)],
        [(SPREADING, 1), (SUMMING, 2)],
        [(SUMMING, 0), (SPREADING, 3)],
    ]


def test_all_shortest_ways_are_offered() -> None:
    """Tests that on a grid the summand of the far corner may take either way."""
    # Bundles: 0 -> 1, 0 -> 2, 1 -> 0, 1 -> 3, 2 -> 0, 2 -> 3, 3 -> 1, 3 -> 2.
    assert shortest_bundles(grid()) == [[(SUMMING, 2), (SUMMING, 4), (SUMMING, 6), (SUMMING, 7)]]


def test_no_way_leads_through_a_host() -> None:
    """Tests that chips that share a host are offered the way over the chips between them only."""
    # Bundles: 0 -> 1, 0 -> 4, 1 -> 0, 1 -> 2, 2 -> 1, 2 -> 3, ..
    assert shortest_bundles(shared_host()) == [[(SPREADING, 0), (SPREADING, 3), (SPREADING, 5)]]


def test_no_host_is_offered_as_a_relay() -> None:
    """Tests a host on a way as short as that over a chip: chips 0 and 2 share host 3 (it once was offered)."""
    bundles = both_ways([(0, 1), (1, 2), (0, 3), (2, 3)])
    demand = Demand(1, 0, (0,), (0,), (2,))
    instance = instance_of(3, bundles, [Operator(0), Operator(2, demands=(0,))], [demand], hosts=1)
    # Bundles: 0 -> 1, 0 -> 3, 1 -> 0, 1 -> 2, ..
    assert shortest_bundles(instance) == [[(SPREADING, 0), (SPREADING, 3)]]


def test_a_way_that_is_not_shortest_is_taken_from_the_hint() -> None:
    """Tests that the hint's relay without a summand of its own, which is not offered, has its variables."""
    assert shortest_bundles(lone_relay()) == [[]]
    model = variables(lone_relay())
    # Bundles: 0 -> 1, 1 -> 0, 1 -> 2, 2 -> 1.
    assert sorted(model.slots) == [(0, SUMMING, 1), (0, SUMMING, 3)]


@given(st.sampled_from(VECTOR_TIMES), st.sampled_from(VECTOR_TIMES), st.integers(1, 9))
def test_a_relay_waits_for_the_vector_that_is_last_in_time(arrived: Fraction, leaving: Fraction, vectors: int) -> None:
    """Tests the wait against every vector of the stream, read at k v and sent on at wait + k v' at the earliest."""
    model = variables(copy_along([arrived, leaving], 1))
    lead = model.lead(0, 1, vectors)
    assert all(lead + k * leaving >= k * arrived for k in range(vectors))
    assert lead == 0 or any(lead - 1 + k * leaving < k * arrived for k in range(vectors))


@pytest.mark.parametrize(("node", "into", "out_of"), [(0, [2, 4], []), (1, [6], [2]), (3, [], [6, 7])])
def test_slots_into_and_out_of_a_node(node: int, into: list[int], out_of: list[int]) -> None:
    """Tests which bundles the summands of a grid may take into and out of a node."""
    model = variables(grid())
    assert [slot.bundle for slot in model.into(0, SUMMING, node)] == into
    assert [slot.bundle for slot in model.out_of(0, SUMMING, node)] == out_of


def test_a_sum_may_be_made_wherever_summands_meet() -> None:
    """Tests that on a grid there is a sum at the root and at both its neighbours, none at the far corner."""
    assert sorted(variables(grid()).sums) == [(0, 0), (0, 1), (0, 2)]


@given(instances(), cuts())
@settings(max_examples=30, deadline=None)
def test_every_hint_lies_in_its_domain(instance: Instance, cut: Cut) -> None:
    """Tests that no variable is hinted a value that it cannot take, and none twice."""
    proto = variables(instance, cut).cp.proto
    hinted = list(proto.solution_hint.vars)
    assert len(set(hinted)) == len(hinted)
    for index, value in zip(hinted, proto.solution_hint.values, strict=True):
        lowest, highest = proto.variables[index].domain
        assert lowest <= value <= highest
