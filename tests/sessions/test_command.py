"""Tests of ``lpxsched session`` as a user runs it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from lpxsched.cli.main import run
from lpxsched.errors import ExitCode
from lpxsched.timetable.writer import write_build
from tests.sessions.small import HEADER
from tests.timetable.small import compiled
from tests.verify.changes import with_graph

if TYPE_CHECKING:
    from pathlib import Path

    from lpxsched.timetable.build import Build

ROWS = ("a,main,,4000,100,50,0", "b,one,a,100,1,20,0.001", "c,two,a,100,1,40,0", "d,main,b c,9000,5,30,0.002")


@pytest.fixture
def folders(tmp_path: Path, small_build: Build) -> list[str]:
    """Return a small build of two contexts."""
    longer = compiled(tmp_path, context=16384)
    for name, build in (("short", small_build), ("long", longer)):
        write_build(tmp_path / name, build)
    return [str(tmp_path / "long"), str(tmp_path / "short")]


@pytest.fixture
def trace(tmp_path: Path) -> str:
    """Return a table of four requests of three agents."""
    (tmp_path / "mine.csv").write_text("\n".join([HEADER, *ROWS]) + "\n")
    return str(tmp_path / "mine.csv")


def told(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    """Return the object that is printed."""
    assert run(["session", *arguments, "--json"]) == ExitCode.DONE
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def test_a_session_is_told_with_its_parts(
    trace: str, folders: list[str], small_build: Build, capsys: pytest.CaptureFixture[str]
) -> None:
    """Tests times, parts, chain and what 1 us a layer costs.

    On the chain a, c, d are 120 steps of two layers: 240 us. c has more to emit than b, whose tool takes 1 ms, though,
    so b ends last: a, b, d, 100 steps, 200 us.
    """
    found = told([trace, *folders], capsys)
    step_s = small_build.manifest.results["step_ns"] / 1e9
    last = found["timeline"][2]["ends_s"] < found["timeline"][1]["ends_s"]
    assert found["critical_chain"] == (["a", "b", "d"] if last else ["a", "c", "d"])
    assert found["nominal"]["chain_steps"] == (100 if last else 120)
    assert found["jitter_1us_a_layer_s"] == pytest.approx(found["nominal"]["chain_steps"] * 2e-6)
    assert found["requests_by_context"] == {"8192": 3, "16384": 1}
    assert found["timeline"][0]["ends_s"] == pytest.approx(100 / 26156 + 50 * step_s, rel=1e-6)
    for case in ("nominal", "worst"):
        assert sum(found[case]["parts_s"].values()) == pytest.approx(found[case]["session_s"])
    assert found["nominal"]["session_s"] < found["worst"]["session_s"]
    assert 0 < found["worst"]["interactivity_tokens_per_s"] < found["nominal"]["interactivity_tokens_per_s"]
    assert run(["session", trace, *folders]) == ExitCode.DONE
    assert f"of each step costs {200 if last else 240}.000 us." in " ".join(capsys.readouterr().out.split())


def test_the_shipped_session_runs_on_a_build_of_short_contexts(
    folders: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """Tests that all requests that no build holds are counted, and their steps too."""
    found = told(["coding", folders[1]], capsys)
    assert (found["requests"], found["agents"], found["places"]) == (283, 16, 8)
    assert found["requests_beyond"] == 283 - found["requests_by_context"]["8192"] > 0
    assert found["nominal"]["beyond_steps"] > 0
    assert run(["session", "coding", folders[1]]) == ExitCode.DONE
    text = capsys.readouterr().out
    assert "by no build: there a step takes the time of the largest build" in text
    assert "283 requests of 16 agents" in text


def test_arbitrated_sessions_are_told_beside(
    trace: str, folders: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """Tests median and P99 of 20 sessions, which lie between the mean and the tail of their steps, twice alike."""
    arguments = [trace, *folders, "--contend", "--sessions", "20", "--steps", "20", "--tokens", "skewed"]
    found, again = (told(arguments, capsys) for _ in range(2))
    assert found == again
    drawn = found["arbitrated"]
    assert (drawn["sessions"], drawn["steps"], drawn["tokens"], len(drawn["step"])) == (20, 20, "skewed", 2)
    assert drawn["p50_s"] <= drawn["p99_s"] <= drawn["every_step_p99"]["session_s"]
    assert drawn["p50_s"] == pytest.approx(drawn["every_step_mean"]["session_s"], rel=0.05)
    assert run(["session", *arguments]) == ExitCode.DONE
    assert "every step its P99" in capsys.readouterr().out


def test_a_picture_is_drawn_twice_alike(
    trace: str, folders: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Tests that the picture is a PNG of equal bytes."""
    for name in ("a.png", "b.png"):
        told([trace, *folders, "--png", str(tmp_path / name)], capsys)
    drawn = [(tmp_path / name).read_bytes() for name in ("a.png", "b.png")]
    assert drawn[0] == drawn[1]
    assert drawn[0].startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--steps", "50"), "--steps says how sessions are drawn; it needs --contend"),
        (("--sessions", "50"), "--sessions says how sessions are drawn; it needs --contend"),
        (("--contend", "--sessions", "0"), "--sessions"),
        (("--contend", "--runtime", "nobody"), "nobody"),
        (("--prefill", "nobody"), "nobody"),
    ],
)
def test_wrong_options_are_refused(
    trace: str, folders: list[str], capsys: pytest.CaptureFixture[str], options: tuple[str, ...], said: str
) -> None:
    """Tests one line that names the option, and exit code 2."""
    assert run(["session", trace, folders[1], *options]) == ExitCode.BAD_INPUT
    told_line = capsys.readouterr().err.strip()
    assert said in told_line
    assert "\n" not in told_line


def test_a_prefill_of_ones_own(
    trace: str, folders: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Tests a rate of 100 tokens/s, with which 100 tokens take a second, and one of nothing, refused at its line."""
    path = tmp_path / "mine.yaml"
    lines = ["name: mine", "tokens_per_s:", "  value: 100", "  tag: assumed", "  source: mine"]
    path.write_text("\n".join(lines) + "\n")
    assert told([trace, *folders, "--prefill", str(path)], capsys)["timeline"][0]["decode_begins_s"] == 1
    path.write_text("\n".join(lines).replace("100", "0") + "\n")
    assert run(["session", trace, *folders, "--prefill", str(path)]) == ExitCode.BAD_INPUT
    assert "mine.yaml:3:3: tokens_per_s.value" in capsys.readouterr().err


def test_a_fault_of_a_trace_is_one_line(folders: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Tests a circle: its line and column, exit code 2, and no picture."""
    (tmp_path / "bad.csv").write_text(f"{HEADER}\na,m,b,0,1,1,0\nb,m,a,0,1,1,0\n")
    arguments = ["session", str(tmp_path / "bad.csv"), *folders, "--png", str(tmp_path / "no.png")]
    assert run(arguments) == ExitCode.BAD_INPUT
    out, line = capsys.readouterr()
    assert out == ""
    assert line.strip().endswith("bad.csv:2:5: after: a circle: a after b after a; no request may wait for itself")
    assert not (tmp_path / "no.png").exists()


def test_a_graph_that_contradicts_itself_is_refused(
    tmp_path: Path, small_build: Build, capsys: pytest.CaptureFixture[str]
) -> None:
    """Tests a tensor of another name than operators read, in a build that was signed again."""
    tensors = small_build.graph.model_dump()["tensors"]
    tensors[0]["name"] = "other"
    write_build(tmp_path / "b", with_graph(small_build, tensors=tensors))
    arguments = ["session", "coding", str(tmp_path / "b"), "--contend", "--sessions", "1"]
    assert run(arguments) == ExitCode.VERIFICATION_FAILED
    assert "names tensor layer.0.input, which is not in the graph" in capsys.readouterr().err
