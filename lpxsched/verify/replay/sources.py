"""Operators that read no tensor: their rows are drawn at random, or follow from what came out of the machine before."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from lpxsched.verify.replay.arithmetic import PRIME, drawn, generator, product
from lpxsched.verify.replay.functions import PARTIAL, matrix_of, paired

if TYPE_CHECKING:
    from lpxsched.timetable.columns import Integers
    from lpxsched.verify.replay.functions import Setting, Values

# Under this name inputs hold the rows that hosts have for a segment; no tensor is called so.
OUTSIDE = "outside"


@dataclass(frozen=True, slots=True)
class Source:
    """An operator without inputs; tokens are passed on as they are, other rows are a linear map of those outside."""

    setting: Setting

    def lanes(self) -> int:
        """Return how many numbers a vector must hold: any."""
        return 1

    def dense(self, inputs: Values) -> Values:
        """Return whole tensors; of a partial one the sum of all summands."""
        return {name: self._whole(name, inputs) for name in self.setting.operator.outputs}

    def part(self, shard: int, inputs: Values) -> Values:
        """Return the part, or the summand, of a shard."""
        return {
            name: self._drawn(name, shard)
            if self.setting.tensors[name].layout == PARTIAL
            else self.setting.cut(name, shard, self._whole(name, inputs))
            for name in self.setting.operator.outputs
        }

    def _whole(self, name: str, inputs: Values) -> Integers:
        setting = self.setting
        if setting.tensors[name].layout == PARTIAL:
            parts = [self._drawn(name, shard) for shard in range(setting.width)]
            return np.asarray(np.sum(parts, axis=0) % PRIME)
        if OUTSIDE not in inputs:
            return self._drawn(name, 0)
        outside = inputs[OUTSIDE]
        return outside if brings_tokens(setting, outside) else setting.vectors(rows_from(setting, name, outside))

    def _drawn(self, name: str, shard: int) -> Integers:
        setting = self.setting
        shape = (setting.tensors[name].vectors, setting.lanes)
        return _drawn_rows(setting.seed, setting.round.number, name, shard, shape)


def brings_tokens(setting: Setting, outside: Integers) -> bool:
    """Return whether an operator brings tokens that lie outside as its tensor holds them."""
    (name, *_) = setting.operator.outputs
    return "tokens" in setting.operator.sizes and outside.shape == (setting.tensors[name].vectors, setting.lanes)


def rows_from(setting: Setting, name: str, outside: Integers) -> Integers:
    """Return the rows of a tensor that follow from the rows outside."""
    rows, length = setting.rows(name)
    return product(paired(outside, rows, setting.seed), matrix_of(setting.seed, name, outside.shape[1], length))


@lru_cache(maxsize=1024)
def _drawn_rows(seed: int, number: int, name: str, shard: int, shape: tuple[int, int]) -> Integers:
    rows = drawn(generator(seed, "source", number, name, shard), *shape)
    rows.flags.writeable = False
    return rows
