"""Operators that work on dealt units, heads for instance: a shard on its own, the dense run on all of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lpxsched.verify.replay.arithmetic import product
from lpxsched.verify.replay.dealt import Deal
from lpxsched.verify.replay.functions import add_residual, weights_of

if TYPE_CHECKING:
    from lpxsched.timetable.columns import Integers
    from lpxsched.verify.replay.functions import Setting, Values


@dataclass(frozen=True, slots=True)
class Units:
    """An operator over units of columns; one that leaves numbers of its units defines `numbers` and `left`."""

    setting: Setting

    @property
    def deal(self) -> Deal:
        """Return where the units lie."""
        return Deal(self.setting, self.unit_columns())

    @property
    def output(self) -> str:
        """Name of what it leaves."""
        return self.setting.operator.outputs[0]

    def read(self, place: int) -> str:
        """Return the name of what it reads at a place."""
        return self.setting.operator.inputs[place].tensor

    def unit_columns(self) -> int:
        """Return the columns of a unit."""
        raise NotImplementedError

    def numbers(self) -> int:
        """Return how many numbers of a row and unit it leaves."""
        raise NotImplementedError

    def left(self, units: Integers, shard: int | None, inputs: Values) -> Integers:
        """Return what units give; shape (rows, units, numbers)."""
        raise NotImplementedError

    def lanes(self) -> int:
        """Return how many numbers a vector must hold."""
        return self.deal.lanes(self.output, self.numbers())

    def dense(self, inputs: Values) -> Values:
        """Return what all units give."""
        return self.outputs(None, inputs)

    def part(self, shard: int, inputs: Values) -> Values:
        """Return what the units of a shard give."""
        return self.outputs(shard, inputs)

    def outputs(self, shard: int | None, inputs: Values) -> Values:
        """Return what the units of a shard, or all, leave."""
        values = self.left(self.deal.units(shard), shard, inputs)
        return {self.output: self.deal.pack(self.output, values, shard)} | self.keep(shard, inputs)

    def kept(self, _: int | None) -> Values:
        """Return what a shard, or all, kept before the first step, by a name that no tensor has."""
        return {}

    def keep(self, _: int | None, inputs: Values) -> Values:
        """Return what the next step finds, by the names of `kept`; inputs hold what this one found."""
        return {}

    def unpacked(self, place: int, numbers: int, shard: int | None, inputs: Values) -> Integers:
        """Return what stayed on the chip of an input; shape (rows, units, numbers)."""
        return self.deal.unpack(self.read(place), inputs[self.read(place)], numbers, shard)


def by_user(rows: Integers, rows_per_user: int) -> Integers:
    """Return rows as they follow each other: shape (rows of a user, users, ...)."""
    return rows.reshape(len(rows) // rows_per_user, rows_per_user, *rows.shape[1:]).swapaxes(0, 1)


def summand(
    function: Units, values: Integers, heads: Integers, number: int, shard: int | None, inputs: Values
) -> Values:
    """Return rows that numbers of some heads give, and the residual: a summand, or with all heads the sum.

    Parameters
    ----------
    function : Units
    values : ndarray of int64, shape (rows, units, numbers)
    heads : ndarray of int64
        The heads whose numbers they are, in that order.
    number : int
        How many heads there are.
    shard : int or None
    inputs : dict
    """
    setting, flat = function.setting, values.reshape(len(values), -1)
    length = setting.rows(function.output)[1]
    weights = weights_of(setting, "out", number, flat.shape[1] // max(1, len(heads)), length)[heads]
    vectors = setting.vectors(product(flat, weights.reshape(-1, length)))
    return {function.output: add_residual(setting, vectors, shard, inputs)}
