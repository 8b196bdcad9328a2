"""Draw the pictures of the documents: a page of gpt-oss-120b and its sections, as a browser shows them.

uv run lpxsched compile gpt-oss-120b lpx-rack -o build/gpt-oss-120b
uv run python -m benchmarks.pictures build/gpt-oss-120b [build/in-flight] [--deskews build/whole]

The second is a build in flight (``compile gpt-oss-20b lpx-rack --partition disjoint --in-flight 4``), of which the
windows of the first layer are drawn. Of a whole model on the chips (``compile gpt-oss-20b lpx-rack --attention lpu
--context 4096 --batch 1 --clock sris``) it is drawn how often it deskews; that alone needs no browser.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from lpxsched.report.figures.deskews import render_deskews
from lpxsched.report.page.html import build_page
from lpxsched.timetable.reader import read_sound_build

if TYPE_CHECKING:
    from playwright.sync_api import Page

IMAGES = Path(__file__).parent.parent / "docs" / "images"
READY = "() => !Number(document.documentElement.dataset.inflating || 0)"


def settle(page: Page) -> None:
    """Wait until everything is inflated and drawn."""
    for _ in range(3):
        page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
        page.wait_for_function(READY)


def draw(page: Page) -> None:
    """Write the picture of the top of a page, and of each section that is drawn in it."""
    settle(page)
    page.screenshot(path=IMAGES / "page.png")
    utilisation, fabric, timeline = (page.locator(f"#{name}") for name in ("utilisation", "fabric", "timeline"))
    utilisation.locator("[name=kind]").select_option("tray")
    utilisation.locator("canvas").focus()
    for _ in range(5):
        page.keyboard.press("+")
    page.keyboard.press("ArrowLeft")
    settle(page)
    utilisation.screenshot(path=IMAGES / "page-utilisation.png")
    fabric.locator("[name=moment]").fill("1500")
    fabric.locator("canvas").focus()
    settle(page)
    fabric.screenshot(path=IMAGES / "page-fabric.png")
    timeline.locator("canvas").focus()
    page.keyboard.press("Enter")
    settle(page)
    timeline.screenshot(path=IMAGES / "page-timeline.png")


def draw_windows(page: Page) -> None:
    """Write the picture of windows of a frame and of the passes that overlap in them."""
    timeline = page.locator("#timeline")
    # The first frame stands behind all layers.
    frame = timeline.locator("[name=segment] option", has_text="frame 0,").get_attribute("value")
    timeline.locator("[name=segment]").select_option(frame)
    timeline.locator("canvas").focus()
    page.keyboard.press("0")
    for _ in range(11):
        page.keyboard.press("+")
    page.keyboard.press("ArrowRight")
    settle(page)
    timeline.screenshot(path=IMAGES / "page-windows.png")


def main() -> None:
    """Draw what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folders", nargs="*", type=Path)
    parser.add_argument("--deskews", type=Path)
    told = parser.parse_args()
    if told.deskews:
        (IMAGES / "deskews.png").write_bytes(render_deskews(read_sound_build(told.deskews)))
    if told.folders:
        draw_pages(told.folders)


def draw_pages(folders: list[Path]) -> None:
    """Draw pages as a browser shows them."""
    from playwright.sync_api import sync_playwright

    with tempfile.TemporaryDirectory() as folder, sync_playwright() as driver:
        path = Path(folder) / "page.html"
        browser = driver.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        for build, take in zip(folders, (draw, draw_windows), strict=False):
            path.write_bytes(build_page(read_sound_build(build)))
            page = browser.new_page(viewport={"width": 1180, "height": 1240})
            page.goto(path.as_uri())
            take(page)
        browser.close()


if __name__ == "__main__":
    main()
