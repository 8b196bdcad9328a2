"""Attention over a cache that grows from step to step: each shard keeps keys and values of its own heads.

A cache is an array of places, the oldest first. Before the first step it holds rows that follow from the seed; each
step adds its own, so that a step finds what the steps before it have written on that chip, right or wrong.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from lpxsched.errors import InputError
from lpxsched.verify.replay.arithmetic import PRIME, drawn, generator
from lpxsched.verify.replay.attention import HEAD, head_columns, heads_of, query_numbers, read_rotated
from lpxsched.verify.replay.dealt import Deal
from lpxsched.verify.replay.field import dot, exponential, inverse, softmax
from lpxsched.verify.replay.functions import GRAPH_FILE
from lpxsched.verify.replay.units import Share, by_user

if TYPE_CHECKING:
    from lpxsched.timetable.columns import Integers
    from lpxsched.verify.replay.attention import Shape
    from lpxsched.verify.replay.functions import Setting, Values


def cache_name(setting: Setting) -> str:
    """Return the name of what an operator keeps."""
    return f"{setting.keeper}, cache"


def cached(share: Share) -> Values:
    """Return keys or values before the first step, shape (places, users, bundles, HEAD)."""
    shape, setting = heads_of(share.setting), share.setting
    users = setting.operator.rows // shape.rows_per_user
    key = (setting.round.micro_batch, setting.operator.layer, setting.operator.kind)
    past = drawn(generator(setting.seed, "cache", *key), shape.past, users, shape.kv_heads, HEAD)
    return {cache_name(setting): _own(share, past[:, :, shape.key_heads(share.units)])}


def _own(share: Share, rows: Integers) -> Integers:
    """Return rows (places, users, bundles, HEAD), 0 for those that another part of the context keeps."""
    return rows * heads_of(share.setting).kept_by(share.units)[: len(rows), None, :, None]


def with_keys(share: Share, inputs: Values) -> Values:
    """Return the cache with the keys of new rows."""
    return _with_new(share, read_rotated(share, 0, inputs)[2], inputs)


def with_values(share: Share, inputs: Values) -> Values:
    """Return the cache with the values of new rows."""
    return _with_new(share, read_rotated(share, 1, inputs)[3], inputs)


def _with_new(share: Share, new: Integers, inputs: Values) -> Values:
    name, shape = cache_name(share.setting), heads_of(share.setting)
    return {name: _own(share, behind(shape, inputs[name], new))}


def behind(shape: Shape, cache: Integers, new: Integers) -> Integers:
    """Return a cache (places, users, ...) with new rows where they belong, and nothing behind them."""
    return np.concatenate([cache[: shape.begin], by_user(new, shape.rows_per_user)])


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
    found = np.where(shape.visible_to(share.units, len(found)), found, 0)
    return np.asarray(found.reshape(*found.shape[:2], score_numbers(share.setting)))


def weight_numbers(setting: Setting) -> int:
    """Return how many numbers a softmax leaves of a row and bundle: the sum of a head too where parts share it."""
    shape = heads_of(setting)
    return score_numbers(setting) + shape.queries * (shape.parts > 1)


def weights(share: Share, inputs: Values) -> Integers:
    """Return exponentials of the scores over their sum; where parts share a context, then their sums."""
    shape, found = heads_of(share.setting), share.unpacked(0, score_numbers(share.setting), inputs)
    by_head = found.reshape(*found.shape[:2], shape.queries, shape.seen)
    visible = shape.visible_to(share.units, len(found))
    left = softmax(by_head, visible).reshape(found.shape)
    if shape.parts == 1:
        return left
    return np.concatenate([left, np.where(visible, exponential(by_head), 0).sum(axis=3) % PRIME], axis=2)


def weighed(share: Share, inputs: Values) -> Integers:
    """Return values of the context, each times its weight."""
    shape, setting = heads_of(share.setting), share.setting
    found = share.unpacked(0, weight_numbers(setting), inputs)[:, :, : score_numbers(setting)]
    by_head = found.reshape(*found.shape[:2], shape.queries, 1, shape.seen)
    values = context_of_rows(shape, with_values(share, inputs)[cache_name(share.setting)]).transpose(0, 2, 3, 1)
    heads = dot(by_head, values[:, :, None])
    return np.asarray(heads.reshape(*heads.shape[:2], shape.queries * HEAD))


def merged(share: Share, inputs: Values) -> Integers:
    """Return what heads give of a part of their context, times its part of the sum of all exponentials."""
    shape, heads = heads_of(share.setting), share.unpacked(0, query_numbers(share.setting), inputs)
    # Chips without a bundle tell nothing.
    holders = np.flatnonzero(share.deal.sizes())
    sums = share.rows(1, inputs).reshape(share.setting.width, len(heads), -1)[holders, :, : shape.queries]
    of_head = sums.reshape(shape.bundles // shape.parts, shape.parts, len(heads), shape.queries).sum(axis=1) % PRIME
    factor = sums[share.units] * inverse(of_head[share.units // shape.parts]) % PRIME
    scaled = heads.reshape(*heads.shape[:2], shape.queries, HEAD) * factor.swapaxes(0, 1)[..., None] % PRIME
    return np.asarray(scaled.reshape(heads.shape))


@dataclass(frozen=True, slots=True)
class Told:
    """Of each shard a row for each of its rows: the sums of exponentials of its bundle; 0 where it has none.

    Raises
    ------
    InputError
        Where a shard has more than one bundle.
    """

    setting: Setting

    def __post_init__(self) -> None:
        """Refuse shards that would tell more than a vector holds."""
        if any(size > 1 for size in self._deal().sizes()):
            problem = "has several parts of a context on a shard, must have one at most"
            raise InputError(GRAPH_FILE, problem, key=self.setting.operator.name)

    def lanes(self) -> int:
        """Return how many numbers a vector must hold."""
        return heads_of(self.setting).queries

    def dense(self, inputs: Values) -> Values:
        """Return what all shards tell."""
        parts = np.split(self._sums(None, inputs), np.cumsum(self._deal().sizes())[:-1], axis=1)
        return {self.setting.output: np.concatenate([self._vectors(part) for part in parts])}

    def part(self, shard: int, inputs: Values) -> Values:
        """Return what a shard tells."""
        return {self.setting.output: self._vectors(self._sums(shard, inputs))}

    def _deal(self) -> Deal:
        return Deal(self.setting, head_columns(self.setting))

    def _sums(self, shard: int | None, inputs: Values) -> Integers:
        share = Share(self.setting, self._deal(), shard)
        return share.unpacked(0, weight_numbers(self.setting), inputs)[:, :, score_numbers(self.setting) :]

    def _vectors(self, sums: Integers) -> Integers:
        rows = np.zeros((len(sums), self.setting.rows(self.setting.output)[1]), dtype=np.int64)
        for one in range(sums.shape[1]):
            rows[:, : sums.shape[2]] = sums[:, one]
        return self.setting.vectors(rows)
