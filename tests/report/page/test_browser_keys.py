"""Tests of the page in a real browser: all that is chosen by keys."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from lpxsched.report.page.html import build_page

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from playwright.sync_api import Browser

    from lpxsched.timetable.build import Build
    from tests.report.page.conftest import Opened


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
