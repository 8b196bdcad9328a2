"""Tests of what repeats, in a browser: windows, passes that overlap, gaps and deskews; links within a period.

The two-chip build with a period of 50 cycles: a pass takes 128, its experts run from 55 to 75 on chip 0.0, whose input
leaves it at 23 for 5 cycles. Of 8 windows the last 4 are left out; a deskew of 20 cycles lies at 370, where the pass of
window 3, which begins at 150, is over.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from lpxsched.report.page.data import page_data
from lpxsched.report.page.html import build_page
from tests.builds import ints, two_chip_build
from tests.report.builds import repeated_build

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from lpxsched.timetable.build import Build
    from tests.report.page.conftest import Opened

# Middles of the rows of windows and of units of the first chip; between them lies one of hosts.
HOSTS = 18
WINDOWS, MATRIX, SENDS = 7, 15 + HOSTS + 25, 15 + HOSTS + 57


def repeating() -> Build:
    """Return the two-chip build as it repeats; it obeys no rule of what its chips can do at once."""
    one = two_chip_build()
    frames = replace(one.frames, period_cycles=ints(50), windows=ints(8), gaps=((4, 5, 6, 7),))
    deskews = replace(one.deskews, cycle=ints(370), stall=ints(20), every_periods=ints(8))
    return replace(one, frames=frames, deskews=deskews)


@pytest.fixture
def page(opened: Callable[..., Opened], tmp_path: Path) -> Opened:
    """Return the page of what repeats."""
    path = tmp_path / "repeats.html"
    path.write_bytes(build_page(repeating()))
    return opened(path)


def show_windows(page: Opened) -> None:
    """Choose all windows of the frame in the timeline."""
    page.section("timeline").locator("[name=segment]").select_option("1")
    page.settle()


def test_frames_that_repeat_are_described() -> None:
    """Tests period, windows, gaps, deskews and members; one on demand has no windows."""
    described, _ = page_data(repeating(), path=False)
    assert described["frames"] == [
        {
            "frame": 0,
            "period": 50,
            "windows": 8,
            "gaps": [4, 5, 6, 7],
            "deskews": [[370, 20, 8]],
            "segments": [0],
            "chips": [0, 1],
            "relays": [],
        }
    ]
    assert [(of["frame"], of["phase"]) for of in described["segments"]] == [(0, 0)]
    on_demand, _ = page_data(two_chip_build())
    assert (on_demand["frames"], on_demand["segments"][0]["frame"]) == ([], -1)


def test_one_pass_shows_when_others_begin(page: Opened) -> None:
    """Tests the row of windows above one pass of 128 cycles: two more begin within it."""
    canvas = page.section("timeline").locator("canvas")
    assert canvas.get_attribute("data-to") == "128"
    page.hover("timeline", 110, WINDOWS)
    expected = "windows: the window 2 periods later begins, 100 (0.100 us) to 150 (0.150 us)"
    assert page.told("timeline") == expected
    page.hover("timeline", 60, MATRIX)
    assert page.told("timeline").startswith("0.0 matrix: experts of layer 0, 55 ")


def test_all_windows_show_passes_that_overlap(page: Opened) -> None:
    """Tests 400 cycles: in window 2 the experts of the passes that began at 0, 50 and 100 follow each other."""
    one = page.pixels("timeline")
    show_windows(page)
    assert page.pixels("timeline") != one
    assert page.section("timeline").locator("canvas").get_attribute("data-to") == "400"
    for window in range(4):
        page.hover("timeline", 60 + 50 * window, MATRIX)
        start = 55 + 50 * window
        expected = f"0.0 matrix: experts of layer 0, {start} (0.{start:03} us) to {start + 20} "
        assert page.told("timeline").startswith(expected)
        page.hover("timeline", 24.5 + 50 * window, SENDS)
        assert "tray links that carry anything: 1 of 1 held" in page.told("timeline")
    # Window 4 is left out.
    page.hover("timeline", 260, MATRIX)
    assert page.told("timeline").endswith("cycle 260 (0.260 us): idle")
    page.hover("timeline", 224.5, SENDS)
    assert "tray links that carry anything: 0 of 1 held" in page.told("timeline")


def test_windows_left_out_and_deskews_are_told_and_drawn(page: Opened) -> None:
    """Tests windows 1 and 4, and that a band of the deskew's colour stands at 370."""
    show_windows(page)
    page.hover("timeline", 60, WINDOWS)
    assert page.told("timeline").startswith("windows: window 1 of 8, 50 ")
    assert page.told("timeline").endswith("a micro-batch may begin")
    page.hover("timeline", 210, WINDOWS)
    assert page.told("timeline").endswith("left out, so that the frame drains for a deskew")
    page.page.mouse.move(2, 2)
    page.settle()
    colour = """(canvas, cycle) => {
        const scale = devicePixelRatio, x = 136 + (cycle / 400) * (canvas.clientWidth - 144);
        return [...canvas.getContext("2d").getImageData(Math.round(x * scale), 17, 1, 1).data];
    }"""
    canvas = page.section("timeline").locator("canvas")
    # --deskew of the light scheme, #d9dce1.
    assert canvas.evaluate(colour, 380) == [0xD9, 0xDC, 0xE1, 255]
    assert canvas.evaluate(colour, 362)[3] != 255


def test_windows_narrower_than_a_pixel_are_as_grey_as_their_share(
    opened: Callable[..., Opened], tmp_path: Path
) -> None:
    """Tests 4,000 windows, about four a pixel, of which only every fourth is none that is left out: all is grey."""
    gaps = tuple(window for window in range(4000) if window % 4)
    frames = replace(repeating().frames, windows=ints(4000), gaps=(gaps,))
    path = tmp_path / "narrow.html"
    path.write_bytes(build_page(replace(repeating(), frames=frames)))
    page = opened(path)
    show_windows(page)
    column = """(canvas, x) => {
        const scale = devicePixelRatio;
        return [...canvas.getContext("2d").getImageData(Math.round(x * scale), Math.round(7 * scale), 1, 1).data];
    }"""
    canvas = page.section("timeline").locator("canvas")
    for x in (300, 301, 555, 777):
        # Three of four parts of #d9dce1 on one of #0b4f8a: 0.75 x 217 + 0.25 x 11 = 165 of red.
        assert abs(canvas.evaluate(column, x)[0] - 165) < 25


def test_hosts_tell_hops_of_their_own_frame_alone(opened: Callable[..., Opened], tmp_path: Path) -> None:
    """Tests frame 0 at 138, where a token's way into layer 1, of frame 1, would be: 128 + 2 to 128 + 20."""
    one = repeated_build(2)
    frames = replace(one.frames, period_cycles=ints(200, 200), windows=ints(8, 8), gaps=((), ()))
    path = tmp_path / "frames.html"
    path.write_bytes(build_page(replace(one, frames=frames)))
    page = opened(path)
    page.section("timeline").locator("[name=segment]").select_option("2")
    page.settle()
    page.hover("timeline", 10, 15 + 9)
    assert "host 0 → 0.0 #0, departs 2 " in page.told("timeline")
    page.hover("timeline", 138, 15 + 9)
    assert page.told("timeline").endswith("no hop of the critical path to or from them")


def test_links_of_a_period_show_every_pass(page: Opened) -> None:
    """Tests the tray link of chip 0: what leaves in the pass before at 80 is at 30 of a period."""
    box = page.section("utilisation")
    box.locator("[name=kind]").select_option("link")
    box.locator("[name=chip]").select_option("0")
    page.settle()
    page.hover("utilisation", 24.5, 7)
    assert "departs 23 (0.023 us), holds the link until 28" in page.told("utilisation")
    page.hover("utilisation", 31.5, 7)
    assert "departs 30 (0.030 us), holds the link until 35" in page.told("utilisation")


def test_links_of_every_frame_show_their_passes(opened: Callable[..., Opened], tmp_path: Path) -> None:
    """Tests the second of two layers, each a frame of its own with windows every 100 cycles: its input leaves at 23."""
    one = repeated_build(2)
    path = tmp_path / "frames.html"
    path.write_bytes(build_page(replace(one, frames=replace(one.frames, period_cycles=ints(100, 100)))))
    page = opened(path)
    box = page.section("utilisation")
    box.locator("[name=kind]").select_option("link")
    box.locator("[name=chip]").select_option("2")
    page.settle()
    page.hover("utilisation", 24.5, 7)
    assert "departs 23 (0.023 us)" in page.told("utilisation")


def test_segments_of_one_frame_have_their_own_phases(opened: Callable[..., Opened], tmp_path: Path) -> None:
    """Tests two layers in one frame, the second 30 cycles behind: its experts run from 85, and again from 235."""
    build = repeated_build(2)
    one = repeating().frames
    frames = replace(one, period_cycles=ints(150), windows=ints(4), gaps=((),))
    segments = replace(build.segments, frame=ints(0, 0), phase_cycles=ints(0, 30))
    none = type(build.deskews)(ints(), ints(), ints(), ints())
    path = tmp_path / "two.html"
    path.write_bytes(build_page(replace(build, frames=frames, segments=segments, deskews=none)))
    page = opened(path)
    page.section("timeline").locator("[name=segment]").select_option("2")
    page.settle()
    assert page.section("timeline").locator("canvas").get_attribute("data-to") == "600"
    page.hover("timeline", 200, 15 + WINDOWS)
    assert page.told("timeline").startswith("layer 1 windows: window 1 of 4, 180 ")
    # Two rows of windows, one of hosts, two chips of 66 each, then the first chip of the second layer.
    matrix = 2 * 15 + HOSTS + 2 * 66 + 25
    for start in (85, 235):
        page.hover("timeline", start + 5, matrix)
        assert page.told("timeline").startswith(f"0.2 matrix: experts of layer 1, {start} ")
    page.hover("timeline", 60, 2 * 15 + HOSTS + 25)
    assert page.told("timeline").startswith("0.0 matrix: experts of layer 0, 55 ")


def test_the_fabric_opens_on_the_whole_period(page: Opened) -> None:
    """Tests that a build of one segment is shown whole at first, and that a moment can be chosen then."""
    box = page.section("fabric")
    assert page.told("fabric").startswith("cycles 0 to 50 ")
    assert box.locator("[name=moment]").is_disabled()
    box.locator("[name=stretch]").select_option("0")
    page.settle()
    assert page.told("fabric").startswith("cycles 0 to 1 ")
    assert box.locator("[name=moment]").is_enabled()


def test_nothing_is_told_before_it_is_read(opened: Callable[..., Opened], tmp_path: Path) -> None:
    """Tests a page whose columns never come: no figure of zero stands where none is known."""
    path, reads = tmp_path / "slow.html", "async function inflated(bytes) {"
    text = build_page(repeating()).decode()
    assert reads in text
    never = "document.documentElement.dataset.inflating = 0; return new Promise(() => {});"
    path.write_text(text.replace(reads, reads + never))
    page = opened(path)
    for name in ("utilisation", "fabric", "timeline"):
        assert page.told(name) == "Reading …"
