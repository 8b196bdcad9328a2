"""Tests of ``lpxsched compile`` as a user runs it, on a model small enough for one TSP node."""

from __future__ import annotations

import filecmp
import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from lpxsched.assembly.headline import HEADLINE
from lpxsched.cli.main import run
from lpxsched.errors import ExitCode
from tests.cli.told import compile_json
from tests.toy import slow_handover, toy_model

if TYPE_CHECKING:
    from pathlib import Path


KEYS = {
    "status",
    "solver",
    "makespan_cycles",
    "lower_bound_cycles",
    "bound",
    "gap",
    "makespan_ns",
    "vectors",
    "vector_hops",
    "slots",
    "chips",
    "links",
    "seconds",
    "content_sha256",
    "layers",
    "distinct_problems",
    "wire_gap",
    "verified",
    "restart_ns",
    "period_cycles",
    "in_flight",
    "mapping_bound_ns",
    "mapping_gap",
    "baselines",
    "mapping",
    *HEADLINE,
}


# Keys without which the toy model is read with notes.
SAID: dict[str, object] = {
    "hidden_act": "silu",
    "num_attention_heads": 10,
    "num_key_value_heads": 10,
    "vocab_size": 1000,
    "tie_word_embeddings": False,
    "dtype": "bfloat16",
}


def test_json_has_the_documented_keys(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Tests that scripts find every key that the documentation names."""
    arguments = [toy_model(tmp_path), "tsp-node", "-o", str(tmp_path / "out"), "--partition", "disjoint"]
    result = compile_json(arguments, capsys)
    assert result.keys() >= KEYS
    assert not any(key.startswith("worst_case") for key in result)
    assert result["status"] in ("optimal", "feasible")
    # 2 layers on 8 chips: each layer gets 4.
    assert (result["layers"], result["chips"], result["distinct_problems"]) == (2, 8, 1)
    assert int(str(result["makespan_cycles"])) >= int(str(result["lower_bound_cycles"]))


@pytest.mark.parametrize(
    ("changes", "kinds"),
    [
        ({"num_local_experts": None, "num_experts_per_tok": None}, {"dense"}),
        (
            {"first_k_dense_replace": 1, "n_shared_experts": 1},
            {"dense", "shared", "router_in", "router", "experts", "combine"},
        ),
        (
            {
                "num_hidden_layers": 4,
                "hybrid_override_pattern": "*E*-",
                "hidden_act": "relu2",
                "moe_latent_size": 320,
                "n_shared_experts": 2,
            },
            {"narrow", "shared", "router_in", "router", "experts", "combine", "widen", "dense"},
        ),
    ],
)
def test_ffns_of_each_kind_are_laid_and_proved(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], changes: dict[str, object], kinds: set[str]
) -> None:
    """Tests dense layers, shared and latent experts, layers of several kinds: the checker finds no fault."""
    model = toy_model(tmp_path, **(SAID | changes))
    out = tmp_path / "out"
    result = compile_json([model, "tsp-node", "-o", str(out), "--solver", "greedy"], capsys)
    # Of the hybrid's four layers two have an FFN.
    assert (result["layers"], result["verified"]) == (2, True)
    operators = json.loads((out / "graph.json").read_text())["operators"]
    assert {operator["kind"] for operator in operators} == kinds | {"ingress", "egress"}
    assert run(["check", str(out)]) == ExitCode.DONE
    assert run(["replay", str(out)]) == ExitCode.DONE


def test_the_summary_names_what_a_person_looks_for(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Tests that the text tells layers, traffic, makespan, bound, gap, busiest links, parts of a step, the folder."""
    out = str(tmp_path / "out")
    arguments = ["compile", toy_model(tmp_path, **SAID), "tsp-node", "-o", out, "--partition", "disjoint"]
    assert run(arguments) == ExitCode.DONE
    printed = capsys.readouterr()
    wanted = (
        "toy on tsp-node",
        "2 layers on 8 chips",
        "makespan",
        "bound",
        "for these groups",
        "all hold",
        "busiest",
        "proved",
        "assumed",
        out,
    )
    assert all(word in printed.out for word in (*wanted, "proved", "assumed", "not modelled", out))
    assert printed.err == ""


def test_progress_is_told_on_a_pipe_when_asked_for(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Tests a line a step on stderr, of two equal layers one problem, and one object on stdout as ever."""
    command = ["compile", toy_model(tmp_path, **SAID), "tsp-node", "-o", str(tmp_path / "out"), "--json", "--progress"]
    assert run([*command, "--partition", "disjoint"]) == ExitCode.DONE
    printed = capsys.readouterr()
    assert printed.err.splitlines() == ["solving: 0 of 1 done", "solving: 1 of 1 done", "proving: 0 of 1 done"]
    assert json.loads(printed.out)["layers"] == 2


def test_the_default_folder_is_named_after_the_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Tests that build/MODEL is written where the user stands."""
    model = toy_model(tmp_path)
    monkeypatch.chdir(tmp_path)
    compile_json([model, "tsp-node"], capsys)
    assert (tmp_path / "build" / "toy" / "manifest.json").is_file()


def test_what_was_built_passes_every_other_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Tests check, simulate, report and export on a fresh build."""
    out = str(tmp_path / "out")
    compile_json([toy_model(tmp_path), "tsp-node", "-o", out], capsys)
    assert run(["check", out, "--json"]) == ExitCode.DONE
    assert json.loads(capsys.readouterr().out)["ok"] is True
    assert run(["simulate", out, "--trials", "20", "--json"]) == ExitCode.DONE
    assert json.loads(capsys.readouterr().out)["violations"] == 0
    assert run(["report", out, "--json"]) == ExitCode.DONE
    assert run(["export", out, "--svg", str(tmp_path / "a.svg")]) == ExitCode.DONE
    assert (tmp_path / "a.svg").read_text().startswith("<?xml")


def test_a_symmetric_build_passes_the_check(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Tests ``--solver symmetric`` on four chips that are joined each to each, with shares of 2, 2, 1 and 1 vectors."""
    out = str(tmp_path / "out")
    arguments = [toy_model(tmp_path), "tsp-node", "-o", out, "--batch", "3"]
    arguments += ["--solver", "symmetric", "--partition", "disjoint"]
    result = compile_json(arguments, capsys)
    assert result["solver"] == "symmetric"
    assert int(str(result["makespan_cycles"])) >= int(str(result["lower_bound_cycles"]))
    assert run(["check", out, "--json"]) == ExitCode.DONE
    assert json.loads(capsys.readouterr().out)["ok"] is True


def test_chips_without_symmetry_are_told_in_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Tests layers on three chips that are a path: exit 4, what would help, and nothing written."""
    partition, out = tmp_path / "paths.yaml", tmp_path / "out"
    partition.write_text('layers:\n  - chips: "0,1,16"\n  - chips: "2,3,18"\n')
    arguments = ["compile", toy_model(tmp_path), "lpx-rack", "--partition", str(partition), "-o", str(out)]
    assert run([*arguments, "--solver", "symmetric"]) == ExitCode.NOTHING_FOUND
    printed = capsys.readouterr().err
    assert printed.count("\n") == 1
    assert "solver symmetric: no translation leaves a layer on its group of chips as it is" in printed
    assert printed.endswith("try --solver auto\n")
    assert not out.exists()
    assert run([*arguments, "--solver", "auto"]) == ExitCode.DONE


@pytest.mark.parametrize("solver", ["cpsat", "symmetric", "auto"])
def test_equal_input_gives_equal_bytes_whatever_the_hash_seed(solver: str, tmp_path: Path) -> None:
    """Tests that two processes with different hash seeds and thread counts write the same folder."""
    model = toy_model(tmp_path)
    folders = [tmp_path / "one", tmp_path / "two"]
    for seed, folder in enumerate(folders, start=1):
        environment = os.environ | {"PYTHONHASHSEED": str(seed), "OMP_NUM_THREADS": str(seed)}
        command = [sys.executable, "-c", "from lpxsched.cli.entry import main; main()"]
        environment["XDG_CACHE_HOME"] = str(tmp_path / f"cache{seed}")
        arguments = ["compile", model, "tsp-node", "-o", str(folder), "--solver", solver]
        # The chips that are chosen otherwise have no symmetry.
        arguments += ["--partition", "disjoint"] if solver == "symmetric" else []
        subprocess.run([*command, *arguments], env=environment, check=True, capture_output=True)
    names = sorted(path.name for path in folders[0].iterdir())
    assert filecmp.cmpfiles(*folders, names, shallow=False) == (names, [], [])


def test_batch_and_types_change_the_build(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Tests that more rows make more vectors, and FP32 partial sums more than BF16."""
    model = toy_model(tmp_path)
    one = compile_json([model, "tsp-node", "-o", str(tmp_path / "1"), "--batch", "1"], capsys)
    eight = compile_json([model, "tsp-node", "-o", str(tmp_path / "8")], capsys)
    wide = compile_json([model, "tsp-node", "-o", str(tmp_path / "w"), "--partials", "fp32"], capsys)
    assert int(str(one["vector_hops"])) < int(str(eight["vector_hops"])) < int(str(wide["vector_hops"]))


def test_a_hand_over_enters_what_is_assumed_only(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Tests that 500 ns more each way add 2000 ns to what two layers are assumed to take, and prove nothing."""
    model, told = toy_model(tmp_path), []
    for one_way_ns in (0.0, 500.0):
        arguments = [model, "tsp-node", "-o", str(tmp_path / "o"), "--handover", slow_handover(tmp_path, one_way_ns)]
        told.append(compile_json(arguments, capsys))
    for key in ("assumed_ns", "assumed_low_ns", "assumed_high_ns", "step_ns", "step_high_ns"):
        assert float(str(told[1][key])) - float(str(told[0][key])) == pytest.approx(2000)
    for key in ("makespan_cycles", "proved_ns", "proved_worst_ns"):
        assert told[1][key] == told[0][key]


def test_the_chosen_mapping_is_written_out_and_read_back(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Tests that no baseline is shorter, that each group has its reason, and that the file gives the same timetable."""
    model, file = toy_model(tmp_path), tmp_path / "mapping.yaml"
    arguments = [model, "tsp-node", "--effort", "1", "-o", str(tmp_path / "out")]
    chosen = compile_json([*arguments, "--write-partition", str(file)], capsys)
    assert isinstance(chosen["baselines"], dict)
    assert chosen["baselines"].keys() == {"daisy-chain", "disjoint", "whole"}
    assert all(float(str(chosen["step_ns"])) <= step for step in chosen["baselines"].values())
    assert 1 <= float(str(chosen["mapping_gap"])) < 2
    assert [line.count("# ") for line in file.read_text().splitlines()] == [0, 1, 1]
    assert run(["compile", *arguments]) == ExitCode.DONE
    printed = capsys.readouterr().out
    assert "mapping       auto; " in printed
    assert "baselines     daisy-chain " in printed
    again = compile_json([*arguments, "--partition", str(file), "--write-partition", str(file)], capsys)
    assert [line.partition("# ")[2] for line in file.read_text().splitlines()] == ["", "layer 0", "layer 1"]
    assert again["makespan_cycles"] == chosen["makespan_cycles"]
    assert (again["mapping_gap"], again["baselines"]) == (None, None)


def test_a_mapping_is_not_written_where_there_is_no_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Tests that it is said before anything is searched, and that nothing is written."""
    arguments = ["compile", toy_model(tmp_path), "tsp-node", "-o", str(tmp_path / "out")]
    assert run([*arguments, "--write-partition", str(tmp_path / "none" / "file.yaml")]) == ExitCode.BAD_INPUT
    assert "there is no folder" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
def test_gpt_oss_120b_lies_on_one_rack(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Tests the main job at its real size: layers share 16 columns, gaps of at most 1.10, proofs clean."""
    out = str(tmp_path / "out")
    result = compile_json(["gpt-oss-120b", "lpx-rack", "-o", out], capsys)
    assert (result["layers"], result["chips"], result["distinct_problems"]) == (36, 256, 1)
    assert float(str(result["mapping_gap"])) <= 1.05
    assert float(str(result["gap"])) <= 1.10
    assert float(str(result["wire_gap"])) <= 1.10
    assert run(["check", out]) == ExitCode.DONE
    assert run(["simulate", out, "--trials", "100"]) == ExitCode.DONE
