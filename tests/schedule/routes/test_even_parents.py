"""Trees whose loads are even."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from hypothesis import given, settings
from hypothesis import strategies as st

from lpxsched.schedule.routes.choices import Choice, find_ways
from lpxsched.schedule.routes.even_parents import balanced_parents
from lpxsched.traffic.collectives import Collective
from tests.schedule.bounds.problems import path, problem_of, ring
from tests.schedule.fabrics import problems
from tests.schedule.routes.test_even_loads import whole

if TYPE_CHECKING:
    from lpxsched.schedule.problem.instance import Instance


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
