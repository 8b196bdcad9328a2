"""Guessing of further tokens: which drafts are accepted, what follows which row, and rows of a module.

Chips of the head keep for each user how many drafts of a step were accepted, and the tokens that follow his rows: those
that were chosen for each row, and behind the last accepted one those that are guessed. A draft is accepted where it and
the token that was chosen in its place are alike modulo `ALIKE`, and all before it are: so that all numbers occur.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from lpxsched.verify.replay.arithmetic import PRIME, drawn, generator, product
from lpxsched.verify.replay.ends import tokens_of, vectors_of_tokens
from lpxsched.verify.replay.functions import Setting, Values, sizes_as, sound, weights_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from lpxsched.timetable.columns import Integers
    from lpxsched.verify.replay.units import Share

ALIKE = 2
# Rows of what is kept: how many were accepted, then what follows each row.
ACCEPTED, FOLLOWING = 0, 1


class Left(NamedTuple):
    """What an operator leaves, as vectors, and what it keeps."""

    vectors: Integers
    kept: Integers


@dataclass(frozen=True, slots=True)
class Guess:
    """Which draft an operator is of, and how many there are."""

    draft: int
    drafts: int
    modules: int

    def fault(self, _: int, rows: int) -> str:
        """Return why it is none; empty where it is one."""
        return "" if rows and 0 <= self.draft <= self.drafts and self.modules > 0 else f"is of draft {self.draft}"


def guess_of(setting: Setting) -> Guess:
    """Return which draft an operator is of."""
    return sound(setting, sizes_as(Guess, setting))


@dataclass(frozen=True, slots=True)
class Turn:
    """An operator that knows which drafts were accepted; every shard does all of it.

    Attributes
    ----------
    setting : Setting
    image : callable
        What it leaves, of its input and what is kept.
    rows : callable
        Rows of its input a user.
    """

    setting: Setting
    image: Callable[[Setting, Integers, Integers], Left]
    rows_per_user: Callable[[Guess], int]

    def lanes(self) -> int:
        """Return how many numbers a vector must hold: any."""
        return 1

    def before(self, _: int | None) -> Values:
        """Return what is kept before the first step."""
        guess, setting = guess_of(self.setting), self.setting
        shape = FOLLOWING + 1 + 2 * guess.drafts, self._users()
        kept = drawn(generator(setting.seed, "tokens", setting.round.micro_batch, self._name()), *shape)
        kept[ACCEPTED] %= 1 + guess.drafts
        return {self._name(): kept}

    def dense(self, inputs: Values) -> Values:
        """Return all of what it leaves, and what it keeps."""
        name = self._name()
        left = self.image(self.setting, inputs[self.setting.operator.inputs[0].tensor], inputs[name])
        return {self.setting.output: left.vectors, name: left.kept}

    def part(self, shard: int, inputs: Values) -> Values:
        """Return the part of a shard, and what it keeps."""
        whole = self.dense(inputs)
        return whole | {self.setting.output: self.setting.cut(self.setting.output, shard, whole[self.setting.output])}

    def _name(self) -> str:
        return f"{self.setting.keeper.rpartition('.')[0]}, tokens"

    def _users(self) -> int:
        return self.setting.operator.rows // self.rows_per_user(guess_of(self.setting))


@dataclass(frozen=True, slots=True)
class Copied:
    """Rows that every shard has, of which each leaves a share."""

    setting: Setting

    def lanes(self) -> int:
        """Return how many numbers a vector must hold: any."""
        return 1

    def dense(self, inputs: Values) -> Values:
        """Return the rows."""
        return {self.setting.output: inputs[self.setting.operator.inputs[0].tensor]}

    def part(self, shard: int, inputs: Values) -> Values:
        """Return the share of a shard."""
        return {name: self.setting.cut(name, shard, values) for name, values in self.dense(inputs).items()}


def all_rows(guess: Guess) -> int:
    """Return the rows of a user that a step checks."""
    return 1 + guess.drafts


def one_row(_: Guess) -> int:
    """Return one row a user."""
    return 1


def accepted(setting: Setting, vectors: Integers, kept: Integers) -> Left:
    """Accept drafts by the tokens that were chosen in their place, and leave what was chosen for every row."""
    drafts, users = guess_of(setting).drafts, np.arange(kept.shape[1])
    tokens = tokens_of(setting, vectors, setting.operator.rows)
    chosen = tokens.reshape(len(users), 1 + drafts).T
    guessed = kept[FOLLOWING + 1 + kept[ACCEPTED] + np.arange(drafts)[:, None], users]
    alike = (chosen[:drafts] - guessed) % ALIKE == 0
    now = np.zeros_like(kept)
    now[ACCEPTED] = np.cumprod(alike, axis=0).sum(axis=0)
    now[FOLLOWING : FOLLOWING + 1 + drafts] = chosen
    return Left(vectors_of_tokens(setting, tokens), now)


def handed(setting: Setting, vectors: Integers, kept: Integers) -> Left:
    """Keep a guessed token of each user, and leave what follows each row that goes on, or the last accepted one."""
    guess, users = guess_of(setting), np.arange(kept.shape[1])
    guessed = tokens_of(setting, vectors, len(users))
    now, last = kept.copy(), kept[ACCEPTED] + FOLLOWING
    now[last + guess.draft, users] = guessed
    rows = np.arange(1 + guess.drafts)[:, None]
    if guess.draft == guess.drafts:
        guessed = now[last + rows, users].T.reshape(-1)
    elif guess.draft < guess.modules:
        guessed = now[FOLLOWING + guess.draft + rows, users[None]].T.reshape(-1)
    return Left(vectors_of_tokens(setting, guessed), now)


def picked(setting: Setting, vectors: Integers, kept: Integers) -> Left:
    """Leave each user's last accepted row."""
    rows = setting.matrix(setting.operator.inputs[0].tensor, vectors)
    by_user = rows.reshape(kept.shape[1], -1, rows.shape[1])
    return Left(setting.vectors(by_user[np.arange(len(by_user)), kept[ACCEPTED]]), kept)


def joined(share: Share, inputs: Values) -> Integers:
    """Return numbers of a row of a token's embedding and of the row before it, each times its scale."""
    setting, sizes = share.setting, share.setting.operator.sizes
    ends = np.cumsum([0, sizes["token_blocks"], sizes["row_blocks"]]).tolist()
    halves = []
    for half, (begin, end) in enumerate(pairwise(ends)):
        scale = share.rows(ends[-1] + half, inputs)[:, :1]
        halves += [share.rows(place, inputs) * scale % PRIME for place in range(begin, end)]
    x = np.concatenate(halves, axis=1)
    weights = weights_of(setting, "join", setting.width, x.shape[1])[share.units]
    return np.asarray(product(x, weights.T)[:, :, None])
