"""The tables of ``lpxsched report`` as plain aligned text of fixed width."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from lpxsched.report.colours import CLASS_COLOURS, KIND_COLOURS, in_order
from lpxsched.report.critical_path import (
    COMPUTE,
    DESKEW,
    GUARD,
    LATENCY,
    LINK_BUSY,
    ROUNDING,
    SERIALISATION,
    SLACK,
    TURNAROUND,
    UNIT_BUSY,
)
from lpxsched.report.summary import peak_bin
from lpxsched.units import cycles_to_ns

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from fractions import Fraction

    from lpxsched.report.busiest import BusyChip
    from lpxsched.report.critical_path import LayerTime
    from lpxsched.report.summary import Summary

PART_NAMES = {
    SERIALISATION: "wire: serialisation",
    LATENCY: "wire: latency",
    GUARD: "wire: guard",
    TURNAROUND: "turnaround in relays",
    LINK_BUSY: "waiting: link held by other vectors",
    UNIT_BUSY: "waiting: unit runs another operator",
    SLACK: "waiting: slack",
    DESKEW: "deskew",
    ROUNDING: "rounding to whole cycles",
}


class Words(NamedTuple):
    """What the report calls the whole, a segment of it, what shares are of, and how a critical path runs."""

    whole: str
    part: str
    span: str
    share: str
    path: str


MODEL = Words(
    "token",
    "layer",
    "the layers of one token one after the other",
    "the layer's makespan",
    "its ingress to its last egress",
)
COLLECTIVE = Words(
    "all",
    "collective",
    "from start to end of the collective",
    "the collective's makespan",
    "its start to its last read",
)
CYCLIC = COLLECTIVE._replace(whole="period", span="over one period, all iterations together", share="the period")


def _words(summary: Summary) -> Words:
    if summary.facts["collective"] is None:
        return MODEL
    return CYCLIC if summary.facts["period_cycles"] else COLLECTIVE


def report_text(summary: Summary) -> str:
    """Return the whole report, paragraphs separated by empty lines."""
    parts = [*_headline(summary), _classes(summary), _links(summary), *_chips(summary), *_layers(summary)]
    return "\n\n".join([*parts, _by_class(summary)])


def layer_ranges(layers: Iterable[int]) -> str:
    """Return sorted layers as people write them: ``0-3, 5``."""
    runs: list[list[int]] = []
    for layer in layers:
        if runs and runs[-1][1] == layer - 1:
            runs[-1][1] = layer
        else:
            runs.append([layer, layer])
    return ", ".join(str(first) if first == last else f"{first}-{last}" for first, last in runs)


def table(header: Sequence[str], rows: Sequence[Sequence[str]], *, left: int = 1) -> str:
    """Return rows under a header, the first `left` columns flush left, the others flush right."""
    lines = [header, *rows]
    widths = [max(len(line[column]) for line in lines) for column in range(len(header))]

    def cell(text: str, column: int) -> str:
        return text.ljust(widths[column]) if column < left else text.rjust(widths[column])

    return "\n".join(
        "  " + "  ".join(cell(text, column) for column, text in enumerate(line)).rstrip() for line in lines
    )


def _headline(summary: Summary) -> list[str]:
    lines = [f"  {name:<14}{text}" for name, text in summary.headline]
    return [_title(summary), *(["\n".join(lines)] if lines else [])]


def _title(summary: Summary) -> str:
    facts = summary.facts
    names = (facts[key] for key in ("model", "collective", "topology"))
    name = " on ".join(str(told) for told in names if told is not None) or "build"
    batch = "" if facts["batch"] is None else f", batch {facts['batch']}"
    bound = "" if facts["bound"] is None else f" ({facts['bound']})"
    layers = f"{facts['layer_count']} layers, " if facts["collective"] is None else ""
    period = facts["period_cycles"]
    repeats = f"repeats every {period} cycles (shares of links and chips are of that), " if period else ""
    return (
        f"{name}{batch}: {layers}{repeats}"
        f"makespan {facts['makespan_cycles']} cycles = {facts['makespan_ns']:.0f} ns, "
        f"lower bound{' of the period' if period else ''} {facts['lower_bound_cycles']} cycles{bound}"
    )


def _classes(summary: Summary) -> str:
    classes, edges = summary.classes, summary.classes.edges_cycles
    rows = []
    for row, group in enumerate(classes.groups):
        peak = peak_bin(classes, row)
        rows.append(
            [
                group.name,
                str(group.links),
                str(group.used_links),
                str(group.vectors),
                _percent(classes.share(row)),
                _percent(classes.running_share(row)),
                "-" if peak is None else _percent(peak[0]),
                "-" if peak is None else _span_us(summary, edges[peak[1]], edges[peak[1] + 1]),
            ]
        )
    words = _words(summary)
    header = ["class", "links", "used", "vectors", f"busy, {words.whole}", "busy, running", "peak", "peak at (us)"]
    token = " of the token" if words is MODEL else ""
    notes = (
        f"Link utilisation, {words.span}\n"
        f"  busy, {words.whole}: of all links of the class over the whole time{token}\n"
        f"  busy, running: of the links of a {words.part}'s own chips while that {words.part} runs\n"
        f"  peak: the busiest of {classes.bins} equal bins of time, of the running {words.part}'s links\n"
    )
    return f"{notes}\n{table(header, rows)}"


def _links(summary: Summary) -> str:
    rows = [
        [
            link.link_class,
            f"{link.source} -> {link.destination}",
            str(link.lane),
            layer_ranges(link.layers),
            str(link.vectors),
            _percent(link.share),
        ]
        for link in summary.links
    ]
    header = ["class", "from -> to", "lane", "layer", "vectors", "busy"]
    return f"Busiest links, share of {_words(summary).share}\n\n{table(header, rows, left=2)}"


def _chips(summary: Summary) -> list[str]:
    titles = (
        (f"Busiest chips by functional unit, share of {_words(summary).share}", summary.chips_by_unit),
        ("Busiest chips by vectors received and sent", summary.chips_by_vectors),
    )
    runs = any(chip.unit_shares for chip in summary.chips_by_unit)
    return [f"{title}\n\n{_chip_table(chips)}" for title, chips in titles[0 if runs else 1 :]]


def _chip_table(chips: Sequence[BusyChip]) -> str:
    units = list(chips[0].unit_shares) if chips else []
    rows = [
        [
            chip.position,
            layer_ranges(chip.layers),
            *(_percent(chip.unit_shares[unit]) for unit in units),
            str(chip.vectors_in),
            str(chip.vectors_out),
        ]
        for chip in chips
    ]
    return table(["chip", "layer", *(f"{unit} unit" for unit in units), "vectors in", "vectors out"], rows)


def _layers(summary: Summary) -> list[str]:
    words = _words(summary)
    return [
        f"Where the time of a {words.part} goes: the critical path from {words.path}",
        *(_layer(summary, time) for time in summary.layers),
    ]


def _layer(summary: Summary, time: LayerTime) -> str:
    names = {**PART_NAMES, **{part: _part_name(part) for part in _compute_parts(time)}}
    rows = [
        _part_row(summary, name, time.parts[part], time.makespan_cycles)
        for part, name in names.items()
        if part in time.parts
    ]
    rows.append(_part_row(summary, "makespan", sum(time.parts.values()), time.makespan_cycles))
    noun = "layer" if len(time.layers) == 1 else "layers"
    name = f"{noun} {layer_ranges(time.layers)}" if _words(summary) is MODEL else _words(summary).part
    title = f"{name}: {time.makespan_cycles} cycles"
    return f"{title}\n{table(['part', 'cycles', 'ns', 'share'], rows)}"


def _by_class(summary: Summary) -> str:
    makespan = summary.facts["makespan_cycles"]
    rows = [
        _part_row(summary, name, summary.path_by_class[name], makespan)
        for name in in_order(summary.path_by_class, CLASS_COLOURS)
    ]
    along = " along one token" if _words(summary) is MODEL else ""
    title = f"Of this{along}, hops by link class: wires, turnaround before them, waiting for their links"
    return f"{title}\n\n{table(['class', 'cycles', 'ns', 'share'], rows)}"


def _compute_parts(time: LayerTime) -> list[str]:
    kinds = [part.removeprefix(COMPUTE) for part in time.parts if part not in PART_NAMES]
    return [COMPUTE + kind for kind in in_order(kinds, KIND_COLOURS)]


def _part_name(part: str) -> str:
    return f"compute: {part.removeprefix(COMPUTE)}"


def _part_row(summary: Summary, name: str, cycles: Fraction | int, makespan_cycles: int) -> list[str]:
    ns = float(cycles_to_ns(cycles, summary.clock_mhz))
    share = float(cycles / makespan_cycles) if makespan_cycles else 0.0
    return [name, f"{float(cycles):.1f}", f"{ns:.1f}", _percent(share)]


def _percent(share: float) -> str:
    return f"{100 * share:.2f} %"


def _span_us(summary: Summary, first: Fraction, last: Fraction) -> str:
    ends = (float(cycles_to_ns(edge, summary.clock_mhz)) / 1000 for edge in (first, last))
    return " to ".join(f"{end:.3f}" for end in ends)
