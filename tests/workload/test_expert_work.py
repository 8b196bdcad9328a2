"""Tests of what experts take on their chips, in blocks of columns that are dealt from expert to expert."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from hypothesis import given
from hypothesis import strategies as st

from lpxsched.workload.costs import cycles, layer_work, shard_cost, shard_costs
from lpxsched.workload.datatypes import Precision
from lpxsched.workload.expert_blocks import Blocks, blocks_of
from lpxsched.workload.expert_runs import worst_runs
from lpxsched.workload.expert_work import sliced_experts
from lpxsched.workload.ffns import FfnLayer
from lpxsched.workload.model import Experts
from lpxsched.workload.work import Share
from tests.fabric.examples import CHIP
from tests.workload.examples import FP8

if TYPE_CHECKING:
    from lpxsched.workload.work import Work


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


def test_what_is_not_coarse_is_as_it_was() -> None:
    """Tests that 6 columns on two chips are dealt to both for every expert."""
    work = works_on(2, number=3, columns=6, matrices=3)["experts"]
    assert (work.shares, work.columns, work.sizes) == ((), 6, ())


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
