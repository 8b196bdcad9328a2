"""Tests of the slack of slots against the clock, and of what the page tells of it."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from lpxsched.report.colours import colours_of
from lpxsched.report.page.curves import slack_curve
from lpxsched.report.page.tables import slack_section
from lpxsched.report.slack import slack_by_class
from tests.builds import ints, two_chip_build

if TYPE_CHECKING:
    from lpxsched.timetable.build import Build


def with_clock(build: Build, **told: float) -> Build:
    """Return a build on a clock of other figures."""
    clock = build.manifest.clock | {name: build.manifest.clock[name] | {"value": value} for name, value in told.items()}
    return replace(build, manifest=build.manifest.model_copy(update={"clock": clock}))


def steady_build() -> Build:
    """Return the worked example on clocks that do not drift, the second slot of link 2 read a cycle earlier."""
    build = with_clock(two_chip_build(), offset_ppm=0.0)
    return replace(build, slots=replace(build.slots, read=build.slots.read - ints(0, 0, 0, 0, 1, 0, 0, 0)))


def test_slack_is_read_minus_the_latest_arrival() -> None:
    """Tests 18 cycles to the read, 5/2 + 10 on the wire, 0.9 + 2.6 + 1 of clocks: 1 is left, of one slot nothing."""
    tray, host = slack_by_class(steady_build())
    assert (tray.link_class, tray.tightest_link) == ("tray", 2)
    assert tray.cycles.tolist() == pytest.approx([0, 1, 1, 1])
    # What goes to hosts has none.
    assert (host.link_class, host.cycles.tolist()) == ("host", pytest.approx([1, 1]))


def test_drift_takes_slack() -> None:
    """Tests two clocks of 100 ppm, which part by 2 x 10^-4 of at most 100.5 cycles since the deskew."""
    tray, _ = slack_by_class(two_chip_build())
    assert 1 - 2e-4 * 100.5 <= tray.cycles[0] < tray.cycles[-1] < 1


def test_the_page_tells_slack_by_class() -> None:
    """Tests slots, least, median and most of each class, the link of the least, and a curve for each."""
    told = slack_section(steady_build())
    cells = "<td>4</td><td>0.000</td><td>1.000</td><td>1.000</td><td>0.1 -&gt; 0.0, lane 0</td>"
    assert f'<td class="name">tray</td>{cells}' in told
    found = slack_by_class(steady_build())
    assert not isinstance(found, str)
    curve = slack_curve(found, colours_of(steady_build())[0])
    assert "tray" in curve
    assert "host" in curve
    # Each is of the slots of its own class: both end at the top.
    lines = re.findall(r'<path d="([^"]*)" clip-path[^>]*stroke: #(?!010203)', curve.replace("currentColor", "#010203"))
    tops = [min(float(point.split()[1]) for point in re.findall(r"[ML] ([\d.]+ [\d.]+)", line)) for line in lines]
    assert len(found[0].cycles) > len(found[1].cycles)
    assert tops == [tops[0]] * 2


def test_without_a_clock_no_slack_is_told() -> None:
    """Tests a build that does not say how far clocks may stray."""
    build = two_chip_build()
    unknown = replace(build, manifest=build.manifest.model_copy(update={"clock": {}}))
    reason = slack_by_class(unknown)
    assert isinstance(reason, str)
    assert f"None is told: {reason}" in slack_section(unknown)
