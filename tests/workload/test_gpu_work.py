"""Tests of what GPUs read for a user: worked out by hand for shipped models and small mixers."""

from __future__ import annotations

import pytest

from lpxsched.workload.config.load import load_model
from lpxsched.workload.gpu_work import GpuWork, cache_bytes, gpu_works, held_bytes
from lpxsched.workload.model import Attention, LatentAttention, LinearAttention, Mixer, StateSpace, Unread
from tests.workload.config.examples import model


@pytest.mark.parametrize(
    ("mixer", "bytes_held"),
    [
        # Keys and values of 2 heads of 8 columns for each of 100 rows; of the last 30; keys that are values.
        (Attention(4, 2, 8), 100 * 2 * 2 * 8),
        (Attention(4, 2, 8, window=30), 30 * 2 * 2 * 8),
        (Attention(4, 2, 8, window=300, keys_are_values=True), 100 * 2 * 8),
        # A latent row of 16, 4 rotated columns, a key of the indexer of 3.
        (LatentAttention(4, 8, 16, 8, 4, 8, 2, 3), 100 * (16 + 4 + 3)),
        # Four bytes: a state of 3 x 5 x 7, and 2 rows of 2 x 2 x 5 + 3 x 7 columns.
        (LinearAttention(2, 3, 5, 7, 2), 4 * (3 * 5 * 7 + 2 * (2 * 2 * 5 + 3 * 7))),
        # A state of 2 x 3 x 6, and 4 rows of 2 x 3 + 2 x 1 x 6 columns.
        (StateSpace(2, 3, 1, 6, 4), 4 * (2 * 3 * 6 + 4 * (2 * 3 + 2 * 1 * 6))),
        (Unread(("heads",)), 0),
    ],
)
def test_what_a_user_keeps_in_a_mixer(mixer: Mixer, bytes_held: int) -> None:
    """Tests 100 rows of context at one byte a column."""
    assert held_bytes(mixer, 100, "fp8") == bytes_held


def test_rows_of_one_step_see_windows_one_after_the_other() -> None:
    """Tests three new rows: 32 are held of a window of 30 rows, at most 100, of two heads of 8 columns on two sides."""
    held = [held_bytes(Attention(4, 2, 8, window=window), 100, "fp8", 3) for window in (30, 99)]
    assert held == [32 * 2 * 2 * 8, 100 * 2 * 2 * 8]
    shipped = load_model("gpt-oss-120b")
    works = gpu_works(shipped, context=8192, kv="fp8", new_rows=3)
    assert {work.user_bytes for work in works[:36]} == {130 * 2 * 8 * 64, 8192 * 2 * 8 * 64}
    assert cache_bytes(shipped, context=8192, kv="fp8", new_rows=3) == sum(work.user_bytes for work in works)


def test_caches_of_kimi() -> None:
    """Tests 400,000 rows of 512 + 64 latent columns in 61 layers, at two bytes."""
    assert cache_bytes(load_model("kimi-k2"), context=400_000, kv="bf16") == 400_000 * 576 * 61 * 2


def test_gpt_oss_before_each_layer_and_at_the_end() -> None:
    """Tests windows of 128 in every other layer, 8 heads of 64, and an LM head of 201,088 x 2,880 at two bytes."""
    works = gpu_works(load_model("gpt-oss-120b"), context=8192, kv="fp8")
    assert len(works) == 37
    assert {work.user_bytes for work in works[:36]} == {128 * 2 * 8 * 64, 8192 * 2 * 8 * 64}
    assert works[36] == GpuWork(kernels=2, user_bytes=0, weight_bytes=201_088 * 2880 * 2)


def test_mixers_of_layers_without_an_ffn_come_before_the_next_that_has_one() -> None:
    """Tests 108 layers of Nemotron-3 in 48 visits: no mixer is lost, and a state is read and written."""
    shipped = load_model("nemotron-3-ultra")
    works = gpu_works(shipped, context=1000, kv="fp8")
    mixers = [mixer for layer in shipped.layers for mixer in layer.mixers]
    assert len(works) == 49
    assert sum(work.kernels for work in works) == len(mixers) + 2
    moved = [held_bytes(mixer, 1000, "fp8") * (2 if isinstance(mixer, StateSpace) else 1) for mixer in mixers]
    assert sum(work.user_bytes for work in works) == sum(moved)


def test_modules_that_guess_follow_the_head() -> None:
    """Tests two layers and two modules of one, of hidden size 8, two heads and a pair of keys and values of 4 columns.

    A mixer has 8 x (8 + 4 + 4 + 8) weights, a join 16 x 8, a head 10 x 8, two bytes each; for his three rows a user
    reads 100 rows of context, 8 bytes a row. Caches of modules are kept as those of the model.
    """
    read = model(num_nextn_predict_layers=2)
    works = gpu_works(read, context=100, kv="fp8", new_rows=3)
    mixer, join, head = GpuWork(1, 800, 384), GpuWork(1, 0, 256), GpuWork(2, 0, 160)
    assert works == (mixer, mixer, head + join + mixer, head + join + mixer, head)
    assert cache_bytes(read, context=100, kv="fp8", new_rows=3) == 4 * 800
    assert cache_bytes(read, context=100, kv="fp8") == 2 * 800
    # Three drafts are more than two modules guess in one visit each.
    assert gpu_works(read, context=100, kv="fp8", new_rows=4) == (mixer, mixer, head)
