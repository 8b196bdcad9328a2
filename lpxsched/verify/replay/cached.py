"""Attention over a cache that grows from step to step: each shard keeps keys and values of its own heads.

A cache is an array of places, the oldest first. Before the first step it holds rows that follow from the seed; each
step adds its own, so that a step finds what the steps before it have written on that chip, right or wrong.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lpxsched.verify.replay.arithmetic import drawn, generator
from lpxsched.verify.replay.attention import HEAD, heads_of, read_rotated
from lpxsched.verify.replay.field import dot, softmax
from lpxsched.verify.replay.units import by_user

if TYPE_CHECKING:
    from lpxsched.timetable.columns import Integers
    from lpxsched.verify.replay.attention import Shape
    from lpxsched.verify.replay.functions import Setting, Values
    from lpxsched.verify.replay.units import Share


def cache_name(setting: Setting) -> str:
    """Return the name of what an operator keeps."""
    return f"{setting.operator.name}, cache"


def cached(share: Share) -> Values:
    """Return keys or values before the first step, shape (places, users, bundles, HEAD)."""
    shape, setting = heads_of(share.setting), share.setting
    users = setting.operator.rows // shape.rows_per_user
    key = (setting.round.micro_batch, setting.operator.layer, setting.operator.kind)
    past = drawn(generator(setting.seed, "cache", *key), shape.past, users, shape.kv_heads, HEAD)
    return {cache_name(setting): past[:, :, shape.key_heads(share.units)]}


def with_keys(share: Share, inputs: Values) -> Values:
    """Return the cache with the keys of new rows."""
    return _with_new(share, read_rotated(share, 0, inputs)[2], inputs)


def with_values(share: Share, inputs: Values) -> Values:
    """Return the cache with the values of new rows."""
    return _with_new(share, read_rotated(share, 1, inputs)[3], inputs)


def _with_new(share: Share, new: Integers, inputs: Values) -> Values:
    name = cache_name(share.setting)
    return {name: np.concatenate([inputs[name], by_user(new, heads_of(share.setting).rows_per_user)])}


def context_of_rows(shape: Shape, cache: Integers) -> Integers:
    """Return a cache (places, users, ...) for each row, 0 for places to come; shape (rows, seen, ...)."""
    room = np.zeros((shape.seen, *cache.shape[1:]), dtype=np.int64)
    room[: len(cache)] = cache
    return np.repeat(room.swapaxes(0, 1), shape.rows_per_user, axis=0)


def score_numbers(setting: Setting) -> int:
    """Return how many numbers of a row and bundle there are of scores, and of weights."""
    shape = heads_of(setting)
    return shape.queries * shape.seen


def scores(share: Share, inputs: Values) -> Integers:
    """Return products of queries with the keys of the context; 0 for what a row does not see."""
    shape, queries = heads_of(share.setting), read_rotated(share, 0, inputs)[0]
    keys = context_of_rows(shape, with_keys(share, inputs)[cache_name(share.setting)]).swapaxes(1, 2)
    found = dot(queries[:, :, :, None], keys[:, :, None])
    found = np.where(shape.visible(len(found))[:, None, None], found, 0)
    return np.asarray(found.reshape(*found.shape[:2], score_numbers(share.setting)))


def weights(share: Share, inputs: Values) -> Integers:
    """Return exponentials of the scores over their sum."""
    shape, found = heads_of(share.setting), share.unpacked(0, score_numbers(share.setting), inputs)
    by_head = found.reshape(*found.shape[:2], shape.queries, shape.seen)
    return softmax(by_head, shape.visible(len(found))[:, None, None]).reshape(found.shape)


def weighed(share: Share, inputs: Values) -> Integers:
    """Return values of the context, each times its weight."""
    shape, found = heads_of(share.setting), share.unpacked(0, score_numbers(share.setting), inputs)
    by_head = found.reshape(*found.shape[:2], shape.queries, 1, shape.seen)
    values = context_of_rows(shape, with_values(share, inputs)[cache_name(share.setting)]).transpose(0, 2, 3, 1)
    heads = dot(by_head, values[:, :, None])
    return np.asarray(heads.reshape(*heads.shape[:2], shape.queries * HEAD))
