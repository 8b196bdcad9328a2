"""Latent attention on residues: all heads share latent rows, of which few numbers stand for the columns.

A latent row holds what gives queries, then `HEAD` numbers for keys and values, then a pair that is turned by its place.
A head's query is brought to the numbers of keys and values, so that its scores are products with latent rows; what it
takes of them is brought to its values before the output projection. Every shard keeps all latent rows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lpxsched.units import ceil_div
from lpxsched.verify.replay.arithmetic import PRIME, drawn, generator, product
from lpxsched.verify.replay.attention import HEAD, heads_of, shape_of, turned
from lpxsched.verify.replay.blocks import scales, weights_of_all
from lpxsched.verify.replay.cached import behind, cache_name, context_of_rows
from lpxsched.verify.replay.field import dot, inverse_root
from lpxsched.verify.replay.functions import folded, sizes_of, weights_of
from lpxsched.verify.replay.units import Given

if TYPE_CHECKING:
    from lpxsched.timetable.columns import Integers
    from lpxsched.verify.replay.functions import Setting, Values
    from lpxsched.verify.replay.units import Share

KEPT = 2 * HEAD


def latent_lanes(setting: Setting) -> int:
    """Return how many numbers a vector of latent rows must hold: what is kept, and one for queries."""
    return ceil_div(KEPT + 1, setting.tensors[setting.output].vectors_per_row)


def latent_norm(setting: Setting, _: int | None, inputs: Values) -> Integers:
    """Return latent rows, both parts normed, the pair turned."""
    rows = setting.input_rows(0, inputs) * scales(setting, inputs) % PRIME
    x = folded(setting, rows, setting.rows(setting.output)[1])
    parts = [x[:, :-KEPT], x[:, -KEPT:-HEAD]]
    normed = [inverse_root(dot(part, part))[:, None] * part % PRIME for part in parts]
    return np.concatenate([*normed, turned(x[:, -HEAD:], shape_of(setting).places(len(x)))], axis=1)


def latent_numbers(_: Setting) -> int:
    """Return how many numbers of a row and head a query has."""
    return KEPT


def absorbed(share: Share, inputs: Values) -> Integers:
    """Return the query of each head as numbers of the latent row, and its pair."""
    setting, number, heads = share.setting, heads_of(share.setting).heads, share.units
    x = share.rows(0, inputs)
    x = x[:, :-KEPT] if sizes_of(setting.operator, "latent_queries")[0] else x
    weights = weights_of(setting, "queries", number, x.shape[1], KEPT)[heads]
    queries = product(x, weights.transpose(1, 0, 2).reshape(x.shape[1], -1)).reshape(len(x), len(heads), KEPT)
    keys = weights_of(setting, "keys", number, HEAD, HEAD)[heads]
    plain = dot(queries[:, :, None, :HEAD], keys.swapaxes(1, 2))
    return np.concatenate([plain, queries[:, :, HEAD:]], axis=2)


def latent_rotated(share: Share, inputs: Values) -> Integers:
    """Return queries, times the scale of their row where it is due, the pair of each turned by its place."""
    queries = share.unpacked(0, KEPT, inputs) * scales(share.setting, inputs)[..., None] % PRIME
    places = heads_of(share.setting).places(len(queries))
    return np.concatenate([queries[:, :, :HEAD], turned(queries[:, :, HEAD:], places)], axis=2)


def cached_latents(share: Share) -> Values:
    """Return the latent rows before the first step, shape (places, users, KEPT)."""
    shape, setting = heads_of(share.setting), share.setting
    random = generator(setting.seed, "cache", setting.round.micro_batch, setting.operator.layer)
    return {cache_name(setting): drawn(random, shape.past, setting.operator.rows // shape.rows_per_user, KEPT)}


def with_latents(share: Share, inputs: Values) -> Values:
    """Return the cache with new latent rows."""
    new, name = share.rows(1, inputs)[:, -KEPT:], cache_name(share.setting)
    return {name: behind(heads_of(share.setting), inputs[name], new)}


def latent_scores(share: Share, inputs: Values) -> Integers:
    """Return products of queries with the latent rows of the context; 0 for what a row does not see."""
    shape, queries = heads_of(share.setting), share.unpacked(0, KEPT, inputs)
    scores = dot(queries[:, :, None], _latents(share, inputs)[:, None])
    return np.where(shape.visible(len(scores))[:, None], scores, 0)


def latent_taken(share: Share, inputs: Values) -> Integers:
    """Return latent rows of the context, each times its weight."""
    weights = share.unpacked(0, heads_of(share.setting).seen, inputs)
    return dot(weights[:, :, None], _latents(share, inputs)[:, :, :HEAD].swapaxes(1, 2)[:, None])


def taken_numbers(_: Setting) -> int:
    """Return how many numbers of a row and head are taken of latent rows."""
    return HEAD


def latent_given(share: Share, inputs: Values) -> Given:
    """Return the values of each head."""
    number, heads = heads_of(share.setting).heads, share.units
    matrices = weights_of_all(share.setting, "values", number, HEAD, HEAD)[heads]
    return Given(dot(share.unpacked(0, HEAD, inputs)[:, :, None], matrices.swapaxes(1, 2)), heads, number)


def _latents(share: Share, inputs: Values) -> Integers:
    """Return the latent rows of every row's user, 0 for rows to come; shape (rows, seen, KEPT)."""
    return context_of_rows(heads_of(share.setting), with_latents(share, inputs)[cache_name(share.setting)])
