"""Routes whose loads are even."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lpxsched.schedule.routes.choices import Choice, find_ways
from lpxsched.schedule.routes.even_loads import balanced_parents, balanced_routes
from lpxsched.schedule.symmetry.groups import symmetries, trivial
from lpxsched.schedule.symmetry.quotient import flow_of, quotient
from lpxsched.traffic.collectives import Collective
from tests.schedule.bounds.problems import both_ways, path, problem_of, ring
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


@settings(max_examples=60)
@given(
    problems(kinds=("all-gather", "broadcast", "reduce", "reduce-scatter", "all-reduce")),
    st.integers(0, 3),
    st.sampled_from((0.0, 0.2, 1.0)),
    st.booleans(),
    st.booleans(),
)
def test_trees_stay_trees(problem: Instance, seed: int, fork_price: float, count_first: bool, minimal: bool) -> None:
    """Tests that each participant gets a block once, by way of its source; on shortest ways where that is asked."""
    small = whole(problem.reversed() if problem.stage.is_sum else problem)
    ways = find_ways(small, Choice(2, "near", minimal, seed))
    if ways is None:
        return
    parents = balanced_parents(small, ways, fork_price, minimal=minimal, seed=seed, count_first=count_first)
    wires = small.wires
    for block, root in enumerate(ways.blocks.source.tolist()):
        for end in set(range(problem.network.width)) - {root}:
            node, cycles, hops = end, 0, 0
            while node != root:
                bundle = int(parents[block, node])
                assert wires.destination[bundle] == node
                node, cycles, hops = int(wires.source[bundle]), cycles + int(wires.hop[bundle]), hops + 1
                assert hops < problem.network.nodes
            if minimal:
                assert cycles + (hops - 1) * problem.network.turnaround_cycles == small.way[root, end]


def test_trees_share_the_load() -> None:
    """Tests a broadcast of eight vectors on a ring of four: of the last hops half come each way round."""
    small = whole(problem_of(Collective("broadcast", 4, 8), ring(4)))
    ways = find_ways(small, Choice(1, "near", True, 0))
    assert ways is not None
    parents = balanced_parents(small, ways, 0.2, minimal=True, seed=0, count_first=True)
    assert sorted(Counter(parents[:, 2].tolist()).values()) == [4, 4]


def test_a_line_leaves_no_choice() -> None:
    """Tests that every node of a line keeps its one neighbour towards the source."""
    small = whole(problem_of(Collective("broadcast", 3, 1), path(3)))
    ways = find_ways(small, Choice(1, "near", True, 0))
    assert ways is not None
    parents = balanced_parents(small, ways, 1.0, minimal=False, seed=1, count_first=False)
    assert parents.tolist() == [[-1, 0, 2]]
