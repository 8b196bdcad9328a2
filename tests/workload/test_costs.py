"""Tests of the worst case of each operator."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations, product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lpxsched.workload.costs import Cost, cycles, shard_costs, shard_sizes
from lpxsched.workload.datatypes import Precision
from tests.fabric.examples import CHIP
from tests.workload.examples import FP8, TOY, toy


def test_the_router_of_the_toy_model() -> None:
    """Tests one row, by hand: every chip computes the whole router.

    Weights (4 + 1 bias) x 3 experts x 2 bytes = 30; a row of 4 bytes in, 2 x 2 numbers of 2 bytes out = 12.
    """
    for shard in shard_costs(TOY, CHIP, 2, batch=1, precision=FP8):
        assert shard["router"] == Cost("bf16", 30 + 12, 4 * 3, 40, 30, "bf16", "replicated")


def test_the_experts_of_the_toy_model() -> None:
    """Tests one row on two chips, by hand: each holds 3 of 6 columns of all 3 experts.

    Matrices: 3 x 4 x 3 = 36 bytes of FP8. Biases of gate and up 2 x 3, on the first chip also 4 of down, 2 bytes each:
    56 bytes an expert on the first chip, 48 on the second. The row meets 2 experts: 2 x 36 products, and each time
    4 bytes in, 2 x 3 bytes between, 4 x 2 bytes of partial sum = 18. Pipeline: 2 x 40 + 3.
    """
    first, second = (shard["experts"] for shard in shard_costs(TOY, CHIP, 2, batch=1, precision=FP8))
    assert first == Cost("fp8", 2 * 56 + 2 * 18, 72, 83, 3 * 56, "fp8", "sharded")
    assert second == Cost("fp8", 2 * 48 + 2 * 18, 72, 83, 3 * 48, "fp8", "sharded")


def test_the_combine_of_the_toy_model() -> None:
    """Tests one row, by hand: two partial rows of 8 bytes in, one out; 2 x 4 operations."""
    for shard in shard_costs(TOY, CHIP, 2, batch=1, precision=FP8):
        assert shard["combine"] == Cost("bf16", 24, 8, 3)


def test_hosts_cost_nothing() -> None:
    """Tests that rows enter and leave without cost to a chip."""
    shard = shard_costs(TOY, CHIP, 1, batch=1, precision=FP8)[0]
    assert shard["ingress"] == shard["egress"] == Cost("none", 0, 0, 0)


@pytest.mark.parametrize(
    ("batch", "touched"),
    [(1, 2), (2, 3), (8, 3)],  # min(2 B, 3)
)
def test_no_more_experts_are_read_than_there_are(batch: int, touched: int) -> None:
    """Tests that weights are read once for each touched expert: 3 x 4 x 6 bytes and no biases, on one chip."""
    shard = shard_costs(toy(expert_biases=False), CHIP, 1, batch=batch, precision=FP8)[0]
    row_bytes = 4 + 2 * 6 + 8
    assert shard["experts"].sram_bytes == touched * 72 + 2 * batch * row_bytes
    assert shard["experts"].macs == 2 * batch * 72


@pytest.mark.parametrize("experts_per_token", [1, 2, 3])
@pytest.mark.parametrize("batch", [1, 2, 3])
def test_the_worst_case_is_met_and_never_exceeded(batch: int, experts_per_token: int) -> None:
    """Tests every routing of up to three rows over four experts, counted row by row, against the bound."""
    model = toy(experts=4, experts_per_token=experts_per_token, expert_biases=False)
    bound = shard_costs(model, CHIP, 1, batch=batch, precision=FP8)[0]["experts"]
    choices = list(combinations(range(4), experts_per_token))
    seen = []
    for routing in product(choices, repeat=batch):
        rows = [expert for choice in routing for expert in choice]
        matrix_bytes = sum(3 * 4 * 6 for _ in set(rows))
        row_bytes = sum(4 + 2 * 6 + 8 for _ in rows)
        seen.append(matrix_bytes + row_bytes)
        assert sum(3 * 4 * 6 for _ in rows) == bound.macs
    assert max(seen) == bound.sram_bytes


def test_a_chip_without_columns_still_gives_a_summand() -> None:
    """Tests one column on two chips: the second holds no weights and multiplies nothing, but writes its rows."""
    second = shard_costs(toy(expert_columns=1), CHIP, 2, batch=1, precision=FP8)[1]["experts"]
    assert (second.weight_bytes, second.macs, second.sram_bytes) == (0, 0, 2 * (4 + 8))


def test_blocks_that_share_a_scale_stay_together() -> None:
    """Tests 64 columns of MXFP4 on three chips: blocks of 32 go to two of them, the third holds none."""
    precision = Precision("mxfp4", "fp8", "bf16")
    shards = shard_costs(toy(expert_columns=64, expert_biases=False), CHIP, 3, batch=1, precision=precision)
    # 3 matrices x 4 x 32 x 4.25 bits / 8 = 204 bytes an expert
    assert [shard["experts"].weight_bytes for shard in shards] == [3 * 204, 3 * 204, 0]


def test_a_chip_may_ask_for_coarser_cuts() -> None:
    """Tests that columns are cut in multiples of what the chip asks for: 6 columns by 4 are 4 and 2."""
    shards = shard_costs(toy(expert_biases=False), replace(CHIP, shard_columns=4), 2, batch=1, precision=FP8)
    assert [shard["experts"].macs for shard in shards] == [2 * 3 * 4 * 4, 2 * 3 * 4 * 2]


@pytest.mark.parametrize(
    ("columns", "multiple", "width", "expected"),
    [
        (6, 1, 2, [3, 3]),
        (7, 1, 3, [3, 2, 2]),
        (2880, 32, 7, [416, 416, 416, 416, 416, 416, 384]),  # 90 blocks: six of 13, one of 12
        (100, 32, 2, [64, 36]),  # blocks 2 + 2, the last one 28 short
        (100, 32, 3, [64, 32, 4]),  # blocks 2 + 1 + 1, the last one 28 short
        (5, 32, 3, [5, 0, 0]),
    ],
)
def test_columns_are_dealt_in_blocks(columns: int, multiple: int, width: int, expected: list[int]) -> None:
    """Tests shares by hand, the larger ones first."""
    assert shard_sizes(columns, multiple, width) == expected


@given(st.integers(1, 5000), st.integers(1, 64), st.integers(1, 300))
def test_every_column_is_dealt_once(columns: int, multiple: int, width: int) -> None:
    """Tests that shares sum to the columns, are never negative, start at blocks, and are even to one block."""
    sizes = shard_sizes(columns, multiple, width)
    assert len(sizes) == width
    assert sum(sizes) == columns
    assert min(sizes) >= 0
    assert sizes == sorted(sizes, reverse=True)
    held = [size for size in sizes if size]
    assert all(size % multiple == 0 for size in held[:-1])
    blocks = [-(-size // multiple) for size in sizes]
    assert max(blocks) - min(blocks) <= 1


@pytest.mark.parametrize(
    ("unit", "cost", "expected"),
    [
        ("matrix", Cost("fp8", 101, 8, 40), 51),  # ceil(101 / 10) = 11 > 1, + 40
        ("matrix", Cost("fp8", 10, 81, 40), 51),  # ceil(81 / 8) = 11 > 1, + 40
        ("matrix", Cost("bf16", 10, 81, 0), 21),  # ceil(81 / 4)
        ("vector", Cost("bf16", 10, 81, 3), 44),  # ceil(81 / 2) + 3
        ("vector", Cost("fp32", 0, 0, 3), 3),
        ("host", Cost("none", 1000, 1000, 9), 0),
    ],
)
def test_the_slower_of_memory_and_arithmetic_decides(unit: str, cost: Cost, expected: int) -> None:
    """Tests durations on a chip of 10 bytes, 8 (FP8) or 4 (bf16) products and 2 vector operations a cycle."""
    assert cycles(cost, unit, CHIP) == expected


@given(st.integers(1, 40), st.integers(1, 20), st.integers(1, 30))
def test_more_chips_never_hold_more_each(columns: int, multiple: int, width: int) -> None:
    """Tests that the fullest chip of a wider group holds no more weights, so that the least width can be searched."""
    chip = replace(CHIP, shard_columns=multiple)
    narrow, wide = (
        max(
            shard["experts"].weight_bytes
            for shard in shard_costs(toy(expert_columns=columns), chip, chips, batch=1, precision=FP8)
        )
        for chips in (width, width + 1)
    )
    assert wide <= narrow
