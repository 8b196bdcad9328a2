"""Tests of the text of the report."""

from __future__ import annotations

from dataclasses import replace

from lpxsched.report.summary import summarise
from lpxsched.report.text import layer_ranges, report_text, table
from tests.builds import two_chip_build
from tests.report.builds import repeated_build


def test_table_is_aligned() -> None:
    """Tests that names stand flush left and numbers flush right."""
    assert table(["name", "n"], [["a", "100"], ["longer", "1"]]) == "  name      n\n  a       100\n  longer    1"


def test_ranges_of_layers() -> None:
    """Tests that runs of layers are joined."""
    assert layer_ranges([0, 1, 2, 3, 5, 7, 8]) == "0-3, 5, 7-8"
    assert layer_ranges([]) == ""


def test_headline_tells_what_the_manifest_knows() -> None:
    """Tests the first line with and without the names of model and topology."""
    build = repeated_build(2)
    line = report_text(summarise(build)).splitlines()[0]
    assert line == "build: 2 layers, makespan 256 cycles = 256 ns, lower bound 256 cycles"
    options = {"model": "small", "topology": "pair", "batch": 4}
    manifest = build.manifest.model_copy(update={"options": options, "results": {"bound": "critical path"}})
    line = report_text(summarise(replace(build, manifest=manifest))).splitlines()[0]
    assert line.startswith("small on pair, batch 4: 2 layers, makespan 256 cycles = 256 ns, lower bound 256")
    assert line.endswith("cycles (critical path)")


def test_every_part_and_class_has_a_row() -> None:
    """Tests that classes, links, chips and the parts of a layer are printed with their numbers."""
    lines = [" ".join(line.split()) for line in report_text(summarise(two_chip_build())).splitlines()]
    assert "tray 2 2 8 7.81 % 7.81 % 100.00 % 0.023 to 0.024" in lines
    assert "tray 0.0 -> 0.1 0 0 4 7.81 %" in lines
    assert "0.0 0 24.22 % 8.59 % 6 6" in lines
    assert "layer 0: 128 cycles" in lines
    assert "wire: latency 42.0 42.0 32.81 %" in lines
    assert "compute: experts 20.0 20.0 15.62 %" in lines
    assert "makespan 128.0 128.0 100.00 %" in lines
    assert "host 40.0 40.0 31.25 %" in lines


def test_operators_stand_in_the_order_of_a_layer() -> None:
    """Tests that router, experts, combine and add follow each other, not the alphabet."""
    text = report_text(summarise(two_chip_build()))
    places = [text.index(f"compute: {kind}") for kind in ("router", "experts", "combine", "add")]
    assert places == sorted(places)


def test_equal_layers_share_a_table() -> None:
    """Tests that three equal layers are named together."""
    assert "layers 0-2: 128 cycles" in report_text(summarise(repeated_build(3)))


def test_lines_fit_a_terminal() -> None:
    """Tests that no line is wider than 110 characters."""
    assert max(map(len, report_text(summarise(repeated_build(3))).splitlines())) <= 110
