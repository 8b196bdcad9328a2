"""Latent attention on residues: all heads share latent rows, of which few numbers stand for the columns.

A latent row holds what gives queries, then `HEAD` numbers for keys and values, then a pair that is turned by its place.
A head's query is brought to the numbers of keys and values, so that its scores are products with latent rows; what it
takes of them is brought to its values before the output projection.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lpxsched.units import ceil_div
from lpxsched.verify.replay.arithmetic import PRIME, drawn, generator, product
from lpxsched.verify.replay.attention import HEAD, Heads, shape_of, turned
from lpxsched.verify.replay.cached import Cached, whole_context
from lpxsched.verify.replay.field import dot, inverse_root
from lpxsched.verify.replay.functions import folded, sizes_of, weights_of
from lpxsched.verify.replay.rows import RowFunction
from lpxsched.verify.replay.units import by_user, summand

if TYPE_CHECKING:
    from lpxsched.timetable.columns import Integers
    from lpxsched.verify.replay.functions import Values

KEPT = 2 * HEAD


class LatentNorm(RowFunction):
    """Norms of both parts of a latent row; the pair is turned."""

    __slots__ = ()

    def lanes(self) -> int:
        """Return how many numbers a vector must hold: what is kept, and one for queries."""
        return ceil_div(KEPT + 1, self.setting.tensors[self.output].vectors_per_row)

    def image(self, _: int | None, inputs: Values) -> Integers:
        """Return the rows."""
        shape = shape_of(self.setting)
        x = folded(self.setting, self.read(0, inputs), self.setting.rows(self.output)[1])
        places = shape.places(len(x))
        parts = [x[:, :-KEPT], x[:, -KEPT:-HEAD]]
        normed = [inverse_root(dot(part, part))[:, None] * part % PRIME for part in parts]
        return np.concatenate([*normed, turned(x[:, -HEAD:], places)], axis=1)


class Absorb(Heads):
    """The query of each head as numbers of the latent row, and its pair."""

    __slots__ = ()

    def numbers(self) -> int:
        """Return how many numbers of a row and head it leaves."""
        return KEPT

    def left(self, heads: Integers, _: int | None, inputs: Values) -> Integers:
        """Return the queries of heads."""
        setting, number = self.setting, self.shape.heads
        x = setting.matrix(self.read(0), inputs[self.read(0)])
        x = x[:, :-KEPT] if sizes_of(setting.operator, "latent_queries")[0] else x
        weights = weights_of(setting, "queries", number, x.shape[1], KEPT)[heads]
        queries = product(x, weights.transpose(1, 0, 2).reshape(x.shape[1], -1)).reshape(len(x), len(heads), KEPT)
        keys = weights_of(setting, "keys", number, HEAD, HEAD)[heads]
        plain = dot(queries[:, :, None, :HEAD], keys.swapaxes(1, 2))
        return np.concatenate([plain, queries[:, :, HEAD:]], axis=2)


class LatentRotate(Heads):
    """Queries, the pair of each turned by its place."""

    __slots__ = ()

    def numbers(self) -> int:
        """Return how many numbers of a row and head it leaves."""
        return KEPT

    def left(self, _: Integers, shard: int | None, inputs: Values) -> Integers:
        """Return the queries of heads."""
        queries, shape = self.unpacked(0, KEPT, shard, inputs), self.shape
        places = shape.places(len(queries))
        return np.concatenate([queries[:, :, :HEAD], turned(queries[:, :, HEAD:], places)], axis=2)


class LatentCached(Cached):
    """An operator that adds new latent rows to a cache, and reads all of it; every shard keeps all rows."""

    __slots__ = ()

    def kept(self, _: int | None) -> Values:
        """Return the cache before the first step, shape (places, users, KEPT)."""
        shape, setting = self.shape, self.setting
        key = (setting.round.micro_batch, setting.operator.layer)
        users = setting.operator.rows // shape.rows_per_user
        return {self.name: drawn(generator(setting.seed, "cache", *key), shape.past, users, KEPT)}

    def keep(self, _: int | None, inputs: Values) -> Values:
        """Return the cache with the new rows."""
        new = self.setting.matrix(self.read(1), inputs[self.read(1)])[:, -KEPT:]
        return {self.name: np.concatenate([inputs[self.name], by_user(new, self.shape.rows_per_user)])}

    def latents(self, inputs: Values) -> Integers:
        """Return the latent rows of every row's user, 0 for rows to come; shape (rows, seen, KEPT)."""
        return whole_context(self.shape, self.keep(None, inputs)[self.name])


class LatentScores(LatentCached):
    """Products of queries with the latent rows of the context; 0 for what a row does not see."""

    __slots__ = ()

    def numbers(self) -> int:
        """Return how many numbers of a row and head it leaves."""
        return self.shape.queries * self.shape.seen

    def left(self, _: Integers, shard: int | None, inputs: Values) -> Integers:
        """Return the scores of heads."""
        queries = self.unpacked(0, KEPT, shard, inputs)
        scores = dot(queries[:, :, None], self.latents(inputs)[:, None])
        return np.where(self.shape.visible(len(scores))[:, None], scores, 0)


class LatentValues(LatentCached):
    """Latent rows of the context, each times its weight."""

    __slots__ = ()

    def left(self, _: Integers, shard: int | None, inputs: Values) -> Integers:
        """Return what heads take of the latent rows."""
        weights = self.unpacked(0, self.shape.seen, shard, inputs)
        rows = self.latents(inputs)[:, :, :HEAD]
        return dot(weights[:, :, None], rows.swapaxes(1, 2)[:, None])


class LatentOut(Heads):
    """The values of each head, and the output projection of them."""

    __slots__ = ()

    def lanes(self) -> int:
        """Return how many numbers a vector must hold: any."""
        return 1

    def outputs(self, shard: int | None, inputs: Values) -> Values:
        """Return rows."""
        heads = self.deal.units(shard)
        matrices = weights_of(self.setting, "values", self.shape.heads, HEAD, HEAD)[heads]
        values = dot(self.unpacked(0, HEAD, shard, inputs)[:, :, None], matrices.swapaxes(1, 2))
        return summand(self, values, heads, self.shape.heads, shard, inputs)
