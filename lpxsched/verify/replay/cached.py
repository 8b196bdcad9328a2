"""Attention over a cache that grows from step to step: each shard keeps keys and values of its own heads.

A cache is an array of places, the oldest first. Before the first step it holds rows that follow from the seed; each
step adds its own, so that a step finds what the steps before it have written on that chip, right or wrong.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import numpy as np

from lpxsched.verify.replay.arithmetic import drawn, generator
from lpxsched.verify.replay.attention import HEAD, Heads, rotated
from lpxsched.verify.replay.field import dot, softmax
from lpxsched.verify.replay.units import by_user

if TYPE_CHECKING:
    from lpxsched.timetable.columns import Integers
    from lpxsched.verify.replay.attention import Shape
    from lpxsched.verify.replay.functions import Values


class Cached(Heads):
    """An operator that adds what `Rotate` left of new rows to a cache, and reads all of it."""

    __slots__ = ()
    # Which input holds the new rows, and what of them is kept: the number in what `rotated` returns.
    PLACE: ClassVar[int] = 0
    PART: ClassVar[int] = 2

    @property
    def name(self) -> str:
        """Return the name of what is kept."""
        return f"{self.setting.operator.name}, cache"

    def kept(self, shard: int | None) -> Values:
        """Return the cache before the first step, shape (places, users, bundles, HEAD)."""
        shape, setting = self.shape, self.setting
        users = setting.operator.rows // shape.rows_per_user
        key = (setting.round.micro_batch, setting.operator.layer, setting.operator.kind)
        past = drawn(generator(setting.seed, "cache", *key), shape.past, users, shape.kv_heads, HEAD)
        return {self.name: past[:, :, self.key_heads(self.deal.units(shard))]}

    def keep(self, shard: int | None, inputs: Values) -> Values:
        """Return the cache with the new rows."""
        shape, new = self.shape, rotated(self, self.PLACE, shard, inputs)[self.PART]
        return {self.name: np.concatenate([inputs[self.name], by_user(new, shape.rows_per_user)])}

    def context(self, shard: int | None, inputs: Values) -> Integers:
        """Return what every row's user has in the cache, 0 for rows to come; shape (rows, bundles, seen, HEAD)."""
        shape, cache = self.shape, self.keep(shard, inputs)[self.name]
        return whole_context(shape, cache).swapaxes(1, 2)


def whole_context(shape: Shape, cache: Integers) -> Integers:
    """Return a cache (places, users, ...) for each row, 0 for places to come; shape (rows, seen, ...)."""
    room = np.zeros((shape.seen, *cache.shape[1:]), dtype=np.int64)
    room[: len(cache)] = cache
    return np.repeat(room.swapaxes(0, 1), shape.rows_per_user, axis=0)


class Scores(Cached):
    """Products of queries with the keys of the context; 0 for what a row does not see."""

    __slots__ = ()

    def numbers(self) -> int:
        """Return how many numbers of a row and bundle it leaves."""
        return self.shape.queries * self.shape.seen

    def left(self, bundles: Integers, shard: int | None, inputs: Values) -> Integers:
        """Return the scores of bundles."""
        queries, keys = rotated(self, 0, shard, inputs)[0], self.context(shard, inputs)
        scores = dot(queries[:, :, :, None], keys[:, :, None])
        scores = np.where(self.shape.visible(len(scores))[:, None, None], scores, 0)
        return np.asarray(scores.reshape(*scores.shape[:2], self.numbers()))


class Softmax(Heads):
    """Exponentials of the scores over their sum."""

    __slots__ = ()

    def numbers(self) -> int:
        """Return how many numbers of a row and bundle it leaves."""
        return self.shape.queries * self.shape.seen

    def left(self, _: Integers, shard: int | None, inputs: Values) -> Integers:
        """Return the weights of bundles."""
        shape = self.shape
        scores = self.unpacked(0, self.numbers(), shard, inputs)
        by_head = scores.reshape(*scores.shape[:2], shape.queries, shape.seen)
        return softmax(by_head, shape.visible(len(scores))[:, None, None]).reshape(scores.shape)


class Weighed(Cached):
    """Values of the context, each times its weight."""

    __slots__ = ()
    PLACE: ClassVar[int] = 1
    PART: ClassVar[int] = 3

    def left(self, bundles: Integers, shard: int | None, inputs: Values) -> Integers:
        """Return what heads give."""
        shape = self.shape
        weights = self.unpacked(0, shape.queries * shape.seen, shard, inputs)
        by_head = weights.reshape(*weights.shape[:2], shape.queries, 1, shape.seen)
        values = self.context(shard, inputs)
        heads = dot(by_head, values.swapaxes(2, 3)[:, :, None])
        return np.asarray(heads.reshape(*heads.shape[:2], self.numbers()))
