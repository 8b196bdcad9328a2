"""Operators that work on dealt units, heads for instance: a shard on its own, the dense run on all of them.

What a kind does is a few functions of a `Share`; the classes here put what they give where layouts say.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from lpxsched.verify.replay.arithmetic import PRIME, product
from lpxsched.verify.replay.blocks import add_residual
from lpxsched.verify.replay.dealt import Deal
from lpxsched.verify.replay.functions import Setting, Values, weights_of

if TYPE_CHECKING:
    from lpxsched.timetable.columns import Integers


class Share(NamedTuple):
    """The units of one shard of an operator, or with `shard` None those of all."""

    setting: Setting
    deal: Deal
    shard: int | None

    @property
    def units(self) -> Integers:
        """Numbers of the units."""
        return self.deal.units(self.shard)

    def unpacked(self, place: int, numbers: int, inputs: Values) -> Integers:
        """Return what stayed on the chip of the input at a place; shape (rows, units, numbers)."""
        name = self.setting.operator.inputs[place].tensor
        return self.deal.unpack(name, inputs[name], numbers, self.shard)

    def rows(self, place: int, inputs: Values) -> Integers:
        """Return the input at a place as a matrix."""
        return self.setting.input_rows(place, inputs)


# What a share leaves by row and unit (rows, units, numbers), keeps before the first step, and keeps after a step.
Left = Callable[[Share, Values], "Integers"]
Kept = Callable[[Share], Values]
Keep = Callable[[Share, Values], Values]


def nothing_kept(_: Share) -> Values:
    """Return that nothing is kept."""
    return {}


def keeps_nothing(_: Share, inputs: Values) -> Values:
    """Return that nothing is kept."""
    return {}


@dataclass(frozen=True, slots=True)
class Units:
    """An operator that leaves numbers of its units on their chips, and adds those that its size ``summed`` names.

    Attributes
    ----------
    setting : Setting
    unit_columns, numbers : callable
        Columns of a unit, and how many numbers of a row and unit the operator leaves.
    left : callable
        What a share leaves.
    kept, keep : callable
        What it keeps before the first step, by names that no tensor has, and after a step by the same names.
    deal : type
        How units are dealt.
    """

    setting: Setting
    unit_columns: Callable[[Setting], int]
    numbers: Callable[[Setting], int]
    left: Left
    kept: Kept = nothing_kept
    keep: Keep = keeps_nothing
    deal: type[Deal] = Deal

    def share(self, shard: int | None) -> Share:
        """Return the units of a shard, or of all."""
        return Share(self.setting, self.deal(self.setting, self.unit_columns(self.setting)), shard)

    def lanes(self) -> int:
        """Return how many numbers a vector must hold."""
        return self.share(None).deal.lanes(self.setting.output, self.numbers(self.setting))

    def before(self, shard: int | None) -> Values:
        """Return what a shard, or all, kept before the first step."""
        return self.kept(self.share(shard))

    def dense(self, inputs: Values) -> Values:
        """Return what all units give."""
        return self._outputs(None, inputs)

    def part(self, shard: int, inputs: Values) -> Values:
        """Return what the units of a shard give."""
        return self._outputs(shard, inputs)

    def _outputs(self, shard: int | None, inputs: Values) -> Values:
        share, name, place = self.share(shard), self.setting.output, self.setting.operator.sizes.get("summed", 0)
        left = self.left(share, inputs)
        if place and len(share.units):
            left = (left + share.unpacked(place, self.numbers(self.setting), inputs)) % PRIME
        return {name: share.deal.pack(name, left, shard)} | self.keep(share, inputs)


class Given(NamedTuple):
    """Numbers of heads before the output projection.

    Attributes
    ----------
    values : ndarray of int64, shape (rows, units, numbers)
    heads : ndarray of int64
        The heads whose numbers they are, in that order.
    number : int
        How many heads there are.
    """

    values: Integers
    heads: Integers
    number: int


@dataclass(frozen=True, slots=True)
class Projection:
    """An output projection: a summand of rows a shard, with all heads the sum; the first shard adds the residual."""

    setting: Setting
    unit_columns: Callable[[Setting], int]
    given: Callable[[Share, Values], Given]
    deal: type[Deal] = Deal

    def lanes(self) -> int:
        """Return how many numbers a vector must hold: any."""
        return 1

    def dense(self, inputs: Values) -> Values:
        """Return the rows that all heads give."""
        return self._outputs(None, inputs)

    def part(self, shard: int, inputs: Values) -> Values:
        """Return the summand of a shard."""
        return self._outputs(shard, inputs)

    def _outputs(self, shard: int | None, inputs: Values) -> Values:
        setting, name = self.setting, self.setting.output
        values, heads, number = self.given(
            Share(setting, self.deal(setting, self.unit_columns(setting)), shard), inputs
        )
        flat, length = values.reshape(len(values), -1), setting.rows(name)[1]
        weights = weights_of(setting, "out", number, flat.shape[1] // max(1, len(heads)), length)[heads]
        vectors = setting.vectors(product(flat, weights.reshape(-1, length)))
        return {name: add_residual(setting, vectors, shard, inputs)}


def by_user(rows: Integers, rows_per_user: int) -> Integers:
    """Return rows as they follow each other: shape (rows of a user, users, ...)."""
    return rows.reshape(len(rows) // rows_per_user, rows_per_user, *rows.shape[1:]).swapaxes(0, 1)
