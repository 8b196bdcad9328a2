"""Tests of the functions of a whole model: shards against the dense run."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from lpxsched.verify.replay.arithmetic import PRIME
from lpxsched.verify.replay.functions import Linear
from lpxsched.verify.replay.placement import seen
from lpxsched.verify.replay.routings import ROUTINGS
from lpxsched.workload.model import Attention, Experts, Ffn, LatentAttention, LinearAttention, StateSpace
from lpxsched.workload.policy import Policy
from tests.verify.replay.whole import STEP, layer, whole_run

if TYPE_CHECKING:
    from lpxsched.verify.replay.dense import Dense
    from lpxsched.workload.lpu_visits import Visit

DENSE, SHARED = Ffn(8, 3), Ffn(8, 3, 1)
LAYERS: dict[str, Visit] = {
    "full": layer(Attention(4, 2, 4), dense=DENSE),
    "window": layer(Attention(4, 2, 4, window=2), dense=Ffn(8, 2)),
    "keys are values": layer(Attention(8, 2, 4, keys_are_values=True), dense=DENSE),
    "gated": layer(Attention(4, 1, 4, gated=True), dense=DENSE),
    "latent attention": layer(LatentAttention(4, 8, 8, 4, 2, 4), dense=DENSE),
    "latent attention of whole queries": layer(LatentAttention(4, 0, 8, 4, 2, 4), dense=DENSE),
    "delta rule": layer(LinearAttention(2, 4, 4, 4, 4), dense=DENSE),
    "state space": layer(StateSpace(4, 4, 2, 8, 2), dense=DENSE),
    "attention alone": layer(Attention(4, 2, 4)),
    "ffn alone": layer(dense=DENSE),
    "experts": layer(Attention(4, 2, 4), experts=Experts(4, 2, 8, 3)),
    "idle": layer(Attention(4, 2, 4), experts=Experts(4, 2, 8, 3, idle=2)),
    "shared": layer(Attention(4, 2, 4), experts=Experts(4, 2, 8, 2), shared=SHARED),
    "latent": layer(Attention(4, 2, 4), experts=Experts(4, 2, 8, 3, latent_columns=8), shared=SHARED),
}
WIDTHS = [(1, 1, 1), (2, 2, 2), (2, 3, 4), (3, 5, 2), (1, 9, 1)]


def assert_shards_make_the_dense_run(run: Dense) -> None:
    """Assert that summands add up to what is whole, and other parts lie where layouts say."""
    for number, operator in enumerate(run.model.operators):
        parts = [run.leaves(number, shard) for shard in range(run.model.settings[number].width)]
        for name in operator.outputs:
            whole, tensor = run.whole[name], run.model.tensors[name]
            assert ((whole >= 0) & (whole < PRIME)).all()
            if tensor.layout == "partial":
                assert np.array_equal(sum(part[name] for part in parts) % PRIME, whole), name
                continue
            for shard, part in enumerate(parts):
                view = seen(tensor, len(whole), len(parts), shard)
                assert np.array_equal(part[name], whole[view.first : view.end]), (name, shard)


@pytest.mark.parametrize("widths", WIDTHS, ids=str)
@pytest.mark.parametrize("kind", LAYERS)
def test_shards_of_each_part_make_the_dense_run(kind: str, widths: tuple[int, ...]) -> None:
    """Tests every operator of a model of one layer, some shards without a head, for two micro-batches."""
    runs = [whole_run(LAYERS[kind], widths=widths, micro_batch=number) for number in (0, 4)]
    for run in runs:
        assert_shards_make_the_dense_run(run)
        assert not run.without_run()
    assert not np.array_equal(*(run.whole["layer.1.output"] for run in runs))


@pytest.mark.parametrize("kind", LAYERS)
def test_drafts_of_one_user_make_the_dense_run(kind: str) -> None:
    """Tests four rows, two of each of two users."""
    run = whole_run(LAYERS[kind], widths=(2, 3, 2), decoding=replace(STEP, batch=4, rows_per_user=2))
    assert_shards_make_the_dense_run(run)


@pytest.mark.parametrize("kind", LAYERS)
def test_no_operator_of_a_whole_model_is_an_arbitrary_linear_map(kind: str) -> None:
    """Tests that only what makes rows narrower, a matrix, and what leaves nothing are linear maps."""
    narrower = {"latent": {"narrow"}}
    run = whole_run(LAYERS[kind], widths=(2, 2, 2))
    linear = {one.setting.operator.kind for one in run.functions.values() if isinstance(one, Linear)}
    assert linear == {"egress"} | narrower.get(kind, set())


@pytest.mark.parametrize("kind", ["experts", "idle", "shared", "latent"])
@pytest.mark.parametrize("width", [2, 3, 5])
def test_whole_experts_make_the_dense_run(kind: str, width: int) -> None:
    """Tests four experts on chips that hold some of them whole, or none."""
    step = replace(STEP, policy=Policy("whole"))
    for number in range(len(ROUTINGS)):
        run = whole_run(LAYERS[kind], widths=(1, width, 2), decoding=step, micro_batch=number)
        assert_shards_make_the_dense_run(run)
        assert not run.without_run()


@pytest.mark.parametrize("kind", ["experts", "shared", "latent"])
@pytest.mark.parametrize("width", [1, 2, 3, 5])
def test_rows_that_are_dispatched_make_the_dense_run(kind: str, width: int) -> None:
    """Tests three rows on chips that each route some of them, or none, and hold whole experts, or none."""
    step = replace(STEP, batch=3, policy=Policy("dispatch"))
    for number in range(len(ROUTINGS)):
        run = whole_run(LAYERS[kind], widths=(1, width, 2), decoding=step, micro_batch=number)
        assert_shards_make_the_dense_run(run)
        assert not run.without_run()
        # Whatever products chips make of rows of their own are linear maps.
        linear = {one.setting.operator.kind for one in run.functions.values() if isinstance(one, Linear)}
        assert linear == {"egress", "router_in"} | ({"narrow"} if kind == "latent" else set())


def test_two_layers_follow_each_other() -> None:
    """Tests that the second layer reads what the first left, on another number of chips."""
    run = whole_run(LAYERS["full"], LAYERS["experts"], widths=(2, 3, 2, 4))
    assert_shards_make_the_dense_run(run)
    assert np.array_equal(
        run.expected(next(n for n, one in enumerate(run.model.operators) if one.name == "layer.2.mixer_scale"), 1)[
            "layer.1.output"
        ],
        run.whole["layer.1.output"],
    )
