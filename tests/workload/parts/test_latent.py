"""Tests of the work of latent attention, by hand."""

from __future__ import annotations

from lpxsched.workload.costs import Cost, shard_costs
from lpxsched.workload.datatypes import Precision
from lpxsched.workload.model import LatentAttention
from lpxsched.workload.parts.latent import latent_pieces
from lpxsched.workload.parts.piece import Decoding
from tests.fabric.examples import CHIP
from tests.workload.parts.around import ONE

# Two rows, each of a user with eight rows.
STEP = Decoding(2, 8, "fp8", Precision("fp8", "fp8", "bf16"), "fp8", 4)
# Four heads; latent rows of 6 columns for queries, 4 for keys and values, 2 turned; heads of 3 plain columns, 4 of
# values.
MIXER = LatentAttention(4, 6, 4, 3, 2, 4)


def costs_on(mixer: LatentAttention, width: int) -> list[dict[str, Cost]]:
    """Return the cost of each operator on each chip, of rows of 16 columns."""
    pieces = latent_pieces(mixer, ONE, STEP)
    return shard_costs({piece.kind: piece.work for piece in pieces}, CHIP, width)


def test_every_chip_makes_latent_rows_for_itself() -> None:
    """Tests 12 columns of 16 weights; two rows of 16 bytes in and 12 numbers of bf16 out; norms of 6 and 4 columns."""
    for shard in costs_on(MIXER, 2):
        assert shard["down"] == Cost("fp8", 192 + 2 * (16 + 24), 2 * 192, 40, 192, "fp8", "replicated")
        # weights of norms 10 x 2; 24 bytes and a scale in, 12 out, 6 into the cache; 3 x 10 and (3 + 1) x 2 operations
        assert shard["latent_norm"].sram_bytes == 20 + 2 * (24 + 2 + 12 + 6)
        assert shard["latent_norm"].macs == 2 * 38


def test_heads_by_hand() -> None:
    """Tests two chips with two heads each: a head has 6 x 5 + 3 x 4 = 42 weights before, 4 x 4 + 4 x 16 = 80 after."""
    first, second = costs_on(MIXER, 2)
    # 6 bytes of queries in, 2 x 6 numbers of bf16 out
    assert second["absorb"] == Cost("fp8", 84 + 2 * (6 + 24), 2 * 84, 83, 84, "fp8", "sharded")
    # 8 rows of 6 bytes for each of two users; a query of 6 bytes and 8 scores of bf16 a head
    assert second["latent_scores"].sram_bytes == 2 * 48 + 2 * 2 * (6 + 16)
    assert second["latent_scores"].macs == 2 * 2 * 8 * 6
    assert (second["latent_scores"].weight_bytes, second["latent_scores"].weight_layout) == (96, "replicated")
    assert second["softmax"].macs == 2 * 2 * 4 * 8
    # the 4 columns of values of the same rows, kept once
    assert second["latent_values"].sram_bytes == 2 * 32 + 2 * 2 * (8 + 4)
    assert second["latent_values"].weight_bytes == 0
    assert second["latent_out"] == Cost("fp8", 160 + 2 * (8 + 32), 2 * 160, 83, 160, "fp8", "sharded")
    assert first["latent_out"].macs == 2 * 160 + 2 * 16


def test_queries_may_come_from_whole_rows() -> None:
    """Tests that without latent queries a head has 16 x 5 + 3 x 4 weights, and latent rows 6 columns."""
    shard = costs_on(LatentAttention(4, 0, 4, 3, 2, 4), 4)[0]
    assert shard["absorb"].weight_bytes == 92
    # six numbers of one head are multiplied by the scale of their row: 2 x (3 x 2 + 4) operations without
    assert shard["latent_rotate"].macs == 2 * (10 + 6)
    assert shard["down"].weight_bytes == 96
