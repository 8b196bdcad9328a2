"""How demands are cut into blocks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lpxsched.schedule.policy import MOST_BLOCKS
from lpxsched.schedule.routes.blocks import Cut, candidate_cuts, cut_blocks, slower_cuts
from tests.schedule.instances import both_ways, path_of_three, summed, two_chips, wide
from tests.strategies import cuts, instances

if TYPE_CHECKING:
    from lpxsched.schedule.problem.instance import Instance


def _ranges(instance: Instance, cut: Cut) -> list[tuple[int, int, int]]:
    blocks = cut_blocks(instance, cut)
    return list(zip(blocks.piece.tolist(), blocks.first_vector.tolist(), blocks.vectors.tolist(), strict=True))


@given(instances(), cuts())
@settings(max_examples=60, deadline=None)
def test_blocks_are_every_vector_once(instance: Instance, cut: Cut) -> None:
    """Tests that blocks, in their order, are the vectors of every demand one after the other."""
    vectors = [(d, first + k) for d, first, length in _ranges(instance, cut) for k in range(length)]
    assert vectors == [(d, k) for d, n in enumerate(instance.demand_vectors.tolist()) for k in range(n)]


@pytest.mark.parametrize(
    ("cut", "reduction", "expected"),
    [
        (Cut(4, 1), False, [4, 4, 2]),
        (Cut(4, 3), True, [3, 3, 3, 1]),
        (Cut(1, 1, 2, 2), True, [1, 1, 2, 2, 4]),  # two of one length, then twice as long
        (Cut(9, 2, 1, 3), True, [2, 6, 2]),  # the last is what is left
        (Cut(4, 1, 2, 2), False, [4, 4, 2]),  # only sums grow
    ],
)
def test_lengths_of_blocks(cut: Cut, reduction: bool, expected: list[int]) -> None:
    """Tests the cut of a demand of ten vectors."""
    assert cut.lengths(10, reduction=reduction) == expected


def test_copies_and_sums_are_cut_by_their_own_rule() -> None:
    """Tests that in the layer of two chips inputs stay whole and outputs are cut."""
    assert _ranges(two_chips(), Cut(2, 1)) == [
        (0, 0, 2),
        (1, 0, 2),
        (2, 0, 1),
        (2, 1, 1),
        (3, 0, 1),
        (3, 1, 1),
    ]


@given(instances())
@settings(max_examples=30, deadline=None)
def test_candidates_differ_and_cut_something(instance: Instance) -> None:
    """Tests that there is a candidate, none is tried twice, and whole streams come first."""
    candidates = candidate_cuts(instance)
    assert candidates
    assert len(set(candidates)) == len(candidates)
    assert candidates[0].copy_vectors == instance.demand_vectors.max()


@given(instances())
@settings(max_examples=20, deadline=None)
def test_slower_cuts_are_others(instance: Instance) -> None:
    """Tests that cuts that grow after longer runs keep copies whole, are told apart, and that none is tried twice."""
    slower = slower_cuts(instance)
    assert slower
    assert len(set(slower)) == len(slower)
    assert {cut.copy_vectors for cut in slower} == {instance.demand_vectors.max()}
    lanes = set(instance.network.lanes.tolist())
    assert not {cut for cut in slower if cut.lanes not in lanes} & set(candidate_cuts(instance))


def test_one_vector_needs_one_block() -> None:
    """Tests that for a demand of one vector each candidate makes the same single block."""
    instance = path_of_three()
    assert {tuple(_ranges(instance, cut)) for cut in candidate_cuts(instance)} == {((0, 0, 1),)}


@pytest.mark.parametrize("instance", [wide(2, 100_000), summed(2, both_ways([(0, 1)]), (0, 1), vectors=100_000)])
def test_huge_demands_are_cut_into_few_blocks(instance: Instance) -> None:
    """Tests that no candidate cuts 100,000 vectors into more blocks than can be scheduled."""
    candidates = candidate_cuts(instance)
    assert candidates
    assert max(len(cut_blocks(instance, cut)) for cut in candidates) <= MOST_BLOCKS


def test_more_demands_than_blocks_still_have_a_candidate(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests that where every cut has too many blocks, the one with the fewest is left."""
    monkeypatch.setattr("lpxsched.schedule.routes.blocks.MOST_BLOCKS", 3)
    candidates = candidate_cuts(two_chips())
    assert [len(cut_blocks(two_chips(), cut)) for cut in candidates] == [4]


@given(st.integers(1, 300), cuts(most_vectors=300))
@settings(max_examples=60, deadline=None)
def test_no_length_is_longer_than_the_rule_allows(vectors: int, cut: Cut) -> None:
    """Tests that copies keep the longest block, and sums of one length keep theirs."""
    assert max(cut.lengths(vectors, reduction=False)) <= cut.copy_vectors
    if not cut.lanes or cut.growth == 1:
        assert max(cut.lengths(vectors, reduction=True)) <= cut.reduce_vectors
