"""Tests of attention on residues against loops over heads, rows and what they see."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from lpxsched.errors import InputError
from lpxsched.verify.replay.arithmetic import PRIME, drawn, generator
from lpxsched.verify.replay.attention import HEAD, Shape, heads_of, turned
from lpxsched.verify.replay.field import ROOT
from lpxsched.workload.model import Attention
from tests.verify.changes import with_graph
from tests.verify.replay.test_whole import assert_shards_make_the_dense_run
from tests.verify.replay.whole import (
    STEP,
    dense_run,
    layer,
    matrix_in_blocks,
    out_in_blocks,
    rows_in_blocks,
    scaled_rows,
    whole_build,
    whole_run,
)

if TYPE_CHECKING:
    from lpxsched.timetable.columns import Integers
    from lpxsched.verify.replay.dense import Dense
    from lpxsched.verify.replay.functions import Function

SHAPE = Shape(8, 4, 16, 4, 1, 1, 100, 0, 0, 0, 0, 1, 1)


def function(run: Dense, kind: str) -> Function:
    """Return the function of an operator of the layer."""
    return next(one for one in run.functions.values() if one.setting.operator.name == f"layer.1.{kind}")


def turn(pair: list[int], place: int) -> list[int]:
    """Return a pair turned by its place."""
    return [int(number) for number in turned(np.array([pair], dtype=np.int64), np.array([place]))[0]]


def attention(run: Dense, mixer: Attention, rows_per_user: int, past: int, window: int) -> Integers:
    """Return the layer's sum of heads and residual, from its rows on, by loops."""
    x = scaled_rows(run, "layer.1.mixer_rows")
    w = {
        name: matrix_in_blocks(run, "qkv", name, read="layer.1.mixer_rows", number=number, numbers=HEAD)
        for name, number in (("queries", mixer.heads), ("keys", mixer.kv_heads), ("values", mixer.kv_heads))
    }
    users = len(x) // rows_per_user
    cache = {
        name: drawn(generator(0, "cache", 0, 1, kind), past, users, mixer.kv_heads, HEAD)
        for name, kind in (("keys", "scores"), ("values", "values"))
    }
    result = rows_in_blocks(run, "layer.0.output")
    projection = out_in_blocks(run, "out", mixer.heads, HEAD)
    for row in range(len(x)):
        user, new = divmod(row, rows_per_user)
        for head in range(mixer.heads):
            kv = head * mixer.kv_heads // mixer.heads
            keys = [list(map(int, key)) for key in cache["keys"][:, user, kv]]
            values = [list(map(int, value)) for value in cache["values"][:, user, kv]]
            for number in range(new + 1):
                other = x[user * rows_per_user + number]
                keys.append(turn([int(one) % PRIME for one in other @ w["keys"][kv]], past + number))
                values.append([int(one) for one in other @ w["values"][kv]])
            query = turn([int(one) % PRIME for one in x[row] @ w["queries"][head]], past + new)
            seen = range(max(0, len(keys) - window), len(keys))
            powers = {
                t: pow(ROOT, sum(a * b for a, b in zip(query, keys[t], strict=True)) % PRIME, PRIME) for t in seen
            }
            inverse = pow(sum(powers.values()), -1, PRIME)
            for place in range(HEAD):
                number = sum(powers[t] * inverse * values[t][place] for t in seen) % PRIME
                result[row] += number * projection[head, place]
    return np.asarray(result % PRIME, dtype=np.int64)


@pytest.mark.parametrize("width", [1, 3])
@pytest.mark.parametrize(
    ("window", "rows_per_user", "context", "past", "sees"),
    [(0, 1, 8, 3, 9), (3, 1, 8, 3, 2), (0, 2, 8, 3, 9), (3, 2, 8, 3, 2), (0, 1, 1, 0, 9), (8, 1, 8, 3, 9)],
)
def test_attention_is_a_softmax_over_the_context(
    width: int, window: int, rows_per_user: int, context: int, past: int, sees: int
) -> None:
    """Tests four rows: three rows of the cache stand for seven, a window of two for one of three."""
    mixer = Attention(4, 2, 4, window=window)
    step = replace(STEP, batch=4, rows_per_user=rows_per_user, context=context)
    run = whole_run(layer(mixer), widths=(1, width, 1), decoding=step)
    expected = attention(run, mixer, rows_per_user, past, sees)
    assert np.array_equal(rows_in_blocks(run, "layer.1.output"), expected)


@pytest.mark.parametrize("width", [4, 5, 7])
@pytest.mark.parametrize(("gated", "rows_per_user"), [(False, 1), (True, 2)])
def test_a_context_may_be_split_over_chips(width: int, rows_per_user: int, *, gated: bool) -> None:
    """Tests two key heads on two or three chips each, which keep every other or every third row of the context.

    A hop of less than nothing makes that shorter. All chips give what a softmax over all rows gives.
    """
    mixer = Attention(4, 2, 4, gated=gated)
    step = replace(STEP, batch=4, rows_per_user=rows_per_user, hop_cycles=-1_000_000)
    run = whole_run(layer(mixer), widths=(1, width, 1), decoding=step)
    assert function(run, "merge").setting.operator.sizes["parts"] == width // 2
    assert_shards_make_the_dense_run(run)
    if not gated:
        assert np.array_equal(rows_in_blocks(run, "layer.1.output"), attention(run, mixer, rows_per_user, 3, 9))


def test_parts_keep_rows_of_their_own() -> None:
    """Tests four units of two key heads in two parts: each row of a head is kept by one of its two."""
    kept = replace(SHAPE, bundles=4, kv_heads=2, parts=2).kept_by(np.arange(4))
    assert np.array_equal(kept[:, 0], ~kept[:, 1])
    assert np.array_equal(kept[:3, :2], [[True, False], [False, True], [True, False]])
    assert np.array_equal(kept[:, :2], kept[:, 2:])


def test_a_turn_keeps_products_of_equal_distance() -> None:
    """Tests that the squares of a pair keep their sum, and that other places turn it otherwise."""
    pairs = drawn(generator(5), 6, HEAD)
    places = np.arange(6)
    turns = turned(pairs, places)
    assert np.array_equal((turns * turns % PRIME).sum(axis=1) % PRIME, (pairs * pairs % PRIME).sum(axis=1) % PRIME)
    same = turned(np.repeat(pairs[:1], 6, axis=0), places)
    assert len({tuple(pair) for pair in same.tolist()}) == 6


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({}, ""),
        ({"heads": 0}, "size of 0"),
        ({"bundles": 3}, "bundles"),
        ({"kv_heads": 3}, "bundles"),
        ({"head_columns": 8}, "64 columns"),
        ({"rows_per_user": 3}, "3 a user"),
        ({"context": 0}, "context of 0"),
    ],
)
def test_heads_that_do_not_fit_are_told(changes: dict[str, int], fault: str) -> None:
    """Tests 4 bundles of 16 columns, 64 in all, on two rows."""
    found = replace(SHAPE, **changes).fault(64, 2)
    assert bool(found) == bool(fault)
    assert fault in found


def test_an_operator_without_its_sizes_is_refused() -> None:
    """Tests that the missing size is named, and its operator."""
    build = whole_build(layer(Attention(4, 2, 4)), widths=(1, 1, 1))
    operators = build.graph.model_dump()["operators"]
    del next(one for one in operators if one["kind"] == "scores")["sizes"]["window"]
    with pytest.raises(InputError, match=r"graph\.json: layer\.1\.scores: says in sizes nothing of window"):
        dense_run(with_graph(build, operators=operators))


@pytest.mark.parametrize(
    ("kind", "fault"),
    [("embedding", "leaves 2 vectors of layer.0.output, which has 4"), ("out", "rows, columns or shares do not fit")],
)
def test_an_operator_of_other_rows_than_the_graph_says_is_refused(kind: str, fault: str) -> None:
    """Tests one row less than its tensors have: that is told of the operator, not of who reads it."""
    build = whole_build(layer(Attention(4, 2, 4)), widths=(1, 1, 1))
    operators = build.graph.model_dump()["operators"]
    next(one for one in operators if one["kind"] == kind)["rows"] = 1
    with pytest.raises(InputError, match=f"{kind}: {fault}"):
        dense_run(with_graph(build, operators=operators))


def test_what_a_row_does_not_see_has_no_score() -> None:
    """Tests that of five rows, three of the cache, the first new row sees four, the second, in a window of two, two."""
    run = whole_run(layer(Attention(4, 2, 4)), widths=(1, 1, 1), decoding=replace(STEP, rows_per_user=2))
    shape = heads_of(function(run, "scores").setting)
    assert shape.visible(2).tolist() == [[True] * 4 + [False], [True] * 5]
    windowed = replace(shape, window=2)
    assert windowed.visible(2).tolist() == [[False, False, True, True, False], [False, False, False, True, True]]
