"""The worst routing of every chip."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from lpxsched.verify.replay.attacks import attack_faults
from lpxsched.verify.replay.model import model_of
from lpxsched.verify.replay.replay import replay
from tests.timetable.small import compiled
from tests.verify.changes import with_graph

if TYPE_CHECKING:
    from pathlib import Path

    from lpxsched.timetable.build import Build

POLICIES: list[dict[str, Any]] = [
    {"moe": "whole", "chips": [[0, 1, 2], [3, 4, 5, 6, 7]]},
    {"moe": "dispatch"},
    {"moe": "dispatch", "router": "gpu"},
    {"moe": "dispatch", "capacity": 1.0},
    {"moe": "dispatch", "capacity": 2.0, "router": "gpu"},
    # Two blocks of 32 columns on three and on five chips; four, some chips with two of an expert.
    {"weights": "mxfp4", "intermediate_size": 64, "chips": [[0, 1, 2], [3, 4, 5, 6, 7]]},
    {"weights": "mxfp4", "intermediate_size": 128, "chips": [[0, 1, 2], [3, 4, 5, 6, 7]]},
]


def with_a_run_less(build: Build, shard: int) -> Build:
    """Return a build whose graph says one run less for the experts of a shard of the first layer."""
    operators = build.graph.model_dump()["operators"]
    experts = next(operator for operator in operators if operator["kind"] == "experts")
    rows, held, runs = experts["shares"][shard]
    experts["shares"][shard] = [rows - rows // runs, held, runs - 1]
    return with_graph(build, operators=operators)


@pytest.mark.parametrize("policy", POLICIES, ids=str)
def test_a_run_less_on_any_chip_is_found(tmp_path: Path, policy: dict[str, Any]) -> None:
    """Tests nine experts on three or four chips, six rows: each has the runs that its worst routing needs, no more."""
    build = compiled(tmp_path, batch=6, num_local_experts=9, **policy)
    assert list(attack_faults(model_of(build, 0))) == []
    experts = next(operator for operator in build.graph.operators if operator.kind == "experts")
    assert experts.shares
    for shard in range(len(experts.shares)):
        told = list(attack_faults(model_of(with_a_run_less(build, shard), 0)))
        assert any(f"{experts.name}: the worst routing of shard {shard} leaves " in fault for fault in told)


def test_parts_of_experts_have_runs_on_every_chip(tmp_path: Path) -> None:
    """Tests nine experts of four blocks on three chips, of some two, in runs of one block."""
    blocks = {"weights": "mxfp4", "intermediate_size": 128, "chips": [[0, 1, 2], [3, 4, 5]]}
    build = compiled(tmp_path, batch=6, num_local_experts=9, **blocks)
    model = model_of(build, 0)
    assert [max(Counter(held.experts).values()) for held in model.mixtures[0].routed.held] == [2, 2, 2]
    assert list(attack_faults(model)) == []
    assert replay(build).ok


@pytest.mark.parametrize(
    "policy",
    [
        {},
        {"moe": "whole"},
        {"moe": "whole", "router": "gpu"},
        {"moe": "dispatch"},
        {"moe": "dispatch", "router": "gpu"},
        {"weights": "mxfp4", "intermediate_size": 64},
        {"weights": "mxfp4", "intermediate_size": 320, "router": "gpu"},
    ],
    ids=str,
)
def test_every_policy_is_replayed_in_flight(tmp_path: Path, policy: dict[str, Any]) -> None:
    """Tests three micro-batches in flight for three steps, which meet all routings."""
    report = replay(compiled(tmp_path, batch=4, in_flight=3, **policy))
    assert (report.ok, report.micro_batches, report.steps) == (True, 3, 3)


@pytest.mark.parametrize(
    "policy", [{"moe": "sharded"}, {"moe": "whole"}, {"weights": "mxfp4", "intermediate_size": 64}], ids=str
)
def test_experts_of_whole_models_are_replayed(tmp_path: Path, policy: dict[str, Any]) -> None:
    """Tests experts after attention on the chips, for three steps."""
    sizes = {"num_attention_heads": 8, "num_key_value_heads": 2, "head_dim": 32, "vocab_size": 512}
    build = compiled(tmp_path, batch=2, attention="lpu", context=64, partition="auto", **sizes, **policy)
    assert (replay(build).ok, replay(build).steps) == (True, 3)
