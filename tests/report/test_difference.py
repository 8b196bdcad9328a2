"""Tests of two builds side by side, of what holds which layers, and of what is alike."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from lpxsched.cli.main import run
from lpxsched.report.busiest import alike_chips, alike_links, busy_chips, busy_links
from lpxsched.report.difference import Moved, changes, changes_json, moved_layers, moved_sentence, shown
from lpxsched.report.mapping import mapping, position_ranges
from lpxsched.report.summary import summarise
from lpxsched.report.text import WIDTH
from lpxsched.timetable.writer import write_build
from tests.builds import ints, two_chip_build
from tests.report.builds import repeated_build

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
    """Tests that a missing figure is neither zero nor a fault."""
    (change, *_) = changes_json(changes(summarise(two_chip_build()), summarise(two_chip_build())), [])["differences"]
    assert change == "figures"
    assert shown(None, "us") == "-"
    assert shown(3, "", signed=True) == "+3"
    assert shown(-0.25, "us", signed=True) == "-0.250"


def test_layers_on_other_chips_are_found() -> None:
    """Tests that the third layer is new, and the first two stay."""
    assert moved_layers(repeated_build(2), repeated_build(3)) == [
        Moved(0, "0.0-1", "0.0-1"),
        Moved(1, "0.2-3", "0.2-3"),
        Moved(2, "", "1.0-1"),
    ]


def test_layers_of_one_build_only_lie_on_no_other_chips() -> None:
    """Tests the sentence: a layer that moved, one that only the second build has, and equal builds."""
    moved = [Moved(0, "0.0", "0.1"), Moved(1, "0.2", "0.2"), Moved(2, "", "0.3")]
    assert moved_sentence(moved) == "1 of 2 layers on other chips; 1 layer only in B"
    assert moved_sentence(moved[1:2]) == "All on the same chips"
    assert moved_sentence([Moved(0, "0.0", "")]) == "1 layer only in A"


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


def test_what_holds_a_layer() -> None:
    """Tests two chips and how far their weights fill them."""
    build = two_chip_build()
    (held,) = mapping(build)
    filled = build.chips.weight_bytes[:2] / build.chips.sram_bytes[:2]
    assert (held.layers, held.chips, held.count) == ((0,), "0.0-1", 2)
    assert (held.least_filled, held.most_filled) == (filled.min(), filled.max())


@pytest.mark.parametrize(
    ("positions", "told"),
    [
        (["0.0", "0.1", "0.2", "1.3"], "0.0-2, 1.3"),
        (["3", "4", "9"], "3-4, 9"),
        (["0.1.2", "0.2.3"], "0.1.2, 0.2.3"),
        (["0.3", "1.3", "2.3", "4.3"], "0-2.3, 4.3"),
        (["0.7.1", "0.7.2", "0.8.1", "0.8.2", "1.9.1", "1.9.2"], "0.7-8.1-2, 1.9.1-2"),
        (["host a", "host b"], "host a, host b"),
        ([], ""),
    ],
)
def test_positions_are_joined(positions: list[str], told: str) -> None:
    """Tests runs inside a tray, chips without trays, racks, names, and the same places of trays in a row."""
    assert position_ranges(positions) == told


def test_what_is_alike_stands_once() -> None:
    """Tests that 3 layers of 2 tray links and 2 chips are one row each with their number and layers."""
    links = alike_links(busy_links(repeated_build(3)))
    assert [(alike.one.link_class, alike.count, alike.layers) for alike in links] == [
        ("tray", 6, (0, 1, 2)),
        ("host", 12, (0, 1, 2)),
    ]
    (chips,) = alike_chips(busy_chips(repeated_build(3)))
    assert (chips.one.position, chips.count, chips.layers) == ("0.0", 6, (0, 1, 2))


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
    assert told["moved_layers"] == [{"layer": 2, "a": "", "b": "1.0-1"}]
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
