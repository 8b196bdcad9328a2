"""Tests of the work of attention, by hand."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lpxsched.workload.costs import Cost, shard_costs
from lpxsched.workload.datatypes import Precision
from lpxsched.workload.model import Attention
from lpxsched.workload.parts.attention import attention_pieces, bundles
from lpxsched.workload.parts.piece import Decoding, Entry
from tests.fabric.examples import CHIP
from tests.workload.parts.around import ONE, around

# Two rows, each of a user with eight rows.
STEP = Decoding(2, 8, "fp8", Precision("fp8", "fp8", "bf16"), "fp8", 4)


def costs_on(mixer: Attention, width: int) -> list[dict[str, Cost]]:
    """Return the cost of each operator on each chip, of rows of 16 columns."""
    pieces = attention_pieces(mixer, ONE, CHIP, width, STEP)
    return shard_costs({piece.kind: piece.work for piece in pieces}, CHIP, width)


@pytest.mark.parametrize(
    ("heads", "kv_heads", "width", "expected"),
    [
        (64, 8, 4, (8, 8)),  # two key heads a chip
        (64, 8, 8, (8, 8)),  # one each
        (64, 8, 16, (16, 4)),  # two chips share a key head
        (64, 8, 24, (16, 4)),  # 32 bundles would put two of one key head on a chip
        (64, 8, 256, (64, 1)),  # no more parts than query heads
        (24, 2, 7, (6, 4)),  # 12 query heads a key head in 3 parts
    ],
)
def test_heads_are_dealt_in_bundles(heads: int, kv_heads: int, width: int, expected: tuple[int, int]) -> None:
    """Tests number and query heads of the bundles."""
    assert bundles(heads, kv_heads, width) == expected


@given(st.integers(1, 9), st.integers(1, 12), st.integers(1, 40))
def test_bundles_are_all_heads_and_share_a_chip_with_no_part_of_theirs(kv_heads: int, shared: int, width: int) -> None:
    """Tests that no head is left out, and that heads of keys are parted over different chips alone."""
    number, queries = bundles(kv_heads * shared, kv_heads, width)
    assert number * queries == kv_heads * shared
    assert number % kv_heads == 0
    assert number == kv_heads or number <= width


def test_attention_by_hand() -> None:
    """Tests two rows on two chips, each with one bundle: two query heads, one key head, four columns a head.

    A bundle projects 2 + 2 heads: 16 columns of 16 weights. Each row sees 8 rows, so that it makes 2 x 8 scores.
    """
    first, second = costs_on(Attention(4, 2, 4), 2)
    # weights 16 x 16; two rows of 16 bytes in, of 16 columns in bf16 out
    assert first["qkv"] == Cost("fp8", 256 + 2 * (16 + 32), 2 * 256, 40, 256, "fp8", "sharded")
    # by row and column 4 numbers of bf16 in, 2 queries, key and value of fp8 out, key and value into the cache
    # and the scale of each row, by which all 16 numbers are multiplied
    assert first["rotate"].sram_bytes == 2 * 4 * (8 + 4 + 2) + 2 * 2
    assert first["rotate"].macs == 2 * 4 * (3 * 3 + 1) + 2 * 16
    # keys 8 x 4 bytes a row; 8 bytes of queries, 16 scores in bf16
    assert first["scores"] == Cost("fp8", 2 * (32 + 8 + 32), 2 * 2 * 8 * 4, 40, 2 * 32, "fp8", "sharded", "keys")
    assert first["softmax"] == Cost("bf16", 2 * (32 + 16), 2 * 4 * 16, 3 * 3)
    assert first["values"] == Cost("fp8", 2 * (32 + 16 + 8), 2 * 2 * 8 * 4, 43, 2 * 32, "fp8", "sharded", "values")
    # weights 8 x 16; 8 bytes in, 32 out; the first chip reads and adds 16 columns of the residual
    assert first["out"] == Cost("fp8", 128 + 2 * (8 + 32 + 32), 2 * 128 + 2 * 16, 40, 128, "fp8", "sharded")
    assert second["out"] == Cost("fp8", 128 + 2 * (8 + 32), 2 * 128, 40, 128, "fp8", "sharded")


def test_chips_that_share_a_key_head_each_keep_it() -> None:
    """Tests four chips with two key heads: each has one query head, and the keys of a whole head."""
    shards = costs_on(Attention(4, 2, 4), 4)
    assert [shard["scores"].weight_bytes for shard in shards] == [2 * 32] * 4
    assert [shard["scores"].macs for shard in shards] == [2 * 8 * 4] * 4
    assert [shard["qkv"].weight_bytes for shard in shards] == [3 * 4 * 16] * 4


def test_a_window_bounds_what_is_seen_and_kept() -> None:
    """Tests that with a window of three of eight rows 3 x 4 bytes of keys lie on a chip for each of two rows."""
    shard = costs_on(Attention(4, 2, 4, window=3), 2)[0]
    assert shard["scores"].weight_bytes == 2 * 3 * 4
    assert shard["values"].macs == 2 * 2 * 3 * 4


def test_gates_and_biases_and_keys_that_are_values() -> None:
    """Tests the columns of a bundle's projection: 2 queries, 2 gates, 1 key that is the value; biases of two bytes."""
    shard = costs_on(Attention(4, 2, 4, keys_are_values=True, gated=True, biases=True), 2)[0]
    assert shard["qkv"].weight_bytes == 5 * 4 * (16 + 2)
    # the two gated heads, their gates, and what leaves
    assert shard["gate"] == Cost("bf16", 2 * 4 * 3 * 2, 2 * 4 * 4 * 2, 3)
    # both are kept: keys are turned, values are not
    assert shard["values"].weight_bytes == shard["scores"].weight_bytes == 2 * 32
    assert shard["out"].weight_bytes == 2 * 4 * 16 + 2 * 16


def test_rows_of_one_user_share_what_is_kept() -> None:
    """Tests two rows of one user: keys of 8 rows x 4 bytes are kept and read once, scores are those of both rows."""
    drafts = replace(STEP, rows_per_user=2)
    pieces = attention_pieces(Attention(4, 2, 4), ONE, CHIP, 2, drafts)
    scores = shard_costs({piece.kind: piece.work for piece in pieces}, CHIP, 2)[0]["scores"]
    assert scores == Cost("fp8", 32 + 2 * (8 + 32), 2 * 2 * 8 * 4, 40, 32, "fp8", "sharded", "keys")


@pytest.mark.parametrize(
    ("window", "entry", "rows"),
    [
        (3, None, 4),  # places 5 to 7 and 6 to 8
        (8, None, 8),  # no more than the context
        (3, Entry(0, 1, 4), 6),  # places 3 to 5, .. and 6 to 8 of four rows that one step enters
    ],
)
def test_of_a_window_all_is_kept_that_the_rows_of_a_step_see(window: int, entry: Entry | None, rows: int) -> None:
    """Tests two rows of one user: keys of so many rows x 4 bytes are kept and read, each row sees its window."""
    drafts = replace(STEP, rows_per_user=2, entry=entry)
    pieces = attention_pieces(Attention(4, 2, 4, window=window), ONE, CHIP, 2, drafts)
    scores = shard_costs({piece.kind: piece.work for piece in pieces}, CHIP, 2)[0]["scores"]
    assert scores.weight_bytes == 4 * rows
    # Both rows read two queries of four bytes, and leave the scores of two heads in bf16.
    assert scores.sram_bytes == 4 * rows + 2 * (8 + 2 * 2 * window)
    assert scores.macs == 2 * 2 * 4 * window


def test_rows_come_and_go_in_blocks() -> None:
    """Tests two blocks of 12 and 4 columns: only the last of those that come, and the first of those that go, pays 40.

    A bundle of 16 numbers has 16 x 12 and 16 x 4 weights; two rows of 12 and 4 bytes come, 16 sums in bf16 leave at the
    end. Of its 8 numbers 12 and 4 columns are made, of which the first chip adds those of the residual.
    """
    pieces = attention_pieces(Attention(4, 2, 4), around(12, 4), CHIP, 2, STEP)
    first, second = shard_costs({piece.kind: piece.work for piece in pieces}, CHIP, 2)
    assert first["qkv"] == Cost("fp8", 192 + 2 * 12, 2 * 192, 0, 192, "fp8", "sharded")
    assert first["qkv_2"] == Cost("fp8", 64 + 2 * (4 + 32), 2 * 64, 40, 64, "fp8", "sharded")
    assert second["out"] == Cost("fp8", 96 + 2 * (8 + 24), 2 * 96, 40, 96, "fp8", "sharded")
    assert second["out_2"] == Cost("fp8", 32 + 2 * (8 + 8), 2 * 32, 0, 32, "fp8", "sharded")
    assert first["out_2"] == Cost("fp8", 32 + 2 * (8 + 8 + 8), 2 * 32 + 2 * 4, 0, 32, "fp8", "sharded")
    read = {piece.kind: [name for name, _ in piece.inputs] for piece in pieces}
    assert read["qkv_2"] == ["rows_1", "projected_1"]
    assert read["rotate"] == ["projected", "scale"]
    assert read["out_2"] == ["heads", "output_0", "before_1"]


def test_a_context_is_split_where_that_is_shorter() -> None:
    """Tests one key head of four queries on four chips of the toy chip, by what is read and a hop of 400 cycles.

    Split a chip keeps 1 / 4 of the keys. Of 40 rows it would read some hundred bytes less: not worth a hop. Of 100,000
    rows it is. Then all four queries are projected on each chip, and a row of each tells four numbers.
    """
    long = replace(STEP, context=100_000, hop_cycles=400)
    short, split, kept = (
        {piece.kind: piece for piece in attention_pieces(Attention(4, 1, 4), ONE, CHIP, 4, step)}
        for step in (replace(long, context=40), long, replace(long, hop_cycles=None))
    )
    assert "merge" not in short
    assert "merge" not in kept
    costs = shard_costs({kind: piece.work for kind, piece in split.items()}, CHIP, 4)
    assert [shard["scores"].weight_bytes for shard in costs] == [2 * 25_000 * 4] * 4
    assert [shard["qkv"].weight_bytes for shard in costs] == [(4 + 2) * 4 * 16] * 4
    assert [shard["out"].weight_bytes for shard in costs] == [4 * 4 * 16] * 4
    # four numbers of two bytes of each of two rows are read and told
    assert costs[0]["statistics"] == Cost("bf16", 2 * 2 * 4 * 2, 2 * 4, 3)
    # 16 numbers of fp8 in and out, four of each of four parts; three operations on these and a product with those
    assert costs[0]["merge"] == Cost("bf16", 2 * (16 + 16 + 32), 2 * (3 * 16 + 16), 4 * 3)
    shape = split["statistics"].shape
    assert shape is not None
    assert (shape.rows, shape.columns, shape.layout) == (4 * 2, 4, "sharded")


def test_a_part_keeps_no_more_than_its_rows() -> None:
    """Tests that 10 rows in three parts are four at most on a chip, of a window of 7 three."""
    for window, rows in ((0, 10), (7, 3)):
        mixer = Attention(3, 1, 4, window=window)
        step = replace(STEP, context=10, hop_cycles=-1_000)
        pieces = {piece.kind: piece.work for piece in attention_pieces(mixer, ONE, CHIP, 3, step)}
        most = 4 if rows == 10 else rows
        assert shard_costs(pieces, CHIP, 3)[2]["values"].weight_bytes == 2 * most * 4
