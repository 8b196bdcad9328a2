"""Tests of the page in a real browser: what is told under the cursor, and that what is chosen changes what is drawn."""

from __future__ import annotations

import re
from dataclasses import replace
from fractions import Fraction
from typing import TYPE_CHECKING

import pytest

from lpxsched.report.page.html import build_page
from tests.report.builds import repeated_build

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from playwright.sync_api import Browser

    from lpxsched.timetable.build import Build
    from tests.report.page.conftest import Opened

PICTURES = ("utilisation", "fabric", "timeline")
# Rows of the picture by link class are so high; tray links come first, host links second.
# Below the names of layers.
HEADING = 17
TRAY_ROW, HOST_ROW = HEADING + 22, HEADING + 66
# Of the row of all hosts above the chips of the timeline.
HOSTS = 18


def busy_cycles(build: Build, first: int, last: int, *, link_class: str = "", source: int = -1) -> Fraction:
    """Return the busy cycles of a class, or of what leaves a node, counted slot by slot; a layer takes 128 cycles."""
    busy, slots, links = Fraction(0), build.slots, build.links
    for tensor, vectors, link, depart in zip(slots.tensor, slots.vectors, slots.link, slots.depart, strict=True):
        if (link_class and links.link_class[link] != link_class) or (source >= 0 and links.src[link] != source):
            continue
        v = Fraction(int(links.vector_time_numerator[link]), int(links.vector_time_denominator[link]))
        start = int(depart) + 128 * int(build.operators.segment[build.tensors.producer[tensor]])
        overlap = min(Fraction(last), start + int(vectors) * v) - max(first, start)
        busy += max(overlap, Fraction(0))
    return busy


def told_figures(text: str) -> tuple[int, int, float, float]:
    """Return first and last cycle, busy and all link-cycles of what a picture tells."""
    match = re.search(r"cycles ([\d,]+)(?: \([^)]*\))? to ([\d,]+)\b.*?busy ([\d,.]+) of ([\d,.]+) link-cycles", text)
    assert match, text
    first, last, busy, whole = (float(part.replace(",", "")) for part in match.groups())
    return int(first), int(last), busy, whole


def test_the_page_opens_from_disk(four: Opened, page_of_four: Path) -> None:
    """Tests that it asks for nothing but itself, complains of nothing, and tells things in the order of the design."""
    assert four.requests == [page_of_four.as_uri()]
    assert four.complaints == []
    titles = four.page.locator("h2").all_inner_texts()
    assert titles == [
        "Critical path",
        "Link utilisation over time",
        "Fabric",
        "Timeline of chips",
        "Slack against the clock",
        "Layers by kind",
        "Mapping",
        "Busiest links and chips",
        "Assumptions",
    ]


@pytest.mark.parametrize(("link_class", "row"), [("tray", TRAY_ROW), ("host", HOST_ROW)])
@pytest.mark.parametrize("cycle", [5, 25, 83, 112, 128 + 26, 3 * 128 + 114])
def test_hover_tells_the_count_over_the_timetable(
    four: Opened, four_layers: Build, link_class: str, row: int, cycle: int
) -> None:
    """Tests busy link-cycles of one cycle against a count slot by slot; a layer has 2 tray and 4 host links."""
    four.hover("utilisation", cycle + 0.5, row)
    text = four.told("utilisation")
    assert text.startswith(f"{link_class}, layer {cycle // 128}, ")
    first, last, busy, whole = told_figures(text)
    assert (first, last, whole) == (cycle, cycle + 1, {"tray": 2, "host": 4}[link_class])
    assert busy == float(busy_cycles(four_layers, first, last, link_class=link_class))


def test_zoomed_out_pixels_tell_whole_bins(four: Opened, four_layers: Build) -> None:
    """Tests that what a narrow page tells of several cycles is their exact sum."""
    four.page.set_viewport_size({"width": 420, "height": 900})
    four.settle()
    four.hover("utilisation", 24, TRAY_ROW)
    first, last, busy, _ = told_figures(four.told("utilisation"))
    assert last - first > 1
    assert busy == float(busy_cycles(four_layers, first, last, link_class="tray"))


def test_multicast_is_told(four: Opened) -> None:
    """Tests the relay: what a chip got from the host leaves for the other chip only, and no vector leaves twice."""
    four.hover("utilisation", 24.5, TRAY_ROW)
    assert "0.00 % of that multicast" in four.told("utilisation")


def test_single_links_tell_their_slots(four: Opened, four_layers: Build) -> None:
    """Tests the first link of chip 0: its input leaves at 23 and is read at 41, 5 1/2 cycles behind its arrival."""
    box = four.section("utilisation")
    box.locator("[name=kind]").select_option("link")
    box.locator("[name=chip]").select_option("0")
    four.settle()
    four.hover("utilisation", 24.5, 7)
    name = four_layers.tensors.name[0]
    assert f"{name}, vectors 0 to 1, departs 23 (0.023 us), holds the link until 28, there at 35.5" in four.told(
        "utilisation"
    )
    four.hover("utilisation", 60.5, 7)
    assert four.told("utilisation").endswith("cycle 60 (0.060 us): idle")


def test_zoom_and_pan_change_what_is_drawn(four: Opened) -> None:
    """Tests keys, wheel and buttons; showing all again gives the first picture back."""
    canvas = four.section("utilisation").locator("canvas")
    four.hover("utilisation", 200, TRAY_ROW)
    canvas.focus()
    four.press("0")
    seen = [four.pixels("utilisation")]
    for keys in (["+"], ["+", "+"], ["ArrowRight"], ["ArrowLeft", "ArrowLeft"], ["-"]):
        four.press(*keys)
        seen.append(four.pixels("utilisation"))
    four.page.mouse.wheel(0, -300)
    seen.append(four.pixels("utilisation"))
    four.section("utilisation").get_by_label("zoom in").click()
    seen.append(four.pixels("utilisation"))
    assert len(set(seen)) == len(seen)
    first, last = (float(canvas.get_attribute(f"data-{end}") or 0) for end in ("from", "to"))
    assert 0 < first < last < 512
    canvas.focus()
    four.press("Home")
    assert canvas.get_attribute("data-to") == "512"


def test_dragging_pans(four: Opened) -> None:
    """Tests that a picture follows the mouse while its button is down."""
    canvas = four.section("utilisation").locator("canvas")
    canvas.focus()
    four.press("+", "+")
    before = float(canvas.get_attribute("data-from") or 0)
    four.hover("utilisation", before + 100, TRAY_ROW)
    four.page.mouse.down()
    four.hover("utilisation", before + 20, TRAY_ROW)
    four.page.mouse.up()
    assert float(canvas.get_attribute("data-from") or 0) == pytest.approx(before + 80, abs=1)


def test_the_slider_moves_the_fabric_through_time(four: Opened, four_layers: Build) -> None:
    """Tests that the load of a chip in a segment is that of a count over the timetable, and that the picture changes.

    The first is shown at first; from anywhere in a segment, as in cycles 130 and 300, all of it.
    """
    box = four.section("fabric")
    slider, stretch = box.locator("[name=moment]"), box.locator("[name=stretch]")
    assert four.told("fabric").startswith("layer 0, cycles 0 to 128 ")
    canvas = box.locator("canvas")
    canvas.focus()
    seen = []
    # Chips 0, 2 and 4: the first of the first tray, two to its right, the first of the second tray.
    for segment, (moment, chip, keys) in enumerate(((0, 0, ""), (130, 2, "RR"), (300, 4, "DLL"))):
        slider.fill(str(moment))
        canvas.focus()
        four.press(*({"R": "ArrowRight", "D": "ArrowDown", "L": "ArrowLeft"}[key] for key in keys))
        assert four.told("fabric").startswith(f"chip {four_layers.chips.position[chip]}, layer {segment}, ")
        first, last, busy, whole = told_figures(four.told("fabric"))
        assert (first, last, whole) == (128 * segment, 128 * segment + 128, 2 * 128)
        assert busy == float(busy_cycles(four_layers, first, last, source=chip))
        seen.append(four.pixels("fabric"))
    stretch.select_option("1")
    seen.append(four.pixels("fabric"))
    assert len(set(seen)) == 4


def test_a_chip_of_the_fabric_is_shown_everywhere(four: Opened) -> None:
    """Tests that Enter on chip 0.2 shows its links above and its layer below."""
    four.section("fabric").locator("canvas").focus()
    four.press("ArrowRight", "ArrowRight", "Enter")
    assert four.section("utilisation").locator("[name=chip]").input_value() == "2"
    assert four.section("utilisation").locator("[name=kind]").input_value() == "link"
    assert four.section("timeline").locator("[name=segment]").input_value() == "1"
    assert four.section("timeline").locator("canvas").get_attribute("data-from") == "128"


def test_rows_and_shares_are_chosen(four: Opened) -> None:
    """Tests that each kind of row draws another picture, and that shares of all links are lower."""
    box, seen = four.section("utilisation"), []
    for kind in ("class", "tray", "chip", "link"):
        box.locator("[name=kind]").select_option(kind)
        seen.append(four.pixels("utilisation"))
    assert len(set(seen)) == 4
    box.locator("[name=kind]").select_option("class")
    box.locator("[name=of]").select_option("all")
    four.settle()
    four.hover("utilisation", 25.5, TRAY_ROW)
    # All 8 tray links instead of the 2 of the layer that runs.
    assert told_figures(four.told("utilisation"))[2:] == (2, 8)


def test_the_timeline_tells_operators_and_traffic(four: Opened) -> None:
    """Tests layer 0 of the worked example: experts from 55 to 75, and one link out of two that sends at 25."""
    heights = {"receives": HOSTS + 9, "matrix": HOSTS + 25, "vector": HOSTS + 40, "sends": HOSTS + 57}
    four.hover("timeline", 60, heights["matrix"])
    assert four.told("timeline").startswith("0.0 matrix: experts of layer 0, 55 (0.055 us) to 75 (0.075 us): 20 cycles")
    # Both chips end at once, and the path leads over the later one of equals.
    assert not four.told("timeline").endswith("on the critical path")
    four.hover("timeline", 60, 66 + heights["matrix"])
    assert four.told("timeline").endswith("20 cycles, on the critical path")
    four.hover("timeline", 90.5, heights["matrix"])
    assert four.told("timeline") == "0.0 matrix, cycle 90 (0.090 us): idle"
    four.hover("timeline", 25.5, heights["sends"])
    assert "tray links that carry anything: 1 of 1 held, host links that carry anything: 0 of 1 held" in four.told(
        "timeline"
    )
    four.hover("timeline", 3.5, heights["receives"])
    assert "host links that carry anything: 1 of 1 held" in four.told("timeline")


def test_hops_to_and_from_hosts_end_in_a_row_of_theirs(four: Opened) -> None:
    """Tests the way in, which leaves host 0 at 2 and is read at 20, and the way out, from 110 to 125."""
    four.hover("timeline", 10.5, 9)
    expected = "hosts, cycle 10 (0.010 us): host 0 → 0.0 #0, departs 2 (0.002 us), read at 20, on the critical path"
    assert four.told("timeline") == expected
    four.hover("timeline", 60, 9)
    assert four.told("timeline").endswith("no hop of the critical path to or from them")
    four.page.mouse.move(2, 2)
    four.settle()
    # Half of the way in time, at 11, lies half way between the rows of its ends.
    middle = (9 + HOSTS + 9) / 2
    colour = """(canvas, [cycle, y]) => {
        const scale = devicePixelRatio, x = 136 + (cycle / 128) * (canvas.clientWidth - 144);
        return [...canvas.getContext("2d").getImageData(Math.round(x * scale), Math.round(y * scale), 1, 1).data];
    }"""
    red, green, _, opaque = four.section("timeline").locator("canvas").evaluate(colour, [11, middle])
    assert opaque > 0
    assert red > green + 60


def test_hops_without_a_row_are_not_told(four: Opened) -> None:
    """Tests the way into layer 1, from 130 to 148, while chips of layer 0 are shown: it is not drawn there either."""
    four.section("timeline").locator("canvas").focus()
    four.press("0")
    four.hover("timeline", 138.5, 9)
    assert four.told("timeline").startswith("hosts, cycle 138 ")
    assert four.told("timeline").endswith("no hop of the critical path to or from them")


def test_the_timeline_opens_the_links_of_a_chip(four: Opened) -> None:
    """Tests that Enter adds a row a link that carries anything, that they tell their slots, and that it closes them."""
    canvas = four.section("timeline").locator("canvas")
    canvas.focus()
    height = canvas.evaluate("(canvas) => canvas.clientHeight")
    four.press("Enter")
    # In from chip 1 and the host, out to both.
    assert canvas.evaluate("(canvas) => canvas.clientHeight") == height + 4 * 12
    four.hover("timeline", 24.5, HOSTS + 66 + 6)
    assert "departs 23 (0.023 us)" in four.told("timeline")
    four.press("Enter")
    assert canvas.evaluate("(canvas) => canvas.clientHeight") == height


def test_a_layer_of_the_timeline_is_chosen(four: Opened) -> None:
    """Tests that another layer shows its own time."""
    box = four.section("timeline")
    before = four.pixels("timeline")
    box.locator("[name=segment]").select_option("3")
    assert four.pixels("timeline") != before
    assert box.locator("canvas").get_attribute("data-from") == str(3 * 128)


def test_the_keyboard_reaches_everything(four: Opened) -> None:
    """Tests that Tab passes every picture, box, slider and button, and that each picture has a name and answers."""
    expected = four.page.locator("canvas, select:not([disabled]), input, button, summary").count()
    everything, reached = "canvas, select, input, button, summary", set()
    four.page.locator("body").click(position={"x": 2, "y": 2})
    for _ in range(expected):
        four.page.keyboard.press("Tab")
        place = "(all) => [...document.querySelectorAll(all)].indexOf(document.activeElement)"
        reached.add(four.page.evaluate(place, everything))
    assert len(reached - {-1}) == expected
    for name in PICTURES:
        canvas = four.section(name).locator("canvas")
        assert canvas.get_attribute("aria-label")
        canvas.focus()
        before = four.pixels(name)
        four.press("ArrowDown")
        assert four.pixels(name) != before


def test_a_picture_that_is_still_read_takes_keys(browser: Browser, page_of_four: Path) -> None:
    """Tests a timeline whose rows never come: keys choose no row of none, and nothing fails."""
    with browser.new_context() as context:
        page, complaints = context.new_page(), list[str]()
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.add_init_script("Response.prototype.arrayBuffer = () => new Promise(() => {});")
        page.goto(page_of_four.as_uri())
        page.locator("#timeline canvas").focus()
        for key in ("ArrowUp", "ArrowDown", "PageUp", "PageDown", "Enter", "+"):
            page.keyboard.press(key)
        assert page.locator("#timeline output").inner_text() == "Reading …"
        assert complaints == []


@pytest.mark.parametrize(
    ("stretch", "moved"), [("0.1", ["1", "2", "1", "1", "1"]), ("segment", ["12", "23", "22", "22", "22"])]
)
def test_the_stretch_of_a_short_fabric_moves_by_keys(
    opened: Callable[..., Opened],
    four_layers: Build,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    stretch: str,
    moved: list[str],
) -> None:
    """Tests 50 bins or fewer: a key moves by a whole bin there and back, and keys of the browser move nothing.

    Segments are moved by as a whole: in bins of 11 cycles those from 128 and from 256 on begin nearest to 12 and 23.
    """
    monkeypatch.setattr("lpxsched.report.page.series.MOST_BINS", 50)
    path = tmp_path / "page.html"
    path.write_bytes(build_page(four_layers))
    page = opened(path)
    slider = page.section("fabric").locator("[name=moment]")
    page.section("fabric").locator("[name=stretch]").select_option(stretch)
    page.section("fabric").locator("canvas").focus()
    seen = []
    for key in ("Shift+ArrowRight", "Shift+ArrowRight", "Shift+ArrowLeft", "Control+ArrowRight", "Alt+ArrowRight"):
        page.press(key)
        seen.append((slider.input_value(), page.told("fabric").partition(",")[0]))
    assert seen == [(value, "chip 0.0") for value in moved]


def test_plus_and_minus_zoom_the_fabric(four: Opened) -> None:
    """Tests 512 cycles: all, the segment from 256 on, a tenth of 51 about its middle, back again, and all at once."""
    box = four.section("fabric")
    stretch = box.locator("[name=stretch]")
    stretch.select_option("1")
    box.locator("canvas").focus()
    four.settle()
    told = [four.told("fabric")]
    for key in ("+", "+", "-", "0"):
        four.press(key)
        told.append(four.told("fabric"))
    spans = [re.findall(r"cycles (\d+) to (\d+)", text)[0] for text in told]
    assert spans == [("0", "512"), ("256", "384"), ("295", "346"), ("256", "384"), ("0", "512")]
    assert stretch.input_value() == "1"
    assert box.locator("[name=moment]").is_disabled()


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
