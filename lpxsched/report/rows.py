"""The tables of a report as header and rows of text, the same in the terminal and on a page."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from lpxsched.report.colours import CLASS_COLOURS, KIND_COLOURS, in_order
from lpxsched.report.critical_path import (
    COMPUTE,
    DESKEW,
    GUARD,
    LATENCY,
    LINK_BUSY,
    OF_HOPS,
    ROUNDING,
    SERIALISATION,
    TURNAROUND,
    UNFORCED,
    UNIT_BUSY,
)
from lpxsched.report.formats import in_us, percent
from lpxsched.report.layers import layer_ranges
from lpxsched.report.limits import cycles_by_cause
from lpxsched.units import cycles_to_ns

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from lpxsched.report.summary import Summary
    from lpxsched.report.utilisation import Utilisation

PART_NAMES = {
    SERIALISATION: "wire: serialisation",
    LATENCY: "wire: latency",
    GUARD: "wire: guard",
    TURNAROUND: "turnaround in relays",
    LINK_BUSY: "waiting: link held by others",
    UNIT_BUSY: "waiting: unit runs another operator",
    UNFORCED: "waiting: unforced",
    DESKEW: "deskew",
    ROUNDING: "rounding to whole cycles",
}
SPARKS = "▁▂▃▄▅▆▇█"


class Rows(NamedTuple):
    """A table of text."""

    header: list[str]
    rows: list[list[str]]


def class_rows(summary: Summary) -> Rows:
    """Return how busy the links of each class are, and when most."""
    classes, edges = summary.classes, summary.classes.edges_cycles
    rows = []
    for row, group in enumerate(classes.groups):
        peak = classes.peak_bin(row)
        when = "-" if peak is None else cycles_us(summary, (edges[peak[1]] + edges[peak[1] + 1]) / 2)
        shares = [percent(classes.share(row)), percent(classes.running_share(row))]
        most = "-" if peak is None else percent(peak[0])
        counts = [f"{count:,}" for count in (group.links, group.used_links, group.vectors)]
        rows.append([group.name, *counts, *shares, most, when])
    return Rows(["class", "links", "used", "vectors", "of all", "running", "peak", "at us"], rows)


def sparkline(classes: Utilisation, group: int, bars: int) -> str:
    """Return the busy share of a group's running links over time, the highest of its bars full; blank where idle."""
    bars = min(bars, classes.bins)
    bins = np.arange(classes.bins) * bars // classes.bins
    shares = []
    for place in range(bars):
        busy, running = (
            int(ticks[group][bins == place].sum()) for ticks in (classes.busy_ticks, classes.running_ticks)
        )
        shares.append(busy / running if running else 0.0)
    most = max(shares, default=0.0)
    # Rounded up: what is busy at all shows.
    return "".join(SPARKS[-int(-share * len(SPARKS) // most) - 1] if share else " " for share in shares).rstrip()


def link_name(source: str, destination: str, lane: int) -> str:
    """Return a link as people read it."""
    return f"{source} -> {destination}, lane {lane}"


def link_rows(summary: Summary) -> Rows:
    """Return the busiest links, those that are alike once."""
    rows = [
        [
            alike.one.link_class,
            link_name(alike.one.source, alike.one.destination, alike.one.lane),
            f"{alike.count:,}",
            *_used_by(summary, alike.layers),
            f"{alike.one.vectors:,}",
            percent(alike.one.share),
        ]
        for alike in summary.links_alike
    ]
    return Rows(["class", "link", "alike", *_layers_header(summary), "vectors", "busy"], rows)


def chip_rows(summary: Summary) -> Rows:
    """Return the busiest chips, those that are alike once."""
    units = list(summary.chips_alike[0].one.unit_shares) if summary.chips_alike else []
    rows = [
        [
            alike.one.name if alike.one.relay else alike.one.position,
            f"{alike.count:,}",
            *_used_by(summary, alike.layers),
            *(percent(alike.one.unit_shares[unit]) for unit in units),
            f"{alike.one.vectors_in:,}",
            f"{alike.one.vectors_out:,}",
        ]
        for alike in summary.chips_alike
    ]
    header = ["chip", "alike", *_layers_header(summary), *(f"{unit} unit" for unit in units)]
    return Rows([*header, "vectors in", "vectors out"], rows)


def _layers_header(summary: Summary) -> list[str]:
    """Return the header of a column of layers; a collective has none."""
    return ["layers"] if summary.facts["collective"] is None else []


def _used_by(summary: Summary, layers: Sequence[int]) -> list[str]:
    """Return the cell of that column: all visits of a whole model are not listed."""
    if not _layers_header(summary):
        return []
    visits = sum(len(visit["layers"]) for visit in summary.visits)
    return ["all" if visits and len(layers) == visits else layer_ranges(layers, summary.head)]


def kind_rows(summary: Summary) -> Rows:
    """Return a row a kind of layer."""
    rows = []
    for time in summary.layers:
        cause, cycles = next(iter(cycles_by_cause(time.cells).items()), ("-", 0))
        bound = time.lower_bound_cycles
        gap = f"{time.makespan_cycles / bound:.4f}" if bound else "-"
        most = f"{cause}, {percent(Fraction(cycles) / max(time.makespan_cycles, 1), 1)}"
        chips = "-".join(map(str, dict.fromkeys(time.chips)))
        count, makespan = str(len(time.segments)), f"{time.makespan_cycles:,}"
        us = cycles_us(summary, time.makespan_cycles)
        layers = "all" if summary.visits else layer_ranges(time.layers, summary.head)
        rows.append([layers, count, chips, makespan, us, f"{bound:,}" if bound else "-", gap, most])
    rows = [*_visit_rows(summary), *rows]
    return Rows(["layers", "number", "chips", "cycles", "us", "bound", "gap", "most of it"], rows)


def _visit_rows(summary: Summary) -> list[list[str]]:
    """Return a row a kind of visit of a whole model; its first is the embedding, its last the head."""
    rows = []
    for visit in summary.visits:
        layers, cycles = visit["layers"], visit["makespan_cycles"]
        figures = [f"{cycles:,}", cycles_us(summary, cycles), f"{visit['lower_bound_cycles']:,}", f"{visit['gap']:.4f}"]
        rows.append([layer_ranges(layers, summary.head), str(len(layers)), str(visit["chips"]), *figures, "-"])
    return rows


def path_rows(summary: Summary, cells: Mapping[tuple[str, str], Fraction]) -> Rows:
    """Return the parts of critical paths: cycles, time, share, and of hops the cycles on links of each class."""
    classes = in_order({name for part, name in cells if name and part in OF_HOPS}, CLASS_COLOURS)
    whole = sum(cells.values())
    rows = []
    for part in in_path_order(part for part, _ in cells):
        cycles = sum(spent for (of, _), spent in cells.items() if of == part)
        by_class = [cells.get((part, name)) if part in OF_HOPS else None for name in classes]
        rows.append(
            [part_name(part), *_shared(summary, cycles, whole), *(f"{float(c):,.1f}" if c else "" for c in by_class)]
        )
    sums = [sum(spent for (part, of), spent in cells.items() if of == name and part in OF_HOPS) for name in classes]
    rows.append(["makespan", *_shared(summary, whole, whole), *(f"{float(cycles):,.1f}" for cycles in sums)])
    return Rows(["part", "cycles", "us", "share", *(f"on {name}" for name in classes)], rows)


def in_path_order(parts: Iterable[str]) -> list[str]:
    """Return the distinct parts of critical paths: what wires and waits take, then operators."""
    return in_order(parts, {**PART_NAMES, **{COMPUTE + kind: "" for kind in KIND_COLOURS}})


def part_name(part: str) -> str:
    """Return the part of a critical path as people read it."""
    return PART_NAMES.get(part) or f"compute: {part.removeprefix(COMPUTE)}"


def _shared(summary: Summary, cycles: Fraction | int, whole: Fraction | int) -> list[str]:
    return [f"{float(cycles):,.1f}", cycles_us(summary, cycles), percent(float(cycles / whole)) if whole else "-"]


def cycles_us(summary: Summary, cycles: Fraction | int) -> str:
    """Return cycles of a build in microseconds, without the unit."""
    return in_us(cycles_to_ns(cycles, summary.clock_mhz))
