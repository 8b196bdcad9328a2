"""A dense FFN on the chips in three operators: each shard has one hidden number of a row, and with a gate another.

rows -> dense_in -> dense_activate -> dense_out
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lpxsched.verify.replay.arithmetic import PRIME, product
from lpxsched.verify.replay.blocks import scales
from lpxsched.verify.replay.dealt import Deal
from lpxsched.verify.replay.functions import sizes_of, weights_of
from lpxsched.verify.replay.rows import activated
from lpxsched.verify.replay.units import Given

if TYPE_CHECKING:
    from lpxsched.timetable.columns import Integers
    from lpxsched.verify.replay.functions import Setting, Values
    from lpxsched.verify.replay.units import Share

WITH_GATE = 3


class Slices(Deal):
    """One unit for each shard that has columns, whatever their number."""

    __slots__ = ()

    def sizes(self) -> list[int]:
        """Return the units of each shard."""
        return [min(columns, 1) for columns in self.setting.columns]


def one_column(_: Setting) -> int:
    """Return that columns may be cut anywhere."""
    return 1


def hidden_numbers(setting: Setting) -> int:
    """Return how many hidden numbers a row has on a shard before the activation: one for each matrix but the last."""
    (matrices,) = sizes_of(setting.operator, "matrices")
    return 2 if matrices == WITH_GATE else 1


def one_number(_: Setting) -> int:
    """Return that a row has one hidden number on a shard after the activation."""
    return 1


def hidden(share: Share, inputs: Values) -> Integers:
    """Return a block of columns of rows times each matrix."""
    x, number, units = share.rows(0, inputs), hidden_numbers(share.setting), share.units
    parts = [
        product(x, weights_of(share.setting, name, share.setting.width, x.shape[1])[units].T)
        for name in ("up", "gate")[:number]
    ]
    return np.stack(parts, axis=2)


def active(share: Share, inputs: Values) -> Integers:
    """Return hidden numbers times the scale of their row, the one times the activation of the other, or squared."""
    number = hidden_numbers(share.setting)
    x = share.unpacked(0, number, inputs) * scales(share.setting, inputs)[..., None] % PRIME
    return activated(x[..., -1:], x[..., :1], number + 1)


def hidden_given(share: Share, inputs: Values) -> Given:
    """Return hidden numbers as what the last matrix reads."""
    return Given(share.unpacked(0, 1, inputs), share.units, share.setting.width)
