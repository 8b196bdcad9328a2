"""How large a page is, and how fast a browser paints and zooms it.

    uv run python -m benchmarks.page build/gpt-oss-120b
    uv run python -m benchmarks.page build/gpt-oss-120b --slots 10000000
    uv run python -m benchmarks.page build/one-layer --copies 181

With ``--slots`` random slots fill the links of the build's fabric: 1 to 8 vectors each, 0 to 39 cycles apart, tensors
in order, their vectors one after the other. Nothing repeats that a real schedule repeats. With ``--copies`` the
segments of the build follow each other so often on the same chips, as further layers with tensors of their own: what is
told and drawn then is that of a timetable that holds.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from dataclasses import fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from playwright.sync_api import sync_playwright

from lpxsched.report.page.data import page_data
from lpxsched.report.page.html import build_page, document
from lpxsched.report.page.pictures import fabric_section, timeline_section, utilisation_section
from lpxsched.timetable.reader import read_sound_build
from lpxsched.units import NONE

if TYPE_CHECKING:
    from playwright.sync_api import CDPSession, Page

    from lpxsched.timetable.build import Build
    from lpxsched.timetable.columns import Integers

ZOOMS = 40


def random_slots(build: Build, slots: int) -> Build:
    """Return a build whose slots are random ones, one after the other on each link; it obeys no other rule."""
    random, links = np.random.default_rng(0), len(build.links)
    each = -(-slots // links)
    vectors = random.integers(1, 9, size=(links, each))
    pitch = -(-build.links.vector_time_numerator // build.links.vector_time_denominator)
    busy = vectors * pitch[:, None] + random.integers(0, 40, size=(links, each))
    depart = (np.cumsum(busy, axis=1) - busy).ravel()
    link = np.repeat(np.arange(links), each)
    made = np.flatnonzero(build.tensors.producer >= 0)
    tensor = made[np.sort(random.integers(0, len(made), size=(links, each)), axis=1).ravel()]
    read = depart + 400 + random.integers(0, 3, size=len(link))
    table = replace(
        build.slots,
        tensor=tensor,
        first_vector=(np.cumsum(vectors, axis=1) - vectors).ravel(),
        vectors=vectors.ravel(),
        link=link,
        depart=depart,
        read=read,
    )
    longest = int((depart + busy.ravel()).max()) + 500
    return replace(
        build, slots=table, segments=replace(build.segments, makespan_cycles=_spread(longest, len(build.segments)))
    )


def _spread(cycles: int, segments: int) -> Integers:
    """Return makespans that sum to at least so many cycles."""
    return np.full(segments, -(-cycles // segments))


def copied(build: Build, copies: int) -> Build:
    """Return a build whose segments are laid down so often on the same chips, each time with frames of their own."""
    layers = 1 + int(build.operators.layer.max())
    step = {"operator": len(build.operators), "producer": len(build.operators), "tensor": len(build.tensors)}
    step |= {"segment": len(build.segments), "layer": layers, "frame": len(build.frames)}
    names = ("slots", "operators", "operands", "tensors", "segments", "frames", "deskews")
    tables = {name: _repeated(getattr(build, name), copies, step) for name in names}
    slots = tables["slots"]
    order = np.lexsort((slots.depart, slots.link))
    tables["slots"] = type(slots)(*(getattr(slots, field.name)[order] for field in fields(slots)))
    graph = build.graph.model_dump()
    for name, parts in (("layers", {"layer": layers}), ("segments", {"segment": step["segment"]})):
        graph[name] = [
            row | {key: row[key] + copy * by for key, by in parts.items()} | _layers(row, copy * layers)
            for copy in range(copies)
            for row in graph[name]
        ]
    return replace(build, **tables, graph=type(build.graph).model_validate(graph))


def _layers(row: dict[str, Any], by: int) -> dict[str, Any]:
    return {"layers": [layer + by for layer in row["layers"]]} if "layers" in row else {}


def _repeated(table: Any, copies: int, step: dict[str, int]) -> Any:
    columns = {}
    for field in fields(table):
        column = getattr(table, field.name)
        columns[field.name] = column * copies if isinstance(column, tuple) else np.tile(column, copies)
        if field.name in step:
            by = np.repeat(np.arange(copies) * step[field.name], len(column))
            tiled = np.tile(column, copies)
            columns[field.name] = np.where(tiled < 0, NONE, tiled + by)
    return type(table)(**columns)


def pictures_only(build: Build) -> bytes:
    """Return a page without the parts that need a timetable in which causes precede effects."""
    described, blobs = page_data(build, path=False)
    sections = [utilisation_section(described), fabric_section(described), timeline_section(described)]
    return document("pictures", sections, [(described, blobs)])


def measure(path: Path) -> None:
    """Print first paint, the time of a zoom frame, and the heap."""
    with sync_playwright() as driver:
        options = ["--no-sandbox", "--enable-precise-memory-info"]
        browser = driver.chromium.launch(executable_path="/usr/bin/chromium", args=options)
        tab = browser.new_page(viewport={"width": 1240, "height": 900})
        tab.goto(path.as_uri())
        settled(tab)
        paint = tab.evaluate("() => performance.getEntriesByType('paint').map((each) => each.startTime)")
        print(f"first paint {max(paint):.0f} ms")
        counters = tab.context.new_cdp_session(tab)
        counters.send("Performance.enable", {"timeDomain": "threadTicks"})
        for name in ("utilisation", "timeline"):
            tab.locator(f"#{name} canvas").focus()
            before = spent_seconds(counters)
            frames = tab.evaluate(
                """async ([name, zooms]) => {
                    const canvas = document.querySelector(`#${name} canvas`), times = [];
                    for (let zoom = 0; zoom < zooms; zoom++) {
                        canvas.dispatchEvent(new KeyboardEvent("keydown", { key: zoom % 4 < 2 ? "+" : "-" }));
                        const start = performance.now();
                        await new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
                        times.push(performance.now() - start);
                    }
                    return times.sort((a, b) => a - b);
                }""",
                [name, ZOOMS],
            )
            cpu = 1000 * (spent_seconds(counters) - before) / ZOOMS
            told = f"median {frames[ZOOMS // 2]:.1f} ms, longest {frames[-1]:.1f} ms"
            print(f"{name}: zoom frame {told}; {cpu:.1f} ms of the page's thread each, however busy the machine")
        start = time.perf_counter()
        tab.locator("#utilisation [name=kind]").select_option("link")
        tab.wait_for_timeout(100)
        settled(tab)
        told = tab.locator("#utilisation output").inner_text()
        print(f"links of one chip, all time: all there after {time.perf_counter() - start:.1f} s; {told}")
        heap = tab.evaluate("() => performance.memory.usedJSHeapSize")
        print(f"heap {heap / 1e6:.0f} MB")
        browser.close()


def settled(tab: Page) -> None:
    """Wait until nothing is inflated any more."""
    tab.wait_for_function("() => !Number(document.documentElement.dataset.inflating || 0)", timeout=120_000)


def spent_seconds(counters: CDPSession) -> float:
    """Return the processor time of the page's own thread so far."""
    metrics = counters.send("Performance.getMetrics")["metrics"]
    return float(next(each["value"] for each in metrics if each["name"] == "TaskDuration"))


def main() -> None:
    """Make the page, tell its size, and measure it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path, default=Path("build/gpt-oss-120b"))
    parser.add_argument("--slots", type=int, default=0)
    parser.add_argument("--copies", type=int, default=1)
    asked = parser.parse_args()
    build = copied(read_sound_build(asked.folder), asked.copies)
    start = time.perf_counter()
    page = pictures_only(random_slots(build, asked.slots)) if asked.slots else build_page(build)
    print(f"{asked.slots or len(build.slots):,} slots, {len(page) / 1e6:.2f} MB in {time.perf_counter() - start:.1f} s")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "page.html"
        path.write_bytes(page)
        measure(path)


if __name__ == "__main__":
    main()
