"""What is done to whole rows: norms and FFNs.

A norm is a row over the root of the sum of its squares, times weights; where it leaves fewer or more vectors than it
reads, numbers that lie at the same place are added or repeated, each time with a weight. An FFN has one hidden number a
shard, ``D (silu(G x) (U x))`` with three matrices and ``D (U x)^2`` with two.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from lpxsched.verify.replay.arithmetic import PRIME, product
from lpxsched.verify.replay.field import dot, inverse_root, silu
from lpxsched.verify.replay.functions import add_residual, folded, sizes_of, weights_of

if TYPE_CHECKING:
    from lpxsched.timetable.columns import Integers
    from lpxsched.verify.replay.functions import Setting, Values


@dataclass(frozen=True, slots=True)
class RowFunction:
    """An operator of one output whose first input are rows that every shard has, or a summand of them."""

    setting: Setting

    @property
    def output(self) -> str:
        """Name of what it leaves."""
        return self.setting.operator.outputs[0]

    def lanes(self) -> int:
        """Return how many numbers a vector must hold: any."""
        return 1

    def read(self, place: int, inputs: Values) -> Integers:
        """Return an input as a matrix."""
        name = self.setting.operator.inputs[place].tensor
        return self.setting.matrix(name, inputs[name])

    def dense(self, inputs: Values) -> Values:
        """Return whole rows."""
        return self._left(None, inputs)

    def part(self, shard: int, inputs: Values) -> Values:
        """Return what a shard leaves."""
        return self._left(shard, inputs)

    def _left(self, shard: int | None, inputs: Values) -> Values:
        vectors = self.setting.vectors(self.image(shard, inputs))
        return {self.output: add_residual(self.setting, vectors, shard, inputs)}

    def image(self, shard: int | None, inputs: Values) -> Integers:
        """Return rows of the output, of one shard or of all."""
        raise NotImplementedError


class Norm(RowFunction):
    """A row over the root of the sum of its squares, times weights."""

    __slots__ = ()

    def image(self, _: int | None, inputs: Values) -> Integers:
        """Return the rows."""
        x = self.read(0, inputs)
        length = self.setting.rows(self.output)[1]
        return inverse_root(dot(x, x))[:, None] * folded(self.setting, x, length) % PRIME


class Ffn(RowFunction):
    """A dense FFN, or shared experts: a summand a shard."""

    __slots__ = ()

    def image(self, shard: int | None, inputs: Values) -> Integers:
        """Return the rows of the hidden number of one shard, or of all."""
        setting, x = self.setting, self.read(0, inputs)
        (matrices,) = sizes_of(setting.operator, "matrices")
        hidden = setting.width if shard is None else 1
        mine = slice(None) if shard is None else slice(shard, shard + 1)
        up, gate = (weights_of(setting, name, setting.width, x.shape[1])[mine].T for name in ("up", "gate"))
        down = weights_of(setting, "down", setting.width, setting.rows(self.output)[1])[mine]
        return product(activated(product(x, gate), product(x, up), matrices).reshape(-1, hidden), down)


def activated(gate: Integers, up: Integers, matrices: int) -> Integers:
    """Return hidden numbers: with a gate where there are three matrices, else squared."""
    return (silu(gate) * up if matrices == len(("gate", "up", "down")) else up * up) % PRIME


class Widen(RowFunction):
    """Narrow rows times a matrix; what lies beside them is added as it is."""

    __slots__ = ()

    def image(self, _: int | None, inputs: Values) -> Integers:
        """Return the rows, or a summand of them."""
        setting, x = self.setting, self.read(0, inputs)
        image = product(x, weights_of(setting, "wide", x.shape[1], setting.rows(self.output)[1]))
        residual = setting.operator.sizes.get("residual", 0)
        beside = [place for place in range(1, len(setting.operator.inputs)) if place != residual]
        return np.asarray(sum([self.read(place, inputs) for place in beside], image) % PRIME)
