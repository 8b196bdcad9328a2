"""Tests of the work of a dense FFN on the chips, by hand."""

from __future__ import annotations

from dataclasses import replace

from lpxsched.workload.costs import Cost, shard_costs
from lpxsched.workload.datatypes import Precision
from lpxsched.workload.model import Ffn
from lpxsched.workload.parts.dense import dense_pieces
from lpxsched.workload.parts.piece import Decoding
from tests.fabric.examples import CHIP
from tests.workload.parts.around import ONE, around

FP8 = Precision("fp8", "fp8", "bf16")
STEP = Decoding(2, 8, "fp8", FP8, "fp8", 4)


def test_a_dense_ffn_by_hand() -> None:
    """Tests two rows of 16 columns and 8 columns inside, 4 of them on each of two chips, with biases of two bytes."""
    pieces = dense_pieces(Ffn(8, 3, biases=True), ONE, FP8, STEP)
    first, second = shard_costs({piece.kind: piece.work for piece in pieces}, CHIP, 2)
    # up and gate: 4 x 2 x (16 weights and a bias), rows of 16 bytes in, 4 x 2 numbers of bf16 out
    assert second["dense_in"] == Cost("fp8", 144 + 2 * (16 + 16), 2 * 128, 40, 144, "fp8", "sharded")
    # 8 numbers and the scale in, 4 of fp8 out; each is scaled; a pair takes four operations for the sigmoid, one more
    assert second["dense_activate"] == Cost("bf16", 2 * (16 + 2 + 4), 2 * 4 * (2 + 5), 3)
    # down: 4 x 16 weights, 4 bytes in, 16 numbers of bf16 out; 16 biases and the residual on the first chip
    assert second["dense_out"] == Cost("fp8", 64 + 2 * (4 + 32), 2 * 64, 40, 64, "fp8", "sharded")
    assert first["dense_out"] == Cost("fp8", 64 + 32 + 2 * (4 + 64), 2 * 64 + 2 * 16, 40, 96, "fp8", "sharded")


def test_two_matrices_square_what_is_between() -> None:
    """Tests that one number of a column comes, is scaled and squared."""
    pieces = dense_pieces(Ffn(8, 2), ONE, FP8, STEP)
    shard = shard_costs({piece.kind: piece.work for piece in pieces}, CHIP, 2)[1]
    assert shard["dense_in"].weight_bytes == 4 * 16
    assert shard["dense_activate"] == Cost("bf16", 2 * (8 + 2 + 4), 2 * 4 * 2, 3)


def test_blocks_of_rows_read_all_weights_once() -> None:
    """Tests that in three blocks weights, products and pipelines are those of one, and that a row is read once more.

    What is between is read for each block that leaves: 4 bytes for each of two rows and two further blocks.
    """
    whole, parts = (
        shard_costs({piece.kind: piece.work for piece in pieces}, CHIP, 2)[1]
        for pieces in (dense_pieces(Ffn(8, 3), around(*columns), FP8, STEP) for columns in ((16,), (8, 4, 4)))
    )
    for name in ("weight_bytes", "macs", "fixed_cycles", "sram_bytes"):
        more = 2 * 2 * 4 if name == "sram_bytes" else 0
        assert sum(getattr(cost, name) for cost in parts.values()) == more + sum(
            getattr(cost, name) for cost in whole.values()
        )


def test_scales_of_blocks_keep_columns_together() -> None:
    """Tests 40 columns in nvfp4: blocks of 16, so that a chip has 24 at most, with 4.5 bits each."""
    types = replace(FP8, weights="nvfp4")
    pieces = dense_pieces(Ffn(40, 3), ONE, types, STEP)
    shards = shard_costs({piece.kind: piece.work for piece in pieces}, CHIP, 2)
    assert [shard["dense_out"].weight_bytes for shard in shards] == [32 * 16 * 9 // 16, 8 * 16 * 9 // 16]
