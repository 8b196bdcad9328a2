"""Tests of the work of mixers with a state, by hand."""

from __future__ import annotations

from dataclasses import replace

import pytest

from lpxsched.workload.costs import Cost, shard_costs
from lpxsched.workload.datatypes import Precision
from lpxsched.workload.model import LinearAttention, StateSpace
from lpxsched.workload.parts.piece import Decoding
from lpxsched.workload.parts.recurrent import delta_pieces, state_pieces
from tests.fabric.examples import CHIP
from tests.workload.parts.around import ONE

# Two rows, each of a user of its own.
STEP = Decoding(2, 8, "fp8", Precision("fp8", "fp8", "bf16"), "fp8", 4)
# Two key heads of 3 columns, four value heads of 4; the convolution sees 4 rows.
DELTA = LinearAttention(2, 4, 3, 4, 4)
# Four heads of 4 columns in two groups, a state of 3.
STATE = StateSpace(4, 4, 2, 3, 4)


def delta_costs(width: int, decoding: Decoding = STEP) -> list[dict[str, Cost]]:
    """Return the cost of each operator of the delta rule on each chip, of rows of 16 columns."""
    pieces = delta_pieces(DELTA, ONE, width, decoding)
    return shard_costs({piece.kind: piece.work for piece in pieces}, CHIP, width)


def test_the_delta_rule_by_hand() -> None:
    """Tests one key head a chip: 2 x 3 columns of key and query, 2 x 4 of values, as many gates, 2 x 2 scalars: 26."""
    shard = delta_costs(2)[1]
    assert shard["delta_in"] == Cost("fp8", 416 + 2 * (16 + 52), 2 * 416, 40, 416, "fp8", "sharded")
    # 14 columns are mixed: 4 taps and a bias in bf16; 3 rows of each of two users, read and written; 26 numbers leave
    assert shard["delta_convolve"].sram_bytes == 140 + 2 * (2 * 3 * 14 * 2) + 2 * (52 + 26 + 2)
    # the scale of a row multiplies all 26
    assert shard["delta_convolve"].macs == 2 * ((4 + 1 + 4) * 14 + 3 * 6 + 26)
    assert shard["delta_convolve"].weight_bytes == 140 + 2 * 3 * 14 * 2
    # two heads of 3 x 4 numbers in fp32 for each of two users, read and written; 26 numbers in, 16 out
    assert shard["delta"].sram_bytes == 2 * (2 * 2 * 12 * 4) + 2 * (26 + 16)
    assert (shard["delta"].macs, shard["delta"].weight_bytes) == (2 * 4 * 2 * 12, 2 * 2 * 12 * 4)
    assert shard["delta"].fixed_cycles == 3 * 3
    assert shard["delta_norm"] == Cost("bf16", 16 + 2 * 24, 2 * 7 * 8, 6, 16, "bf16", "sharded")
    assert shard["delta_out"] == Cost("fp8", 128 + 2 * (8 + 32), 2 * 128, 40, 128, "fp8", "sharded")


def test_chips_may_share_a_key_head() -> None:
    """Tests four chips: each has one value head, and the columns of a whole key and query."""
    for shard in delta_costs(4):
        assert shard["delta_in"].weight_bytes == (6 + 4 + 4 + 2) * 16
        assert shard["delta"].weight_bytes == 2 * 12 * 4


def test_rows_of_a_user_follow_each_other() -> None:
    """Tests that two rows of one user pay for the pipeline twice, and find one state."""
    shard = delta_costs(2, replace(STEP, rows_per_user=2))[0]
    assert shard["delta"].fixed_cycles == 2 * 3 * 3
    assert shard["delta"].weight_bytes == 2 * 12 * 4


@pytest.mark.parametrize("width", [2, 4])
def test_a_group_of_a_state_space_stays_whole(width: int) -> None:
    """Tests two chips with a group each, others with none: 2 x 3 columns of B and C, 2 x 4, as many gates, 2 steps."""
    pieces = state_pieces(STATE, ONE, STEP)
    shards = shard_costs({piece.kind: piece.work for piece in pieces}, CHIP, width)
    assert [shard["state_in"].weight_bytes for shard in shards] == [24 * 16, 24 * 16, 0, 0][:width]
    # decay, product and sum: three operations for each of 2 x 12 numbers and two rows
    assert [shard["state"].macs for shard in shards] == [2 * 3 * 24, 2 * 3 * 24, 0, 0][:width]
    assert shards[0]["state_convolve"].macs == 2 * (9 * 14 + 24)
    assert shards[0]["state_out"].weight_bytes == 128
