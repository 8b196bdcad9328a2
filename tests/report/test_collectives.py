"""Tests of the report and the figure of a collective."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import TYPE_CHECKING

import pytest

from lpxsched.cli.main import run
from lpxsched.report.comparison.figures import figure_changes
from lpxsched.report.console.build import report_text
from lpxsched.report.critical_path import layer_times
from lpxsched.report.figures.layer_timeline import chip_rows
from lpxsched.report.formats import clocks_named
from lpxsched.report.page.data import page_data
from lpxsched.report.page.tables import mapping_section
from lpxsched.report.summary import summarise
from lpxsched.report.summary_json import summary_json
from lpxsched.report.text_table import WIDTH
from lpxsched.report.utilisation import utilisation
from lpxsched.timetable.writer import write_build
from tests.builds import ints, signed
from tests.verify.collectives import KINDS, LAID, Laid, build_of

if TYPE_CHECKING:
    from pathlib import Path

    from lpxsched.timetable.build import Build

# On busy wires chip 1 reads at 13, 25.5 and 38 and sends on at 16; chip 2 reads at 29, 41.5 and 54.
BUSY_BROADCAST = replace(LAID["broadcast"], starts=[0, 38, 54])


def told(laid: Laid, kind: str, **how: object) -> Build:
    """Return a collective by hand that says what it is."""
    build = build_of(laid, **how)
    options = {"kind": kind, "topology": "three"}
    return signed(replace(build, manifest=build.manifest.model_copy(update={"options": options})))


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_has_a_report(kind: str) -> None:
    """Tests that the parts of the critical path sum to the makespan, and the headline names the collective."""
    build = told(LAID[kind], kind)
    makespan = max(LAID[kind].starts)
    (time,) = layer_times(build)
    assert sum(time.parts.values()) == makespan
    text = report_text(summarise(build))
    lines = text.splitlines()
    assert " limits the collective: " in lines[0]
    told_length = f"{kind} on three: makespan {makespan} cycles = {makespan} ns, lower bound {makespan} cycles"
    assert told_length in lines
    assert max(map(len, lines)) <= WIDTH
    assert not any(word in text for word in ("layer", "token", "egress"))


def test_a_relayed_path_is_split_into_its_parts() -> None:
    """Tests 34 = 2 latencies of 10, a relay of 3, 3 vectors and 1 before them on the wire, and two roundings."""
    (time,) = layer_times(told(LAID["broadcast"], "broadcast"))
    # Hop 1: 2.5 + 10, rounded up by 0.5; hop 2, from 16: 3 x 2.5 + 10, read half a cycle late.
    assert dict(time.parts) == {
        "serialisation": Fraction(10),
        "latency": Fraction(20),
        "turnaround": Fraction(3),
        "rounding": Fraction(1),
    }


def test_on_a_busy_wire_vectors_wait_for_those_before_them() -> None:
    """Tests 54 = 2 latencies, 2 vectors on the wire, a relay of 3, a rounding of 1, and two pitches of waiting."""
    (time,) = layer_times(told(BUSY_BROADCAST, "broadcast", wire="busy"))
    assert dict(time.parts) == {
        "serialisation": Fraction(5),
        "latency": Fraction(20),
        "turnaround": Fraction(3),
        "rounding": Fraction(1),
        "link_busy": Fraction(25),
    }


def test_a_busy_wire_is_held_for_v_and_latency() -> None:
    """Tests that six vectors hold links for 12.5 cycles each, and for 2.5 on pipelined wires."""
    assert utilisation(told(BUSY_BROADCAST, "broadcast", wire="busy"), bins=4).busy_cycles(0) == 75
    assert utilisation(told(LAID["broadcast"], "broadcast"), bins=4).busy_cycles(0) == 15
    (first, second) = summarise(told(BUSY_BROADCAST, "broadcast", wire="busy")).links
    assert first.share == second.share == 37.5 / 54


def test_operators_on_no_unit_have_no_row() -> None:
    """Tests that sources and deliveries are no use of a unit, and sums are."""
    assert [chip.unit_shares for chip in summarise(told(LAID["gather"], "gather")).chips_by_unit] == [{}] * 3
    assert "functional unit" not in report_text(summarise(told(LAID["gather"], "gather")))
    rows = chip_rows(told(LAID["all-reduce"], "all-reduce"), 0)
    assert [[row for row in chip.rows if isinstance(row, str)] for chip in rows] == [["vector"]] * 3
    assert not any(isinstance(row, str) for chip in chip_rows(told(LAID["gather"], "gather"), 0) for row in chip.rows)


def test_a_period_is_told() -> None:
    """Tests that the headline says that the timetable repeats, whose bound it gives, and what shares are of."""
    build = told(LAID["all-gather"], "all-gather", period=6)
    text = " ".join(report_text(summarise(build)).split())
    assert text.startswith("The period of 6 cycles limits it. Its busiest link is held for 83.3 % of it.")
    assert (
        "all-gather on three: repeats every 6 cycles (shares of links and chips are of that), "
        "makespan 16 cycles = 16 ns, lower bound of the period 6 cycles"
    ) in text
    assert "Busiest links, those alike once, share of the period" in text
    report = summary_json(summarise(build))
    assert (report["collective"], report["period_cycles"]) == ("all-gather", 6)


def test_a_bound_of_one_iteration_is_told_beside_that_of_the_period() -> None:
    """Tests the line, the data, and the figures of two builds: 16 cycles for a bound of 10 are a gap of 1.6."""
    build = told(LAID["all-gather"], "all-gather", period=6)
    bounds = {"period_gap": 1.0, "makespan_lower_bound_cycles": 10, "makespan_bound": "latency"}
    results = build.manifest.results | bounds
    build = replace(build, manifest=build.manifest.model_copy(update={"results": results}))
    text = " ".join(report_text(summarise(build)).split())
    assert "lower bound of the period 6 cycles, of the makespan 10 cycles (latency)" in text
    assert bounds.items() <= summary_json(summarise(build)).items()
    found = {change.name: change.first for change in figure_changes(*[summarise(build)] * 2)}
    assert (found["lower bound of the makespan, cycles"], found["gap of the makespan"]) == (10, 1.6)
    assert found["lower bound of the period, cycles"] == 6


def test_links_of_a_timetable_that_repeats_are_busy_for_shares_of_the_period() -> None:
    """Tests two vectors of 2.5 cycles on each link every 6 cycles; in one run they were 5 of 16."""
    summary = summarise(told(LAID["all-gather"], "all-gather", period=6))
    assert summary.classes.share(0) == summary.classes.running_share(0) == 5 / 6
    assert {link.share for link in summary.links} == {5 / 6}
    assert summarise(told(LAID["all-gather"], "all-gather")).classes.share(0) == 5 / 16


def test_iterations_are_folded_into_one_period() -> None:
    """Tests departures at 0 and 16 with a period of 6 in bins of one cycle: 16 mod 6 = 4, and the rest comes round."""
    build = told(LAID["broadcast"], "broadcast", period=6)
    # Three vectors of 2.5 cycles would fill a link, so each slot carries one.
    slots = replace(build.slots, vectors=ints(*[1] * len(build.slots)))
    busy = utilisation(replace(build, slots=slots), bins=6)
    cycles = busy.busy_ticks[0] / busy.ticks_per_cycle
    # [0, 2.5) and [16, 18.5), that is [4, 6) and [0, 0.5)
    assert cycles.tolist() == [1.5, 1, 0.5, 0, 1, 1]
    assert busy.busy_cycles(0) == 5


def test_a_collective_has_neither_layers_nor_clocks_of_none() -> None:
    """Tests the mapping of a page: chips take part, and what is on demand without a time domain has none."""
    build = told(LAID["broadcast"], "broadcast")
    text = mapping_section(build)
    assert "chips take part" in text
    assert "layers" not in text
    assert "-1" not in text
    assert clocks_named("none") == "perfect clocks"
    assert clocks_named("lpx") == "clocks of lpx"


def test_the_figure_of_a_collective_names_it(tmp_path: Path) -> None:
    """Tests that export draws a collective without layers of a token."""
    write_build(tmp_path / "build", told(LAID["all-reduce"], "all-reduce"))
    assert run(["export", str(tmp_path / "build"), "--svg", str(tmp_path / "a.svg")]) == 0
    text = (tmp_path / "a.svg").read_text()
    assert "all-reduce, 3 chips: makespan 35 cycles" in text
    assert "token" not in text


def test_the_operators_of_a_collective_are_its_own() -> None:
    """Tests what a picture calls that of which an operator is one: no layer."""
    described, _ = page_data(told(LAID["all-reduce"], "all-reduce"))
    assert set(described["layers"].values()) == {"all-reduce"}
