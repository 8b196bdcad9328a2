"""Tests of the page of two builds in a browser."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lpxsched.report.page.compare import compare_page
from tests.report.builds import renamed_class, repeated_build

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.report.page.conftest import Opened


def test_both_builds_are_drawn_and_told(opened: Callable[..., Opened], tmp_path: Path) -> None:
    """Tests two layers against three: at cycle 300 only the second build runs, 44 cycles into its third layer."""
    path = tmp_path / "compare.html"
    path.write_bytes(compare_page(repeated_build(2), repeated_build(3), ("two", "three")))
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
    path.write_bytes(compare_page(one, other, ("one", "other")))
    page = opened(path)
    page.hover("utilisation", 24.5, 30)
    assert page.told("utilisation").startswith("tray, A cycles 24 to 25: 2 of 2 link-cycles")
    assert page.told("utilisation").endswith("; B has no such links; B - A -")
