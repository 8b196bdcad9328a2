"""The section of the critical path: by operator, link class and waiting."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lpxsched.report.formats import percent
from lpxsched.report.layers import layers_named
from lpxsched.report.limits import cycles_by_cause, path_cells
from lpxsched.report.page.markup import bar, legend, paragraph, section, table
from lpxsched.report.rows import cycles_us, path_rows
from lpxsched.units import counted

if TYPE_CHECKING:
    from collections.abc import Mapping
    from fractions import Fraction

    from lpxsched.report.summary import Summary

CAUSE_COLOURS = {
    "wire latency": "#0072B2",
    "link bandwidth": "#56B4E9",
    "compute": "#D55E00",
    "clock uncertainty": "#009E73",
    "turnaround in relays": "#CC79A7",
    "waiting for functional units": "#E69F00",
    "unforced waiting": "#888888",
    "rounding to whole cycles": "#BBBBBB",
}


def path_section(summary: Summary) -> str:
    """Return where the time goes, of the whole and of each kind of layer."""
    cells = path_cells(summary.layers)
    whole = sum(cells.values())
    bars = [
        (name, float(cycles / whole), _share_text(summary, name, cycles, whole))
        for name, cycles in cycles_by_cause(cells).items()
    ]
    kinds = [_kind(summary, number) for number in range(len(summary.layers))] if len(summary.layers) > 1 else []
    return section(
        "path",
        "Critical path",
        paragraph(
            "What had to be there last, followed backwards from the end: every cycle of the makespan belongs to one "
            "row. What hops spend stands under the class of their link, turnaround and wait before them included."
        ),
        bar(bars, CAUSE_COLOURS) + legend({name: CAUSE_COLOURS[name] for name, _, _ in bars}) if whole else "",
        _cell_table(summary, cells),
        *kinds,
    )


def _share_text(summary: Summary, name: str, cycles: Fraction, whole: Fraction | int) -> str:
    return f"{name}: {float(cycles):,.1f} cycles, {cycles_us(summary, cycles)} us, {percent(cycles / whole)}"


def _kind(summary: Summary, number: int) -> str:
    time = summary.layers[number]
    told = f"{layers_named(time.layers, summary.head)}: {counted(time.makespan_cycles, 'cycle')} each"
    return f"<details><summary>{told}</summary>{_cell_table(summary, time.cells)}</details>"


def _cell_table(summary: Summary, cells: Mapping[tuple[str, str], Fraction]) -> str:
    found = path_rows(summary, cells)
    return table(found.header, found.rows, last=True)
