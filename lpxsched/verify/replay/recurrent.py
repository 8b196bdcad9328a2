"""Mixers with a state on residues: the gated delta rule and Mamba-2, at few numbers a head.

A head has a state of `NUMBERS` x `NUMBERS` numbers (`states`). Of a unit, numbers lie in this order: key, query, values
of its heads, their gates, scalars of its heads: of the delta rule a decay and a rate, else the step. The rows of a user
follow each other; every row changes the state that the next one finds.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from lpxsched.verify.replay.arithmetic import PRIME, product
from lpxsched.verify.replay.blocks import scales
from lpxsched.verify.replay.field import dot, inverse_root, silu
from lpxsched.verify.replay.functions import sizes_as, sound, weights_of
from lpxsched.verify.replay.units import Given

if TYPE_CHECKING:
    from lpxsched.timetable.columns import Integers
    from lpxsched.verify.replay.functions import Setting, Values
    from lpxsched.verify.replay.units import Share

NUMBERS = 2
# Numbers of a head beside its values and its gate, by what the kinds of a mixer begin with.
SCALARS = {"delta": 2, "state": 1}


@dataclass(frozen=True, slots=True)
class Shares:
    """What the graph says of a mixer with a state: heads, and the units in which they are dealt."""

    heads: int
    key_heads: int
    unit_columns: int
    units: int
    rows_per_user: int
    taps: int

    def fault(self, columns: int, rows: int) -> str:
        """Return why these are no heads; empty where they are."""
        if not all((self.heads, self.key_heads, self.unit_columns, self.units, self.rows_per_user, self.taps)):
            return "has a size of 0"
        if self.heads % self.units or self.units % self.key_heads or self.units * self.unit_columns != columns:
            return f"deals {self.units} units of {self.heads} and {self.key_heads} heads over {columns} columns"
        return f"has {rows} rows, {self.rows_per_user} a user" if rows % self.rows_per_user else ""

    @property
    def heads_of_unit(self) -> int:
        """Heads of a unit."""
        return self.heads // self.units

    def heads_by_unit(self, units: Integers) -> Integers:
        """Return the heads of units, shape (units, heads of a unit)."""
        return units[:, None] * self.heads_of_unit + np.arange(self.heads_of_unit)

    def key_heads_of(self, units: Integers) -> Integers:
        """Return the key head of each unit."""
        return units // (self.units // self.key_heads)


class Parts(NamedTuple):
    """Numbers of units, shape (rows, units, ..., numbers); values, gates and scalars by head."""

    key: Integers
    query: Integers
    values: Integers
    gates: Integers
    scalars: Integers


def state_sizes(setting: Setting) -> Shares:
    """Return the sizes of an operator as the graph states them."""
    return sound(setting, sizes_as(Shares, setting))


def state_columns(setting: Setting) -> int:
    """Return the columns of a unit."""
    return state_sizes(setting).unit_columns


def scalars_of(setting: Setting) -> int:
    """Return how many scalars a head has."""
    return SCALARS[setting.operator.kind.split("_")[0]]


def all_numbers(setting: Setting) -> int:
    """Return all numbers of a row and unit."""
    return 2 * NUMBERS + state_sizes(setting).heads_of_unit * (2 * NUMBERS + scalars_of(setting))


def read_numbers(setting: Setting) -> int:
    """Return the numbers of a row and unit that are read of states, and of their gates."""
    return 2 * NUMBERS * state_sizes(setting).heads_of_unit


def given_numbers(setting: Setting) -> int:
    """Return the numbers of a row and unit that heads give."""
    return NUMBERS * state_sizes(setting).heads_of_unit


def parts_of(share: Share, inputs: Values) -> Parts:
    """Return the parts of the first input, times the scale of its row where there is one."""
    x, heads = share.unpacked(0, all_numbers(share.setting), inputs), state_sizes(share.setting).heads_of_unit
    x = x * scales(share.setting, inputs)[..., None] % PRIME
    ends = np.cumsum([NUMBERS, NUMBERS, heads * NUMBERS, heads * NUMBERS])
    key, query, *rest = np.split(x, ends, axis=2)
    by_head = (part.reshape(*x.shape[:2], heads, part.shape[2] // heads) for part in rest)
    return Parts(key, query, *by_head)


def side_by_side(*parts: Integers) -> Integers:
    """Return numbers of units side by side."""
    flat = [part.reshape(*part.shape[:2], int(np.prod(part.shape[2:]))) for part in parts]
    return np.concatenate(flat, axis=2)


def projected_parts(share: Share, inputs: Values) -> Integers:
    """Return keys, queries, values, gates and scalars of rows."""
    sizes, units, x = state_sizes(share.setting), share.units, share.rows(0, inputs)
    wanted = [(name, sizes.key_heads_of(units), sizes.key_heads, NUMBERS) for name in ("key", "query")]
    widths = (("values", NUMBERS), ("gates", NUMBERS), ("scalars", scalars_of(share.setting)))
    wanted += [(name, sizes.heads_by_unit(units).reshape(-1), sizes.heads, width) for name, width in widths]
    parts = []
    for name, heads, number, width in wanted:
        weights = weights_of(share.setting, name, number, x.shape[1], width)[heads]
        image = product(x, weights.transpose(1, 0, 2).reshape(x.shape[1], -1))
        parts.append(image.reshape(len(x), len(units), width * len(heads) // max(1, len(units))))
    return side_by_side(*parts)


def delta_normed(share: Share, inputs: Values) -> Integers:
    """Return what each head reads, over its length, times weights and the activated gate."""
    read, gates = _read_and_gates(share, inputs)
    normed = inverse_root(dot(read, read))[..., None] * read % PRIME * gates % PRIME
    return _scaled(share, normed)


def state_normed(share: Share, inputs: Values) -> Integers:
    """Return what each head reads, times the activated gate, over the length of all numbers of its unit, scaled."""
    read, gates = _read_and_gates(share, inputs)
    gated = read * gates % PRIME
    squares = dot(gated, gated).sum(axis=2) % PRIME
    return _scaled(share, inverse_root(squares)[..., None, None] * gated % PRIME)


def state_given(share: Share, inputs: Values) -> Given:
    """Return what heads give to the output projection."""
    sizes, numbers = state_sizes(share.setting), given_numbers(share.setting)
    heads = sizes.heads_by_unit(share.units).reshape(-1)
    return Given(share.unpacked(0, numbers, inputs), heads, sizes.heads)


def _read_and_gates(share: Share, inputs: Values) -> tuple[Integers, Integers]:
    """Return what heads read, and their activated gates; shape (rows, units, heads, numbers)."""
    x, heads = share.unpacked(0, read_numbers(share.setting), inputs), state_sizes(share.setting).heads_of_unit
    read, gates = (part.reshape(*x.shape[:2], heads, NUMBERS) for part in np.split(x, 2, axis=2))
    return read, silu(gates)


def _scaled(share: Share, normed: Integers) -> Integers:
    sizes = state_sizes(share.setting)
    weights = weights_of(share.setting, "norm", sizes.heads, NUMBERS)[sizes.heads_by_unit(share.units)]
    return side_by_side(normed * weights % PRIME)
