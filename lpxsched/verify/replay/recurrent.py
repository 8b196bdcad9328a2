"""Mixers with a state on residues: the gated delta rule and Mamba-2, at few numbers a head.

A head has a state of `NUMBERS` x `NUMBERS` numbers (`states`). Of a unit, numbers lie in this order: key, query, values
of its heads, their gates, scalars of its heads. The rows of a user follow each other; every row changes the state that
the next one finds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, NamedTuple

import numpy as np

from lpxsched.errors import InputError
from lpxsched.verify.replay.arithmetic import PRIME, product
from lpxsched.verify.replay.dealt import GRAPH_FILE
from lpxsched.verify.replay.field import dot, inverse_root, silu
from lpxsched.verify.replay.functions import sizes_of, weights_of
from lpxsched.verify.replay.units import Units, summand

if TYPE_CHECKING:
    from lpxsched.timetable.columns import Integers
    from lpxsched.verify.replay.functions import Values

NUMBERS = 2
NAMES = ("heads", "key_heads", "unit_columns", "units", "rows_per_user", "taps")


class Sizes(NamedTuple):
    """What the graph says of a mixer with a state; fields as `NAMES`."""

    heads: int
    key_heads: int
    unit_columns: int
    units: int
    rows_per_user: int
    taps: int

    def fault(self, columns: int, rows: int) -> str:
        """Return why these are no heads; empty where they are."""
        if not all(self):
            return "has a size of 0"
        if self.heads % self.units or self.units % self.key_heads or self.units * self.unit_columns != columns:
            return f"deals {self.units} units of {self.heads} and {self.key_heads} heads over {columns} columns"
        return f"has {rows} rows, {self.rows_per_user} a user" if rows % self.rows_per_user else ""


class Parts(NamedTuple):
    """Numbers of units, shape (rows, units, ..., numbers); values, gates and scalars by head."""

    key: Integers
    query: Integers
    values: Integers
    gates: Integers
    scalars: Integers


class Recurrent(Units):
    """An operator of a mixer with a state; `SCALARS` numbers a head stand beside its values and its gate."""

    __slots__ = ()
    SCALARS: ClassVar[int] = 1

    @property
    def sizes(self) -> Sizes:
        """Return the sizes as the graph states them."""
        operator = self.setting.operator
        sizes = Sizes(*sizes_of(operator, *NAMES))
        fault = sizes.fault(operator.columns, operator.rows)
        if fault:
            raise InputError(GRAPH_FILE, fault, key=operator.name)
        return sizes

    @property
    def heads_of_unit(self) -> int:
        """Heads of a unit."""
        return self.sizes.heads // self.sizes.units

    def unit_columns(self) -> int:
        """Return the columns of a unit."""
        return self.sizes.unit_columns

    def whole(self) -> int:
        """Return all numbers of a unit."""
        return 2 * NUMBERS + self.heads_of_unit * (2 * NUMBERS + self.SCALARS)

    def numbers(self) -> int:
        """Return how many numbers of a row and unit it leaves."""
        return self.whole()

    def heads(self, units: Integers) -> Integers:
        """Return the heads of units."""
        return (units[:, None] * self.heads_of_unit + np.arange(self.heads_of_unit)).reshape(-1)

    def key_heads(self, units: Integers) -> Integers:
        """Return the key head of each unit."""
        return units // (self.sizes.units // self.sizes.key_heads)

    def parts(self, shard: int | None, inputs: Values) -> Parts:
        """Return the parts of the first input."""
        x, heads = self.unpacked(0, self.whole(), shard, inputs), self.heads_of_unit
        ends = np.cumsum([NUMBERS, NUMBERS, heads * NUMBERS, heads * NUMBERS])
        key, query, *rest = np.split(x, ends, axis=2)
        by_head = (part.reshape(*x.shape[:2], heads, part.shape[2] // heads) for part in rest)
        return Parts(key, query, *by_head)

    def by_unit(self, *parts: Integers) -> Integers:
        """Return numbers of units side by side."""
        flat = [part.reshape(*part.shape[:2], int(np.prod(part.shape[2:]))) for part in parts]
        return np.concatenate(flat, axis=2)


class Project(Recurrent):
    """All numbers of each unit from a row."""

    __slots__ = ()

    def left(self, units: Integers, _: int | None, inputs: Values) -> Integers:
        """Return keys, queries, values, gates and scalars."""
        sizes, x = self.sizes, self.setting.matrix(self.read(0), inputs[self.read(0)])
        wanted = [(name, self.key_heads(units), sizes.key_heads, NUMBERS) for name in ("key", "query")]
        widths = (("values", NUMBERS), ("gates", NUMBERS), ("scalars", self.SCALARS))
        wanted += [(name, self.heads(units), sizes.heads, width) for name, width in widths]
        parts = []
        for name, heads, number, width in wanted:
            weights = weights_of(self.setting, name, number, x.shape[1], width)[heads]
            image = product(x, weights.transpose(1, 0, 2).reshape(x.shape[1], -1))
            parts.append(image.reshape(len(x), len(units), width * len(heads) // max(1, len(units))))
        return self.by_unit(*parts)


class DeltaProject(Project):
    """The projection of the gated delta rule: a decay and a rate a head."""

    __slots__ = ()
    SCALARS: ClassVar[int] = 2


class DeltaNorm(Recurrent):
    """What each head reads, over its length, times weights and the activated gate."""

    __slots__ = ()

    def numbers(self) -> int:
        """Return how many numbers of a row and unit it leaves."""
        return NUMBERS * self.heads_of_unit

    def left(self, units: Integers, shard: int | None, inputs: Values) -> Integers:
        """Return what heads give."""
        x = self.unpacked(0, 2 * self.numbers(), shard, inputs)
        read, gates = (part.reshape(*x.shape[:2], self.heads_of_unit, NUMBERS) for part in np.split(x, 2, axis=2))
        heads = self.heads(units).reshape(len(units), self.heads_of_unit)
        weights = weights_of(self.setting, "norm", self.sizes.heads, NUMBERS)[heads]
        return self.by_unit(self.normed(read, silu(gates)) * weights % PRIME)

    def normed(self, read: Integers, gates: Integers) -> Integers:
        """Return numbers of shape (rows, units, heads, numbers) over their length, and gated."""
        return inverse_root(dot(read, read))[..., None] * read % PRIME * gates % PRIME


class StateNorm(DeltaNorm):
    """What each head reads, times the activated gate, over the length of all numbers of its group, times weights."""

    __slots__ = ()

    def normed(self, read: Integers, gates: Integers) -> Integers:
        """Return numbers of shape (rows, units, heads, numbers), gated, over the length of those of a unit."""
        gated = read * gates % PRIME
        squares = dot(gated, gated).sum(axis=2) % PRIME
        return inverse_root(squares)[..., None, None] * gated % PRIME


class RecurrentOut(Recurrent):
    """The output projection, a summand of rows a shard; the first adds the residual."""

    __slots__ = ()

    def lanes(self) -> int:
        """Return how many numbers a vector must hold: any."""
        return 1

    def outputs(self, shard: int | None, inputs: Values) -> Values:
        """Return rows."""
        values = self.unpacked(0, NUMBERS * self.heads_of_unit, shard, inputs)
        return summand(self, values, self.heads(self.deal.units(shard)), self.sizes.heads, shard, inputs)
