"""What mixers with a state keep from step to step: the last rows of the convolution, and the state of each head.

Both follow from the seed before the first step; then a step finds what the one before it left on that chip, right or
wrong.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import numpy as np

from lpxsched.verify.replay.arithmetic import PRIME, drawn, generator
from lpxsched.verify.replay.field import dot, exponential, inverse_root, sigmoid, silu
from lpxsched.verify.replay.functions import weights_of
from lpxsched.verify.replay.recurrent import NUMBERS, Parts, Recurrent
from lpxsched.verify.replay.units import by_user

if TYPE_CHECKING:
    from lpxsched.timetable.columns import Integers
    from lpxsched.verify.replay.functions import Values

TAPS = 3


def _users(function: Recurrent) -> int:
    return function.setting.operator.rows // function.sizes.rows_per_user


def _drawn_before(function: Recurrent, name: str, *shape: int) -> Integers:
    """Return what was kept before the first step."""
    setting = function.setting
    key = (setting.round.micro_batch, setting.operator.layer, name)
    return drawn(generator(setting.seed, "kept", *key), *shape)


class Convolve(Recurrent):
    """Keys, queries and values over the last rows, number by number, activated."""

    __slots__ = ()
    LENGTHS_OF_ONE: ClassVar[bool] = False

    @property
    def names(self) -> dict[str, str]:
        """Return the name of what is kept of each part."""
        return {part: f"{self.setting.operator.name}, last {part} rows" for part in ("key", "query", "values")}

    def kept(self, shard: int | None) -> Values:
        """Return the rows before the first step, shape (taps - 1, users, units, heads, NUMBERS)."""
        sizes, units = self.sizes, self.deal.units(shard)
        heads = self.heads(units).reshape(len(units), self.heads_of_unit)
        found = {}
        for part, name in self.names.items():
            mine = heads if part == "values" else self.key_heads(units)[:, None]
            number = sizes.heads if part == "values" else sizes.key_heads
            found[name] = _drawn_before(self, part, self._taps() - 1, _users(self), number, NUMBERS)[:, :, mine]
        return found

    def keep(self, shard: int | None, inputs: Values) -> Values:
        """Return the last rows."""
        rows = self._rows(shard, inputs)
        return {name: rows[part][self.sizes.rows_per_user :] for part, name in self.names.items()}

    def left(self, units: Integers, shard: int | None, inputs: Values) -> Integers:
        """Return keys, queries, values, gates and scalars."""
        parts, rows = self.parts(shard, inputs), self._rows(shard, inputs)
        heads = self.heads(units).reshape(len(units), self.heads_of_unit)
        key, query = (
            self._mixed(name, rows[name], self.key_heads(units)[:, None], self.sizes.key_heads)[:, :, 0]
            for name in ("key", "query")
        )
        values = self._mixed("values", rows["values"], heads, self.sizes.heads)
        if self.LENGTHS_OF_ONE:
            key, query = (inverse_root(dot(one, one))[..., None] * one % PRIME for one in (key, query))
        return self.by_unit(key, query, values, parts.gates, parts.scalars)

    def _taps(self) -> int:
        """Return over how many rows the convolution is reckoned."""
        return min(self.sizes.taps, TAPS)

    def _rows(self, shard: int | None, inputs: Values) -> Values:
        """Return kept and new rows of each part, shape (taps - 1 + rows of a user, users, units, heads, NUMBERS)."""
        parts = self.parts(shard, inputs)
        new = {"key": parts.key[:, :, None], "query": parts.query[:, :, None], "values": parts.values}
        laid = {part: by_user(x, self.sizes.rows_per_user) for part, x in new.items()}
        return {part: np.concatenate([inputs[name], laid[part]]) for part, name in self.names.items()}

    def _mixed(self, name: str, rows: Integers, heads: Integers, number: int) -> Integers:
        """Return numbers of shape (rows, units, heads, numbers) over the last rows of their user."""
        taps, n = self._taps(), self.sizes.rows_per_user
        weights = weights_of(self.setting, name, taps, number, NUMBERS)[:, heads]
        mixed = sum(weights[tap] * rows[tap : tap + n] % PRIME for tap in range(taps))
        activated = silu(np.asarray(mixed % PRIME)).swapaxes(0, 1)
        return activated.reshape(len(activated) * n, *activated.shape[2:])


class Update(Recurrent):
    """What each row reads of the state once it has changed it, and the gates."""

    __slots__ = ()

    def numbers(self) -> int:
        """Return how many numbers of a row and unit it leaves."""
        return 2 * NUMBERS * self.heads_of_unit

    @property
    def name(self) -> str:
        """Return the name of what is kept."""
        return f"{self.setting.operator.name}, state"

    def kept(self, shard: int | None) -> Values:
        """Return the state before the first step, shape (users, units, heads, NUMBERS, NUMBERS)."""
        units, number = self.deal.units(shard), self.sizes.heads
        heads = self.heads(units).reshape(len(units), self.heads_of_unit)
        return {self.name: _drawn_before(self, "state", _users(self), number, NUMBERS, NUMBERS)[:, heads]}

    def keep(self, shard: int | None, inputs: Values) -> Values:
        """Return the state after the last row."""
        return {self.name: self._followed(shard, inputs)[0]}

    def left(self, _: Integers, shard: int | None, inputs: Values) -> Integers:
        """Return what heads read, and their gates."""
        return self.by_unit(self._followed(shard, inputs)[1], self.parts(shard, inputs).gates)

    def _followed(self, shard: int | None, inputs: Values) -> tuple[Integers, Integers]:
        """Return the state after the last row, and what each row reads."""
        parts, units, state = self.parts(shard, inputs), self.deal.units(shard), inputs[self.name]
        heads = self.heads(units).reshape(len(units), self.heads_of_unit)
        read = np.zeros_like(parts.values)
        for number in range(self.sizes.rows_per_user):
            at = slice(number, None, self.sizes.rows_per_user)
            state, read[at] = self.step(state, Parts(*(part[at] for part in parts)), heads)
        return state, read

    def step(self, state: Integers, row: Parts, heads: Integers) -> tuple[Integers, Integers]:
        """Return the next state, shape (users, units, heads, key, values), and what is read of it."""
        raise NotImplementedError


class DeltaConvolve(Convolve):
    """The convolution of the gated delta rule: keys and queries have length 1."""

    __slots__ = ()
    SCALARS: ClassVar[int] = 2
    LENGTHS_OF_ONE: ClassVar[bool] = True


class DeltaUpdate(Update):
    """S decays; what the key reads of it is replaced by the value, as far as the rate says; the query reads it."""

    __slots__ = ()
    SCALARS: ClassVar[int] = 2

    def step(self, state: Integers, row: Parts, _: Integers) -> tuple[Integers, Integers]:
        """Return the next state, and what is read of it."""
        state = exponential(row.scalars[..., :1])[..., None] * state % PRIME
        key, query = (part[:, :, None, None] for part in (row.key, row.query))
        found = dot(key, state.swapaxes(3, 4))
        change = sigmoid(row.scalars[..., 1:]) * ((row.values - found) % PRIME) % PRIME
        state = (state + row.key[:, :, None, :, None] * change[..., None, :] % PRIME) % PRIME
        return state, dot(query, state.swapaxes(3, 4))


class StateUpdate(Update):
    """S decays by the step, takes the product of key and value times the step; the query reads it, the value skips."""

    __slots__ = ()

    def step(self, state: Integers, row: Parts, heads: Integers) -> tuple[Integers, Integers]:
        """Return the next state, and what is read of it."""
        change = row.scalars * row.values % PRIME
        state = exponential(row.scalars)[..., None] * state % PRIME
        state = (state + row.key[:, :, None, :, None] * change[..., None, :] % PRIME) % PRIME
        skipped = weights_of(self.setting, "skip", self.sizes.heads, 1)[heads] * row.values % PRIME
        return state, (dot(row.query[:, :, None, None], state.swapaxes(3, 4)) + skipped) % PRIME
