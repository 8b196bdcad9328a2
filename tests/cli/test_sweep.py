"""Tests of ``lpxsched sweep`` as a user runs it."""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import click
import pytest

from lpxsched.cli.compile import compile_command
from lpxsched.cli.main import run
from lpxsched.cli.sweep import sweep_command
from lpxsched.errors import ExitCode
from lpxsched.options import CompileOptions
from tests.toy import toy_model

if TYPE_CHECKING:
    from pathlib import Path

# 3 x 2 points, half of them such as contradict themselves: a capacity is for dispatch.
LISTS = [
    "--moe",
    "sharded,dispatch",
    "--capacity",
    "2",
    "--batch",
    "1,2,4",
    "--solver",
    "greedy",
    "--partition",
    "whole",
]


def arguments(folder: Path, output: str, *more: str) -> list[str]:
    """Return a small sweep."""
    return ["sweep", toy_model(folder), "tsp-node", *LISTS, "-o", str(folder / output), *more]


def test_every_option_of_compile_that_has_a_value_takes_a_list() -> None:
    """Tests names, helps and defaults: there is no second table."""
    options = {one.name: one for one in sweep_command.params if isinstance(one, click.Option)}
    for one in compile_command.params:
        if isinstance(one, click.Option) and one.name in CompileOptions.model_fields:
            assert options[one.name].help == one.help
            assert options[one.name].default == one.default


def test_a_sweep_writes_a_row_a_point_and_goes_on(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Tests rows of JSON and CSV, keys of compile, exit codes and the picture."""
    picture = tmp_path / "p.png"
    assert run(arguments(tmp_path, "s.csv", "--png", str(picture), "--json")) == ExitCode.DONE
    told = json.loads(capsys.readouterr().out)
    assert (told["points"], told["done_before"], len(told["rows"])) == (6, 0, 6)
    assert [row["exit_code"] for row in told["rows"]] == [2, 0] * 3
    with (tmp_path / "s.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["option_batch"] for row in rows] == ["1", "1", "2", "2", "4", "4"]
    assert rows[0]["cause"] == "lpxsched sweep: --capacity: is for --moe dispatch alone; leave it out, got 2.0"
    options = [option.rpartition(",")[2] for option in LISTS]
    single = ["compile", toy_model(tmp_path), "tsp-node", *options, "-o", str(tmp_path / "b"), "--json"]
    assert run(single) == ExitCode.DONE
    alone = json.loads(capsys.readouterr().out)
    assert alone.keys() - {"seconds", "output"} <= rows[5].keys()
    assert (rows[5]["content_sha256"], float(rows[5]["step_ns"])) == (alone["content_sha256"], alone["step_ns"])
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_points_are_refused_for_what_was_given_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Tests greedy, which looks once: at effort 2 it is refused, and the default of an option is nobody's choice."""
    lists = ["--solver", "greedy", "--effort", "1,2", "--batch", "1", "--partition", "whole", "--json"]
    assert run(["sweep", toy_model(tmp_path), "tsp-node", *lists]) == ExitCode.DONE
    rows = json.loads(capsys.readouterr().out)["rows"]
    assert [row["exit_code"] for row in rows] == [0, 2]
    assert rows[0]["option_gpus"] == "nvl72"
    assert run(["sweep", toy_model(tmp_path), "tsp-node", *lists[:2], *lists[4:]]) == ExitCode.DONE
    assert [row["exit_code"] for row in json.loads(capsys.readouterr().out)["rows"]] == [0]


@pytest.mark.slow
def test_a_killed_sweep_goes_on_and_ends_with_the_same_bytes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Tests SIGKILL after the first points, then two jobs: what is done is taken, bytes are those of one quiet run."""
    lists = arguments(tmp_path, "killed.csv")
    lists[lists.index("1,2,4")] = ",".join(map(str, range(1, 15)))
    program = [sys.executable, "-c", "from lpxsched.cli.entry import main; main()", *lists]
    killed = subprocess.Popen(program, start_new_session=True)
    done = tmp_path / "killed.csv.points"
    while len(list(done.rglob("*.json"))) < 2:
        assert killed.poll() is None
        time.sleep(0.01)
    os.killpg(killed.pid, signal.SIGKILL)
    killed.wait()
    assert not (tmp_path / "killed.csv").exists()
    assert run([*lists, "--jobs", "2", "--json"]) == ExitCode.DONE
    told = json.loads(capsys.readouterr().out)
    assert 2 <= told["done_before"] < 14
    assert run([str(tmp_path / "quiet.csv") if one == str(tmp_path / "killed.csv") else one for one in lists]) == 0
    assert (tmp_path / "quiet.csv").read_bytes() == (tmp_path / "killed.csv").read_bytes()


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_two_workers_of_a_cluster_write_the_same_bytes(tmp_path: Path) -> None:
    """Tests dask.distributed, which is optional, with two workers of this machine."""
    distributed = pytest.importorskip("distributed", reason="the extra cluster is not installed")
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, dashboard_address=None, local_directory=tmp_path
    ) as cluster:
        assert run(arguments(tmp_path, "far.parquet", "--cluster", cluster.scheduler_address)) == ExitCode.DONE
    assert run(arguments(tmp_path, "near.parquet")) == ExitCode.DONE
    assert (tmp_path / "far.parquet").read_bytes() == (tmp_path / "near.parquet").read_bytes()


@pytest.mark.parametrize(
    ("more", "told"),
    [
        (
            ["--batch", "1,x"],
            "lpxsched sweep: Invalid value for '--batch': element 2: 'x' is no whole number from 1 to",
        ),
        (["--batch", "1,0"], "element 2: '0' is no whole number"),
        (["--batch", "1,2,1"], "element 3, 1, is element 1 again; name each once"),
        (["--clock", "none,"], "element 2 is empty"),
        (["--kv", "fp8,fp9"], "element 2: 'fp9' is not one of"),
        (["-o", "s.txt"], "s.txt: --output: must end in .csv or .parquet"),
        (["--jobs", "0"], "Invalid value for '--jobs': '0' is no whole number from 1 to 1,024"),
        (["--jobs", "1", "--cluster", "tcp://127.0.0.1:1"], "--jobs are compiles of this machine"),
    ],
)
def test_a_wrong_element_is_told_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, more: list[str], told: str
) -> None:
    """Tests that nothing is written."""
    model = toy_model(tmp_path)
    monkeypatch.chdir(tmp_path)
    assert run(["sweep", model, "tsp-node", *more]) == ExitCode.BAD_INPUT
    printed = capsys.readouterr()
    assert told in printed.err
    assert (printed.out, printed.err.count("\n")) == ("", 1)
    assert [path.name for path in tmp_path.iterdir()] == ["toy"]
