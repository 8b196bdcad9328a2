"""Tests of blocks of columns that are dealt over chips from expert to expert."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from itertools import combinations, product
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lpxsched.units import ceil_div
from lpxsched.workload.costs import cycles, layer_work, shard_cost, shard_costs
from lpxsched.workload.datatypes import Precision
from lpxsched.workload.expert_blocks import Blocks, blocks_of
from lpxsched.workload.expert_runs import met_pairs, worst_runs
from lpxsched.workload.expert_work import sliced_experts
from lpxsched.workload.ffns import FfnLayer
from lpxsched.workload.model import Experts
from lpxsched.workload.work import Share
from tests.fabric.examples import CHIP
from tests.workload.examples import FP8

if TYPE_CHECKING:
    from lpxsched.workload.work import Work


def on_chip(blocks: Blocks, chip: int) -> Counter[int]:
    """Return how many blocks of each expert lie on a chip, dealt one after the other."""
    every = [expert for expert in range(blocks.experts) for _ in range(blocks.each)]
    return Counter(every[chip :: blocks.width])


def works_on(width: int, *, shard_columns: int = 1, batch: int = 1, **experts: Any) -> dict[str, Work]:
    """Return the work of a layer of experts of rows of 4 columns, two of which a row meets."""
    chip, layer = replace(CHIP, shard_columns=shard_columns), FfnLayer(4, experts=Experts(per_token=2, **experts))
    return layer_work(layer, chip, width, batch=batch, precision=FP8)


def test_blocks_of_all_experts_are_dealt_one_after_the_other() -> None:
    """Tests 3 experts of 6 columns in 2 blocks of 3 on four chips, one row that meets two experts.

    Blocks of experts 0, 0, 1, 1, 2, 2 go to chips 0, 1, 2, 3, 0, 1. On the first two the row may meet both experts that
    lie there, on others one. A run reads 3 matrices x 4 x 3 = 36 bytes; a row moves 4 in, 2 x 3 between, 4 x 2 out.
    """
    works = works_on(4, shard_columns=3, number=3, columns=6, matrices=3)
    assert works["experts"].shares == (Share(2, 6, 2), Share(2, 6, 2), Share(1, 3, 1), Share(1, 3, 1))
    costs = [one["experts"] for one in shard_costs(works, CHIP, 4)]
    assert [one.sram_bytes for one in costs] == [2 * (36 + 18), 2 * (36 + 18), 36 + 18, 36 + 18]
    assert [one.macs for one in costs] == [72, 72, 36, 36]
    assert [one.weight_bytes for one in costs] == [72, 72, 36, 36]
    # Rows of 8 bytes in, two or one, and one out.
    assert [one["combine"].sram_bytes for one in shard_costs(works, CHIP, 4)] == [24, 24, 16, 16]


def test_a_chip_without_a_block_leaves_nothing_but_a_row() -> None:
    """Tests two experts of one block each on three chips."""
    last = shard_costs(works_on(3, number=2, columns=1, matrices=3), CHIP, 3)[2]
    assert (last["experts"].weight_bytes, last["experts"].sram_bytes, last["experts"].macs) == (0, 0, 0)
    assert last["combine"].sram_bytes == 8


def test_a_last_block_takes_as_much_room_as_others() -> None:
    """Tests 7 columns in blocks of 3 on four chips: three blocks each, 12 in all for four experts, 9 columns a chip."""
    work = works_on(4, shard_columns=3, number=4, columns=7, matrices=3)["experts"]
    assert [share.columns for share in work.shares] == [9] * 4
    assert (work.columns, work.column_block, dict(work.sizes)) == (7, 3, {"run_blocks": 1})


def test_each_column_brings_its_part_of_the_bias_of_down() -> None:
    """Tests 4 columns of a chip each: 3 x 4 bytes, 2 biases of 2 bytes, and 4 x 2 / 8 of those 8 bytes of down: 17."""
    costs = shard_costs(works_on(4, shard_columns=4, number=2, columns=8, matrices=3, biases=True), CHIP, 4)
    assert [one["experts"].weight_bytes for one in costs] == [4 * 17] * 4


@pytest.mark.parametrize(
    ("each", "width", "coarse"),
    # ceil(b / w) w against 9 / 8 b: 9; 16 and 10.1; 16 and 10.1; 96 and 101.3; 102 and 101.3; 128 and 101.3
    [(9, 9, False), (9, 8, True), (9, 16, True), (90, 16, False), (90, 17, True), (90, 64, True), (2880, 256, False)],
)
def test_coarse_is_an_eighth_above_the_mean(each: int, width: int, coarse: bool) -> None:
    """Tests numbers of blocks and chips."""
    assert Blocks(128, each, 1, width).coarse == coarse


def test_what_is_not_coarse_is_as_it_was() -> None:
    """Tests that 6 columns on two chips are dealt to both for every expert."""
    work = works_on(2, number=3, columns=6, matrices=3)["experts"]
    assert (work.shares, work.columns, work.sizes) == ((), 6, ())


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


@given(st.integers(2, 9), st.integers(1, 60), st.integers(1, 20), st.integers(1, 24), st.integers(1, 16))
def test_no_chip_takes_longer_than_with_slices(
    number: int, columns: int, shard_columns: int, width: int, batch: int
) -> None:
    """Tests cycles and bytes of experts against those of the same columns of every expert on every chip."""
    experts, chip = Experts(number, 2, columns, 3), replace(CHIP, shard_columns=shard_columns)
    blocks = blocks_of(experts, "fp8", chip, width)
    work = layer_work(FfnLayer(4, experts=experts), chip, width, batch=batch, precision=FP8)["experts"]
    slices = sliced_experts(4, experts, chip, blocks, batch=batch, precision=FP8)
    times, sizes = [], []
    for one in (work, slices):
        costs = [shard_cost(one, chip, share, at) for at, share in enumerate(one.on(width, shard_columns))]
        times.append(max(cycles(cost, "matrix", chip) for cost in costs))
        sizes.append(max(cost.weight_bytes for cost in costs))
    assert times[0] <= times[1]
    assert sizes[0] <= sizes[1]


def test_gpt_oss_on_sixty_four_chips() -> None:
    """Tests 90 blocks of MXFP4 of 128 experts: 180 on a chip, 52 experts of two, 76 of one, in runs of one block.

    Where reading takes the time a run is short: two blocks of each expert would be 256 blocks.
    """
    experts, chip = Experts(128, 4, 2880, 3), replace(CHIP, matrix_macs_per_cycle={"fp8": 10_000})
    blocks = blocks_of(experts, "mxfp4", chip, 64)
    assert blocks == Blocks(128, 90, 32, 64)
    assert set(blocks.held()) == {180}
    assert blocks.pairs(180, 1, 64, 4) == (128, 64, 64 * 4, 1, 52)
    # Each expert one row, then (256 - 128) / 8 further runs of two blocks.
    assert worst_runs(blocks.pairs(180, 1, 64, 4), 8) == 180 + 16 * 2
    precision = Precision("mxfp4", "fp8", "bf16")
    work = layer_work(FfnLayer(2880, experts=experts), chip, 64, batch=64, precision=precision)["experts"]
    assert dict(work.sizes) == {"run_blocks": 1}
