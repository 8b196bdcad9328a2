"""Tests of relays on the page in a real browser."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lpxsched.report.page.html import build_page
from tests.report.test_relays import passed_on

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.report.page.conftest import Opened

# Each chip has a row of what it receives and one of what it sends; the relay comes behind two others.
TRAFFIC_ROW, CHIP_ROW = 18, 15


def test_relays_have_rows_by_name(opened: Callable[..., Opened], tmp_path: Path) -> None:
    """Tests what the relay receives from cycle 0 on and sends from cycle 16 on, and its links by chip."""
    path = tmp_path / "page.html"
    path.write_bytes(build_page(passed_on()))
    page = opened(path)
    page.hover("timeline", 2.5, 4.5 * TRAFFIC_ROW)
    assert page.told("timeline").startswith("relay 0.1 receives, cycle 2 (")
    assert ": tray links that carry anything: 1 of 1 held." in page.told("timeline")
    page.hover("timeline", 17.5, 5.5 * TRAFFIC_ROW)
    assert page.told("timeline").startswith("relay 0.1 sends, cycle 17 (")
    page.section("utilisation").locator("[name=kind]").select_option("chip")
    page.settle()
    page.hover("utilisation", 17.5, 1.5 * CHIP_ROW)
    assert page.told("utilisation").startswith("relay 0.1, broadcast, cycles 17 (")
    assert page.complaints == []


def test_a_relay_is_chosen_in_the_fabric(opened: Callable[..., Opened], tmp_path: Path) -> None:
    """Tests that Enter on the cell of the relay, one to the right of chip 0, moves the cursor to its rows."""
    path = tmp_path / "page.html"
    path.write_bytes(build_page(passed_on()))
    page = opened(path)
    page.section("fabric").locator("canvas").focus()
    page.press("ArrowRight")
    assert page.told("fabric").startswith("relay 0.1, cycles 0 to 34")
    page.press("Enter")
    page.section("timeline").locator("canvas").focus()
    page.settle()
    assert page.told("timeline").startswith("relay 0.1 receives")
