"""Tests of the page of two builds in a browser."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from lpxsched.report.page.comparison import comparison_page
from tests.builds import ints
from tests.report.builds import renamed_class, repeated_build

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.report.page.conftest import Opened


def test_both_builds_are_drawn_and_told(opened: Callable[..., Opened], tmp_path: Path) -> None:
    """Tests two layers against three: at cycle 300 only the second build runs, 44 cycles into its third layer."""
    path = tmp_path / "compare.html"
    path.write_bytes(comparison_page(repeated_build(2), repeated_build(3), ("two", "three")))
    page = opened(path)
    assert page.complaints == []
    assert page.requests == [path.as_uri()]
    page.hover("utilisation", 2 * 128 + 24.5, 30)
    # Both tray links relay; the first build has ended.
    assert "A is over; B cycles" in page.told("utilisation")
    assert "B cycles 280 to 281: 2 of 2 link-cycles = 100.00 %; B - A 100.00 points" in page.told("utilisation")
    page.hover("utilisation", 24.5, 30)
    assert "B - A 0.00 points" in page.told("utilisation")
    seen = [page.pixels("utilisation")]
    page.section("utilisation").locator("[name=of]").select_option("all")
    seen.append(page.pixels("utilisation"))
    page.section("utilisation").locator("canvas").focus()
    page.press("+")
    seen.append(page.pixels("utilisation"))
    assert len(set(seen)) == 3


def test_a_class_that_one_build_lacks_has_no_difference(opened: Callable[..., Opened], tmp_path: Path) -> None:
    """Tests tray links, which the second build calls spine: the rows of both tell what one lacks, and no points."""
    one, other = repeated_build(2), renamed_class(repeated_build(2), "tray", "spine")
    path = tmp_path / "compare.html"
    path.write_bytes(comparison_page(one, other, ("one", "other")))
    page = opened(path)
    page.hover("utilisation", 24.5, 30)
    assert page.told("utilisation").startswith("tray, A cycles 24 to 25: 2 of 2 link-cycles")
    assert page.told("utilisation").endswith("; B has no such links; B - A -")


def test_the_axis_holds_both_builds(opened: Callable[..., Opened], tmp_path: Path) -> None:
    """Tests that two layers end at 256 of three layers' 384 cycles in either order, where a line stands."""
    pixel = """(canvas, cycle) => {
        const scale = devicePixelRatio, x = 136 + (cycle / 384) * (canvas.clientWidth - 144);
        return canvas.getContext("2d").getImageData(Math.round(x) * scale, 20 * scale, 1, 1).data[3];
    }"""
    for first, second in ((2, 3), (3, 2)):
        path = tmp_path / f"{first}.html"
        path.write_bytes(comparison_page(repeated_build(first), repeated_build(second), ("one", "other")))
        page = opened(path)
        canvas = page.section("utilisation").locator("canvas")
        assert canvas.get_attribute("data-to") == "384"
        assert canvas.evaluate(pixel, 256) == 255
        # No line of the axis and no traffic stands beside it.
        assert canvas.evaluate(pixel, 254) == 0


def test_what_repeats_is_drawn_as_long_as_a_pass_takes(opened: Callable[..., Opened], tmp_path: Path) -> None:
    """Tests one layer of 128 cycles beside two that repeat every 100, of which a token takes 256; then two periods."""
    one, two = repeated_build(1), repeated_build(2)
    repeats = replace(two, frames=replace(two.frames, period_cycles=ints(100, 100)))
    for first, last in ((one, "256"), (repeats, "100")):
        path = tmp_path / f"{last}.html"
        path.write_bytes(comparison_page(first, repeats, ("first", "repeats")))
        assert opened(path).section("utilisation").locator("canvas").get_attribute("data-to") == last


def test_a_pixel_over_the_end_of_a_period_counts_on(opened: Callable[..., Opened], tmp_path: Path) -> None:
    """Tests 40 layers beside two that repeat every 100 cycles: the pixel at 101 begins in one period, ends in the next.

    A pixel is 5,120 / 988 cycles wide wherever the page is 1,132 wide: that at 101 is 98.46 to 103.64. Hosts send from
    2 on in each of the two layers, and take the result from 110 to 115, 10 to 15 of the period.
    """
    two = repeated_build(2)
    repeats = replace(two, frames=replace(two.frames, period_cycles=ints(100, 100)))
    path = tmp_path / "over.html"
    path.write_bytes(comparison_page(repeated_build(40), repeats, ("forty", "repeats")))
    page = opened(path)
    canvas = page.section("utilisation").locator("canvas")
    assert canvas.get_attribute("data-to") == "5120"
    assert canvas.evaluate("(canvas) => canvas.clientWidth") == 1132
    page.hover("utilisation", 101, 90)
    # 5 cycles of 8 links; each layer's two links from its host carry a vector in cycle 2.
    assert "B cycles 98 to 103 of its period and those after it: 4 of 40 link-cycles" in page.told("utilisation")
