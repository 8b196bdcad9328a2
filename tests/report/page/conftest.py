"""A browser, pages of builds on disk, and what tests read off a picture."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import sync_playwright

from lpxsched.report.page.html import build_page
from tests.report.builds import repeated_build

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from playwright.sync_api import Browser, Locator, Page

    from lpxsched.timetable.build import Build

CHROMIUM = shutil.which("chromium")
# Where a picture's time begins and ends, from its edges.
GUTTER, RIGHT, AXIS = 136, 8, 26


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Return Debian's chromium without a window; without it tests are left out, in CI (see `.ci/run`) they fail."""
    if CHROMIUM is None:
        reason = "chromium is not installed (apt-get install chromium)"
        if any(os.environ.get(name) for name in ("CI", "LPXSCHED_ALL_TESTS")):
            pytest.fail(reason)
        pytest.skip(reason)
    with sync_playwright() as driver:
        found = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield found
        found.close()


@dataclass
class Opened:
    """A page in the browser, with all that it asked for and complained of."""

    page: Page
    requests: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    def settle(self) -> None:
        """Wait until nothing is inflated or drawn any more."""
        for _ in range(3):
            self.page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
            self.page.wait_for_function("() => !Number(document.documentElement.dataset.inflating || 0)")

    def section(self, name: str) -> Locator:
        """Return a section of the page."""
        return self.page.locator(f"#{name}")

    def told(self, name: str) -> str:
        """Return what a section tells of the place under its cursor."""
        return self.section(name).locator("output").inner_text()

    def pixels(self, name: str) -> str:
        """Return the picture of a section as text that differs where a pixel does."""
        self.settle()
        return str(self.section(name).locator("canvas").evaluate("(canvas) => canvas.toDataURL()"))

    def coloured_pixels(self, name: str, rows: int | None = None) -> int:
        """Return how many pixels of a section's picture, or of its first rows, are opaque and far from grey."""
        self.settle()
        count = """(canvas, rows) => {
          const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, rows ?? canvas.height);
          let found = 0;
          for (let at = 0; at < data.length; at += 4) {
            const parts = [data[at], data[at + 1], data[at + 2]];
            if (data[at + 3] === 255 && Math.max(...parts) - Math.min(...parts) > 60) found++;
          }
          return found;
        }"""
        return int(self.section(name).locator("canvas").evaluate(count, rows))

    def hover(self, name: str, cycle: float, y: float) -> None:
        """Put the mouse on a cycle of a picture over time."""
        canvas = self.section(name).locator("canvas")
        canvas.scroll_into_view_if_needed()
        first, last = (float(canvas.get_attribute(f"data-{end}") or 0) for end in ("from", "to"))
        width = canvas.evaluate("(canvas) => canvas.clientWidth") - GUTTER - RIGHT
        x = GUTTER + (cycle - first) / (last - first) * width
        canvas.hover(position={"x": x, "y": y})
        self.settle()

    def press(self, *keys: str) -> None:
        """Press keys one after the other."""
        for key in keys:
            self.page.keyboard.press(key)
        self.settle()


@pytest.fixture
def opened(browser: Browser) -> Iterator[Callable[..., Opened]]:
    """Return what opens a page from disk, and closes it after the test."""
    contexts = []

    def open_page(path: Path, scheme: str = "light") -> Opened:
        context = browser.new_context(viewport={"width": 1240, "height": 900}, color_scheme=scheme)
        contexts.append(context)
        found = Opened(context.new_page())
        found.page.on("request", lambda request: found.requests.append(request.url))
        found.page.on("console", lambda message: found.complaints.append(message.text))
        found.page.on("pageerror", lambda error: found.complaints.append(str(error)))
        found.page.goto(path.as_uri())
        found.settle()
        return found

    yield open_page
    for context in contexts:
        context.close()


@pytest.fixture(scope="session")
def screenshots(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return where pictures of pages go: a folder that stays where LPXSCHED_SCREENSHOTS names one."""
    kept = os.environ.get("LPXSCHED_SCREENSHOTS")
    if not kept:
        return tmp_path_factory.mktemp("screenshots")
    folder = Path(kept)
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.fixture(scope="session")
def four_layers() -> Build:
    """Return four layers on two chips each, 128 cycles a layer."""
    return repeated_build(4)


@pytest.fixture(scope="session")
def page_of_four(four_layers: Build, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the page of four layers on disk."""
    path = tmp_path_factory.mktemp("page") / "four.html"
    path.write_bytes(build_page(four_layers))
    return path


@pytest.fixture
def four(opened: Callable[..., Opened], page_of_four: Path) -> Opened:
    """Return the page of four layers in the browser."""
    return opened(page_of_four)
