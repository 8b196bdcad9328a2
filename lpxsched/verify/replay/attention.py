"""Softmax attention, exact on residues: every head for what it is, at few columns and over few rows of the context.

A head has `HEAD` numbers. A user's context is his new rows after those that earlier steps left in the cache, and before
them at most `PAST` rows whose keys and values follow from the seed; a window of his is at most `WINDOW` rows. A row
sees itself and what stands before it in the window. Query heads share keys and values of a head as the graph says; a
shard computes its own bundles, the dense run all heads.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from lpxsched.verify.replay.arithmetic import PRIME, product
from lpxsched.verify.replay.blocks import scales
from lpxsched.verify.replay.field import inverse, sigmoid
from lpxsched.verify.replay.functions import sizes_as, sound, weights_of
from lpxsched.verify.replay.units import Given

if TYPE_CHECKING:
    from lpxsched.timetable.columns import Flags, Integers
    from lpxsched.verify.replay.functions import Setting, Values
    from lpxsched.verify.replay.units import Share

HEAD, PAST, WINDOW = 2, 3, 2


@dataclass(frozen=True, slots=True)
class Shape:
    """Heads of an operator of attention as the graph states them, where they lie, and which step it is."""

    heads: int
    kv_heads: int
    head_columns: int
    bundles: int
    parts: int
    rows_per_user: int
    context: int
    window: int
    keys_are_values: int
    gated: int
    entered: int
    stay: int
    room: int
    step: int = 0
    steps: int = 1

    def fault(self, columns: int, rows: int) -> str:
        """Return why these are no heads; empty where they are."""
        if not all((self.heads, self.kv_heads, self.head_columns, self.bundles, self.parts, self.rows_per_user)):
            return "has a size of 0"
        # Parts of a context have the same heads.
        apart, cut = divmod(self.bundles, self.parts)
        if cut or self.heads % apart or apart % self.kv_heads or self.bundles * self.head_columns != columns:
            return f"deals {self.bundles} bundles of {self.heads} and {self.kv_heads} heads over {columns} columns"
        if rows % self.rows_per_user or self.context < self.rows_per_user:
            return f"has {rows} rows, {self.rows_per_user} a user, of a context of {self.context}"
        if not 0 < self.stay <= self.room or self.entered + self.rows_per_user > self.room:
            return f"enters {self.rows_per_user} rows behind {self.entered}, in a room of {self.room}"
        return ""

    @property
    def queries(self) -> int:
        """Query heads of a bundle."""
        return self.heads * self.parts // self.bundles

    @property
    def past(self) -> int:
        """Rows of the cache before the first step that are reckoned with."""
        return max(0, min(self.context - self._new, PAST))

    @property
    def seen(self) -> int:
        """Rows of a user that are reckoned with after the last step."""
        return self.past + self._new

    @property
    def begin(self) -> int:
        """Where the first new row of a user stands in his context, and all that is written over ends."""
        return self.past + self.step * self.stay + self.entered

    @property
    def _new(self) -> int:
        return (self.steps - 1) * self.stay + self.room

    def places(self, rows: int) -> Integers:
        """Return where each row stands in its user's context."""
        return self.begin + np.arange(rows) % self.rows_per_user

    def visible(self, rows: int) -> Flags:
        """Return which rows of its user's context each row sees; shape (rows, seen)."""
        place, other = self.places(rows)[:, None], np.arange(self.seen)[None, :]
        window = min(self.window, WINDOW) if 0 < self.window < self.context else self.seen
        return (other <= place) & (other > place - window)

    def kept_by(self, bundles: Integers) -> Flags:
        """Return which rows of a context each bundle keeps, in turn where parts share it; shape (seen, bundles)."""
        return np.asarray(np.arange(self.seen)[:, None] % self.parts == bundles % self.parts)

    def visible_to(self, bundles: Integers, rows: int) -> Flags:
        """Return which rows each row sees of those that bundles keep; shape (rows, bundles, 1, seen)."""
        return np.asarray(self.visible(rows)[:, None, None] & self.kept_by(bundles).T[:, None])

    def query_heads(self, bundles: Integers) -> Integers:
        """Return the query heads of bundles."""
        return (bundles[:, None] // self.parts * self.queries + np.arange(self.queries)).reshape(-1)

    def key_heads(self, bundles: Integers) -> Integers:
        """Return the key head of each bundle."""
        return bundles // (self.bundles // self.kv_heads)


def shape_of(setting: Setting) -> Shape:
    """Return the heads of an operator in its step; its rows are all of a step where no sizes tell of others."""
    told, of_step = setting.operator.sizes, setting.operator.sizes.get("rows_per_user", 0)
    among = {"entered": told.get("entered", 0), "stay": told.get("stay", of_step), "room": told.get("room", of_step)}
    return sizes_as(Shape, setting, step=setting.round.step, steps=setting.round.steps, **among)


def heads_of(setting: Setting) -> Shape:
    """Return the same of an operator whose columns are those of its bundles."""
    return sound(setting, shape_of(setting))


def head_columns(setting: Setting) -> int:
    """Return the columns of a bundle: those of its key head."""
    return heads_of(setting).head_columns


def query_numbers(setting: Setting) -> int:
    """Return how many numbers of a row and bundle queries, or what they give, have."""
    return heads_of(setting).queries * HEAD


def projected_numbers(setting: Setting) -> int:
    """Return how many numbers of a row and bundle the projection leaves."""
    shape = heads_of(setting)
    return HEAD * (shape.queries * (1 + shape.gated) + 2 - shape.keys_are_values)


def projected(share: Share, inputs: Values) -> Integers:
    """Return queries, their gates, keys and values of rows."""
    shape, x, bundles = heads_of(share.setting), share.rows(0, inputs), share.units
    queries, keys = shape.query_heads(bundles), shape.key_heads(bundles)
    wanted = [(name, queries, shape.heads, HEAD * shape.queries) for name in ("queries", "gates")[: 1 + shape.gated]]
    wanted += [(name, keys, shape.kv_heads, HEAD) for name in ("keys", "values")[: 2 - shape.keys_are_values]]
    parts = []
    for name, heads, number, each in wanted:
        weights = weights_of(share.setting, name, number, x.shape[1], HEAD)[heads]
        image = product(x, weights.transpose(1, 0, 2).reshape(x.shape[1], -1))
        parts.append(image.reshape(len(x), len(bundles), each))
    return np.concatenate(parts, axis=2)


def turned(heads: Integers, places: Integers) -> Integers:
    """Return pairs of numbers, turned by the place of their row; heads are of shape (rows, ..., HEAD).

    A turn is a cosine and a sine whose squares add up to 1: (1 - t^2, 2 t) / (1 + t^2).
    """
    t = (places + 1) * 48271 % PRIME
    scale = inverse((1 + t * t) % PRIME)
    cosine, sine = (1 - t * t) % PRIME * scale % PRIME, 2 * t * scale % PRIME
    turns = (len(heads), *[1] * (heads.ndim - 2))
    c, s, x, y = cosine.reshape(turns), sine.reshape(turns), heads[..., 0], heads[..., 1]
    return np.stack([(x * c - y * s) % PRIME, (x * s + y * c) % PRIME], axis=-1)


def rotated_numbers(setting: Setting) -> int:
    """Return how many numbers of a row and bundle are left once queries and keys are turned."""
    shape = heads_of(setting)
    return HEAD * (shape.queries * (1 + shape.gated) + 2)


def rotated(share: Share, inputs: Values) -> Integers:
    """Return all of it times the scale of its row, queries and keys turned by their place."""
    shape = heads_of(share.setting)
    x = share.unpacked(0, projected_numbers(share.setting), inputs) * scales(share.setting, inputs)[..., None] % PRIME
    x = x.reshape(*x.shape[:2], x.shape[2] // HEAD, HEAD)
    queries, key = shape.queries, shape.queries * (1 + shape.gated)
    places = shape.places(len(x))
    # Where keys are values, the value is the key as it was projected.
    parts = [turned(x[:, :, :queries], places), x[:, :, queries:key]]
    parts += [turned(x[:, :, key : key + 1], places), x[:, :, -1:]]
    whole = np.concatenate(parts, axis=2)
    return whole.reshape(*whole.shape[:2], rotated_numbers(share.setting))


def read_rotated(share: Share, place: int, inputs: Values) -> tuple[Integers, ...]:
    """Return queries, gates, keys and values of bundles from what `rotated` left."""
    shape = heads_of(share.setting)
    x = share.unpacked(place, rotated_numbers(share.setting), inputs)
    x = x.reshape(*x.shape[:2], x.shape[2] // HEAD, HEAD)
    queries, key = shape.queries, shape.queries * (1 + shape.gated)
    return x[:, :, :queries], x[:, :, queries:key], x[:, :, key], x[:, :, key + 1]


def gated(share: Share, inputs: Values) -> Integers:
    """Return what heads give, times the sigmoid of their gates."""
    heads = share.unpacked(0, query_numbers(share.setting), inputs)
    gates = read_rotated(share, 1, inputs)[1].reshape(heads.shape)
    return heads * sigmoid(gates) % PRIME


def given(share: Share, inputs: Values) -> Given:
    """Return what heads give to the output projection."""
    shape = heads_of(share.setting)
    return Given(share.unpacked(0, query_numbers(share.setting), inputs), shape.query_heads(share.units), shape.heads)
