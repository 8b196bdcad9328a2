"""Tests of the worst case of each operator."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lpxsched.workload.costs import Cost, cycles, layer_work, shard_costs
from lpxsched.workload.datatypes import Precision
from lpxsched.workload.ffns import FfnLayer
from lpxsched.workload.model import Experts, Ffn
from lpxsched.workload.policy import Policy
from lpxsched.workload.work import shard_sizes
from tests.fabric.examples import CHIP
from tests.workload.examples import FP8, TOY, toy

if TYPE_CHECKING:
    from lpxsched.fabric.chip import Chip
    from lpxsched.workload.ffns import FfnModel


def costs_on(
    model: FfnModel, width: int, *, batch: int = 1, precision: Precision = FP8, chip: Chip = CHIP
) -> list[dict[str, Cost]]:
    """Return the cost of each operator kind on each chip of a group."""
    return shard_costs(layer_work(model.layers[0], chip, width, batch=batch, precision=precision), chip, width)


def test_the_router_of_the_toy_model() -> None:
    """Tests one row, by hand: every chip computes the whole router.

    Weights (4 + 1 bias) x 3 experts x 2 bytes = 30; a row of 4 bytes in, 3 logits of 2 bytes out = 10. The choice reads
    these 6 bytes and leaves 2 x 2 numbers of 2 bytes: each logit is compared and left out twice, two gates take three
    operations each. Two choices wait for each other, and three passes for gates: 5 x 3 cycles.
    """
    for shard in costs_on(TOY, 2):
        assert shard["router_in"] == Cost("bf16", 30 + 10, 4 * 3, 40, 30, "bf16", "replicated")
        assert shard["router"] == Cost("bf16", 6 + 8, 3 * 2 * 2 + 2 * 3, 5 * 3)


def test_the_experts_of_the_toy_model() -> None:
    """Tests one row on two chips, by hand: each holds 3 of 6 columns of all 3 experts.

    Matrices: 3 x 4 x 3 = 36 bytes of FP8. Biases of gate and up 2 x 3, on the first chip also 4 of down, 2 bytes each:
    56 bytes an expert on the first chip, 48 on the second. The row meets 2 experts: 2 x 36 products, and each time
    4 bytes in, 2 x 3 bytes between, 4 x 2 bytes of partial sum = 18. Pipeline: 2 x 40 + 3.
    """
    first, second = (shard["experts"] for shard in costs_on(TOY, 2))
    assert first == Cost("fp8", 2 * 56 + 2 * 18, 72, 83, 3 * 56, "fp8", "sharded")
    assert second == Cost("fp8", 2 * 48 + 2 * 18, 72, 83, 3 * 48, "fp8", "sharded")


def test_the_combine_of_the_toy_model() -> None:
    """Tests one row, by hand: two partial rows of 8 bytes in, one out; 2 x 4 operations."""
    for shard in costs_on(TOY, 2):
        assert shard["combine"] == Cost("bf16", 24, 8, 3)


def test_hosts_cost_nothing() -> None:
    """Tests that rows enter and leave without cost to a chip."""
    shard = costs_on(TOY, 1)[0]
    assert shard["ingress"] == shard["egress"] == Cost("none", 0, 0, 0)


@pytest.mark.parametrize(
    ("batch", "runs", "rows"),
    [
        # A run of c rows reads 3 x 4 x 6 = 72 bytes of weights and 24 c of rows (4 in, 2 x 6 between, 8 out) at 10 a
        # cycle, and makes 72 c products at 8 a cycle: max(7.2 + 2.4 c, 9 c) cycles, 9.6 for one row, 9 c for more.
        (1, 2, 1),  # one row meets two experts
        (2, 4, 1),  # 4 pairs: S(1) = min(3 x 2, 3 + 1) = 4, 38.4 cycles; S(2) = min(3, 3 + 0) = 3, 54
        (8, 16, 1),  # 16 pairs: S(1) = 16, 153.6 cycles; S(2) = min(12, 3 + 6) = 9, 162; S(3) = min(9, 3 + 4) = 7, 189
    ],
)
def test_experts_run_as_often_as_the_worst_routing_asks(batch: int, runs: int, rows: int) -> None:
    """Tests the runs on one chip, without biases: the bytes and products of all of them, by hand."""
    shard = costs_on(toy(expert_biases=False), 1, batch=batch)[0]
    assert shard["experts"].sram_bytes == runs * (72 + rows * 24)
    assert shard["experts"].macs == runs * rows * 72


def test_a_chip_without_columns_still_gives_a_summand() -> None:
    """Tests a dense FFN of one column on two chips: the second multiplies nothing, but writes its row of 8 bytes."""
    works = layer_work(FfnLayer(4, dense=Ffn(1, 3)), CHIP, 2, batch=1, precision=FP8)
    second = shard_costs(works, CHIP, 2)[1]["dense"]
    assert (second.weight_bytes, second.macs, second.sram_bytes) == (0, 0, 4 + 8)


def test_blocks_that_share_a_scale_stay_together() -> None:
    """Tests 96 columns of MXFP4 on two chips: two blocks of 32 of each expert go to the first, one to the second."""
    precision = Precision("mxfp4", "fp8", "bf16")
    layer = FfnLayer(4, dense=Ffn(96, 3))
    shards = shard_costs(layer_work(layer, CHIP, 2, batch=1, precision=precision), CHIP, 2)
    # 3 matrices x 4 x 32 x 4.25 bits / 8 = 204 bytes a block
    assert [shard["dense"].weight_bytes for shard in shards] == [2 * 204, 204]


def test_a_chip_may_ask_for_coarser_cuts() -> None:
    """Tests that columns are cut in multiples of what the chip asks for: 6 columns by 4 are 4 and 2."""
    shards = costs_on(toy(expert_biases=False), 2, chip=replace(CHIP, shard_columns=4))
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


def test_less_of_the_sram_may_reach_the_matrix_unit() -> None:
    """Tests a quarter of 10 bytes a cycle, rounded down: 2 on the matrix unit, all 10 on the vector unit."""
    chip = replace(CHIP, sram_efficiency=Fraction(1, 4))
    assert cycles(Cost("fp8", 101, 8, 0), "matrix", chip) == 51
    assert cycles(Cost("fp8", 101, 8, 0), "vector", chip) == 11


@given(st.integers(1, 40), st.integers(1, 20), st.integers(1, 30))
def test_more_chips_never_hold_more_each(columns: int, multiple: int, width: int) -> None:
    """Tests that the fullest chip of a wider group holds no more weights, biases that lie on one chip left out."""
    chip, model = replace(CHIP, shard_columns=multiple), toy(expert_columns=columns, expert_biases=False)
    narrow, wide = (
        max(shard["experts"].weight_bytes for shard in costs_on(model, chips, chip=chip))
        for chips in (width, width + 1)
    )
    assert wide <= narrow


def parts_on(width: int, *, batch: int = 1, **parts: Any) -> dict[str, Cost]:
    """Return the costs of the first of `width` chips for a layer of other parts, rows of 4 columns."""
    works = layer_work(FfnLayer(4, **parts), CHIP, width, batch=batch, precision=FP8)
    return shard_costs(works, CHIP, width)[0]


def test_a_dense_ffn() -> None:
    """Tests half of 6 columns on the first of two chips, by hand.

    Matrices 3 x 4 x 3 = 36 bytes, as many products a row; a row moves 4 bytes in, 2 x 3 between, 4 x 2 out = 18.
    """
    assert parts_on(2, dense=Ffn(6, 3))["dense"] == Cost("fp8", 36 + 18, 36, 83, 36, "fp8", "sharded")
    # The weights are read once, whatever the batch.
    assert parts_on(2, batch=2, dense=Ffn(6, 3))["dense"] == Cost("fp8", 36 + 2 * 18, 72, 83, 36, "fp8", "sharded")
    # Without a gate there are two matrices.
    assert parts_on(2, dense=Ffn(6, 2))["dense"] == Cost("fp8", 24 + 18, 24, 83, 24, "fp8", "sharded")


def test_experts_of_two_matrices() -> None:
    """Tests one row on two chips: each of 3 experts has 2 x 4 x 3 = 24 bytes there, and the row meets 2."""
    cost = parts_on(2, experts=Experts(3, 2, 6, 2))["experts"]
    assert cost == Cost("fp8", 2 * (24 + 18), 48, 83, 3 * 24, "fp8", "sharded")


def test_shared_experts_are_added_by_the_combine() -> None:
    """Tests a dense FFN beside the experts: the combine sums three rows of 8 bytes and writes one."""
    costs = parts_on(2, experts=Experts(3, 2, 6, 3), shared=Ffn(6, 3))
    assert costs["shared"] == Cost("fp8", 36 + 18, 36, 83, 36, "fp8", "sharded")
    assert costs["combine"] == Cost("bf16", (3 + 1) * 8, 3 * 4, 3)


def test_latent_experts() -> None:
    """Tests rows of 2 columns for experts, by hand; every chip holds both matrices of 4 x 2 whole.

    narrow   8 bytes of weights, 4 in and 2 out; 8 products
    experts  3 x 2 x 3 = 18 bytes an expert, a row 2 in, 6 between, 2 x 2 out = 12; two of three
    combine  two rows of 4 bytes in, one out; 2 x 2 operations
    widen    8 bytes of weights, 2 x 2 in, 4 x 2 of the shared ones in, 4 x 2 out; 8 products and 4 sums
    """
    costs = parts_on(2, experts=Experts(3, 2, 6, 3, latent_columns=2), shared=Ffn(6, 3))
    assert costs["narrow"] == Cost("fp8", 8 + 6, 8, 40, 8, "fp8", "replicated")
    assert costs["experts"] == Cost("fp8", 2 * (18 + 12), 36, 83, 3 * 18, "fp8", "sharded")
    assert costs["combine"] == Cost("bf16", 12, 4, 3)
    assert costs["widen"] == Cost("bf16", 8 + 4 + 8 + 8, 12, 40, 8, "fp8", "replicated")
    alone = parts_on(2, experts=Experts(3, 2, 6, 3, latent_columns=2))["widen"]
    assert alone == Cost("bf16", 8 + 4 + 8, 8, 40, 8, "fp8", "replicated")


def whole_on(width: int, *, batch: int = 1, **parts: Any) -> list[dict[str, Cost]]:
    """Return the costs on each chip of a layer of whole experts, rows of 4 columns."""
    layer = FfnLayer(4, policy=Policy(moe="whole"), **parts)
    return shard_costs(layer_work(layer, CHIP, width, batch=batch, precision=FP8), CHIP, width)


def test_whole_experts() -> None:
    """Tests one row that meets 2 of 3 experts, by hand: two on the first of two chips, one on the second.

    An expert has 3 x 4 x 6 = 72 bytes and as many products a row; a row moves 4 bytes in, 2 x 6 between, 4 x 2 out =
    24. The first chip may get two pairs, the second one.
    """
    first, second = whole_on(2, experts=Experts(3, 2, 6, 3))
    assert first["experts"] == Cost("fp8", 2 * (72 + 24), 2 * 72, 83, 2 * 72, "fp8", "sharded")
    assert second["experts"] == Cost("fp8", 72 + 24, 72, 83, 72, "fp8", "sharded")
    # Two rows of 8 bytes in and one out, and one in and one out.
    assert first["combine"] == Cost("bf16", 3 * 8, 2 * 4, 3)
    assert second["combine"] == Cost("bf16", 2 * 8, 4, 3)


def test_a_chip_without_an_expert_leaves_nothing_but_a_row() -> None:
    """Tests four chips for three experts: the last has no weights and no run, and writes a row of noughts."""
    last = whole_on(4, experts=Experts(3, 2, 6, 3))[3]
    assert last["experts"] == Cost("fp8", 0, 0, 83, 0, "fp8", "sharded")
    assert last["combine"] == Cost("bf16", 8, 0, 3)


def test_whole_experts_run_as_often_as_the_worst_routing_asks() -> None:
    """Tests 8 rows and 2 experts on the first chip, 1 on the second, of which a row meets 2, with biases.

    72 bytes of weights, 2 x 6 x 2 of biases of gate and up and 4 x 2 of down = 104 a run; 10 bytes and 8 products a
    cycle: max(10.4 + 2.4 c, 9 c). All 16 pairs may come to the first: S(1) = 16, 204.8 cycles; S(2) = min(8, 2 + 7) =
    8, 144; S(3) = min(6, 2 + 4) = 6, 162; S(8) = 2, 144: of equal plans the one of fewer rows. To the second come 8:
    S(1) = 8, 102.4; S(2) = 4, 72; S(8) = 1, 72.
    """
    first, second = whole_on(2, batch=8, experts=Experts(3, 2, 6, 3, biases=True))
    assert (first["experts"].macs, first["experts"].sram_bytes) == (16 * 72, 8 * 104 + 16 * 24)
    assert (second["experts"].macs, second["experts"].sram_bytes) == (8 * 72, 4 * 104 + 8 * 24)


def test_experts_without_weights_give_the_row_itself() -> None:
    """Tests that the router chooses among all 5, and that the first chip may add a row of 4 bytes."""
    first, second = whole_on(2, experts=Experts(3, 2, 6, 3, idle=2))
    assert first["router_in"].macs == 4 * 5
    assert first["router"].macs == 5 * 2 * 2 + 2 * 3
    assert first["combine"] == Cost("bf16", 3 * 8 + 4, 2 * 4 + 4, 3)
    assert second["combine"] == Cost("bf16", 2 * 8, 4, 3)


def test_parts_of_other_types() -> None:
    """Tests a shared expert in bf16 beside experts in fp8: twice the bytes, and products of bf16."""
    layer = FfnLayer(4, experts=Experts(3, 2, 6, 3), shared=Ffn(6, 3), types=(("shared", "bf16"),))
    shared = shard_costs(layer_work(layer, CHIP, 1, batch=1, precision=FP8), CHIP, 1)[0]["shared"]
    assert shared == Cost("bf16", 2 * 72 + 24, 72, 83, 2 * 72, "bf16", "sharded")


def test_sigmoids_of_all_choices_are_paid_for() -> None:
    """Tests one row, 3 choices and 2 of them: 3 operations a choice more, and an exponential of each gate less."""
    softmax, sigmoid = (
        shard_costs(layer_work(FfnLayer(4, experts=experts), CHIP, 1, batch=1, precision=FP8), CHIP, 1)[0]["router"]
        for experts in (Experts(3, 2, 6, 3), Experts(3, 2, 6, 3, sigmoid=True))
    )
    assert sigmoid == replace(softmax, macs=3 * (3 + 2 * 2) + 2 * 2)
    assert softmax.macs == 3 * 2 * 2 + 3 * 2


def test_gpus_that_route_leave_no_router() -> None:
    """Tests that chips then hold no weights of it."""
    layer = FfnLayer(4, experts=Experts(3, 2, 6, 3), policy=Policy(router="gpu"))
    assert not {"router_in", "router"} & layer_work(layer, CHIP, 1, batch=1, precision=FP8).keys()
