"""Trees that share no lane: as many as the narrowest cut lets through."""

from __future__ import annotations

from fractions import Fraction
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np
import pytest

from lpxsched.schedule.routes.exact_trees import Trees, exact_trees
from lpxsched.schedule.symmetry.groups import trivial
from lpxsched.schedule.symmetry.quotient import flow_of, quotient
from lpxsched.traffic.collectives import Collective
from tests.schedule.bounds.problems import Wire, column, problem_of, ring

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lpxsched.schedule.problem.wires import Wires


def _packed(chips: int, wires: Sequence[Wire], vectors: Sequence[int]) -> tuple[Wires, Trees]:
    problem = problem_of(Collective("all-gather", chips, 1), wires)
    network = quotient(problem, flow_of(problem.stage, padded=False), trivial(problem.network)).wires
    return network, exact_trees(network, column(range(chips)), column(vectors))


def _through(wires: Wires, cycles: int) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """Return how many vectors each bundle carries, each lane whole ones."""
    return wires.lanes * (cycles * wires.denominator // wires.numerator)


def _narrowest(wires: Wires, vectors: Sequence[int]) -> int:
    """Return the least cycles in which all that lies outside of each set of nodes enters it, set by set."""
    cycles = 1
    for size in range(1, wires.nodes):
        for inside in combinations(range(wires.nodes), size):
            enters = np.isin(wires.destination, inside) & ~np.isin(wires.source, inside)
            outside = sum(count for node, count in enumerate(vectors) if node not in inside)
            while _through(wires, cycles)[enters].sum() < outside:
                cycles += 1
    return cycles


def _random(seed: int) -> tuple[int, list[Wire], list[int]]:
    """Return two to six chips in a ring with some links more, of 1 to 4 lanes each way, some of half the rate."""
    random = np.random.default_rng(seed)
    chips = int(random.integers(2, 7))
    more = [tuple(random.permutation(chips)[:2].tolist()) for _ in range(int(random.integers(8)))]
    ends = sorted({(chip, (chip + 1) % chips) for chip in range(chips)} | set(more))
    pitch = [Fraction(1), Fraction(3, 2)]
    wires = [Wire(a, b, 3, int(random.choice([1, 2, 4])), pitch[int(random.integers(2))]) for a, b in ends]
    return chips, wires, random.integers(1, 20, chips).tolist()


@pytest.mark.parametrize("seed", range(40))
def test_all_vectors_are_packed_within_the_narrowest_cut(seed: int) -> None:
    """Tests that trees reach all nodes from where their vectors lie, and bundles carry no more than they can in time.

    The least time is found by looking at all sets of nodes.
    """
    chips, links, vectors = _random(seed)
    wires, trees = _packed(chips, links, vectors)
    load = np.zeros(len(wires.source), dtype=np.int64)
    for root, parents, count in zip(trees.unit, trees.parents, trees.vectors, strict=True):
        met = {int(root)}
        for _ in range(chips):
            met |= {node for node in range(chips) if parents[node] >= 0 and int(wires.source[parents[node]]) in met}
        assert met == set(range(chips))
        into = np.delete(parents, root)
        assert wires.destination[into].tolist() == np.delete(np.arange(chips), root).tolist()
        load[into] += count
    assert np.bincount(trees.unit, weights=trees.vectors).tolist() == vectors
    assert (load <= _through(wires, _narrowest(wires, vectors))).all()


def test_all_links_of_a_ring_carry_a_vector() -> None:
    """Tests three chips with a vector each: two enter each chip over its two links, in one cycle.

    So each of the six links is in one tree. The two links of the first two trees leave no choice to the third.
    """
    _, trees = _packed(3, ring(3), [1, 1, 1])
    assert sorted(trees.parents[trees.parents >= 0].tolist()) == list(range(6))
    assert trees.vectors.tolist() == [1, 1, 1]
