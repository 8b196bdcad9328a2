"""Tests of mixers with a state, and of latent attention, against loops over heads and rows."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from lpxsched.errors import InputError
from lpxsched.verify.replay.arithmetic import PRIME, drawn, generator
from lpxsched.verify.replay.attention import HEAD
from lpxsched.verify.replay.field import ROOT, inverse_root
from lpxsched.verify.replay.functions import weights_of
from lpxsched.verify.replay.latent import KEPT
from lpxsched.verify.replay.recurrent import NUMBERS, Shares
from lpxsched.verify.replay.states import TAPS
from lpxsched.workload.model import LatentAttention, LinearAttention, StateSpace
from tests.verify.changes import with_graph
from tests.verify.replay.test_attention import turn
from tests.verify.replay.whole import (
    STEP,
    dense_run,
    layer,
    matrix_in_blocks,
    out_in_blocks,
    rows_in_blocks,
    scaled_rows,
    setting_of,
    whole_build,
    whole_run,
)

if TYPE_CHECKING:
    from lpxsched.verify.replay.dense import Dense

ROWS, USERS, ROWS_PER_USER = 4, 2, 2
DRAFTS = replace(STEP, batch=ROWS, rows_per_user=ROWS_PER_USER)
HEADS, KEYS = 4, 2


def weights(run: Dense, kind: str, name: str, *shape: int) -> Any:
    """Return weights of an operator, as whole numbers without a limit."""
    return weights_of(setting_of(run, kind), name, *shape).astype(object)


def kept(*key: str, shape: tuple[int, ...]) -> Any:
    """Return what was kept from before."""
    return drawn(generator(0, key[0], 0, 1, *key[1:]), *shape).astype(object)


def rows_of(run: Dense, kind: str, name: str) -> Any:
    """Return a tensor as rows."""
    return setting_of(run, kind).matrix(name, run.whole[name]).astype(object)


def sigmoid(x: int) -> int:
    """Return 1 / (1 + e^-x)."""
    return pow(1 + pow(ROOT, -x, PRIME), -1, PRIME)


def over_length(numbers: list[int]) -> list[int]:
    """Return numbers over the root of the sum of their squares."""
    length = int(inverse_root(np.array([sum(one * one for one in numbers) % PRIME]))[0])
    return [one * length % PRIME for one in numbers]


def mixed(run: Dense, kind: str, name: str, rows: Any, heads: int, row: int, head: int) -> list[int]:
    """Return the activated numbers of a head over its last rows."""
    taps = weights(run, kind, name, TAPS, heads, NUMBERS)
    past = kept("kept", name, shape=(TAPS - 1, USERS, heads, NUMBERS))
    user, new = divmod(row, ROWS_PER_USER)
    line = [*past[:, user, head], *rows[user * ROWS_PER_USER : user * ROWS_PER_USER + new + 1, head]][-TAPS:]
    sums = [sum(int(taps[tap, head, at] * line[tap][at]) for tap in range(TAPS)) % PRIME for at in range(NUMBERS)]
    return [one * sigmoid(one) % PRIME for one in sums]


def projected(run: Dense, prefix: str, scalars: int) -> dict[str, Any]:
    """Return keys, queries, values, gates and scalars of all rows."""
    x, read = scaled_rows(run, "layer.1.mixer_rows"), "layer.1.mixer_rows"
    widths = {"key": (KEYS, NUMBERS), "query": (KEYS, NUMBERS), "values": (HEADS, NUMBERS), "gates": (HEADS, NUMBERS)}
    widths["scalars"] = (HEADS, scalars)
    return {
        name: np.einsum(
            "rl,hln->rhn", x, matrix_in_blocks(run, f"{prefix}_in", name, read=read, number=number, numbers=width)
        )
        % PRIME
        for name, (number, width) in widths.items()
    }


def updated(state: Any, key: list[int], value: list[int], scalars: list[int], *, delta: bool) -> None:
    """Let one row change the state of a head."""
    state[:] = state * pow(ROOT, scalars[0], PRIME) % PRIME
    found = [sum(key[k] * state[k, v] for k in range(NUMBERS)) % PRIME for v in range(NUMBERS)]
    rate = sigmoid(scalars[1]) if delta else scalars[0]
    for v in range(NUMBERS):
        change = rate * (value[v] - found[v] if delta else value[v]) % PRIME
        for k in range(NUMBERS):
            state[k, v] = (state[k, v] + key[k] * change) % PRIME


def read_rows(run: Dense, prefix: str, p: dict[str, Any], skip: list[int]) -> Any:
    """Return what heads read of their states, row after row."""
    delta, convolve = prefix == "delta", f"{prefix}_convolve"
    state = kept("kept", "state", shape=(USERS, HEADS, NUMBERS, NUMBERS))
    given = np.zeros((ROWS, HEADS, NUMBERS), dtype=object)
    for row in range(ROWS):
        for head in range(HEADS):
            key, query = (mixed(run, convolve, n, p[n], KEYS, row, head * KEYS // HEADS) for n in ("key", "query"))
            value = mixed(run, convolve, "values", p["values"], HEADS, row, head)
            if delta:
                key, query = over_length(key), over_length(query)
            mine = state[row // ROWS_PER_USER, head]
            updated(mine, key, value, [int(one) for one in p["scalars"][row, head]], delta=delta)
            for v in range(NUMBERS):
                read = sum(query[k] * mine[k, v] for k in range(NUMBERS))
                given[row, head, v] = (read + skip[head] * value[v]) % PRIME
    return given


def recurrent(run: Dense, prefix: str, scalars: int, skip: list[int]) -> Any:
    """Return the layer's rows from those before it on, by loops over users, rows and heads."""
    p, out = projected(run, prefix, scalars), f"{prefix}_out"
    given = read_rows(run, prefix, p, skip)
    gates = np.vectorize(lambda gate: gate * sigmoid(int(gate)) % PRIME, otypes=[object])(p["gates"])
    result = rows_in_blocks(run, "layer.0.output")
    last = out_in_blocks(run, out, HEADS, NUMBERS)
    scale = weights(run, f"{prefix}_norm", "norm", HEADS, NUMBERS)
    for row in range(ROWS):
        if prefix == "delta":
            normed = np.array([over_length(list(one)) for one in given[row]], dtype=object) * gates[row]
        else:
            groups = np.split((given[row] * gates[row] % PRIME).reshape(-1), KEYS)
            flat = [one for group in groups for one in over_length(list(group))]
            normed = np.array(flat, dtype=object).reshape(HEADS, NUMBERS)
        for head in range(HEADS):
            result[row] += normed[head] * scale[head] % PRIME @ last[head]
    return result % PRIME


@pytest.mark.parametrize("width", [1, 3])
def test_the_delta_rule_is_what_loops_give(width: int) -> None:
    """Tests four rows of two users, two key heads with two heads each."""
    run = whole_run(layer(LinearAttention(KEYS, HEADS, 4, 4, 4)), widths=(1, width, 1), decoding=DRAFTS)
    expected = recurrent(run, "delta", 2, [0] * HEADS)
    assert np.array_equal(rows_in_blocks(run, "layer.1.output"), expected)


@pytest.mark.parametrize("width", [1, 3])
def test_a_state_space_is_what_loops_give(width: int) -> None:
    """Tests four rows of two users, two groups of two heads."""
    run = whole_run(layer(StateSpace(HEADS, 4, KEYS, 4, 4)), widths=(1, width, 1), decoding=DRAFTS)
    skip = [int(one) for one in weights(run, "state", "skip", HEADS, 1)[:, 0]]
    assert np.array_equal(rows_in_blocks(run, "layer.1.output"), recurrent(run, "state", 1, skip))


def latent(run: Dense) -> Any:
    """Return the layer's rows from its latent rows on, by loops over rows and heads."""
    latents, past = rows_of(run, "absorb", "layer.1.latents"), 3
    queries, rank = latents[:, :-KEPT], latents.shape[1] - KEPT
    cache = kept("cache", shape=(past, USERS, KEPT))
    w = weights(run, "absorb", "queries", HEADS, rank, KEPT)
    keys = weights(run, "absorb", "keys", HEADS, HEAD, HEAD)
    values = weights(run, "latent_out", "values", HEADS, HEAD, HEAD)
    result = rows_in_blocks(run, "layer.0.output")
    last = out_in_blocks(run, "latent_out", HEADS, HEAD)
    for row in range(ROWS):
        user, new = divmod(row, ROWS_PER_USER)
        seen = [*cache[:, user], *latents[user * ROWS_PER_USER : row + 1, -KEPT:]]
        for head in range(HEADS):
            query = queries[row] @ w[head] % PRIME
            turned = [*(query[:HEAD] @ keys[head] % PRIME), *turn([int(one) for one in query[HEAD:]], past + new)]
            powers = [
                pow(ROOT, int(sum(a * b for a, b in zip(turned, one, strict=True)) % PRIME), PRIME) for one in seen
            ]
            inverse = pow(sum(powers), -1, PRIME)
            taken = sum(power * inverse * one[:HEAD] for power, one in zip(powers, seen, strict=True)) % PRIME
            result[row] += (taken @ values[head] % PRIME) @ last[head]
    return result % PRIME


@pytest.mark.parametrize("width", [1, 3])
def test_latent_attention_is_what_loops_give(width: int) -> None:
    """Tests four rows of two users, the cache three rows of each."""
    run = whole_run(layer(LatentAttention(HEADS, 8, 8, 4, 2, 4)), widths=(1, width, 1), decoding=DRAFTS)
    assert np.array_equal(rows_in_blocks(run, "layer.1.output"), latent(run))


def test_latent_rows_are_normed_by_their_parts() -> None:
    """Tests that the squares of each part add up to 1 or minus 1, and that the pair is turned by its place."""
    run = whole_run(layer(LatentAttention(HEADS, 8, 8, 4, 2, 4)), widths=(1, 2, 1), decoding=DRAFTS)
    rows = rows_of(run, "absorb", "layer.1.latents")
    for part in (rows[:, :-KEPT], rows[:, -KEPT:-HEAD]):
        assert all(one in (1, PRIME - 1) for one in (part * part).sum(axis=1) % PRIME)


@pytest.mark.parametrize(
    ("changes", "fault"),
    [({}, ""), ({"taps": 0}, "size of 0"), ({"units": 3}, "3 units"), ({"rows_per_user": 3}, "3 a user")],
)
def test_units_that_do_not_fit_are_told(changes: dict[str, int], fault: str) -> None:
    """Tests two units of 16 columns on two rows."""
    found = replace(Shares(8, 2, 16, 2, 1, 4), **changes).fault(32, 2)
    assert bool(found) == bool(fault)
    assert fault in found


def test_units_that_are_cut_are_refused() -> None:
    """Tests columns that are dealt in smaller blocks than a unit."""
    build = whole_build(layer(StateSpace(HEADS, 4, KEYS, 4, 4)), widths=(1, 3, 1))
    operators = build.graph.model_dump()["operators"]
    next(one for one in operators if one["kind"] == "state")["column_block"] = 1
    with pytest.raises(InputError, match=r"layer\.1\.state: has shares of 3 columns, must be whole multiples of 4"):
        dense_run(with_graph(build, operators=operators))
