"""Tests of compiled builds of whole models: the numbers are those of the dense run, and no rule is broken."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from lpxsched.cli.main import run
from lpxsched.errors import ExitCode
from lpxsched.timetable.reader import read_build
from lpxsched.verify.check import check
from lpxsched.verify.replay.replay import replay
from tests.toy import toy_model
from tests.verify.changes import change, without

if TYPE_CHECKING:
    from pathlib import Path

    from lpxsched.timetable.build import Build

HEADS = {"num_attention_heads": 8, "num_key_value_heads": 2, "head_dim": 32, "vocab_size": 512}
# Groups that overlap, and a border on the same chips.
CUT = "layers:\n- chips: 0-3\n- chips: 2-5\n- chips: 2-5\n- chips: 2-5\n"
LINEAR = {
    "layer_types": ["linear_attention", "full_attention"],
    "linear_num_key_heads": 2,
    "linear_num_value_heads": 4,
    "linear_key_head_dim": 32,
    "linear_value_head_dim": 32,
    "linear_conv_kernel_dim": 4,
    "attn_output_gate": True,
    "shared_expert_intermediate_size": 320,
}
LATENT = {"kv_lora_rank": 64, "q_lora_rank": 96, "qk_nope_head_dim": 32, "qk_rope_head_dim": 16, "v_head_dim": 32}
HYBRID = {
    "hybrid_override_pattern": "ME",
    "mamba_num_heads": 8,
    "mamba_head_dim": 32,
    "n_groups": 2,
    "ssm_state_size": 16,
    "conv_kernel": 4,
    "moe_latent_size": 160,
    "n_shared_experts": 1,
    "mlp_hidden_act": "relu2",
}
PARTS = {
    "hybrid_override_pattern": "ME*E",
    "num_hidden_layers": 4,
    "mtp_layers_block_type": ["attention", "moe"],
}
# Two drafts on groups that overlap: join, layer and head of each on the chips of the embedding, their own, the head's.
AFTER = "- chips: 0-3\n- chips: 1-6\n- chips: 2-5\n"
DRAFTS = CUT + AFTER + AFTER
WINDOW = {"layer_types": ["sliding_attention", "full_attention"], "sliding_window": 16}


def whole(tmp_path: Path, *more: str, cut: str = CUT, **changes: Any) -> Build:
    """Return a compiled toy of two layers on a TSP node, whose groups overlap."""
    (tmp_path / "cut.yaml").write_text(cut)
    model, out = toy_model(tmp_path, **(HEADS | changes)), tmp_path / "build"
    options = ("--attention", "lpu", "--context", "64", "--effort", "1", "--partition", str(tmp_path / "cut.yaml"))
    assert run(["compile", model, "tsp-node", "-o", str(out), *options, "--json", *more]) == ExitCode.DONE
    return read_build(out)


@pytest.mark.parametrize(
    ("kind", "changes"),
    [("delta", LINEAR), ("latent_scores", LATENT), ("state", HYBRID), ("scores", WINDOW)],
    ids=["linear", "latent", "hybrid", "window"],
)
def test_models_of_every_mixer_are_replayed(tmp_path: Path, kind: str, changes: dict[str, Any]) -> None:
    """Tests two rows over groups that overlap: check and replay find nothing, and the mixer is there."""
    build = whole(tmp_path, "--batch", "2", **changes)
    assert kind in {operator.kind for operator in build.graph.operators}
    assert check(build).ok
    report = replay(build)
    assert report.ok
    assert report.compared


def test_whole_experts_are_replayed(tmp_path: Path) -> None:
    """Tests four experts on four chips: rows reach all of them, whoever holds the experts."""
    build = whole(tmp_path, "--batch", "2", "--moe", "whole")
    assert next(operator for operator in build.graph.operators if operator.kind == "experts").shares
    assert check(build).ok
    assert replay(build).ok


@pytest.mark.parametrize(("columns", "kept"), [(64, {64}), (160, {160})])
def test_blocks_of_experts_are_replayed(tmp_path: Path, columns: int, kept: set[int]) -> None:
    """Tests four latent experts of two and of five blocks of 32 columns on four chips, which hold as many each."""
    build = whole(tmp_path, "--batch", "2", "--weights", "mxfp4", **HYBRID, intermediate_size=columns)
    experts = next(operator for operator in build.graph.operators if operator.kind == "experts")
    assert {held for _, held, _ in experts.shares or ()} == kept
    assert check(build).ok
    assert replay(build).ok


def test_rows_in_blocks_are_replayed(tmp_path: Path) -> None:
    """Tests 128 heads of 128 columns, whose projections read some megabytes: rows come in two blocks."""
    build = whole(tmp_path, "--batch", "2", num_attention_heads=128, num_key_value_heads=4, head_dim=128)
    start = {row: int(build.operators.start[row]) for row in range(len(build.operators))}
    kinds = list(zip(build.operators.kind.tolist(), build.operators.layer.tolist(), strict=True))
    first, last = (max(start[row] for row, one in enumerate(kinds) if one == (kind, 1)) for kind in ("qkv", "qkv_2"))
    assert first < last
    assert check(build).ok
    assert replay(build).ok


def test_a_context_that_is_split_is_replayed(tmp_path: Path) -> None:
    """Tests two key heads on four chips, each with every other of two million rows."""
    build = whole(tmp_path, "--batch", "1", "--context", "2000000")
    assert next(operator for operator in build.graph.operators if operator.kind == "scores").sizes["parts"] == 2
    assert check(build).ok
    assert replay(build).ok


def test_rows_that_are_dispatched_are_replayed(tmp_path: Path) -> None:
    """Tests two rows, each summed at one chip, which sends it to those of its experts and adds it to what they give."""
    build = whole(tmp_path, "--batch", "2", "--moe", "dispatch")
    kinds = {operator.kind: operator for operator in build.graph.operators if operator.layer == 2}
    home = next(tensor for tensor in build.graph.tensors if tensor.name == kinds["home_norm"].outputs[0])
    assert home.runs is not None
    assert [count > 0 for _, count in home.runs] == [True, True, False, False]
    assert [read.layout for read in kinds["combine"].inputs][-1] == "reserved"
    assert check(build).ok
    assert replay(build).ok


@pytest.mark.slow
@pytest.mark.parametrize(
    ("more", "changes"),
    [
        (("--draft", "1"), {"num_nextn_predict_layers": 1}),
        (("--draft", "3"), LATENT | {"num_nextn_predict_layers": 1}),
        (("--draft", "3", "--moe", "whole"), {"num_mtp_modules": 2}),
        (("--draft", "2", "--moe", "dispatch"), {"num_nextn_predict_layers": 1}),
        (("--draft", "2", "--in-flight", "2"), {"num_nextn_predict_layers": 1}),
        (("--draft", "2"), HYBRID | {"num_nextn_predict_layers": 1, **PARTS}),
    ],
    ids=["once", "again", "modules", "dispatched", "flying", "parts"],
)
def test_drafts_are_replayed(tmp_path: Path, more: tuple[str, ...], changes: dict[str, Any]) -> None:
    """Tests two users: modules that are visited once or again, of every policy, or of a mixer and of experts alone."""
    model, out = toy_model(tmp_path, **(HEADS | changes)), tmp_path / "build"
    options = ("--attention", "lpu", "--context", "64", "--effort", "1", "--batch", "2", "--acceptance", "1", "--json")
    assert run(["compile", model, "tsp-node", "-o", str(out), *options, *more]) == ExitCode.DONE
    build = read_build(out)
    assert {"join", "accept", "hand"} <= {operator.kind for operator in build.graph.operators}
    assert check(build).ok
    report = replay(build)
    assert (report.ok, report.faults, report.first) == (True, (), ())


def test_a_module_that_finds_other_keys_is_seen(tmp_path: Path) -> None:
    """Tests a second visit on one chip that does not read the keys of the first one: its scores are wrong."""
    build = whole(tmp_path, "--batch", "1", "--draft", "2", "--acceptance", "1", cut=DRAFTS, num_nextn_predict_layers=1)
    tensor = int(np.flatnonzero(build.tensors.name == "layer.5.scores.keys")[0])
    second = np.flatnonzero(build.operands.tensor == tensor)[-1]
    report = replay(without(build, "operands", int(second)))
    assert any("does not read its layer.5.scores.keys" in fault for fault in report.faults)
    assert {mismatch.operator for mismatch in report.first} >= {"layer.8.softmax"}


def test_a_vector_that_goes_astray_is_seen_in_all_that_follows(tmp_path: Path) -> None:
    """Tests that a summand of another vector of the same row on its way to the second layer changes its scale."""
    build = whole(tmp_path, "--batch", "1")
    norm = next(
        row
        for row, (kind, layer) in enumerate(
            zip(build.operators.kind.tolist(), build.operators.layer.tolist(), strict=True)
        )
        if (kind, layer) == ("mixer_scale", 2)
    )
    start = int(build.operators.start[norm])
    report = replay(change(build, "operators", norm, start=0))
    assert start > 0
    assert not report.ok
    assert {mismatch.operator for mismatch in report.first} >= {"layer.2.mixer_scale"}
    assert json.loads(json.dumps(report.first[0].as_json()))["node"] == build.operators.chip[norm]
