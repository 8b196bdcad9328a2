"""Everything that ``lpxsched report`` says, as one value."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from lpxsched.report.busiest import (
    alike_links,
    busiest_alike,
    busiest_by_unit,
    busiest_by_vectors,
    busy_chips,
    busy_links,
)
from lpxsched.report.critical_path import cycles_by_class, layer_times
from lpxsched.report.frames import only_period, windows_of
from lpxsched.report.headline import headline_facts, headline_lines
from lpxsched.report.layers import head_of
from lpxsched.report.manifest import collective_kind, results_of
from lpxsched.report.mapping import mapping
from lpxsched.report.reach import reach_lines
from lpxsched.report.token_time import token_time
from lpxsched.report.utilisation import utilisation
from lpxsched.units import cycles_to_ns

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lpxsched.report.busiest import Alike, BusyChip, BusyLink
    from lpxsched.report.critical_path import LayerTime
    from lpxsched.report.frames import Windows
    from lpxsched.report.utilisation import Utilisation
    from lpxsched.timetable.build import Build

BINS = 200
SHOWN = 5
# What else the text tells of a manifest's results, where there is any.
TOLD = (
    "proved_worst_ns",
    "assumed_parts_ns",
    "waiting_ns",
    "restart_ns",
    "loads",
    "targets",
    "published_formulas_ns",
    "gap",
    "period_bound",
    "period_gap",
    "makespan_lower_bound_cycles",
    "makespan_bound",
)


@dataclass(frozen=True, slots=True, eq=False)
class Summary:
    """What a build says about itself.

    Attributes
    ----------
    facts : dict
        What the manifest tells (``model``, ``collective``, ``topology``, ``batch``, ``bound``; None when it is silent)
        and ``layer_count``, ``makespan_cycles``, ``makespan_ns``, ``lower_bound_cycles``, ``period_cycles`` (0: runs
        once; else the bound is that of it, also as ``period_lower_bound_cycles``), ``relays`` (positions of chips that
        only pass vectors on), in flight ``in_flight``, ``free_windows`` and ``windows``, ``deskew_count``,
        ``least_filled`` and ``most_filled`` of the SRAM by weights, those of `TOLD` that there are; of a model also its
        headline, see `headline_facts`.
    windows : Windows or None
        See `windows_of`.
    headline : list of (str, str)
        Its lines, empty for a collective.
    clock_mhz : Fraction
    classes : Utilisation
        Groups are link classes.
    links : list of BusyLink
    chips_by_unit, chips_by_vectors : list of BusyChip
    links_alike : list of Alike
    chips_alike : list of Alike
        See `busiest_alike`.
    layers : tuple of LayerTime
    head : int
        Number of the layer that is the head of a whole model, NONE of another build; see `layers`.
    visits : list of dict
        Of a whole model in one segment its problems as the manifest tells them: embedding, layers, head; else empty.
    path_by_class : dict of Fraction
        Cycles of the critical paths along one token by the class of the link, see `LayerTime`.
    """

    facts: Mapping[str, Any]
    windows: Windows | None
    headline: list[tuple[str, str]]
    clock_mhz: Fraction
    classes: Utilisation
    links: list[BusyLink]
    chips_by_unit: list[BusyChip]
    chips_by_vectors: list[BusyChip]
    links_alike: list[Alike[BusyLink]]
    chips_alike: list[Alike[BusyChip]]
    layers: tuple[LayerTime, ...]
    head: int
    visits: Sequence[Mapping[str, Any]]
    path_by_class: Mapping[str, Fraction]

    @property
    def time_of_shares(self) -> str:
        """What time the shares of links are of."""
        if self.facts["period_cycles"]:
            return "a period" if self.windows is None else "a period in which every window is owned"
        return "a token" if self.facts["collective"] is None else "the collective"

    def us(self, cycles: Fraction | int) -> float:
        """Return cycles of the build in microseconds."""
        return float(cycles_to_ns(cycles, self.clock_mhz)) / 1000


def summarise(build: Build) -> Summary:
    """Return the summary of a build.

    Raises
    ------
    InputError
        When the timetable breaks causality; see `layer_times`.
    """
    links, chips, layers = busy_links(build), busy_chips(build), layer_times(build)
    return Summary(
        facts=_facts(build) | headline_facts(build) | {"relays": [chip.position for chip in chips if chip.relay]},
        windows=windows_of(build),
        headline=[*headline_lines(build), *reach_lines(build)],
        clock_mhz=Fraction(build.manifest.clock_mhz),
        classes=utilisation(build, bins=BINS),
        links=links[:SHOWN],
        chips_by_unit=busiest_by_unit(chips)[:SHOWN],
        chips_by_vectors=busiest_by_vectors(chips)[:SHOWN],
        links_alike=alike_links(links)[:SHOWN],
        chips_alike=busiest_alike(chips, SHOWN),
        layers=layers,
        head=head_of(build.manifest.results),
        visits=build.manifest.results["problems"] if "visits" in build.manifest.results else [],
        path_by_class=cycles_by_class(layers),
    )


def _facts(build: Build) -> dict[str, Any]:
    results, options = results_of(build), build.manifest.options
    makespan, period = token_time(build).total_cycles, only_period(build)
    bound = int(build.frames.lower_bound_cycles.max() if period else build.segments.lower_bound_cycles.sum())
    return {
        **{name: options.get(name, results.get(name)) for name in ("model", "topology", "batch")},
        "collective": collective_kind(build),
        "layer_count": results.get("layers", len(set(build.operators.layer.tolist()))),
        "makespan_cycles": makespan,
        "makespan_ns": float(cycles_to_ns(makespan, Fraction(build.manifest.clock_mhz))),
        "lower_bound_cycles": bound,
        "bound": results.get("bound"),
        "period_cycles": period,
        **({"period_lower_bound_cycles": bound} if period else {}),
        **_windows(windows_of(build)),
        **_of_mapping(build),
        "deskew_count": (results.get("deskews") or {"count": len(build.deskews)})["count"],
        **{name: results[name] for name in TOLD if name in results},
    }


def _windows(windows: Windows | None) -> dict[str, int]:
    if windows is None:
        return {}
    return {"in_flight": windows.owned, "free_windows": windows.free, "windows": windows.every}


def _of_mapping(build: Build) -> dict[str, float]:
    """Return the least and the largest share of the SRAM that weights take on a chip that holds any layer."""
    held = mapping(build)
    if not held:
        return {}
    return {"least_filled": min(of.least_filled for of in held), "most_filled": max(of.most_filled for of in held)}
