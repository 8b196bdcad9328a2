"""Tests of ``lpxsched model`` and ``lpxsched models`` as a user runs them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from lpxsched.cli.main import run
from lpxsched.errors import ExitCode
from lpxsched.files.shipped import shipped_files
from tests.workload.config.examples import CONFIG

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

KEYS = {
    *("name", "layers", "dense_layers", "moe_layers", "hidden_size", "routed_experts", "experts_per_token"),
    *("shared_experts", "expert_bytes_fp8", "total_parameters", "active_parameters"),
}


def write(folder: Path, **changes: Any) -> str:
    """Write a config into a folder named ``small`` and return that folder."""
    (folder / "small").mkdir()
    (folder / "small" / "config.json").write_text(json.dumps(CONFIG | changes, indent=1))
    return str(folder / "small")


def test_json_has_the_documented_keys(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Tests every count of a small model; test_counts works them out."""
    assert run(["model", write(tmp_path, n_shared_experts=1, first_k_dense_replace=1), "--json"]) == ExitCode.DONE
    printed = capsys.readouterr()
    facts = json.loads(printed.out)
    assert facts.keys() >= KEYS
    assert (facts["name"], facts["layers"], facts["dense_layers"], facts["moe_layers"]) == ("small", 2, 1, 1)
    assert (facts["hidden_size"], facts["routed_experts"], facts["experts_per_token"]) == (8, 4, 2)
    # Four routed experts and a shared one of 3 x 8 x 3.
    assert (facts["shared_experts"], facts["expert_bytes_fp8"]) == (1, 5 * 72)
    # The dense layer has 3 x 8 x 5 in place of router and experts, 32 + 288; the other 72 more. Its second norm stays.
    assert facts["total_parameters"] == 1224 - 320 + 120 + 72
    assert facts["racks"]["fp8"] == {"ffn": 1, "whole": 1}
    assert printed.err == ""


def test_a_line_a_kind_of_layer(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Tests how many, mixer, FFN, parameters and bytes of each, and the notes."""
    assert run(["model", write(tmp_path, num_hidden_layers=3, first_k_dense_replace=1, swa_note=1)]) == ExitCode.DONE
    lines = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
    assert "1 full attention 2/1 x 4 dense 3 x 5 328 656 bf16" in lines
    assert "2 full attention 2/1 x 4 2 of 4 experts 3 x 3 528 1,056 bf16" in lines
    assert "1 embedding 80" in lines


def test_notes_are_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Tests that what no key says is a line of the text, and with --json on stderr and a key."""
    folder = write(tmp_path, n_shared_experts=None)
    assert run(["model", folder]) == ExitCode.DONE
    line = "note: n_shared_experts: null is taken as none, as public code does"
    assert line in capsys.readouterr().out.splitlines()
    assert run(["model", folder, "--json"]) == ExitCode.DONE
    printed = capsys.readouterr()
    assert printed.err.splitlines() == [line]
    assert json.loads(printed.out)["notes"] == [line.removeprefix("note: ")]


def test_a_total_that_is_not_known_is_null(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Tests JSON and text of a model without a vocabulary."""
    folder = write(tmp_path, vocab_size=None)
    assert run(["model", folder, "--json"]) == ExitCode.DONE
    assert json.loads(capsys.readouterr().out)["total_parameters"] is None
    assert run(["model", folder]) == ExitCode.DONE
    assert "parameters  not known" in capsys.readouterr().out


def test_a_wrong_config_ends_with_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Tests exit code, position and that nothing else is printed."""
    assert run(["model", write(tmp_path, num_local_experts=8)]) == ExitCode.BAD_INPUT
    printed = capsys.readouterr()
    assert printed.out == ""
    (line,) = printed.err.splitlines()
    assert line.endswith("config.json:15:2: num_local_experts: 8, but num_experts says 4; keep one of them")


def test_shipped_models_are_listed_with_racks(capsys: pytest.CaptureFixture[str]) -> None:
    """Tests a line a model; a rack is 256 chips of 500 MB, so that 1,018 GB of FFNs take 8 and 1,026 GB take 9."""
    assert run(["models"]) == ExitCode.DONE
    rows = [line.split() for line in capsys.readouterr().out.splitlines()[1:] if line.startswith("  ")]
    assert [row[0] for row in rows] == list(shipped_files("model"))
    (kimi,) = (row for row in rows if row[0] == "kimi-k2")
    assert kimi[-2:] == ["8", "9"]
    assert run(["models", "--json"]) == ExitCode.DONE
    record = json.loads(capsys.readouterr().out)
    assert record["models"] == list(record["facts"]) == list(shipped_files("model"))
