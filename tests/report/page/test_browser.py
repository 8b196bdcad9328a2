"""Tests of the page in a real browser: what is told under the cursor, and that what is chosen changes what is drawn."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.report.page.pictures import HOST_ROW, HOSTS, PICTURES, TRAY_ROW, busy_cycles, told_figures

if TYPE_CHECKING:
    from pathlib import Path

    from lpxsched.timetable.build import Build
    from tests.report.page.conftest import Opened


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
