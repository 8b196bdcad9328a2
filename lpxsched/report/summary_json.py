"""What ``lpxsched report --json`` prints: the summary of a build as plain data."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from lpxsched.report.limits import limiting_sentence, path_cells

if TYPE_CHECKING:
    from collections.abc import Mapping
    from fractions import Fraction

    from lpxsched.report.busiest import Alike, BusyChip, BusyLink
    from lpxsched.report.summary import Summary
    from lpxsched.report.utilisation import Utilisation


def summary_json(summary: Summary) -> dict[str, Any]:
    """Return the summary as plain data; cycles that are no whole numbers become floating-point numbers."""
    return {
        **summary.facts,
        "limit": limiting_sentence(summary),
        "classes": [_class_json(summary.classes, group) for group in range(len(summary.classes.groups))],
        "busiest_links": [asdict(link) for link in summary.links],
        "busiest_links_alike": [_alike_json(alike) for alike in summary.links_alike],
        "busiest_chips": {
            "by_unit": [asdict(chip) for chip in summary.chips_by_unit],
            "by_vectors": [asdict(chip) for chip in summary.chips_by_vectors],
            "alike": [_alike_json(alike) for alike in summary.chips_alike],
        },
        "layers": [
            {
                "layers": list(time.layers),
                "segments": list(time.segments),
                "chips": list(time.chips),
                "makespan_cycles": time.makespan_cycles,
                "lower_bound_cycles": time.lower_bound_cycles,
                "gap": time.makespan_cycles / time.lower_bound_cycles if time.lower_bound_cycles else None,
                "parts": {name: _number(cycles) for name, cycles in time.parts.items()},
                "critical_path": _cells_json(time.cells),
            }
            for time in summary.layers
        ],
        "visits": [dict(visit) for visit in summary.visits],
        "critical_path": _cells_json(path_cells(summary.layers)),
        "critical_path_by_class": {name: _number(cycles) for name, cycles in summary.path_by_class.items()},
    }


def _alike_json(alike: Alike[BusyLink] | Alike[BusyChip]) -> dict[str, Any]:
    """Return the first of what is alike, how many there are, and the layers of all of them."""
    return asdict(alike.one) | {"alike": alike.count, "layers": list(alike.layers)}


def _cells_json(cells: Mapping[tuple[str, str], Fraction]) -> list[dict[str, Any]]:
    """Return the cells of a critical path; the class is null in front of an operator."""
    return [
        {"part": part, "link_class": name or None, "cycles": _number(cycles)}
        for (part, name), cycles in sorted(cells.items())
    ]


def _class_json(classes: Utilisation, group: int) -> dict[str, Any]:
    peak, edges = classes.peak_bin(group), classes.edges_cycles
    return {
        "class": classes.groups[group].link_class,
        "links": classes.groups[group].links,
        "used_links": classes.groups[group].used_links,
        "vectors": classes.groups[group].vectors,
        "busy_cycles": _number(classes.busy_cycles(group)),
        "busy_share_of_token": classes.share(group),
        "busy_share_while_running": classes.running_share(group),
        "peak": None
        if peak is None
        else {
            "share": peak[0],
            "first_cycle": _number(edges[peak[1]]),
            "last_cycle": _number(edges[peak[1] + 1]),
        },
    }


def _number(cycles: Fraction) -> int | float:
    return int(cycles) if cycles.denominator == 1 else float(cycles)
