"""Tests of rows that go to the chips of their experts, window by window."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lpxsched.verify.replay.arithmetic import PRIME, drawn, generator
from lpxsched.verify.replay.dispatch import Home, dispatches, numbered, positions
from lpxsched.verify.replay.experts import computed
from lpxsched.verify.replay.mixtures import GATES
from lpxsched.verify.replay.rounds import Round
from lpxsched.verify.replay.routings import ROUTINGS
from tests.timetable.small import compiled
from tests.verify.changes import with_graph
from tests.verify.replay.whole import dense_run

if TYPE_CHECKING:
    from pathlib import Path

    from lpxsched.timetable.columns import Integers
    from lpxsched.verify.replay.dense import Dense
    from lpxsched.verify.replay.dispatch import Dispatch
    from lpxsched.verify.replay.functions import Values


def home(first: int, rows: int, room: int) -> Home:
    """Return a source of tensors without names."""
    return Home(first, rows, room, "", "", [])


def test_pairs_are_numbered_by_expert() -> None:
    """Tests rows 1 and 2 of three, with room for one: both meet expert 0, row 1 also expert 2 and row 2 expert 1."""
    chosen = np.array([[0, 1], [2, 0], [0, 1]])
    one = home(1, 2, 1)
    # Pairs of rows 1 and 2 are 2, 3, 4 and 5, with experts 2, 0, 0 and 1.
    assert numbered(one, chosen).tolist() == [0, 0, 1, 0]
    # Expert 0 has position 0, expert 1 position 1, expert 2 position 2.
    first, second = positions(one, chosen, 0), positions(one, chosen, 1)
    assert (first[0].tolist(), first[1].tolist()) == ([2, 3, 5], [2, 0, 1])
    assert (second[0].tolist(), second[1].tolist()) == ([4], [0])


@given(st.integers(1, 9), st.integers(1, 5), st.integers(1, 4), st.integers(0, 99))
def test_every_pair_is_in_one_window_at_a_place_of_its_own(rows: int, experts: int, room: int, seed: int) -> None:
    """Tests that as many windows as the worst routing takes hold every pair once, and no position two pairs."""
    per_row = min(2, experts)
    chosen = np.argsort(drawn(generator(seed), rows, experts), axis=1)[:, :per_row]
    taken = [positions(home(0, rows, min(room, rows)), chosen, window) for window in range(-(-rows // min(room, rows)))]
    assert sorted(pair for pairs, _ in taken for pair in pairs.tolist()) == list(range(rows * per_row))
    assert all(len(set(places.tolist())) == len(places) for _, places in taken)


@pytest.mark.parametrize("routing", range(len(ROUTINGS)), ids=ROUTINGS)
def test_all_windows_together_give_every_pair_of_every_row(tmp_path: Path, routing: int) -> None:
    """Tests the sum over the windows of what combine leaves against a loop over rows and their experts."""
    build = compiled(tmp_path, moe="dispatch", batch=20, capacity=0.5, num_hidden_layers=1)
    (layer,) = dispatches(build.graph)
    assert layer.windows > 1
    runs = [dense_run(build, 1, Round(routing, window=window)) for window in range(layer.windows)]
    windows = [values_of(run, runs[0].whole["layer.0.input"]) for run in runs]
    total = sum(values[layer.output] for values in windows) % PRIME
    assert np.array_equal(total, by_loop(runs[0], windows[0], layer))


def values_of(run: Dense, rows: Integers) -> Values:
    """Return what all operators leave of some rows in the window and under the routing of a run."""
    values: Values = {"layer.0.input": rows}
    for function in [*run.functions.values()][1:]:
        inputs = {read.tensor: values[read.tensor] for read in function.setting.operator.inputs}
        values |= function.dense(inputs)
    return values


def by_loop(run: Dense, values: Values, layer: Dispatch) -> Integers:
    """Return the sum over the experts of each row, each of which all hidden numbers of its own chip make."""
    settings = {one.setting.operator.kind: one.setting for one in run.functions.values()}
    experts, combine = settings["experts"], settings["combine"]
    rows = values["layer.0.input"].reshape(layer.routed.rows, -1)
    pairs = values["layer.0.routing"].reshape(layer.routed.rows, -1)[:, : layer.routed.experts_per_row]
    shard_of = [shard for shard, held in enumerate(layer.routed.held) for _ in held.experts]
    length = combine.rows(layer.output)[1]
    total = np.zeros((layer.routed.rows, length), dtype=np.int64)
    for row, (x, met) in enumerate(zip(rows, pairs, strict=True)):
        for pair in met.tolist():
            expert, gate = divmod(pair, GATES)
            made = computed(experts, layer.routed, shard_of[expert], np.array([expert]), x[None, :], length)[0]
            total[row] += made * gate % PRIME
    return combine.vectors(total % PRIME)


@pytest.mark.parametrize("change", ["layout", "sizes", "shares", "room"])
def test_other_operators_are_no_dispatch(tmp_path: Path, change: str) -> None:
    """Tests experts that read a part of another layout, state no rows, hold too few experts, or leave other rows."""
    build = compiled(tmp_path, moe="dispatch", num_hidden_layers=1)
    graph = build.graph.model_dump()
    experts = next(operator for operator in graph["operators"] if operator["kind"] == "experts")
    if change == "layout":
        experts["inputs"][0] |= {"layout": "replicated", "runs": None}
    elif change == "sizes":
        experts["sizes"]["rows"] += 1
    elif change == "shares":
        experts["shares"][0][1] -= 1
    else:
        tensor = next(tensor for tensor in graph["tensors"] if tensor["name"] == "layer.0.expert_output")
        tensor["rows"] += 1
    assert len(dispatches(build.graph)) == 1
    assert dispatches(with_graph(build, **graph).graph) == []
