"""The replay of whole builds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from lpxsched.collective_pipeline import compile_collective
from lpxsched.options import CollectiveOptions
from lpxsched.verify.replay.replay import replay
from lpxsched.verify.replay.routings import ROUTINGS
from tests.builds import two_chip_build
from tests.timetable.small import compiled
from tests.verify.borders import DISJOINT, OVERLAPPING, Border, border_build
from tests.verify.changes import change, with_graph, without
from tests.verify.collectives import KINDS, LAID, RELAYED_REDUCE, build_of, collective_build
from tests.verify.doubled import shared_build
from tests.verify.test_frames import phased

if TYPE_CHECKING:
    from pathlib import Path

    from lpxsched.timetable.build import Build

CHOICES: list[dict[str, Any]] = [{}, {"chips": (0, 1, 6), "relays": True}, {"chips": (0, 1, 4, 5), "cyclic": True}]


@pytest.mark.parametrize("kind", KINDS)
def test_a_collective_laid_by_hand_is_replayed(kind: str) -> None:
    """Tests that each chip finds what it should: as many vectors as operands read, sums counted once each."""
    build = collective_build(kind)
    report = replay(build)
    assert report.ok
    assert report.compared == build.operands.vectors[build.operands.role == "copy"].sum()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "choices", [{}, {"chips": (0, 1, 6), "relays": True}, {"chips": (0, 1, 4, 5), "cyclic": True}], ids=str
)
def test_a_scheduled_collective_is_replayed(kind: Any, choices: dict[str, Any]) -> None:
    """Tests schedules on a torus: of all chips, over relays that may sum, and with a period."""
    build, _ = compile_collective(
        CollectiveOptions(kind=kind, topology="torus-4x4", vectors=3, solver="greedy", effort=1, **choices)
    )
    report = replay(build)
    assert report.ok
    assert report.compared > 0
    assert report.iterations == (
        1 + -(-build.segments.makespan_cycles[0] // build.frames.period_cycles[0]) if choices.get("cyclic") else 1
    )


def test_a_sum_on_a_relay_is_replayed() -> None:
    """Tests a chip that takes no part and makes the sum."""
    assert replay(build_of(RELAYED_REDUCE)).ok


def test_a_timetable_that_repeats_too_fast_is_found() -> None:
    """Tests a period of 5 cycles, in which a link takes two vectors of 5/2 cycles, and one of 4.

    With 4 the first vector of the next iteration enters while the second is still under way: both are noise. A
    makespan of 16 cycles has 4 iterations under way at once.
    """
    right = replay(build_of(LAID["all-gather"], period=5))
    assert (right.ok, right.iterations) == (True, 5)
    wrong = replay(build_of(LAID["all-gather"], period=4))
    # Each of 3 chips finds 4 of 6 vectors to be noise, in each of 5 iterations.
    assert (wrong.mismatches, wrong.iterations, wrong.faults) == (60, 5, ())
    assert "does not arrive as it left" in wrong.first[0].cause


def test_a_model_is_replayed_under_every_routing(small_build: Build) -> None:
    """Tests two layers of experts, with as many iterations as there are routings."""
    report = replay(small_build)
    assert (report.ok, report.iterations) == (True, len(ROUTINGS))


@pytest.mark.parametrize(
    "choices",
    [
        {"batch": 1},
        {"batch": 16, "num_local_experts": 8, "num_experts_per_tok": 3},
        {"batch": 5, "num_local_experts": 2, "num_experts_per_tok": 2},
        {"batch": 3, "hidden_size": 1000, "chips": [[0, 1, 2], [3, 4, 5, 6, 7]]},
        {"moe": "whole", "chips": [[0, 1, 2], [3, 4, 5, 6, 7]]},
        {"moe": "whole", "router": "gpu", "n_shared_experts": 1},
        {"router": "gpu", "moe_latent_size": 200},
        {"moe": "whole", "zero_expert_num": 3, "expert_ffn_hidden_size": 200},
        {"moe": "dispatch", "batch": 2, "chips": [[0, 1, 2], [3, 4, 5, 6, 7]]},
        {"moe": "dispatch", "batch": 9, "capacity": 0.5, "n_shared_experts": 1},
        {"moe": "dispatch", "moe_latent_size": 200},
        {"moe": "dispatch", "router": "gpu", "chips": [[0, 1, 2], [3, 4, 5, 6, 7]]},
        {
            "moe": "dispatch",
            "router": "gpu",
            "batch": 9,
            "capacity": 0.4,
            "moe_latent_size": 200,
            "n_shared_experts": 1,
        },
    ],
    ids=str,
)
def test_models_of_many_shapes_are_replayed(tmp_path: Path, choices: dict[str, Any]) -> None:
    """Tests one row, more pairs than experts, all experts for each row, rows that fill no vector, unequal shares.

    And whole experts on chips of which some have none, shared and latent ones, routing by GPUs, dense FFNs beside
    experts some of which have no weights; rows that go only to the chips of their experts, in one window or several.
    """
    assert replay(compiled(tmp_path, **choices)).ok


def test_operators_of_any_kind_are_replayed() -> None:
    """Tests a graph whose routing has one row for all: its operators are linear maps, replayed for three steps."""
    report = replay(two_chip_build())
    # Two chips: 4 + (4 + 1) + (8 + 1) vectors each; the host reads 2 shares of 2, and brings 4 rows on 2 links.
    assert (report.ok, report.compared, report.micro_batches, report.steps) == (True, 3 * 48, 1, 3)


def test_experts_without_room_are_found(small_build: Build) -> None:
    """Tests a graph whose experts read one expert less: 9 runs of 2 rows, where the worst routing needs 10.

    8 rows meet 2 of 4 experts each: 4 runs of one row, and floor(12 / 2) more. The last expert's one pair is left over.
    """
    operators = small_build.graph.model_dump()["operators"]
    experts = operators[3]
    work = experts["work"][0]
    assert (experts["kind"], work["counts"], experts["rows"]) == ("experts", "bytes", 20)
    work["per_column"] *= 9 / 10
    experts["rows"] = 18
    report = replay(with_graph(small_build, operators=operators))
    # Every shard holds a slice of every expert, so that the worst routings of all of them are the same.
    short = "layer.0.experts: 1 of 16 pairs of a row and an expert find no room in 9 runs of 2 rows"
    assert report.faults == (
        "layer.0.experts: the worst routing of shard 0 leaves 1 of its pairs without one of its 9 runs",
        f"iteration 4: {short}",
        f"iteration 5: {short}",
    )
    assert report.mismatches > 0


@pytest.mark.parametrize("router", ["lpu", "gpu"])
def test_rows_that_no_window_takes_are_found(tmp_path: Path, router: str) -> None:
    """Tests a graph that says one window less: 9 rows at 4 chips or at the GPUs, with room for half of the mean.

    9 rows meet 2 of 4 experts, on average 9 / 2 rows an expert. The GPUs have room for 3, in 3 windows. The first chip
    has 3 rows, room for ceil(3 / 4) of them and 3 windows. In two windows a row that all others meet too is left over.
    """
    build = compiled(tmp_path, moe="dispatch", router=router, batch=9, capacity=0.5)
    graph = build.graph.model_dump()
    for operator in graph["operators"]:
        if operator["kind"] == "experts":
            assert operator["sizes"]["windows"] == 3
            operator["sizes"]["windows"] = 2
    report = replay(with_graph(build, operators=graph["operators"]))
    assert any("find no room in 2 windows" in fault for fault in report.faults)


def test_dispatched_experts_without_runs_are_found(tmp_path: Path) -> None:
    """Tests a graph whose first chip has one run less than the worst routing needs."""
    build = compiled(tmp_path, moe="dispatch")
    operators = build.graph.model_dump()["operators"]
    experts = next(operator for operator in operators if operator["kind"] == "experts")
    rows, _, runs = experts["shares"][0]
    experts["shares"][0][::2] = rows - rows // runs, runs - 1
    report = replay(with_graph(build, operators=operators))
    assert any("find no run" in fault for fault in report.faults)
    assert report.mismatches > 0


def test_the_seed_decides_the_numbers() -> None:
    """Tests that equal seeds give equal reports and others other numbers, of a build that lacks a slot."""
    broken = without(collective_build("gather"), "slots", 0)
    first, again, other = (replay(broken, seed=seed) for seed in (0, 0, 1))
    assert first == again
    assert [one.vector for one in first.first] == [one.vector for one in other.first] == [0]
    assert first.first[0].expected != other.first[0].expected


def test_what_did_not_arrive_is_told() -> None:
    """Tests the causes: never sent, late, sent on too early, lost on the wire, not read, computed from noise."""
    build = collective_build("broadcast")
    causes = {
        "tensor 0 never comes": without(build, "slots", 1),
        "tensor 0 comes at 18, operator 4 starts at 17": change(build, "operators", 4, start=17),
        "slot 1 with vectors of tensor 0 from node 1 to 2 at 15 leaves before they are there": change(
            build, "slots", 1, depart=15
        ),
        "slot 1 with vectors of tensor 0 from node 1 to 2 at 16 does not arrive as it left": change(
            build, "slots", 1, read=28
        ),
        "no operand asks for it": without(build, "operands", 2),
    }
    for cause, broken in causes.items():
        assert replay(broken).first[0].cause == cause
    noisy = without(collective_build("reduce"), "slots", 1)
    assert replay(noisy).first[0].cause == "arrived; what it was computed from did not"


def test_a_build_that_compares_nothing_is_not_ok() -> None:
    """Tests that a graph whose operators read nothing proves nothing."""
    build = collective_build("scatter")
    operators = build.graph.model_dump()["operators"]
    operators[1]["inputs"] = []
    report = replay(with_graph(build, operators=operators))
    assert (report.ok, report.compared) == (False, 0)


def test_a_makespan_that_is_not_the_end_is_found() -> None:
    """Tests a segment that says it ends a cycle later."""
    report = replay(change(collective_build("scatter"), "segments", 0, makespan_cycles=14))
    assert report.faults == ("segment 0 ends at 13, its makespan is 14",)


def test_weights_that_are_not_read_are_found() -> None:
    """Tests an operator without its weights: what it leaves is noise."""
    build = two_chip_build()
    weight = build.operands.role.tolist().index("weight")
    report = replay(without(build, "operands", weight))
    assert report.faults == ("operator 2 (layer.0.router, shard 0) does not read its layer.0.router.weights",)
    assert report.mismatches > 0


@pytest.mark.parametrize("border", [OVERLAPPING, DISJOINT], ids=["overlapping", "disjoint"])
def test_a_border_of_groups_is_replayed(border: Border) -> None:
    """Tests that what layer 1 leaves on its group is what a dense run leaves, and not with a summand for the sum."""
    build = border_build(border)
    assert replay(build).ok
    assert not replay(change(build, "operands", 2, tensor=1)).ok


@pytest.mark.parametrize(("phase", "ok"), [(100, True), (57, False)])
def test_segments_of_a_frame_are_replayed_at_their_phases(phase: int, *, ok: bool) -> None:
    """Tests two layers on the same links every 200 cycles; 57 cycles apart they meet on link 0."""
    assert replay(shared_build()).ok
    assert replay(phased(200, phase)).ok == ok
