"""The lower picture: what the units and links of each chip do during one layer.

Of what repeats one pass stands in full colours, those of other windows pale beside and behind it.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np

from lpxsched.report.colours import DESKEW_COLOUR, GRID_COLOUR, colours_of
from lpxsched.report.figures.images import EDGE_POINTS
from lpxsched.report.figures.lanes_in_use import LanesInUse, lanes_in_use
from lpxsched.report.formats import links_of
from lpxsched.report.frames import deskew_rows
from lpxsched.report.layers import segment_name
from lpxsched.report.manifest import collective_kind
from lpxsched.report.relays import RELAY
from lpxsched.report.token_time import token_time
from lpxsched.timetable.columns import WITHOUT_UNIT
from lpxsched.units import counted, cycles_to_ns

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from numpy.typing import NDArray

    from lpxsched.timetable.build import Build
    from lpxsched.timetable.columns import Integers

SHOWN_CHIPS, SHOWN_RELAYS = 16, 8
PALE = 0.35


@dataclass(frozen=True, slots=True, eq=False)
class ChipRows:
    """The rows of one chip: links from hosts, functional units, links of every class that take vectors.

    Attributes
    ----------
    chip : int
    relay : bool
        Whether it only passes on vectors of the segment.
    rows : list of str or LanesInUse
        A functional unit by its name, or links as one pass holds them.
    passing : dict of LanesInUse
        Links as all passes hold them, by class and direction; empty where nothing repeats.
    """

    chip: int
    relay: bool
    rows: list[str | LanesInUse]
    passing: dict[tuple[str, str], LanesInUse]


def chip_rows(build: Build, segment: int, relays: Sequence[int] = ()) -> list[ChipRows]:
    """Return the rows of the first `SHOWN_CHIPS` chips of a segment, and of the first `SHOWN_RELAYS` of its relays."""
    operators, shifts = build.operators, pass_shifts(build, segment)
    found = []
    for chip in [*build.graph.chips_of(segment)[:SHOWN_CHIPS], *relays[:SHOWN_RELAYS]]:
        mine = (operators.chip == chip) & (operators.segment == segment)
        links = lanes_in_use(build, segment, chip)
        incoming = [row for row in links if row.direction == "in" and row.link_class == "host"]
        outgoing = [row for row in links if row.direction == "out"]
        every = lanes_in_use(build, segment, chip, shifts) if len(shifts) > 1 else []
        rows = [*incoming, *sorted(set(operators.unit[mine].tolist()) - WITHOUT_UNIT), *outgoing]
        found.append(ChipRows(chip, chip in relays, rows, {(row.link_class, row.direction): row for row in every}))
    return found


def pass_shifts(build: Build, segment: int) -> list[int]:
    """Return how much later than a pass of a segment others begin that meet it; 0, its own, comes last."""
    period = int(build.frames.period_cycles[build.segments.frame[segment]])
    reach = -(-int(build.segments.makespan_cycles[segment]) // period) - 1 if period else 0
    return [*(number * period for number in range(-reach, reach + 1) if number), 0]


def draw_layer(axes: Axes, build: Build, segment: int, chips: list[ChipRows], relays: int = 0) -> None:
    """Draw the units and links of each chip against the cycles of one segment, which has so many relays."""
    classes, kinds = colours_of(build)
    labels: list[str] = []
    for chip in chips:
        axes.axhline(len(labels), color="black", linewidth=0.8)
        for row in chip.rows:
            if isinstance(row, LanesInUse):
                passing = chip.passing.get((row.link_class, row.direction))
                _draw_links(axes, row, passing, len(labels), classes[row.link_class])
            else:
                _draw_unit(axes, build, (segment, chip.chip, row), len(labels), kinds)
            labels.append(_label(build, chip, row))
    axes.set_ylim(len(labels), 0)
    axes.set_yticks(np.arange(len(labels)) + 0.5, labels)
    axes.tick_params(axis="y", length=0)
    _draw_marks(axes, build, segment)
    _label_axes(axes, build, segment, " and ".join(_counts(len(build.graph.chips_of(segment)), relays, chips)))
    _draw_legend(axes, build, chips, kinds, classes)


def _label(build: Build, chip: ChipRows, row: str | LanesInUse) -> str:
    if isinstance(row, LanesInUse):
        arrow = "from" if row.direction == "in" else "to"
        ends = "chips" if row.link_class == "link" else row.link_class
        name = f"{arrow} {ends}: {counted(row.links, 'link')}"
    else:
        name = f"{row} unit"
    noun = RELAY if chip.relay else "chip"
    return f"{noun} {build.chips.position[chip.chip]}   {name}" if row is chip.rows[0] else name


def _draw_unit(axes: Axes, build: Build, whose: tuple[int, int, str], row: int, kinds: dict[str, str]) -> None:
    table, (segment, chip, unit) = build.operators, whose
    mine = (table.chip == chip) & (table.segment == segment) & (table.unit == unit)
    faces = [kinds[kind] for kind in table.kind[mine].tolist()]
    for shift in pass_shifts(build, segment):
        spans = list(zip((table.start[mine] + shift).tolist(), table.cycles[mine].tolist(), strict=True))
        axes.broken_barh(
            spans,
            (row + 0.12, 0.76),
            facecolors=faces,
            edgecolors=faces,
            linewidth=EDGE_POINTS,
            alpha=PALE if shift else None,
        )


def _draw_links(axes: Axes, links: LanesInUse, passing: LanesInUse | None, row: int, colour: str) -> None:
    """Fill the row from below as high as the share of its links that are held, behind it by all passes."""
    from matplotlib.collections import PolyCollection

    bottom = row + 0.94
    for drawn, alpha in ((passing, PALE), (links, None)):
        if drawn is not None:
            outlines = [np.column_stack([moments, bottom - 0.86 * share]) for moments, share in _held(drawn)]
            axes.add_collection(PolyCollection(outlines, color=colour, linewidth=EDGE_POINTS, alpha=alpha))


def _held(drawn: LanesInUse) -> Iterator[tuple[Integers, NDArray[np.float64]]]:
    """Yield moments and shares of the outline, from 0 up and back to 0, of each time in which any link is held."""
    moments, shares = np.repeat(drawn.moment_cycles, 2), np.append(0.0, np.repeat(drawn.share, 2)[:-1])
    for idle in np.split(np.arange(len(shares)), np.flatnonzero((shares[1:] == 0) & (shares[:-1] == 0)) + 1):
        yield moments[idle], shares[idle]


def _draw_marks(axes: Axes, build: Build, segment: int) -> None:
    """Shade the deskews; in frames that repeat none lasts into a segment, and windows begin at lines."""
    for shift in pass_shifts(build, segment)[:-1]:
        axes.axvline(shift, color=GRID_COLOUR, linewidth=0.8, linestyle="--", zorder=0)
    table = build.deskews
    rows = deskew_rows(build, int(build.segments.frame[segment])).tolist()
    for row in rows:
        cycle, stall = int(table.cycle[row]), int(table.stall[row])
        axes.axvspan(cycle, cycle + stall, color=DESKEW_COLOUR, linewidth=EDGE_POINTS if stall else 0, zorder=0)


def _label_axes(axes: Axes, build: Build, segment: int, count: str) -> None:
    makespan = int(build.segments.makespan_cycles[segment])
    ns_per_cycle = float(cycles_to_ns(1, Fraction(build.manifest.clock_mhz)))

    def to_ns(cycles: Any) -> Any:
        return cycles * ns_per_cycle

    def to_cycles(ns: Any) -> Any:
        return ns / ns_per_cycle

    axes.set_xlim(0, max(makespan, 1))
    kind = collective_kind(build)
    whose = "the layer's start" if kind is None else "the start"
    axes.set_xlabel(f"time from {whose} (cycles)")
    axes.grid(axis="x", color=GRID_COLOUR, linewidth=0.4)
    axes.set_axisbelow(True)
    above = axes.secondary_xaxis("top", functions=(to_ns, to_cycles))
    above.set_xlabel(f"time from {whose} (ns)")
    period = int(build.frames.period_cycles[build.segments.frame[segment]])
    passes = f"; a window every {counted(period, 'cycle')}, passes of others pale" if period else ""
    name = segment_name(build, token_time(build).layers[segment])
    axes.set_title(
        f"{name}, {count}: makespan {counted(makespan, 'cycle')} = {makespan * ns_per_cycle:,.0f} ns{passes}",
        loc="left",
        pad=8,
    )


def _counts(chips: int, relays: int, shown: list[ChipRows]) -> Iterator[str]:
    """Yield how many chips and relays a segment has, and how many of them are drawn where not all are."""
    drawn = sum(chip.relay for chip in shown)
    for noun, every, of in (("chip", chips, len(shown) - drawn), (RELAY, relays, drawn)):
        if every:
            yield counted(every, noun) if every == of else f"the first {of} of {counted(every, noun)}"


def _draw_legend(
    axes: Axes, build: Build, chips: list[ChipRows], kinds: dict[str, str], classes: dict[str, str]
) -> None:
    from matplotlib.patches import Patch

    used = {row.link_class for chip in chips for row in chip.rows if isinstance(row, LanesInUse)}
    handles: list[Artist] = [Patch(color=colour, label=kind) for kind, colour in kinds.items()]
    handles += [Patch(color=classes[name], label=links_of(name)) for name in classes if name in used]
    if (build.deskews.every_periods == 0).any():
        handles.append(Patch(color=DESKEW_COLOUR, label="deskew"))
    legend = axes.legend(
        handles=handles,
        loc="upper left",
        bbox_to_anchor=(1.005, 1.0),
        frameon=False,
        title="Bar: operator\nHeight: share of the\nrow's links in use",
    )
    legend.set_alignment("left")
