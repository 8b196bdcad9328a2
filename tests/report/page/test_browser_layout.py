"""Tests of the page in a real browser: what narrow, wide, light and dark screens show."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from lpxsched.report.page.html import build_page
from tests.report.builds import repeated_build
from tests.report.page.pictures import HEADING, HOSTS, PICTURES, TRAY_ROW, busy_cycles, told_figures

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from lpxsched.timetable.build import Build
    from tests.report.page.conftest import Opened


def test_a_link_without_a_guard_tells_none(opened: Callable[..., Opened], four_layers: Build, tmp_path: Path) -> None:
    """Tests a build whose column of guards is -1 all along, as on links that no schedule counted with."""
    links = replace(four_layers.links, guard_cycles=four_layers.links.guard_cycles * 0 - 1)
    path = tmp_path / "page.html"
    path.write_bytes(build_page(replace(four_layers, links=links)))
    page = opened(path)
    page.section("utilisation").locator("[name=kind]").select_option("link")
    page.section("utilisation").locator("[name=chip]").select_option("0")
    page.settle()
    page.hover("utilisation", 24.5, 7)
    assert page.told("utilisation").endswith("cycles later, no guard told")


def test_assumptions_are_stacked_on_a_narrow_screen(
    opened: Callable[..., Opened], small_build: Build, tmp_path: Path
) -> None:
    """Tests that sentences have more than half of 420 pixels, under each other with their headers, and none is cut."""
    path = tmp_path / "page.html"
    path.write_bytes(build_page(small_build))
    page = opened(path)
    table = page.section("assumptions").locator("table")
    height = "(table) => table.clientHeight / table.rows.length"
    wide = table.evaluate(height)
    page.page.set_viewport_size({"width": 420, "height": 900})
    page.settle()
    cells = table.locator("tbody tr").first.locator("td")
    assert cells.nth(3).evaluate("(cell) => cell.clientWidth") > 210
    tops = [cells.nth(column).evaluate("(cell) => cell.offsetTop") for column in range(4)]
    assert tops == sorted(set(tops))
    assert cells.nth(3).evaluate("(cell) => getComputedStyle(cell, '::before').content") == '"why"'
    # In columns too narrow for words a row took 30 lines and more.
    assert table.evaluate(height) < 6 * wide
    assert page.page.evaluate("() => document.documentElement.scrollWidth") == 420


def test_light_and_dark(opened: Callable[..., Opened], page_of_four: Path) -> None:
    """Tests that the page follows what its user prefers: paper, ink and pictures."""
    light, dark = opened(page_of_four), opened(page_of_four, "dark")
    paper = [each.page.evaluate("() => getComputedStyle(document.body).backgroundColor") for each in (light, dark)]
    assert paper == ["rgb(255, 255, 255)", "rgb(20, 23, 26)"]
    for name in PICTURES:
        assert light.pixels(name) != dark.pixels(name)
    before = dark.pixels("utilisation")
    dark.page.emulate_media(color_scheme="light")
    assert dark.pixels("utilisation") != before


def test_the_last_bin_ends_where_the_time_does(
    opened: Callable[..., Opened], four_layers: Build, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Tests 512 cycles in bins of 6, whose last one would last until 516: a chip has two links in service all along."""
    monkeypatch.setattr("lpxsched.report.page.series.MOST_BINS", 100)
    path = tmp_path / "page.html"
    path.write_bytes(build_page(four_layers))
    page = opened(path)
    page.section("fabric").locator("[name=stretch]").select_option("1")
    page.section("fabric").locator("canvas").focus()
    page.settle()
    first, last, busy, whole = told_figures(page.told("fabric"))
    assert (first, last, whole) == (0, 512, 2 * 512)
    assert busy == float(busy_cycles(four_layers, 0, 512, source=0))
    page.hover("utilisation", 511.5, TRAY_ROW)
    assert told_figures(page.told("utilisation"))[1] == 512


def test_rows_out_of_sight_are_told(opened: Callable[..., Opened], tmp_path: Path) -> None:
    """Tests 48 chips, of which a picture shows 29 rows of 15 pixels below names of layers; a key shows others."""
    path = tmp_path / "page.html"
    path.write_bytes(build_page(repeated_build(16)))
    page = opened(path)
    page.section("utilisation").locator("[name=kind]").select_option("chip")
    page.settle()
    assert "In view: 29 of 48 rows;" in page.told("utilisation")
    before = page.pixels("utilisation")
    page.section("utilisation").locator("canvas").focus()
    page.press(*["PageDown"] * 5)
    assert page.pixels("utilisation") != before


def test_a_room_too_small_for_a_picture_still_shows_it(
    opened: Callable[..., Opened], four: Opened, four_layers: Build, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Tests blocks of 4 slots of which one byte has room: all pictures end as with one block, and tell the same."""
    monkeypatch.setattr("lpxsched.report.page.traffic.BLOCK_SLOTS", 4)
    monkeypatch.setattr("lpxsched.report.page.data.ROOM_BYTES", 1)
    path = tmp_path / "page.html"
    path.write_bytes(build_page(four_layers))
    assert path.read_text(encoding="utf-8").count('id="a.slots.') > 6
    small = opened(path)
    for page in (four, small):
        page.section("utilisation").locator("[name=kind]").select_option("link")
        page.section("utilisation").locator("[name=chip]").select_option("0")
        page.section("timeline").locator("canvas").focus()
        page.press("Enter", "0")
        page.page.locator("body").click(position={"x": 2, "y": 2})
    assert small.pixels("utilisation") == four.pixels("utilisation")
    assert small.pixels("timeline") == four.pixels("timeline")
    assert "exact to the cycle" in small.told("utilisation")
    for name, cycle, y in (("utilisation", 24.5, 7), ("timeline", 25.5, HOSTS + 57), ("timeline", 24.5, HOSTS + 72)):
        for page in (four, small):
            page.hover(name, cycle, y)
        assert small.told(name) == four.told(name)
        assert "held" in small.told(name) or "departs 23" in small.told(name)
    assert small.complaints == []


def test_what_is_narrower_than_a_pixel_is_as_dark_as_its_share(opened: Callable[..., Opened], tmp_path: Path) -> None:
    """Tests a link that carries 10 cycles in slots shorter than a pixel: the shades of its row sum to as many."""
    path = tmp_path / "page.html"
    path.write_bytes(build_page(repeated_build(40)))
    page = opened(path)
    page.section("utilisation").locator("[name=kind]").select_option("link")
    page.settle()
    canvas = page.section("utilisation").locator("canvas")
    canvas.focus()
    page.press("0")
    page.page.locator("body").click(position={"x": 2, "y": 2})
    page.settle()
    last = float(canvas.get_attribute("data-to") or 0)
    above, shade = (
        canvas.evaluate(
            "(canvas, y) => [...canvas.getContext('2d').getImageData(136, y, canvas.width - 144, 1).data]"
            ".filter((_, place) => place % 4 === 3)",
            y,
        )
        for y in (1, 7)
    )
    # Lines of the axis and the cursor are above the slots too.
    shade = [inside for over, inside in zip(above, shade, strict=True) if not over]
    width = canvas.evaluate("(canvas) => canvas.clientWidth") - 144
    assert last == 40 * 128
    build = repeated_build(1)
    cycles = float(sum(busy_cycles(build, slot, slot + 1, link_class="tray", source=0) for slot in range(128)))
    # Of what one layer sends on the row of its first link.
    assert cycles > 0
    assert sum(shade) / 255 * last / width == pytest.approx(cycles, rel=0.15)


def test_time_has_two_marks_on_a_narrow_screen(four: Opened) -> None:
    """Tests what is written below 0.512 us in some 120 pixels: three steps are 0.2 us each, one would be the whole."""
    four.page.set_viewport_size({"width": 300, "height": 900})
    canvas = four.section("timeline").locator("canvas")
    canvas.evaluate(
        """(canvas) => {
          const pen = canvas.getContext("2d"), write = pen.fillText;
          canvas.written = [];
          pen.fillText = (text, ...place) => { canvas.written.push(text); write.call(pen, text, ...place); };
        }"""
    )
    canvas.focus()
    four.press("0")
    marks = {text for text in canvas.evaluate("(canvas) => canvas.written") if text.replace(".", "").isdecimal()}
    assert marks >= {"0.0", "0.2", "0.4"}


@pytest.mark.parametrize("width", [1240, 420])
def test_names_of_layers_lie_above_bars(four: Opened, width: int) -> None:
    """Tests layers so wide that they are named: bars as high as their row end below the names."""
    four.page.set_viewport_size({"width": width, "height": 900})
    canvas = four.section("utilisation").locator("canvas")
    canvas.focus()
    four.press("+", "+", "+", "+")
    canvas.evaluate("(canvas) => canvas.blur()")
    assert four.coloured_pixels("utilisation") > 0
    assert four.coloured_pixels("utilisation", rows=HEADING) == 0


@pytest.mark.parametrize("width", [420, 1240])
def test_nothing_is_cut_off_or_blank(four: Opened, screenshots: Path, width: int) -> None:
    """Tests that no part is wider than the window, that every canvas is drawn on, and keeps a picture to look at."""
    four.page.set_viewport_size({"width": width, "height": 900})
    four.settle()
    assert four.page.evaluate("() => document.documentElement.scrollWidth") <= width
    for name in PICTURES:
        # Names, axes and empty cells are grey.
        assert four.coloured_pixels(name) > 100, name
    four.page.screenshot(path=screenshots / f"page-{width}.png", full_page=True)
