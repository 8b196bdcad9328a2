"""What is done to whole rows: norms and FFNs.

The scale of a row is the inverse root of the sum of its squares, over all blocks of columns; a norm is a row times its
scale and weights, where it leaves fewer or more vectors than it reads, numbers that lie at the same place are added or
repeated, each time with a weight. An FFN has one hidden number a shard, ``D (silu(G x) (U x))`` with three matrices and
``D (U x)^2`` with two.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from lpxsched.verify.replay.arithmetic import PRIME, product
from lpxsched.verify.replay.blocks import add_residual, block_of, laid_at, scales, side_by_side
from lpxsched.verify.replay.field import dot, inverse_root, silu
from lpxsched.verify.replay.functions import Setting, Values, folded, sizes_of, weights_of

if TYPE_CHECKING:
    from lpxsched.timetable.columns import Integers


# Rows of the output that one shard leaves, or for no shard all of them.
Image = Callable[[Setting, "int | None", Values], "Integers"]


def any_lanes(_: Setting) -> int:
    """Return that a vector may hold any number of numbers."""
    return 1


@dataclass(frozen=True, slots=True)
class Rows:
    """An operator of one output whose first input are rows that every shard has, or a summand of them.

    Attributes
    ----------
    setting : Setting
    image : callable
        What it leaves; the residual is added to that.
    least : callable
        How many numbers a vector must hold at least.
    """

    setting: Setting
    image: Image
    least: Callable[[Setting], int] = any_lanes

    def lanes(self) -> int:
        """Return how many numbers a vector must hold."""
        return self.least(self.setting)

    def dense(self, inputs: Values) -> Values:
        """Return whole rows."""
        return self._left(None, inputs)

    def part(self, shard: int, inputs: Values) -> Values:
        """Return what a shard leaves."""
        return self._left(shard, inputs)

    def _left(self, shard: int | None, inputs: Values) -> Values:
        vectors = self.setting.vectors(self.image(self.setting, shard, inputs))
        return {self.setting.output: add_residual(self.setting, vectors, shard, inputs)}


def scale_of_rows(setting: Setting, _: int | None, inputs: Values) -> Integers:
    """Return the scale of each row, as often as there is room for it."""
    x = side_by_side(setting, len(setting.operator.inputs), inputs)
    return np.repeat(inverse_root(dot(x, x))[:, None], setting.rows(setting.output)[1], axis=1)


@dataclass(frozen=True, slots=True)
class AtHome:
    """Norms rows, of which each shard has some of its own."""

    setting: Setting

    def lanes(self) -> int:
        """Return how many numbers a vector must hold: any."""
        return 1

    def dense(self, inputs: Values) -> Values:
        """Return all rows."""
        setting = self.setting
        x = side_by_side(setting, len(setting.operator.inputs), inputs)
        scaled = inverse_root(dot(x, x))[:, None] * folded(setting, x, setting.rows(setting.output)[1]) % PRIME
        return {setting.output: setting.vectors(scaled)}

    def part(self, shard: int, inputs: Values) -> Values:
        """Return the rows of a shard."""
        whole = {name: laid_at(self.setting, name, shard, values) for name, values in inputs.items()}
        return {name: self.setting.cut(name, shard, values) for name, values in self.dense(whole).items()}


def normed(setting: Setting, _: int | None, inputs: Values) -> Integers:
    """Return rows times their scale and weights."""
    (place,) = sizes_of(setting.operator, "scale")
    x = side_by_side(setting, place, inputs)
    return scales(setting, inputs) * folded(setting, x, setting.rows(setting.output)[1]) % PRIME


def ffn(setting: Setting, shard: int | None, inputs: Values) -> Integers:
    """Return what a dense FFN, or shared experts, make of rows with the hidden number of one shard, or of all."""
    x = setting.input_rows(0, inputs)
    (matrices,) = sizes_of(setting.operator, "matrices")
    hidden = setting.width if shard is None else 1
    mine = slice(None) if shard is None else slice(shard, shard + 1)
    up, gate = (weights_of(setting, name, setting.width, x.shape[1])[mine].T for name in ("up", "gate"))
    down = weights_of(setting, "down", setting.width, setting.rows(setting.output)[1])[mine]
    return product(activated(product(x, gate), product(x, up), matrices).reshape(-1, hidden), down)


def activated(gate: Integers, up: Integers, matrices: int) -> Integers:
    """Return hidden numbers: with a gate where there are three matrices, else squared."""
    return (silu(gate) * up if matrices == len(("gate", "up", "down")) else up * up) % PRIME


def rounded(setting: Setting, _: int | None, inputs: Values) -> Integers:
    """Return rows in vectors of another type, weighed."""
    return folded(setting, setting.input_rows(0, inputs), setting.rows(setting.output)[1])


def multiplied(setting: Setting, _: int | None, inputs: Values) -> Integers:
    """Return a block of columns of rows times a matrix, added to what another block gave."""
    x, place = setting.input_rows(0, inputs), setting.operator.sizes.get("summed", 0)
    image = product(x, weights_of(setting, "in", x.shape[1], setting.rows(setting.output)[1]))
    return (image + setting.input_rows(place, inputs)) % PRIME if place else image


def widened(setting: Setting, _: int | None, inputs: Values) -> Integers:
    """Return narrow rows times a matrix; what lies beside them is added as it is."""
    x = setting.input_rows(0, inputs)
    image = product(x, weights_of(setting, "wide", x.shape[1], setting.rows(setting.output)[1]))
    residual = setting.operator.sizes.get("residual", 0)
    no_rows = (residual, setting.operator.sizes.get("after", 0))
    beside = [place for place in range(1, len(setting.operator.inputs)) if place not in no_rows]
    parts = [block_of(setting, setting.input_rows(place, inputs)) for place in beside]
    return np.asarray(sum(parts, image) % PRIME)
