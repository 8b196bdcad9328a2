"""Tests of all that is told of two builds, and of the command that tells it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from lpxsched.cli.main import run
from lpxsched.report.comparison.comparison import compare, comparison_json
from lpxsched.report.console.build import report_text
from lpxsched.report.console.comparison import comparison_text
from lpxsched.report.limits import limiting_sentence
from lpxsched.report.page.comparison import comparison_page
from lpxsched.report.page.html import build_page
from lpxsched.report.summary import summarise
from lpxsched.report.text_table import WIDTH
from lpxsched.timetable.writer import write_build
from tests.builds import two_chip_build
from tests.report.builds import in_flight, repeated_build

if TYPE_CHECKING:
    import pytest

    from lpxsched.timetable.build import Build


def test_report_of_two_folders(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Tests text, JSON and page of two folders; three are refused."""
    folders = [str(tmp_path / name) for name in ("a", "b")]
    for folder, copies in zip(folders, (2, 3), strict=True):
        write_build(tmp_path / folder, repeated_build(copies))
    assert run(["report", *folders]) == 0
    text = capsys.readouterr().out
    assert "makespan, cycles" in text
    assert "2 layers on the same; 1 layer only in B; -o FILE.html shows which" in text
    assert max(map(len, text.splitlines())) <= WIDTH
    assert run(["report", *folders, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["differences"]["figures"]["makespan, cycles"]["difference"] == 128
    assert told["moved_layers"] == [{"layer": "2", "a": "", "b": "1.0-1"}]
    assert told["b"]["makespan_cycles"] == 384
    page = tmp_path / "page.html"
    assert run(["report", *folders, "-o", str(page)]) == 0
    assert capsys.readouterr().out == f"{page}\n"
    assert page.read_bytes().startswith(b"<!DOCTYPE html>")
    assert run(["report", *folders, folders[0]]) == 2


def test_folders_of_one_name_are_told_apart(tmp_path: Path) -> None:
    """Tests two folders called build: the page names them with the way to them, others by their names."""
    folders = [str(tmp_path / name) for name in ("one/build", "two/build", "three")]
    for folder in folders:
        Path(folder).parent.mkdir(exist_ok=True)
        write_build(Path(folder), two_chip_build())
    page = tmp_path / "page.html"
    assert run(["report", *folders[:2], "-o", str(page)]) == 0
    assert f"<title>{folders[0]} and {folders[1]}</title>" in page.read_text(encoding="utf-8")
    assert run(["report", *folders[1:], "-o", str(page)]) == 0
    assert "<title>build and three</title>" in page.read_text(encoding="utf-8")


def test_text_of_two_tells_what_limits_each(small_build: Build) -> None:
    """Tests the sentence of each build under its own name, which may be long."""
    one, other = small_build, in_flight(small_build)
    text = comparison_text(("a/" + "long-name/" * 20, "b"), compare(one, other))
    assert max(map(len, text.splitlines())) <= WIDTH
    told = " ".join(text.split())
    first, second = (told.index(limiting_sentence(summarise(build))) for build in (one, other))
    assert first < told.index(" B b: ") < second


def test_report_writes_a_page(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Tests that -o writes one file, that a build stays a build, and that the file is named."""
    write_build(tmp_path / "build", two_chip_build())
    page = tmp_path / "page.html"
    assert run(["report", str(tmp_path / "build"), "-o", str(page), "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"files": [str(page)]}
    assert page.read_bytes().startswith(b"<!DOCTYPE html>")
    assert run(["report", str(tmp_path / "build"), "-o", str(tmp_path / "build" / "page.html")]) == 2
    assert "lies inside the build folder" in capsys.readouterr().err


def test_text_and_page_tell_which_windows_are_owned(small_build: Build) -> None:
    """Tests 4 of 8 windows in the second build: the words and numbers of its own report stand in text and page."""
    one, other = small_build, in_flight(small_build)
    said = (
        "of a period in which every window is owned: 4 of 8 windows are, 8 could be, so over the longest step shares "
    )
    said += "are 50.00 % of these"
    alone = " ".join(report_text(summarise(other)).split())
    both = " ".join(comparison_text(("a", "b"), compare(one, other)).split())
    page = comparison_page(one, other, ("a", "b")).decode()
    assert f"(shares of links and chips are {said})" in alone
    assert said in build_page(other).decode()
    assert f"Shares of B are {said}." in both
    assert f"Shares of B are {said}." in page


def test_text_and_page_tell_all_that_one_report_tells(small_build: Build) -> None:
    """Tests layers by kind, slack, busiest links of each build, reach, formulas and assumptions."""
    told = compare(small_build, in_flight(small_build))
    text = comparison_text(("a", "b"), told)
    titles = ("Reach", "Published formulas", "Layers by kind", "Slack against the clock", "Busiest links of A,")
    for title in (*titles, "Busiest links of B,", "Busiest chips of A ", "Assumptions: all the same in both"):
        assert f"\n{title}" in text
    assert max(map(len, text.splitlines())) <= WIDTH
    page = comparison_page(small_build, in_flight(small_build), ("a", "b")).decode()
    for name in ("figures", "utilisation", "parts", "layers", "mapping", "busiest", "assumptions"):
        assert page.count(f'<section id="{name}"') == 1
    told_json = comparison_json(told)
    assert told_json["other_assumptions"] == []
    assert {"reach", "layers by kind"} <= told_json["differences"].keys()
