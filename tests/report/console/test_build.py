"""Tests of the text of the report."""

from __future__ import annotations

from dataclasses import replace

from lpxsched.report.console.build import report_text
from lpxsched.report.rows import chip_rows, kind_rows, link_rows
from lpxsched.report.summary import summarise
from lpxsched.report.text_table import WIDTH, table
from tests.builds import two_chip_build
from tests.report.builds import in_flight, renamed_class, repeated_build, whole_model
from tests.verify.doubled import shared_build

LONG = "between cabinets of the second row of the hall"


def test_names_lose_their_middles_where_a_table_is_too_wide() -> None:
    """Tests 2 + 10 + 2 + 3 characters in 16 columns: nine are left to the name, two of them dots."""
    assert table(["name", "n"], [["first-name", "100"]], most=16) == "  name         n\n  firs..ame  100"
    assert table(["name", "n"], [["first-name", "100"]], most=17) == "  name          n\n  first-name  100"


def test_table_is_aligned() -> None:
    """Tests that names stand flush left and numbers flush right."""
    assert table(["name", "n"], [["a", "100"], ["longer", "1"]]) == "  name      n\n  a       100\n  longer    1"


def test_the_name_tells_what_the_manifest_knows() -> None:
    """Tests what limits the step first, and the line of the length with and without names of model and topology."""
    build = repeated_build(2)
    assert report_text(summarise(build)).startswith("Compute limits the step: ")
    options = {"model": "small", "topology": "pair", "batch": 4}
    manifest = build.manifest.model_copy(update={"options": options, "results": {"bound": "critical path"}})
    text = report_text(summarise(replace(build, manifest=manifest)))
    told = "small on pair, batch 4: 2 layers, makespan 256 cycles = 256 ns, lower bound 256 cycles (critical path)"
    assert told in " ".join(text.split())


def test_every_part_and_class_has_a_row() -> None:
    """Tests that classes, links, chips and the parts of a layer are printed with their numbers."""
    lines = [" ".join(line.split()) for line in report_text(summarise(two_chip_build())).splitlines()]
    # 40 bars of 5 bins each: the relay from 23 to 28, the exchange from 80 to 85.
    (tray,) = (line for line in lines if line.startswith("tray 2 2 8 7.81 % 7.81 % 100.00 % 0.023 "))
    assert len(tray.split()[-1]) <= 40
    assert "tray 0.0 -> 0.1, lane 0 2 0 4 7.81 %" in lines
    assert "0.0 2 0 24.22 % 8.59 % 6 6" in lines
    assert "0 1 2 128 0.128 128 1.0000 compute, 32.8 %" in lines
    assert "wire: latency 42.0 0.042 32.81 % 22.0 20.0" in lines
    assert "compute: experts 20.0 0.020 15.62 %" in lines
    assert "makespan 128.0 0.128 100.00 % 40.0 40.5" in lines


def test_operators_stand_in_the_order_of_a_layer() -> None:
    """Tests that router, experts, combine and add follow each other, not the alphabet."""
    text = report_text(summarise(two_chip_build()))
    places = [text.index(f"compute: {kind}") for kind in ("router", "experts", "combine", "add")]
    assert places == sorted(places)


def test_equal_layers_share_a_line() -> None:
    """Tests that three equal layers are told once, and so are their links and chips."""
    lines = [" ".join(line.split()) for line in report_text(summarise(repeated_build(3))).splitlines()]
    assert "0-2 3 2 128 0.128 128 1.0000 compute, 32.8 %" in lines
    assert "tray 0.0 -> 0.1, lane 0 6 0-2 4 7.81 %" in lines
    assert len([line for line in lines if line.startswith("tray 0.")]) == 1


def test_visits_of_a_whole_model_have_rows_of_their_own() -> None:
    """Tests an embedding, two equal layers and a head in one segment, above what they take together."""
    one = {"chips": 2, "lower_bound_cycles": 30, "makespan_cycles": 32, "gap": 1.0667}
    problems = [one | {"layers": layers} for layers in ([0], [1, 2], [3])]
    summary = summarise(whole_model(two_chip_build(), visits=4, layers=2, problems=problems))
    rows = kind_rows(summary).rows
    assert [row[:3] for row in rows] == [
        ["embedding", "1", "2"],
        ["0-1", "2", "2"],
        ["head", "1", "2"],
        ["all", "1", "2"],
    ]
    assert [row[3:7] for row in rows[2:]] == [["32", "0.032", "30", "1.0667"], ["128", "0.128", "128", "1.0000"]]
    assert "2 layers between embedding and head, makespan 128 cycles" in report_text(summary)
    # What the one segment uses belongs to layer 0 of the timetable alone.
    assert [row[3] for row in link_rows(summary).rows] == ["embedding"] * 2
    assert [row[2] for row in chip_rows(summary).rows] == ["embedding"]


def test_lines_fit_a_terminal() -> None:
    """Tests that no line is wider than 100 characters, with long names of link classes too, and that time is drawn."""
    assert max(map(len, report_text(summarise(repeated_build(3))).splitlines())) <= WIDTH == 100
    build = repeated_build(3)
    for name in ("tray", "host"):
        build = renamed_class(build, name, f"{name} {LONG}")
    text = report_text(summarise(build))
    assert max(map(len, text.splitlines())) <= WIDTH
    assert "2 more link classes in --json" in " ".join(text.split())
    # Three layers of 20 bars: something moves in the first half of each.
    (line,) = (line for line in text.splitlines() if line.startswith("  tray b") and "█" in line)
    assert line.count("█") >= 3


def test_shares_are_of_what_is_said() -> None:
    """Tests what the one segment of a whole model is called, and what shares of a period are of."""
    told = {"visits": 2, "layers": 0}
    one = {"chips": 2, "lower_bound_cycles": 30, "makespan_cycles": 32, "gap": 1.0667}
    whole = whole_model(shared_build(), problems=[one | {"layers": layers} for layers in ([0], [1])], **told)
    text = " ".join(report_text(summarise(whole)).split())
    assert "layer's" not in text
    assert "share of the whole model's makespan" in text
    assert "of the model's own links, which the line draws too" in text
    assert "Critical path of one token: from its way into the embedding to the next one" in text
    period = " ".join(report_text(summarise(in_flight(repeated_build(2)))).split())
    assert "while the layer runs" not in period
    assert "of the own links of all layers, which the line draws too" in period


def test_what_all_visits_use_lists_none_of_them() -> None:
    """Tests a whole model of two visits whose segment uses every link: embedding and head are all there is."""
    one = {"chips": 2, "lower_bound_cycles": 30, "makespan_cycles": 32, "gap": 1.0667}
    problems = [one | {"layers": layers} for layers in ([0], [1])]
    build = shared_build()
    summary = summarise(whole_model(build, visits=2, layers=0, problems=problems))
    assert {row[3] for row in link_rows(summary).rows} == {"all"}
    assert {row[2] for row in chip_rows(summary).rows} == {"all"}
    # Visits of drafts, behind the head, are among them.
    assert {row[3] for row in link_rows(replace(summary, head=0)).rows} == {"all"}
