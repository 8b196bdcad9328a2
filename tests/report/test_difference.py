"""Tests of two builds side by side, and of the command that tells of one or two."""

from __future__ import annotations

import json
from dataclasses import replace
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np
import pytest

from lpxsched.cli.main import run
from lpxsched.report.difference import (
    Change,
    Moved,
    by_group,
    change_rows,
    changes,
    changes_json,
    moved_layers,
    moved_sentence,
    shown,
)
from lpxsched.report.summary import summarise
from lpxsched.report.text import WIDTH
from lpxsched.timetable.writer import write_build
from tests.builds import ints, two_chip_build
from tests.report.builds import delayed_build, renamed_class, repeated_build, whole_model

if TYPE_CHECKING:
    from pathlib import Path

    from lpxsched.timetable.build import Build


def test_every_figure_of_both_is_told() -> None:
    """Tests two layers against three: makespans, causes and classes; what neither has is left out."""
    found = changes(summarise(repeated_build(2)), summarise(repeated_build(3)))
    told = {(change.group, change.name): (change.first, change.second, change.difference) for change in found}
    assert told["figures", "makespan, cycles"] == (256, 384, 128)
    assert told["critical path by cause", "compute"] == pytest.approx((0.084, 0.126, 0.042))
    assert told["critical path by part", "compute: experts"] == pytest.approx((0.04, 0.06, 0.02))
    assert told["critical path by link class", "host"] == pytest.approx((0.08, 0.12, 0.04))
    assert told["busy while running", "tray links"] == (7.8125, 7.8125, 0)
    assert ("figures", "tokens/s/user") not in told


def test_figures_of_what_is_in_flight_are_told(small_build: Build) -> None:
    """Tests 4 of 8 windows with one gap against one micro-batch on demand, of which the assumed parts are told too."""
    whole = np.full_like(small_build.frames.period_cycles, 1000)
    gaps = tuple(ints(7) for _ in small_build.frames.gaps)
    frames = replace(small_build.frames, period_cycles=whole, windows=np.full_like(whole, 8), gaps=gaps)
    manifest = small_build.manifest.model_copy(update={"results": small_build.manifest.results | {"in_flight": 4}})
    found = changes(summarise(small_build), summarise(replace(small_build, frames=frames, manifest=manifest)))
    told = {change.name: (change.first, change.second) for change in found}
    assert (told["in flight"], told["windows"], told["windows left out"]) == ((None, 4), (None, 8), (None, 1))
    assert told["gap to the bound"] == (small_build.manifest.results["gap"],) * 2
    parts = [told[f"assumed: {name}"][0] or 0 for name in ("mixers", "hand-over", "LM head and sampling")]
    assert sum(parts) == pytest.approx(told["assumed"][0])
    assert 0 < (told["SRAM filled, least"][0] or 0) <= (told["SRAM filled, most"][0] or 0) <= 100
    assert told["deskews"] == (len(small_build.deskews),) * 2
    assert "busy over all, A of a token, B of a period" in {change.group for change in found}


def test_a_class_that_one_build_lacks_has_no_difference() -> None:
    """Tests tray links, which the second build calls spine: what is missing is neither zero nor a fault."""
    one, other = two_chip_build(), renamed_class(two_chip_build(), "tray", "spine")
    told = changes_json(changes(summarise(one), summarise(other)), [])["differences"]
    # 40 cycles of the path are spent on tray links, which are busy for 20 of 2 x 128.
    path = told["critical path by link class"]
    assert path["tray"] == {"a": pytest.approx(0.0405), "b": None, "difference": None, "unit": "us"}
    assert (path["spine"]["a"], path["spine"]["difference"]) == (None, None)
    busy = told["busy over all"]
    assert busy["tray links"] == {"a": 7.8125, "b": None, "difference": None, "unit": "%"}
    assert busy["spine links"] == {"a": None, "b": 7.8125, "difference": None, "unit": "%"}
    assert shown(None, "us") == "-"
    assert shown(3, "", signed=True) == "+3"
    assert shown(-0.25, "us", signed=True) == "-0.250"


def test_what_only_one_build_waits_for_is_nothing_in_the_other() -> None:
    """Tests 13 waits of 1 to 13 cycles that nothing forces, 91 in all, against none."""
    waits = delayed_build(Fraction(5, 2), 10, 5, list(range(1, 14)))
    found = {change.name: change for change in changes(summarise(two_chip_build()), summarise(waits))}
    assert (found["waiting: unforced"].first, found["waiting: unforced"].second) == (0, 0.091)


def test_waiting_and_restart_are_figures(small_build: Build) -> None:
    """Tests a model whose segments wait one cycle longer each in the second build, 1 us for every 1,000 MHz."""
    build = small_build
    longer = replace(build, segments=replace(build.segments, waiting_cycles=build.segments.waiting_cycles + 1))
    found = {change.name: change for change in changes(summarise(build), summarise(longer))}
    cycle_us = 1 / float(build.manifest.clock_mhz)
    assert found["waiting in the worst case"].difference == pytest.approx(len(build.segments) * cycle_us)
    assert found["restart, in no step"].first == build.manifest.results["restart_ns"] / 1000
    assert "waiting for the own window" not in found


def test_figures_stand_side_by_side_with_units() -> None:
    """Tests a time, a share whose difference is points, and figures that one build lacks or has as zero."""
    found = [
        Change("a", "step", "us", 2.0, 3.0),
        Change("a", "tray links", "%", 50.0, 25.0),
        Change("b", "restart", "us", None, 1.0),
        Change("b", "waiting", "us", 0.0, 1.0),
    ]
    assert change_rows(found).rows == [
        ["step, us", "2.000", "3.000", "+1.000", "1.5000"],
        ["tray links, %", "50.00", "25.00", "-25.00 points", "0.5000"],
        ["restart, us", "-", "1.000", "-", "-"],
        ["waiting, us", "0.000", "1.000", "+1.000", "-"],
    ]
    assert {group: len(members) for group, members in by_group(found).items()} == {"a": 2, "b": 2}


def test_layers_on_other_chips_are_found() -> None:
    """Tests that the third layer is new, and the first two stay."""
    assert moved_layers(repeated_build(2), repeated_build(3)) == [
        Moved("0", "0.0-1", "0.0-1"),
        Moved("1", "0.2-3", "0.2-3"),
        Moved("2", "", "1.0-1"),
    ]


def test_layers_of_a_whole_model_are_those_of_its_model() -> None:
    """Tests four visits against two layers: visit 1 is layer 0, and an embedding is no layer at all."""
    whole = moved_layers(whole_model(repeated_build(4), visits=4), repeated_build(2))
    assert whole == [
        Moved("embedding", "0.0-1", ""),
        Moved("0", "0.2-3", "0.0-1"),
        Moved("1", "1.0-1", "0.2-3"),
        Moved("head", "1.2-3", ""),
    ]
    assert moved_sentence(whole) == "2 of 2 visits on other chips; 2 visits only in A"


def test_layers_of_one_build_only_lie_on_no_other_chips() -> None:
    """Tests the sentence: a layer that moved, one that only the second build has, and equal builds."""
    moved = [Moved("0", "0.0", "0.1"), Moved("1", "0.2", "0.2"), Moved("2", "", "0.3")]
    assert moved_sentence(moved) == "1 of 2 layers on other chips; 1 layer only in B"
    assert moved_sentence(moved[1:2]) == "All on the same chips"
    assert moved_sentence([Moved("0", "0.0", "")]) == "1 layer only in A"


def test_what_never_repeats_has_no_period() -> None:
    """Tests a build on demand beside one that repeats: no period is no period of zero cycles."""
    build = two_chip_build()
    cyclic = replace(build, frames=replace(build.frames, period_cycles=ints(256)))
    found = {change.name: change for change in changes(summarise(build), summarise(cyclic))}
    assert (found["period, cycles"].first, found["period, cycles"].second) == (None, 256)
    assert "period, cycles" not in {change.name for change in changes(summarise(build), summarise(build))}


def test_a_bound_of_a_period_is_beside_no_bound_of_a_makespan() -> None:
    """Tests that one build has the bound of its makespan of 128 cycles, and the other that of its period."""
    build = two_chip_build()
    frames = replace(build.frames, period_cycles=ints(256), lower_bound_cycles=ints(100))
    found = {change.name: change for change in changes(summarise(build), summarise(replace(build, frames=frames)))}
    bounds = [found[name] for name in ("lower bound, cycles", "lower bound of the period, cycles")]
    assert [(bound.first, bound.second, bound.difference) for bound in bounds] == [(128, None, None), (None, 100, None)]


def test_report_of_two_folders(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Tests text, JSON and page of two folders; three are refused."""
    folders = [str(tmp_path / name) for name in ("a", "b")]
    for folder, copies in zip(folders, (2, 3), strict=True):
        write_build(tmp_path / folder, repeated_build(copies))
    assert run(["report", *folders]) == 0
    text = capsys.readouterr().out
    assert "makespan, cycles" in text
    assert "2 layers on the same; 1 layer only in B; -o FILE.html shows which" in text
    assert max(map(len, text.splitlines())) <= WIDTH + len(str(tmp_path))
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


def test_report_writes_a_page(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Tests that -o writes one file, that a build stays a build, and that the file is named."""
    write_build(tmp_path / "build", two_chip_build())
    page = tmp_path / "page.html"
    assert run(["report", str(tmp_path / "build"), "-o", str(page), "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"files": [str(page)]}
    assert page.read_bytes().startswith(b"<!DOCTYPE html>")
    assert run(["report", str(tmp_path / "build"), "-o", str(tmp_path / "build" / "page.html")]) == 2
    assert "lies inside the build folder" in capsys.readouterr().err
