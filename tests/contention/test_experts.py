"""Tests of what a routing makes of experts."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from lpxsched.contention.drawing import drawing_of
from lpxsched.contention.experts import RoutedLayer, combining, routed_layers
from lpxsched.contention.runtime import read_runtime, runtime_of
from lpxsched.contention.steps import contended_steps
from lpxsched.errors import InputError
from lpxsched.options import ContendOptions
from lpxsched.verify.replay.routings import HeldExperts, Routed
from tests.timetable.small import compiled

if TYPE_CHECKING:
    from pathlib import Path

    from lpxsched.compiled.kernels import Integers
    from lpxsched.timetable.build import Build


def layer() -> RoutedLayer:
    """Return two chips of two experts; rows 0 and 1 come to chip 0, row 2 to chip 1; an expert of n rows takes 10 n."""
    rows = np.arange(4)
    return RoutedLayer(
        routed=Routed(3, 4, 0, 2, (HeldExperts((0, 1), 0, 1), HeldExperts((2, 3), 0, 1))),
        operator=np.array([0, 1]),
        cycles=np.stack([10 * rows, 10 * rows]),
        fixed_cycles=np.array([5, 5]),
        home=np.array([0, 0, 1]),
        placed={7: 0, 8: 1},
        labels={9: 0},
        windows=1,
        row_vectors=9,
        vector_bytes=4,
    )


# Expert 0 meets rows 0 and 1, expert 1 row 0, expert 3 rows 1 and 2, expert 2 row 2.
CHOSEN = np.array([[0, 1], [0, 3], [2, 3]])


def test_a_chip_runs_the_experts_that_rows_met() -> None:
    """Tests 5 + 20 + 10 on chip 0 and 5 + 10 + 20 on chip 1; whom nobody meets costs only what is fixed."""
    assert layer().durations(CHOSEN).tolist() == [35, 35]
    assert layer().durations(np.array([[0, 1]] * 3)).tolist() == [5 + 2 * 30, 5]


def test_what_is_wanted_travels() -> None:
    """Tests pairs times vectors of a row, and labels of 4 bytes in vectors of 4: at least one, even of no pair."""
    assert layer().sent_vectors(CHOSEN, 7, 0) == 3 * 9
    assert layer().sent_vectors(CHOSEN, 7, 1) == 9
    assert layer().sent_vectors(CHOSEN, 8, 0) == 0
    assert layer().sent_vectors(CHOSEN, 9, 0) == 3
    assert layer().sent_vectors(np.array([[2, 3]] * 3), 9, 0) == 1


def slowest_experts(build: Build, tokens: str, steps: int) -> Integers:
    """Return the ps of the slowest experts of segment 0 by step, and last what the timetable reserves for them."""
    options = ContendOptions.model_validate({"tokens": tokens, "runtime": "none", "steps": steps})
    drawing = drawing_of(build, 0, options, runtime_of(read_runtime("none")))
    groups = np.searchsorted(drawing.laid.operator, drawing.layers[0].operator)
    drawn = [drawing.step(step).duration[groups].max() for step in range(steps)]
    return np.array([*drawn, drawing.laid.duration_ps[groups].max()])


# Nine experts of two and of five blocks of 32 columns on four chips.
BLOCKS = [{"weights": "mxfp4", "num_local_experts": 9, "intermediate_size": columns} for columns in (64, 160)]


@pytest.mark.parametrize("policy", [{}, {"moe": "whole"}, {"moe": "dispatch"}, *BLOCKS], ids=str)
def test_no_routing_takes_longer_than_the_timetable_reserves(tmp_path: Path, policy: dict[str, Any]) -> None:
    """Tests the slowest experts: of uniform tokens at most the adversary's, and these at most those of the build.

    A timetable rounds all runs up at once, here each part of an expert is rounded up to a cycle of 1,111.1 ps.
    """
    build = compiled(tmp_path, **policy)
    parts = max(len(held.experts) for held in routed_layers(build, 0)[0].routed.held)
    *uniform, reserved = slowest_experts(build, "uniform", 30).tolist()
    adversarial = int(slowest_experts(build, "adversarial", 1)[0])
    assert max(uniform) <= adversarial <= reserved + parts * 1112
    assert min(uniform) < reserved


def in_blocks(build: Build, rows: int) -> Build:
    """Return a build in which another block of columns, of so many rows, is added up by an operator of its own."""
    graph = build.graph
    one = next(one for one in graph.operators if one.kind == "combine")
    tensor = next(tensor for tensor in graph.tensors if tensor.name == one.outputs[0])
    second = one.model_copy(update={"name": f"{one.name}_2", "kind": "combine_2", "outputs": [f"{tensor.name}_2"]})
    block = tensor.model_copy(update={"name": f"{tensor.name}_2", "rows": rows})
    more = {"operators": [*graph.operators, second], "tensors": [*graph.tensors, block]}
    return replace(build, graph=graph.model_copy(update=more))


def test_all_blocks_of_columns_are_taken(tmp_path: Path) -> None:
    """Tests eight rows that two operators add up, and that they must not differ in rows."""
    build = compiled(tmp_path)
    found = in_blocks(build, 8)
    experts = next(one for one in found.graph.operators if one.kind == "experts")
    assert [one.kind for one in combining(found, experts)] == ["combine", "combine_2"]
    assert [layer.routed.rows for layer in routed_layers(found, 0)] == [8]
    with pytest.raises(InputError, match=r"combine_2 must leave equally many rows, got \[7, 8\]"):
        routed_layers(in_blocks(build, 7), 0)


def test_shares_that_are_not_those_of_all_experts_are_refused(tmp_path: Path) -> None:
    """Tests four experts of which the graph says that only three lie on chips."""
    build = compiled(tmp_path, moe="whole")
    one = next(one for one in build.graph.operators if one.kind == "experts")
    assert one.shares is not None
    shares = [[rows, min(held, number < 3), runs] for number, (rows, held, runs) in enumerate(one.shares)]
    operators = [one.model_copy(update={"shares": shares}), *(other for other in build.graph.operators if other != one)]
    graph = build.graph.model_copy(update={"operators": operators})
    with pytest.raises(InputError, match="work and shares must say which experts lie where"):
        routed_layers(replace(build, graph=graph), 0)


def test_hot_experts_make_steps_of_whole_experts_longer(tmp_path: Path) -> None:
    """Tests medians of 60 steps: uniform tokens, skewed ones, the adversary."""
    build, quiet = compiled(tmp_path, moe="whole"), runtime_of(read_runtime("none"))
    uniform, skewed, worst = (
        np.median(contended_steps(build, ContendOptions(tokens=tokens, steps=60), quiet).step_ps)
        for tokens in ("uniform", "skewed", "adversarial")
    )
    assert uniform <= skewed <= worst
    assert uniform < worst
