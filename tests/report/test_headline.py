"""Tests of the lines in which compile, report and simulate tell the three parts of a step."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from lpxsched.assembly.headline import HEADLINE
from lpxsched.cli.main import run
from lpxsched.report.console.build import report_text
from lpxsched.report.headline import assumed_lines, headline_facts, headline_lines
from lpxsched.report.summary import summarise
from lpxsched.report.summary_json import summary_json
from lpxsched.timetable.writer import write_build
from tests.builds import two_chip_build
from tests.timetable.small import compiled

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from lpxsched.timetable.build import Build


def test_nothing_assumed_is_called_a_bound(small_build: Build) -> None:
    """Tests that worst stands beside what is proved only, and that no line that contains an assumption says bound."""
    lines = headline_lines(small_build)
    assert [name for name, _ in lines if name] == ["proved", "assumed", "not modelled", "step", "tokens/s", "restart"]
    assert [name for name, text in lines if "worst" in text] == ["proved"]
    assert not any("bound" in text for _, text in lines)


def test_the_lines_tell_the_numbers(small_build: Build) -> None:
    """Tests two layers with a hand-over of 2 us each way, their bytes, and 1 us of each mixer, of head and sampling."""
    lines = dict(line for line in headline_lines(small_build) if line[0])
    # Eight rows in are 5,120 bytes in 2 frames of 82 more, out 10,240 in 3: (5,284 + 10,486) x 8 / 400 = 315.4 ns each
    # of two layers. Of the ranges: 500 or 10,000 ns, frames of 9,000 and 38 more at 800 Gb/s, of 4,096 and 102 at 400.
    assert lines["assumed"] == "12.631 us a step, low 4.186 us, high 52.635 us"
    each = "mixers 2.000 us, hand-over 8.631 us, LM head and sampling 2.000 us"
    assert ("", each) in headline_lines(small_build)
    assert lines["not modelled"].startswith("caches and weights of 2 mixers without widths in the config, embedding,")


def test_lines_fit_a_terminal(tmp_path: Path) -> None:
    """Tests a chip that polls, of which most is said, in 100 columns."""
    build = compiled(tmp_path, topology="lpx-rack", context=12_345)
    assert max(len(f"  {name:<14}{text}") for name, text in headline_lines(build)) <= 100


def test_report_and_compile_tell_the_same(small_build: Build) -> None:
    """Tests that the report holds every line and every key of the headline."""
    text, report = report_text(summarise(small_build)), summary_json(summarise(small_build))
    assert all(line in text for _, line in headline_lines(small_build))
    assert headline_facts(small_build) == {key: report[key] for key in (*HEADLINE, "worst_waiting_ns")}
    for key in ("restart_ns", "assumed_parts_ns"):
        assert report[key] == small_build.manifest.results[key]


def test_simulate_names_what_comes_on_top(
    tmp_path: Path, small_build: Build, capsys: pytest.CaptureFixture[str]
) -> None:
    """Tests that latencies are told to be those of the proved part, and what is assumed beside them."""
    write_build(tmp_path / "out", small_build)
    assert run(["simulate", str(tmp_path / "out"), "--trials", "5"]) == 0
    text = capsys.readouterr().out
    assert "latency, proved" in text
    assert all(line in text for _, line in assumed_lines(small_build))


def test_a_build_without_a_step_has_no_headline() -> None:
    """Tests that a collective, and a manifest that says nothing, get no line."""
    build = two_chip_build()
    assert headline_lines(build) == assumed_lines(build) == []
    assert headline_facts(replace(build, manifest=build.manifest.model_copy(update={"results": {}}))) == {}
