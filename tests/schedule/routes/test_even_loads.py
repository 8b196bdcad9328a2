"""Routes whose loads are even."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lpxsched.schedule.routes.even_loads import balanced_routes
from lpxsched.schedule.symmetry.groups import symmetries, trivial
from lpxsched.schedule.symmetry.quotient import flow_of, quotient
from lpxsched.traffic.collectives import Collective
from tests.schedule.bounds.problems import both_ways, problem_of, ring
from tests.schedule.fabrics import problems

if TYPE_CHECKING:
    from lpxsched.schedule.problem.instance import Instance
    from lpxsched.schedule.symmetry.quotient import Blocks, Quotient


def whole(problem: Instance) -> Quotient:
    """Return a problem without symmetry."""
    return quotient(problem, flow_of(problem.stage, padded=False), trivial(problem.network))


def routes_of(small: Quotient, blocks: Blocks, *, seed: int = 0, by_hop: bool = False) -> list[list[int]]:
    """Return the bundles of each block."""
    offsets, bundles = balanced_routes(small, blocks, seed=seed, by_hop=by_hop)
    return [part.tolist() for part in np.split(bundles, offsets[1:-1])] if len(blocks) else []


@settings(max_examples=60)
@given(st.data(), problems(kinds=("all-to-all", "gather", "scatter")), st.integers(0, 3), st.booleans())
def test_routes_are_shortest_ways(data: st.DataObject, problem: Instance, seed: int, by_hop: bool) -> None:
    """Tests that each route leads from source to target in the least number of cycles."""
    symmetry = data.draw(st.sampled_from([trivial(problem.network), *symmetries(problem)]))
    small = quotient(problem, flow_of(problem.stage, padded=True), symmetry)
    blocks = small.blocks(2)
    for block, route in enumerate(routes_of(small, blocks, seed=seed, by_hop=by_hop)):
        nodes = [int(blocks.source[block])]
        for bundle in route:
            assert problem.network.source[bundle] == nodes[-1]
            nodes.append(int(problem.network.destination[bundle]))
        assert nodes[-1] == blocks.target[block]
        cycles = sum(int(problem.network.hop_cycles[bundle]) for bundle in route)
        assert cycles + (len(route) - 1) * problem.network.turnaround_cycles == small.way[nodes[0], nodes[-1]]


@pytest.mark.parametrize("seed", range(4))
def test_equal_ways_share_the_load(seed: int) -> None:
    """Tests a scatter of eight vectors a chip on a ring of four: each way round takes half of what goes opposite."""
    small = whole(problem_of(Collective("scatter", 4, 8), ring(4)))
    blocks = small.blocks(1)
    routes = routes_of(small, blocks, seed=seed)
    opposite = Counter(tuple(route) for route in routes if len(route) == 2)
    # Bundles 0 -> 1, 0 -> 3, 1 -> 0, 1 -> 2, ..
    assert [opposite[ways] for ways in opposite] == [4, 4]
    assert Counter(route[0] for route in routes) == {0: 12, 1: 12}


def test_more_lanes_carry_more() -> None:
    """Tests six vectors over two ways of two hops: that with two lanes a hop carries at least twice as many."""
    wires = [wire._replace(lanes=2 if 2 in wire[:2] else 1) for wire in both_ways([(0, 2), (2, 1), (0, 3), (3, 1)])]
    small = whole(problem_of(Collective("scatter", 2, 6), wires, relays=2))
    used = Counter(route[0] for route in routes_of(small, small.blocks(1)))
    assert used[0] >= 2 * used[1] > 0
