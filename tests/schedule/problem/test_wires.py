"""Shortest ways and leads, against their plain twins."""

from __future__ import annotations

from fractions import Fraction
from itertools import product
from typing import TYPE_CHECKING

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from lpxsched.schedule.problem import wires as kernels
from lpxsched.schedule.problem.wires import all_ways, hops_to, lead_cycles
from lpxsched.schedule.symmetry.groups import trivial
from lpxsched.schedule.symmetry.quotient import flow_of, quotient
from lpxsched.units import NONE
from tests.schedule.examples import column, line
from tests.schedule.fabrics import VECTOR_TIMES, problems
from tests.schedule.instances import Demand, Operator, both_ways, grid, instance_of, path_of_three
from tests.schedule.plain_transfers import plain_ways
from tests.strategies import instances

if TYPE_CHECKING:
    import pytest

    from lpxsched.schedule.problem.instance import Instance
    from lpxsched.schedule.symmetry.quotient import Quotient


def whole(problem: Instance) -> Quotient:
    """Return a problem without symmetry; sums backwards in time, as the solvers search them."""
    which = problem.reversed() if problem.stage.is_sum else problem
    return quotient(which, flow_of(problem.stage, padded=False), trivial(problem.network))


@settings(max_examples=60)
@given(problems())
def test_ways_agree_with_their_plain_twin(problem: Instance) -> None:
    """Tests the length of the shortest way from every node to every other, turnaround included."""
    small = whole(problem)
    expected = plain_ways(small.wires, problem.network.turnaround_cycles)
    found = {ends: int(cycles) for ends, cycles in np.ndenumerate(small.way) if cycles < kernels.FAR}
    assert found == expected


def test_a_way_counts_hops_and_turnarounds() -> None:
    """Tests a line of four: three hops of 3 cycles, and 2 cycles at each of two relays."""
    assert whole(line("broadcast", 4, turnaround=2)).way[0].tolist() == [0, 3, 8, 13]


def test_ways_are_found_from_few_roots_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests that ways do not depend on how many roots are looked at together: three at a time on a line of five."""
    at_once = whole(line("broadcast", 5)).way
    all_ways.cache_clear()
    monkeypatch.setattr(kernels, "ROWS_AT_ONCE", 3)
    assert whole(line("broadcast", 5)).way.tolist() == at_once.tolist()


@given(st.sampled_from(VECTOR_TIMES), st.sampled_from(VECTOR_TIMES), st.integers(1, 9))
def test_a_relay_waits_until_no_vector_leaves_before_its_read(into: Fraction, out: Fraction, vectors: int) -> None:
    """Tests the least whole wait w for which read k v <= w + k v' for every vector k."""
    problem = line("broadcast", 3)
    wires = quotient(problem, flow_of(problem.stage, padded=False), trivial(problem.network)).wires
    # Bundles 0 and 2 lead from 0 over 1 to 2.
    pitches = [into, Fraction(1), out, Fraction(1)]
    numerator = np.array([pitch.numerator for pitch in pitches], dtype=np.int64)
    denominator = np.array([pitch.denominator for pitch in pitches], dtype=np.int64)
    wires = wires._replace(numerator=numerator, denominator=denominator)
    expected = next(w for w in range(100) if all(k * into <= w + k * out for k in range(vectors)))
    assert lead_cycles(wires, 0, 2, vectors) == expected


def shared_host() -> Instance:
    """Return chips 0 to 3 in a row; chips 0 and 3 share host 4, which is no way from one to the other."""
    demand = Demand(1, 0, (0,), (0,), (3,))
    bundles = both_ways([(0, 1), (1, 2), (2, 3), (0, 4), (3, 4)])
    return instance_of(4, bundles, [Operator(0), Operator(3, demands=(0,))], [demand], hosts=1)


def hops(*roots: int, on: Instance) -> list[list[int]]:
    """Return hops from each node to each of some."""
    return hops_to(column(list(roots)), on.network)[list(roots)].tolist()


def test_hops_of_a_grid() -> None:
    """Tests that the far corner of a 2 x 2 grid is two hops away, both ways."""
    assert hops(0, 3, on=grid()) == [[0, 1, 1, 2], [2, 1, 1, 0]]


def test_one_way_links_are_one_way() -> None:
    """Tests that on a directed path nothing comes back."""
    assert hops(0, 2, on=path_of_three()) == [[0, NONE, NONE], [2, 1, 0]]


def test_a_host_is_no_relay() -> None:
    """Tests that chips 0 and 3 are three hops apart although they share a host."""
    assert hops(0, on=shared_host()) == [[0, 1, 2, 3, 1]]


def test_a_host_is_an_end() -> None:
    """Tests that ways begin and end at a host."""
    assert hops(4, on=shared_host()) == [[1, 2, 2, 1, 0]]


@given(instances())
@settings(max_examples=30, deadline=None)
def test_distances_are_shortest(instance: Instance) -> None:
    """Tests distances against the relation that defines them: one more than the nearest neighbour that may relay."""
    network = instance.network
    ends = list(zip(network.source.tolist(), network.destination.tolist(), strict=True))
    distance = hops_to(np.arange(network.nodes), network)
    for root, node in product(range(network.nodes), repeat=2):
        to_go = [
            int(distance[root, d])
            for s, d in ends
            if s == node and distance[root, d] != NONE and (d < network.chips or d == root)
        ]
        assert distance[root, node] == (0 if node == root else min(to_go) + 1)


def test_only_rows_of_roots_are_filled() -> None:
    """Tests that rows of nodes that nobody asked for say nothing."""
    assert hops_to(column([0]), grid().network)[3].tolist() == [NONE] * 4


def test_ways_do_not_lead_through_hosts() -> None:
    """Tests that chips 0 and 3, which share host 4, are three hops and two turnarounds apart."""
    ways = all_ways(shared_host().network)
    assert ways[0].tolist() == [0, 18, 39, 60, 18]
    assert ways[4].tolist() == [18, 39, 39, 18, 0]
