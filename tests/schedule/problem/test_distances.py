"""Distances in hops; hosts begin and end ways but never relay."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from typing import TYPE_CHECKING

import numpy as np
from hypothesis import given, settings

from lpxsched.schedule.problem.distances import hops_from, hops_to_roots, shortest_ways
from lpxsched.units import NONE
from tests.schedule.examples import column
from tests.schedule.instances import Demand, Operator, both_ways, grid, instance_of, path_of_three
from tests.strategies import instances

if TYPE_CHECKING:
    from lpxsched.schedule.problem.instance import Instance


def shared_host() -> Instance:
    """Return chips 0 to 3 in a row; chips 0 and 3 share host 4, which is no way from one to the other."""
    demand = Demand(1, 0, (0,), (0,), (3,))
    bundles = both_ways([(0, 1), (1, 2), (2, 3), (0, 4), (3, 4)])
    return instance_of(4, bundles, [Operator(0), Operator(3, demands=(0,))], [demand], hosts=1)


def test_hops_of_a_grid() -> None:
    """Tests that the far corner of a 2 x 2 grid is two hops away, both ways."""
    instance = replace(grid(), demand_root=column([3]))
    assert hops_from(column([0, 3]), instance.network).tolist() == [[0, 1, 1, 2], [2, 1, 1, 0]]
    assert hops_to_roots(instance)[3].tolist() == [2, 1, 1, 0]


def test_one_way_links_are_one_way() -> None:
    """Tests that on a directed path nothing comes back."""
    assert hops_from(column([0, 1]), path_of_three().network).tolist() == [[0, 1, 2], [NONE, 0, 1]]
    assert hops_to_roots(path_of_three())[0].tolist() == [0, NONE, NONE]


def test_a_host_is_no_relay() -> None:
    """Tests that chips 0 and 3 are three hops apart although they share a host."""
    assert hops_from(column([0]), shared_host().network).tolist() == [[0, 1, 2, 3, 1]]
    assert hops_to_roots(shared_host())[0].tolist() == [0, 1, 2, 3, 1]


def test_a_host_is_an_end() -> None:
    """Tests that ways begin and end at a host."""
    assert hops_from(column([4]), shared_host().network).tolist() == [[1, 2, 2, 1, 0]]
    instance = replace(shared_host(), demand_root=column([4]))
    assert hops_to_roots(instance)[4].tolist() == [1, 2, 2, 1, 0]


@given(instances())
@settings(max_examples=30, deadline=None)
def test_distances_are_shortest(instance: Instance) -> None:
    """Tests distances against the relation that defines them: one more than the nearest neighbour that may relay."""
    ends = list(zip(instance.network.source.tolist(), instance.network.destination.tolist(), strict=True))
    distance = hops_from(np.arange(instance.network.nodes), instance.network).tolist()
    for root, node in product(range(instance.network.nodes), repeat=2):
        hops = distance[root]
        before = [
            hops[s] for s, d in ends if d == node and hops[s] != NONE and (s < instance.network.chips or s == root)
        ]
        assert hops[node] == (0 if node == root else min(before) + 1)


@given(instances())
@settings(max_examples=30, deadline=None)
def test_rows_of_roots_are_distances_to_them(instance: Instance) -> None:
    """Tests that only the rows of roots are filled, each with the distances to its root."""
    distance = hops_to_roots(instance)
    roots = set(instance.demand_root.tolist())
    for node in range(instance.network.nodes):
        expected = hops_from(np.arange(instance.network.nodes), instance.network)[:, node].tolist()
        assert distance[node].tolist() == (expected if node in roots else [NONE] * instance.network.nodes)


def test_ways_do_not_lead_through_hosts() -> None:
    """Tests that chips 0 and 3, which share host 4, are three hops and two turnarounds apart."""
    ways = shortest_ways(shared_host().network)
    assert ways[0].tolist() == [0, 18, 39, 60, 18]
    assert ways[4].tolist() == [18, 39, 39, 18, 0]
