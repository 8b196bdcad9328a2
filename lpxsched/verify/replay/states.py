"""What mixers with a state keep from step to step: the last rows of the convolution, and the state of each head.

Both follow from the seed before the first step; then a step finds what the one before it left on that chip, right or
wrong.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lpxsched.verify.replay.arithmetic import PRIME, drawn, generator
from lpxsched.verify.replay.field import dot, exponential, inverse_root, sigmoid, silu
from lpxsched.verify.replay.functions import weights_of
from lpxsched.verify.replay.recurrent import NUMBERS, Parts, parts_of, side_by_side, state_sizes
from lpxsched.verify.replay.units import by_user

if TYPE_CHECKING:
    from collections.abc import Callable

    from lpxsched.timetable.columns import Integers
    from lpxsched.verify.replay.functions import Setting, Values
    from lpxsched.verify.replay.units import Share

    # The next state (users, units, heads, key, values) and what is read of it, from a state, a row and heads by unit.
    Step = Callable[[Setting, Integers, Parts, Integers], tuple[Integers, Integers]]

TAPS = 3
# Parts of a unit that are convolved.
CONVOLVED = ("key", "query", "values")


def _name(setting: Setting, what: str) -> str:
    return f"{setting.keeper}, {what}"


def _drawn_before(setting: Setting, name: str, *shape: int) -> Integers:
    """Return what was kept before the first step."""
    key = (setting.round.micro_batch, setting.operator.layer, name)
    return drawn(generator(setting.seed, "kept", *key), *shape)


def _taps(setting: Setting) -> int:
    """Return over how many rows the convolution is reckoned."""
    return min(state_sizes(setting).taps, TAPS)


def _heads(share: Share, part: str) -> tuple[int, Integers]:
    """Return how many heads a part has, and those of the units, shape (units, heads)."""
    sizes = state_sizes(share.setting)
    if part == "values":
        return sizes.heads, sizes.heads_by_unit(share.units)
    return sizes.key_heads, sizes.key_heads_of(share.units)[:, None]


def rows_before(share: Share) -> Values:
    """Return the rows of each part before the first step, shape (taps - 1, users, units, heads, NUMBERS)."""
    setting = share.setting
    before, users = _taps(setting) - 1, setting.operator.rows // state_sizes(setting).rows_per_user
    heads = {part: _heads(share, part) for part in CONVOLVED}
    return {
        _name(setting, f"last {part} rows"): _drawn_before(setting, part, before, users, number, NUMBERS)[:, :, mine]
        for part, (number, mine) in heads.items()
    }


def last_rows(share: Share, inputs: Values) -> Values:
    """Return the last rows of each part."""
    rows, new = _all_rows(share, inputs), state_sizes(share.setting).rows_per_user
    return {_name(share.setting, f"last {part} rows"): rows[part][new:] for part in CONVOLVED}


def convolved(share: Share, inputs: Values) -> Integers:
    """Return keys, queries and values over the last rows, number by number, activated, and the rest as it is."""
    parts, mixed = parts_of(share, inputs), _mixed(share, inputs)
    return side_by_side(mixed["key"], mixed["query"], mixed["values"], parts.gates, parts.scalars)


def delta_convolved(share: Share, inputs: Values) -> Integers:
    """Return the same with keys and queries of length 1."""
    parts, mixed = parts_of(share, inputs), _mixed(share, inputs)
    key, query = (inverse_root(dot(x, x))[..., None] * x % PRIME for x in (mixed["key"], mixed["query"]))
    return side_by_side(key, query, mixed["values"], parts.gates, parts.scalars)


def _all_rows(share: Share, inputs: Values) -> Values:
    """Return kept and new rows of each part, shape (taps - 1 + rows of a user, users, units, heads, NUMBERS)."""
    parts, setting = parts_of(share, inputs), share.setting
    new = {"key": parts.key[:, :, None], "query": parts.query[:, :, None], "values": parts.values}
    laid = {part: by_user(x, state_sizes(setting).rows_per_user) for part, x in new.items()}
    kept = {part: inputs[_name(setting, f"last {part} rows")] for part in CONVOLVED}
    return {part: np.concatenate([kept[part], laid[part]]) for part in CONVOLVED}


def _mixed(share: Share, inputs: Values) -> Values:
    """Return the parts over the last rows of their user, activated; shape (rows, units, heads, numbers)."""
    taps, n, found = _taps(share.setting), state_sizes(share.setting).rows_per_user, {}
    for part, rows in _all_rows(share, inputs).items():
        number, heads = _heads(share, part)
        weights = weights_of(share.setting, part, taps, number, NUMBERS)[:, heads]
        mixed = sum(weights[tap] * rows[tap : tap + n] % PRIME for tap in range(taps))
        activated = silu(np.asarray(mixed % PRIME)).swapaxes(0, 1)
        found[part] = activated.reshape(len(activated) * n, *activated.shape[2:])
    return found


def state_before(share: Share) -> Values:
    """Return the state before the first step, shape (users, units, heads, NUMBERS, NUMBERS)."""
    sizes, setting = state_sizes(share.setting), share.setting
    users = setting.operator.rows // sizes.rows_per_user
    state = _drawn_before(setting, "state", users, sizes.heads, NUMBERS, NUMBERS)
    return {_name(setting, "state"): state[:, sizes.heads_by_unit(share.units)]}


def after(step: Step, share: Share, inputs: Values) -> Values:
    """Return the state after the last row."""
    return {_name(share.setting, "state"): _followed(step, share, inputs)[0]}


def read(step: Step, share: Share, inputs: Values) -> Integers:
    """Return what each row reads of the state once it has changed it, and the gates."""
    return side_by_side(_followed(step, share, inputs)[1], parts_of(share, inputs).gates)


def _followed(step: Step, share: Share, inputs: Values) -> tuple[Integers, Integers]:
    """Return the state after the last row, and what each row reads."""
    setting, sizes, parts = share.setting, state_sizes(share.setting), parts_of(share, inputs)
    state, heads, given = inputs[_name(setting, "state")], sizes.heads_by_unit(share.units), np.zeros_like(parts.values)
    for number in range(sizes.rows_per_user):
        at = slice(number, None, sizes.rows_per_user)
        state, given[at] = step(setting, state, Parts(*(part[at] for part in parts)), heads)
    return state, given


def delta_step(_: Setting, state: Integers, row: Parts, __: Integers) -> tuple[Integers, Integers]:
    """S decays; what the key reads of it is replaced by the value, as far as the rate says; the query reads it."""
    state = exponential(row.scalars[..., :1])[..., None] * state % PRIME
    key, query = (part[:, :, None, None] for part in (row.key, row.query))
    found = dot(key, state.swapaxes(3, 4))
    change = sigmoid(row.scalars[..., 1:]) * ((row.values - found) % PRIME) % PRIME
    state = (state + row.key[:, :, None, :, None] * change[..., None, :] % PRIME) % PRIME
    return state, dot(query, state.swapaxes(3, 4))


def space_step(setting: Setting, state: Integers, row: Parts, heads: Integers) -> tuple[Integers, Integers]:
    """S decays by the step, takes the product of key and value times the step; the query reads it, the value skips."""
    change = row.scalars * row.values % PRIME
    state = exponential(row.scalars)[..., None] * state % PRIME
    state = (state + row.key[:, :, None, :, None] * change[..., None, :] % PRIME) % PRIME
    skipped = weights_of(setting, "skip", state_sizes(setting).heads, 1)[heads] * row.values % PRIME
    return state, (dot(row.query[:, :, None, None], state.swapaxes(3, 4)) + skipped) % PRIME
