"""Tokens to rows and rows to tokens.

A vector of tokens stands for those of its rows by a few numbers: a token is a sum of them, each times a weight of its
row. The head has logits of few tokens, the first and the last of each shard; an argmax takes the largest residue.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from lpxsched.verify.replay.arithmetic import PRIME, drawn, generator, product
from lpxsched.verify.replay.dealt import Deal
from lpxsched.verify.replay.field import dot

if TYPE_CHECKING:
    from lpxsched.timetable.columns import Integers
    from lpxsched.verify.replay.functions import Setting, Values

TOKENS_A_SHARD = 2
TOKEN, LOGIT = 0, 1


def _weights_of_rows(setting: Setting, rows: int) -> Integers:
    return 1 + drawn(generator(setting.seed, "tokens"), rows, setting.lanes) % (PRIME - 1)


def _vector_of(rows: int, vectors: int) -> Integers:
    """Return the vector in which the token of each row lies."""
    return np.arange(rows) * vectors // rows


@lru_cache(maxsize=4096)
def _row_of_token(seed: int, name: str, token: int, length: int) -> Integers:
    return drawn(generator(seed, "token", name, token), length)


def _matrix_of_tokens(setting: Setting, tokens: Integers, length: int) -> Integers:
    rows = [_row_of_token(setting.seed, setting.keeper, token, length) for token in tokens.tolist()]
    return np.array(rows, dtype=np.int64).reshape(len(tokens), length)


def tokens_of(setting: Setting, vectors: Integers, rows: int) -> Integers:
    """Return what a vector of tokens says of each of so many rows."""
    return dot(vectors[_vector_of(rows, len(vectors))], _weights_of_rows(setting, rows))


def vectors_of_tokens(setting: Setting, tokens: Integers) -> Integers:
    """Return tokens, one a row, as they lie in the vectors of what an operator leaves."""
    vectors = np.zeros((setting.tensors[setting.output].vectors, setting.lanes), dtype=np.int64)
    of_rows = tokens[:, None] * _weights_of_rows(setting, len(tokens)) % PRIME
    np.add.at(vectors, _vector_of(len(tokens), len(vectors)), of_rows)
    return vectors % PRIME


def embedded(setting: Setting, shard: int | None, inputs: Values) -> Integers:
    """Return the row of each token; a shard leaves those of its own tokens, and 0 for others."""
    found = tokens_of(setting, inputs[setting.operator.inputs[0].tensor], setting.operator.rows)
    tokens = found % setting.operator.columns
    rows = _matrix_of_tokens(setting, tokens, setting.rows(setting.output)[1])
    if shard is None:
        return rows
    first = sum(setting.columns[:shard])
    mine = (tokens >= first) & (tokens < first + setting.columns[shard])
    return np.where(mine[:, None], rows, 0)


class Ends(Deal):
    """The first and the last token of each shard, by their logits."""

    __slots__ = ()

    def sizes(self) -> list[int]:
        """Return how many tokens each shard reckons with."""
        return [min(columns, TOKENS_A_SHARD) for columns in self.setting.columns]

    def tokens(self, shard: int | None) -> Integers:
        """Return the tokens of one shard, or of all."""
        ends = np.cumsum([0, *self.setting.columns]).tolist()
        shards = range(len(ends) - 1) if shard is None else [shard]
        tokens = [sorted({ends[one], ends[one + 1] - 1}) for one in shards if ends[one] < ends[one + 1]]
        return np.array([token for part in tokens for token in part], dtype=np.int64)


@dataclass(frozen=True, slots=True)
class Logits:
    """The products of rows with the row of each token, added to what another block of columns gave."""

    setting: Setting

    def lanes(self) -> int:
        """Return how many numbers a vector must hold."""
        return Ends(self.setting, 1).lanes(self.setting.operator.outputs[0], 1)

    def dense(self, inputs: Values) -> Values:
        """Return the logits of all shards."""
        return self._left(None, inputs)

    def part(self, shard: int, inputs: Values) -> Values:
        """Return the logits of a shard."""
        return self._left(shard, inputs)

    def _left(self, shard: int | None, inputs: Values) -> Values:
        operator, ends = self.setting.operator, Ends(self.setting, 1)
        x = self.setting.matrix(operator.inputs[0].tensor, inputs[operator.inputs[0].tensor])
        logits = product(x, _matrix_of_tokens(self.setting, ends.tokens(shard), x.shape[1]).T)[:, :, None]
        place = operator.sizes.get("summed", 0)
        if place:
            name = operator.inputs[place].tensor
            logits = (logits + ends.unpack(name, inputs[name], 1, shard)) % PRIME
        return {operator.outputs[0]: ends.pack(operator.outputs[0], logits, shard)}


@dataclass(frozen=True, slots=True)
class Best:
    """The token of the largest logit of each row, and one more than that logit; 0 where a shard has no token."""

    setting: Setting

    def lanes(self) -> int:
        """Return how many numbers a vector must hold: a token and its logit, if it is all of a row."""
        return LOGIT + 1

    def dense(self, inputs: Values) -> Values:
        """Return the best of each shard, shard after shard."""
        name, ends = self.setting.operator.inputs[0].tensor, Ends(self.setting, 1)
        logits = np.split(ends.unpack(name, inputs[name], 1, None), np.cumsum(ends.sizes())[:-1], axis=1)
        parts = [self._best(shard, part) for shard, part in enumerate(logits)]
        return {self.setting.operator.outputs[0]: np.concatenate(parts)}

    def part(self, shard: int, inputs: Values) -> Values:
        """Return the best of a shard."""
        name = self.setting.operator.inputs[0].tensor
        logits = Ends(self.setting, 1).unpack(name, inputs[name], 1, shard)
        return {self.setting.operator.outputs[0]: self._best(shard, logits)}

    def _best(self, shard: int, logits: Integers) -> Integers:
        setting, tokens = self.setting, Ends(self.setting, 1).tokens(shard)
        rows = np.zeros((len(logits), setting.rows(setting.operator.outputs[0])[1]), dtype=np.int64)
        if len(tokens):
            best = logits[:, :, 0].argmax(axis=1)
            rows[:, TOKEN] = tokens[best]
            rows[:, LOGIT] = (logits[np.arange(len(logits)), best, 0] + 1) % PRIME
        return setting.vectors(rows)


def sampled(setting: Setting, _: int | None, inputs: Values) -> Integers:
    """Return the best token of all shards for each row, as tokens lie in their vectors."""
    best = setting.input_rows(0, inputs)
    by_row = best.reshape(-1, setting.operator.rows, best.shape[1])
    first = by_row[:, :, LOGIT].argmax(axis=0)
    tokens = by_row[first, np.arange(len(first)), TOKEN]
    return vectors_of_tokens(setting, tokens).reshape(setting.rows(setting.output))
