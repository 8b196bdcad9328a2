"""Routings and runs of experts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lpxsched.verify.replay.arithmetic import drawn, generator
from lpxsched.verify.replay.mixtures import mixtures
from lpxsched.verify.replay.routings import MOST_RUNS, ROUTINGS, HeldExperts, Routed, chosen_experts, without_run
from lpxsched.workload.expert_runs import met_pairs, worst_runs
from lpxsched.workload.work import shard_sizes
from tests.builds import two_chip_build
from tests.timetable.small import compiled
from tests.verify.changes import with_graph

if TYPE_CHECKING:
    from pathlib import Path

    from lpxsched.timetable.build import Build


def mixture(rows: int, experts: int, per_row: int, runs: int, rows_per_run: int) -> Routed:
    """Return a mixture on one shard."""
    return Routed(rows, experts, 0, per_row, (HeldExperts(tuple(range(experts)), runs, rows_per_run),))


@st.composite
def shapes(draw: st.DrawFn) -> tuple[int, int, int, int]:
    """Draw rows, experts, experts of a row and rows of a run."""
    experts = draw(st.integers(1, 9))
    rows = draw(st.integers(1, 12))
    return rows, experts, draw(st.integers(1, experts)), draw(st.integers(1, rows))


@given(shapes(), st.sampled_from(ROUTINGS))
def test_the_worst_case_has_room_for_every_routing(shape: tuple[int, int, int, int], routing: str) -> None:
    """Tests that rows meet different experts, and that S(c) runs of c rows suffice, whatever the routing."""
    rows, experts, per_row, rows_per_run = shape
    one = mixture(rows, experts, per_row, worst_runs(met_pairs(rows, experts, per_row), rows_per_run), rows_per_run)
    chosen = chosen_experts(one, routing, drawn(generator(1), rows, experts))
    assert all(len(set(row)) == per_row and set(row) <= set(range(experts)) for row in chosen.tolist())
    assert not len(without_run(one.held[0], chosen.reshape(-1)))


@given(shapes())
def test_the_most_runs_need_all_of_the_worst_case(shape: tuple[int, int, int, int]) -> None:
    """Tests that with one run less than S(c) a pair of the last routing is left over."""
    rows, experts, per_row, rows_per_run = shape
    one = mixture(rows, experts, per_row, worst_runs(met_pairs(rows, experts, per_row), rows_per_run) - 1, rows_per_run)
    assert len(without_run(one.held[0], chosen_experts(one, MOST_RUNS, drawn(generator(1), rows, experts)).reshape(-1)))


def test_pairs_are_dealt_expert_by_expert() -> None:
    """Tests two runs of two rows: pairs 1, 3 and 4 of expert 0 take both, pairs 0 and 2 of expert 1 find none."""
    assert without_run(HeldExperts((0, 1), 2, 2), np.array([1, 0, 1, 0, 0])).tolist() == [0, 2]


def test_an_expert_in_parts_takes_a_run_for_each() -> None:
    """Tests three runs of one row: both parts of expert 0 for pair 1, one of them for pair 3, and none for pair 0."""
    assert without_run(HeldExperts((0, 0, 1), 3, 1), np.array([1, 0, 2, 0])).tolist() == [0, 3]


def test_experts_in_parts_meet_the_most_rows() -> None:
    """Tests two rows that meet one of three experts, of which the last has two parts: both meet it, in runs of one."""
    one = Routed(2, 3, 0, 1, (HeldExperts((0, 1, 2, 2), 4, 1),))
    assert chosen_experts(one, MOST_RUNS, np.zeros((2, 3), dtype=np.int64)).tolist() == [[2], [2]]


def test_routings_by_name() -> None:
    """Tests three rows that meet two of four experts each."""
    one, scores = mixture(3, 4, 2, 6, 1), np.array([[4, 3, 2, 1], [1, 2, 3, 4], [1, 4, 4, 1]])
    chosen = {routing: chosen_experts(one, routing, scores).tolist() for routing in ROUTINGS}
    assert chosen == {
        "random": [[0, 1], [3, 2], [1, 2]],
        "same": [[0, 1], [0, 1], [0, 1]],
        "spread": [[0, 1], [2, 3], [0, 1]],
        "hot": [[0, 1], [0, 2], [0, 3]],
        # One pair each, then two more runs of one row for the first expert: 0 0 0, 1, 2, 3.
        "most runs": [[0, 1], [0, 2], [0, 3]],
        "most runs of the last": [[0, 1], [0, 2], [0, 3]],
    }


@given(shapes(), st.integers(1, 5), st.sampled_from(ROUTINGS))
def test_whole_experts_have_room_on_every_chip(shape: tuple[int, int, int, int], width: int, routing: str) -> None:
    """Tests what `expert_runs` reserves on each of some chips, and that the last two routings need all of one."""
    rows, experts, per_row, rows_per_run = shape
    held, first = [], 0
    for number in shard_sizes(experts, 1, width):
        runs = worst_runs(met_pairs(rows, number, per_row), rows_per_run)
        held.append(HeldExperts(tuple(range(first, first + number)), runs, rows_per_run))
        first += number
    one = Routed(rows, experts, 0, per_row, tuple(held))
    chosen = chosen_experts(one, routing, drawn(generator(1), rows, experts))
    assert all(len(set(row)) == per_row and set(row) <= set(range(experts)) for row in chosen.tolist())
    assert not any(len(without_run(some, chosen.reshape(-1))) for some in held)
    fullest = {"most runs": held[0], "most runs of the last": [some for some in held if some.experts][-1]}
    if routing in fullest:
        few = fullest[routing]._replace(runs=fullest[routing].runs - 1)
        assert len(without_run(few, chosen.reshape(-1)))


def test_a_plan_is_read_from_the_work(tmp_path: Path) -> None:
    """Tests 8 rows that meet 2 of 4 experts: the compile plans 10 runs of 2 rows, S(2) = min(16, 4 + 12 / 2)."""
    first = mixtures(compiled(tmp_path, batch=8).graph)[0]
    routed = first.routed
    assert (routed.rows, routed.experts, routed.experts_per_row) == (8, 4, 2)
    assert set(routed.held) == {HeldExperts((0, 1, 2, 3), 10, 2)}


@pytest.mark.parametrize("change", ["layout", "kind", "weights", "sizes"])
def test_other_operators_are_no_mixture(small_build: Build, change: str) -> None:
    """Tests experts that read a share, another kind, no weights, fewer experts than a row meets: linear maps then."""
    operators = small_build.graph.model_dump()["operators"]
    experts = operators[3]
    if change == "layout":
        experts["inputs"][0]["layout"] = "sharded"
    elif change == "kind":
        experts["kind"] = "mixer"
    elif change == "weights":
        experts["resident"] = []
    else:
        experts["sizes"]["experts"] = 1
    assert len(mixtures(small_build.graph)) == 2
    assert len(mixtures(with_graph(small_build, operators=operators).graph)) == 1
    assert mixtures(two_chip_build().graph) == []
