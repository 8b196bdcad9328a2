"""Tests of chips that only pass vectors on, in whatever a report shows."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from lpxsched.report.busiest import busiest_alike, busy_chips
from lpxsched.report.console.build import report_text
from lpxsched.report.figures.layer_timeline import SHOWN_RELAYS, chip_rows
from lpxsched.report.page.data import page_data
from lpxsched.report.page.pictures import timeline_section, utilisation_section
from lpxsched.report.page.tables import mapping_section
from lpxsched.report.relays import mere_relays, relays_of_segments
from lpxsched.report.summary import summarise
from lpxsched.report.summary_json import summary_json
from lpxsched.report.token_time import token_time
from tests.report.builds import repeated_build
from tests.report.test_collectives import told
from tests.verify.collectives import LAID, RELAYED_REDUCE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lpxsched.timetable.build import Build

# Three vectors go from chip 0 over chip 1 to chip 2.
PASSED_ON = replace(LAID["broadcast"], chips=(0, 2), relays=(1,), reads=[(0, 0, 0, 3), (2, 0, 0, 3)], starts=[0, 34])


def passed_on() -> Build:
    """Return a broadcast to chips 0 and 2 that chip 1 between them passes on."""
    return told(PASSED_ON, "broadcast")


def summed() -> Build:
    """Return a reduce on chips 0 and 1 whose sum chip 2 makes."""
    return told(RELAYED_REDUCE, "reduce")


def with_relays(build: Build, *segments: Sequence[int]) -> Build:
    """Return a build whose groups list their chips alone: what else its vectors pass are relays."""
    groups = [
        group.model_copy(update={"chips": list(chips)})
        for group, chips in zip(build.graph.groups, segments, strict=True)
    ]
    return replace(build, graph=build.graph.model_copy(update={"groups": groups}))


def test_who_relays() -> None:
    """Tests a chip that passes on, one that sums, one that could and does not, and hosts, which are none."""
    for build, relays in ((passed_on(), (1,)), (summed(), (2,)), (told(LAID["gather"], "gather"), ())):
        assert relays_of_segments(build, token_time(build)) == (relays,)
    # Link 1 leads from chip 0 to chip 2 at once; chip 1 may relay.
    direct = told(replace(PASSED_ON, slots=[(0, 0, 3, 1, 0)]), "broadcast")
    assert relays_of_segments(direct, token_time(direct)) == ((),)
    assert relays_of_segments(repeated_build(2), token_time(repeated_build(2))) == ((), ())


def test_a_chip_that_computes_elsewhere_is_no_mere_relay() -> None:
    """Tests a chip of segment 1 that relays for segment 0, beside one that is of no segment."""
    build = repeated_build(2)
    build = replace(build, slots=replace(build.slots, link=build.slots.link % 6))
    relays = relays_of_segments(with_relays(build, [0], [1]), token_time(build))
    assert relays == ((1,), (0,))
    assert mere_relays(with_relays(build, [0], [1]), relays) == ()
    assert mere_relays(with_relays(build, [0], [0]), ((1,), (1,))) == (1,)


def test_relays_are_among_the_busiest_chips_by_name() -> None:
    """Tests three vectors in and three out of chip 1, and the sum of chip 2, 5 of 34 cycles."""
    text = report_text(summarise(passed_on()))
    assert "broadcast on three: 1 relay (0.1), makespan 34 cycles" in text
    assert "Busiest chips by vectors, those alike once" in text
    rows = [line.split() for line in text.partition("Busiest chips")[2].splitlines() if line][2:]
    assert rows == [["relay", "0.1", "1", "3", "3"], ["0.0", "1", "0", "3"], ["0.2", "1", "3", "0"]]
    relay = next(chip for chip in busy_chips(summed()) if chip.relay)
    assert (relay.chip, relay.name, relay.vectors_in, relay.vectors_out) == (2, "relay 0.2", 2, 1)
    assert relay.unit_shares == {"vector": 5 / 34}


def test_relays_are_told_to_scripts() -> None:
    """Tests positions of relays, and which of the busiest chips is one."""
    found = summary_json(summarise(passed_on()))
    assert found["relays"] == ["0.1"]
    told_chips = found["busiest_chips"]["by_vectors"]
    assert [(chip["position"], chip["relay"]) for chip in told_chips] == [
        ("0.1", True),
        ("0.0", False),
        ("0.2", False),
    ]
    assert summary_json(summarise(repeated_build(1)))["relays"] == []


def test_busier_chips_do_not_hide_relays() -> None:
    """Tests that of one row for chips the relay has one more, though it is less busy than two others."""
    chips = busy_chips(summed())
    idle = [replace(chip, unit_shares={"vector": 0.0 if chip.relay else 0.5 + chip.chip / 8}) for chip in chips]
    assert [alike.one.name for alike in busiest_alike(idle, 1)] == ["chip 0.1", "relay 0.2"]


@pytest.mark.parametrize("build", [passed_on(), summed()])
def test_the_still_picture_has_rows_of_relays_behind_those_of_chips(build: Build) -> None:
    """Tests units and links of a relay: three vectors on its way out, or a sum and one vector."""
    *chips, relay = chip_rows(build, 0, relays_of_segments(build, token_time(build))[0])
    assert [chip.relay for chip in [*chips, relay]] == [False, False, True]
    units = [row for row in relay.rows if isinstance(row, str)]
    (out,) = [row for row in relay.rows if not isinstance(row, str)]
    assert (units, out.direction, out.vectors) in [([], "out", 3), (["vector"], "out", 1)]


def test_many_relays_are_cut() -> None:
    """Tests more relays than fit."""
    build = repeated_build(SHOWN_RELAYS)
    segments = replace(build.operators, segment=0 * build.operators.segment)
    one = with_relays(replace(build, operators=segments), *[[]] * SHOWN_RELAYS)
    relays = relays_of_segments(one, token_time(one))[0]
    assert len(relays) == 2 * SHOWN_RELAYS
    assert [chip.relay for chip in chip_rows(one, 0, relays)] == [True] * SHOWN_RELAYS


def test_the_page_shows_relays() -> None:
    """Tests what is drawn, what can be chosen, and the table of the mapping."""
    build = passed_on()
    described, _ = page_data(build)
    assert described["relays"] == [1]
    assert [(of["chips"], of["relays"]) for of in described["segments"]] == [([0, 2], (1,))]
    assert ">relay 0.1</option>" in utilisation_section(described)
    timeline = timeline_section(described)
    assert ">broadcast, 2 chips, 1 relay</option>" in timeline
    assert "Relays, which pass vectors on, stand behind" in timeline
    mapped = mapping_section(build)
    assert "2 of 3 chips take part, 1 more only passes vectors on." in mapped
    assert '<td class="name">relays</td><td>1</td><td class="text">0.1</td>' in mapped
    assert "elay" not in mapping_section(told(LAID["gather"], "gather"))
