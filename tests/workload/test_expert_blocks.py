"""Tests of blocks of columns that are dealt over chips from expert to expert."""

from __future__ import annotations

from collections import Counter
from itertools import combinations, product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lpxsched.units import ceil_div
from lpxsched.workload.expert_blocks import Blocks
from lpxsched.workload.expert_runs import met_pairs, worst_runs


def on_chip(blocks: Blocks, chip: int) -> Counter[int]:
    """Return how many blocks of each expert lie on a chip, dealt one after the other."""
    every = [expert for expert in range(blocks.experts) for _ in range(blocks.each)]
    return Counter(every[chip :: blocks.width])


@pytest.mark.parametrize(
    ("each", "width", "coarse"),
    # ceil(b / w) w against 9 / 8 b: 9; 16 and 10.1; 16 and 10.1; 96 and 101.3; 102 and 101.3; 128 and 101.3
    [(9, 9, False), (9, 8, True), (9, 16, True), (90, 16, False), (90, 17, True), (90, 64, True), (2880, 256, False)],
)
def test_coarse_is_an_eighth_above_the_mean(each: int, width: int, coarse: bool) -> None:
    """Tests numbers of blocks and chips."""
    assert Blocks(128, each, 1, width).coarse == coarse


shapes = st.builds(Blocks, st.integers(1, 12), st.integers(1, 12), st.just(1), st.integers(1, 15))


@given(shapes)
def test_chips_hold_alike(blocks: Blocks) -> None:
    """Tests blocks in all, and of one expert, against dealing them."""
    held = blocks.held()
    assert held == [on_chip(blocks, chip).total() for chip in range(blocks.width)]
    assert max(held) - min(held) <= 1
    assert max(max(on_chip(blocks, chip).values(), default=0) for chip in range(blocks.width)) == blocks.most


@given(shapes, st.integers(1, 4), st.integers(1, 5), st.data())
def test_parts_of_experts_are_counted(blocks: Blocks, run_blocks: int, batch: int, data: st.DataObject) -> None:
    """Tests experts on a chip, their parts, and the pairs that come to them."""
    per_token = data.draw(st.integers(1, blocks.experts))
    for chip, held in enumerate(blocks.held()):
        parts = [ceil_div(times, run_blocks) for times in on_chip(blocks, chip).values()]
        least, met = max(1, ceil_div(blocks.each // blocks.width, run_blocks)), min(per_token, len(parts))
        larger = sum(one > least for one in parts)
        assert sum(parts) == least * len(parts) + larger
        assert blocks.pairs(held, run_blocks, batch, per_token) == (len(parts), batch, batch * met, least, larger)
        if blocks.coarse:
            assert blocks.met(held, per_token) == met


def most_runs(blocks: Blocks, chip: int, run_blocks: int, rows: int, routings: list[tuple[int, ...]]) -> int:
    """Return the most runs that a chip needs over numbers of rows of each expert."""
    parts = {expert: ceil_div(times, run_blocks) for expert, times in on_chip(blocks, chip).items()}
    return max(sum(times * ceil_div(met[expert], rows) for expert, times in parts.items()) for met in routings)


@pytest.mark.parametrize("per_token", [1, 2, 3])
@pytest.mark.parametrize("batch", [1, 2, 3])
def test_the_runs_are_the_most_over_all_routings(batch: int, per_token: int) -> None:
    """Tests every routing over 4 experts, row by row: numbers of blocks and chips, blocks and rows of a run."""
    choices = list(combinations(range(4), per_token))
    counted = {tuple(sum(e in row for row in rows) for e in range(4)) for rows in product(choices, repeat=batch)}
    for each, width in [(1, 3), (2, 3), (3, 4), (2, 7), (3, 2), (5, 4), (5, 3), (5, 2)]:
        blocks = Blocks(4, each, 1, width)
        for run_blocks, rows in product(range(1, blocks.most + 1), range(1, batch + 1)):
            for chip, held in enumerate(blocks.held()):
                said = worst_runs(blocks.pairs(held, run_blocks, batch, per_token), rows)
                assert said == most_runs(blocks, chip, run_blocks, rows, list(counted))


@given(shapes, st.integers(1, 12), st.data())
def test_runs_of_all_blocks_are_those_of_slices_at_most(blocks: Blocks, batch: int, data: st.DataObject) -> None:
    """Tests that a chip needs no more runs than if it held a slice of every expert, however many rows a run has."""
    per_token, rows = data.draw(st.integers(1, blocks.experts)), data.draw(st.integers(1, batch))
    slices = worst_runs(met_pairs(batch, blocks.experts, per_token), rows)
    for held in set(blocks.held()):
        assert worst_runs(blocks.pairs(held, blocks.most, batch, per_token), rows) <= slices
