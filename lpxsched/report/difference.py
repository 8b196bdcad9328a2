"""Two builds side by side: every figure of both, and what changed."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from lpxsched.assembly.headline import PARTS
from lpxsched.report.critical_path import cycles_by_class
from lpxsched.report.formats import counted
from lpxsched.report.layers import EMBEDDING, HEAD, MTP, head_of, layer_key
from lpxsched.report.limits import cycles_by_cause, path_cells
from lpxsched.report.mapping import mapping
from lpxsched.report.rows import Rows, in_path_order, part_name
from lpxsched.units import cycles_to_ns

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lpxsched.report.critical_path import Parts
    from lpxsched.report.summary import Summary
    from lpxsched.timetable.build import Build

US, SHARE, COUNT = "us", "%", ""
# One of them: a bound is that of the period where there is one.
MAKESPAN_BOUND, PERIOD_BOUND = "makespan_bound_cycles", "period_bound_cycles"
FIGURES = (
    ("tokens/s/user", "tokens_per_s_per_user", COUNT),
    ("tokens/s/user, low", "tokens_per_s_per_user_low", COUNT),
    ("tokens/s of all", "tokens_per_s", COUNT),
    ("step", "step_ns", US),
    ("step, high", "step_high_ns", US),
    ("proved", "proved_ns", US),
    ("proved, worst", "proved_worst_ns", US),
    ("waiting in the worst case", "worst_waiting_ns", US),
    ("assumed", "assumed_ns", US),
    ("assumed, low", "assumed_low_ns", US),
    ("assumed, high", "assumed_high_ns", US),
    ("waiting for the own window", "waiting_ns", US),
    ("restart, in no step", "restart_ns", US),
    ("makespan, cycles", "makespan_cycles", COUNT),
    ("lower bound, cycles", MAKESPAN_BOUND, COUNT),
    ("period, cycles", "period_cycles", COUNT),
    ("lower bound of the period, cycles", PERIOD_BOUND, COUNT),
    ("layers", "layer_count", COUNT),
    ("batch", "batch", COUNT),
    ("in flight", "in_flight", COUNT),
    ("windows", "windows", COUNT),
    ("windows left out", "gap_windows", COUNT),
    ("deskews", "deskew_count", COUNT),
    ("gap to the bound", "gap", COUNT),
    *((f"assumed: {part}", f"assumed {part}", US) for part in PARTS),
    ("SRAM filled, least", "least_filled", SHARE),
    ("SRAM filled, most", "most_filled", SHARE),
)


@dataclass(frozen=True, slots=True)
class Change:
    """One figure of two builds; None where a build has none.

    Attributes
    ----------
    group, name, unit : str
    first, second : float or None
    """

    group: str
    name: str
    unit: str
    first: float | None
    second: float | None

    @property
    def difference(self) -> float | None:
        """How much larger the second is; None where one is missing."""
        return None if self.first is None or self.second is None else self.second - self.first


@dataclass(frozen=True, slots=True)
class Moved:
    """The chips of a layer, or of embedding or head, in two builds; empty where a build has none; see `layer_key`."""

    layer: str
    first: str
    second: str

    @property
    def moves(self) -> bool:
        """Whether both builds have the layer, on different chips."""
        return bool(self.first and self.second) and self.first != self.second


def changes(first: Summary, second: Summary) -> list[Change]:
    """Return every figure of two summaries, in groups: figures, path by cause and by class, utilisation by class."""
    pairs = (first, second)
    found = [
        Change("figures", name, unit, *(_figure(_figures(summary), key, unit) for summary in pairs))
        for name, key, unit in FIGURES
    ]
    cells = [path_cells(summary.layers) for summary in pairs]
    parts = in_path_order(part for of in cells for part, _ in of)
    by_class = _filled([cycles_by_class(summary.layers) for summary in pairs])
    by = {
        "critical path by cause": _filled([cycles_by_cause(of) for of in cells]),
        "critical path by part": [_by_part(of, parts) for of in cells],
        "critical path by link class": [_of_links(*each) for each in zip(pairs, by_class, strict=True)],
    }
    for group, cycles in by.items():
        found += [
            Change(group, name, US, *(_us(summary, of.get(name)) for summary, of in zip(pairs, cycles, strict=True)))
            for name in dict.fromkeys([*cycles[0], *cycles[1]])
        ]
    running, token = ([_shares(summary, whole=whole) for summary in pairs] for whole in (False, True))
    for group, shares in (("busy while running", running), (_over_all(pairs), token)):
        names = dict.fromkeys([*shares[0], *shares[1]])
        found += [Change(group, f"{name} links", SHARE, *(of.get(name) for of in shares)) for name in names]
    return [change for change in found if change.first is not None or change.second is not None]


def moved_layers(first: Build, second: Build) -> list[Moved]:
    """Return the chips of each layer in both builds."""
    places = [_places(build) for build in (first, second)]
    layers = sorted({*places[0], *places[1]}, key=_in_order)
    return [Moved(layer, *(of.get(layer, "") for of in places)) for layer in layers]


def _in_order(layer: str) -> tuple[bool, bool, bool, int, str]:
    return layer.startswith(MTP), layer == HEAD, layer != EMBEDDING, len(layer), layer


def moved_sentence(moved: Sequence[Moved]) -> str:
    """Return how many layers lie on other chips, and how many only one of two builds has."""
    both, noun = [each for each in moved if each.first and each.second], "layer"
    if any(each.layer in (EMBEDDING, HEAD) for each in moved):
        noun = "visit"
    other = sum(each.moves for each in both)
    only = {"A": sum(not each.second for each in moved), "B": sum(not each.first for each in moved)}
    told = [f"{other} of {counted(len(both), noun)} on other chips"] if other else []
    if both and not other:
        told = ["All on the same chips" if len(both) == len(moved) else f"{counted(len(both), noun)} on the same"]
    return "; ".join([*told, *(f"{counted(number, noun)} only in {name}" for name, number in only.items() if number)])


def changes_json(found: list[Change], moved: list[Moved]) -> dict[str, Any]:
    """Return figures and differences by group, and the layers whose chips differ."""
    groups = {
        group: {
            change.name: {"a": change.first, "b": change.second, "difference": change.difference, "unit": change.unit}
            for change in members
        }
        for group, members in by_group(found).items()
    }
    layers = [{"layer": m.layer, "a": m.first, "b": m.second} for m in moved if m.first != m.second]
    return {"differences": groups, "moved_layers": layers}


def change_rows(found: Sequence[Change]) -> Rows:
    """Return a row a figure: in A, in B, how much larger it is in B, and how many times as large."""
    rows = [
        [
            f"{change.name}, {change.unit}" if change.unit else change.name,
            shown(change.first, change.unit),
            shown(change.second, change.unit),
            _difference(change),
            f"{change.second / change.first:.4f}" if change.first and change.second is not None else "-",
        ]
        for change in found
    ]
    return Rows(["", "A", "B", "B - A", "B / A"], rows)


def by_group(found: Sequence[Change]) -> dict[str, list[Change]]:
    """Return figures by group, groups in the order of their first figure."""
    groups: dict[str, list[Change]] = {}
    for change in found:
        groups.setdefault(change.group, []).append(change)
    return groups


def shown(value: float | None, unit: str, *, signed: bool = False) -> str:
    """Return a figure as people read it; a dash where there is none."""
    if value is None:
        return "-"
    decimals = 2 if unit == SHARE else 0 if unit == COUNT and value == int(value) else 3
    # What rounds to zero has no sign.
    text = f"{value:{'+' if signed else ''},.{decimals}f}"
    return text if float(text.replace(",", "")) else text.lstrip("+-")


def _places(build: Build) -> dict[str, str]:
    """Return the chips of each layer, by what it is called."""
    head = head_of(build.manifest.results)
    return {layer_key(layer, head): held.chips for held in mapping(build) for layer in held.layers}


def _difference(change: Change) -> str:
    told = shown(change.difference, change.unit, signed=True)
    return told if change.difference is None or change.unit != SHARE else f"{told} points"


def _over_all(pairs: Sequence[Summary]) -> str:
    """Return what the shares of all time are called: of what, where that differs."""
    times = ["a period" if summary.facts["period_cycles"] else "a token" for summary in pairs]
    return "busy over all" + (f", A of {times[0]}, B of {times[1]}" if times[0] != times[1] else "")


def _by_part(cells: Parts, parts: Sequence[str]) -> dict[str, Fraction]:
    """Return the cycles of each part by its name."""
    return {
        part_name(part): sum((cycles for (of, _), cycles in cells.items() if of == part), Fraction(0)) for part in parts
    }


def _figures(summary: Summary) -> Mapping[str, Any]:
    """Return the facts; without a period nothing of one, of a collective no layers."""
    facts, bound = dict(summary.facts), summary.facts["lower_bound_cycles"]
    if facts["collective"] is not None:
        facts["layer_count"] = None
    facts |= {f"assumed {part}": ends[0] for part, ends in facts.get("assumed_parts_ns", {}).items()}
    if "windows" in facts:
        facts["gap_windows"] = facts["windows"] - facts["free_windows"]
    if facts["period_cycles"]:
        return {**facts, PERIOD_BOUND: bound}
    return {**facts, "period_cycles": None, MAKESPAN_BOUND: bound}


def _figure(figures: Mapping[str, Any], key: str, unit: str) -> float | None:
    value: float | None = figures.get(key)
    if value is None or unit == COUNT:
        return value
    return 100 * value if unit == SHARE else value / 1000


def _filled(found: Sequence[Mapping[str, Fraction]]) -> list[dict[str, Fraction]]:
    """Return the cycles of each build with 0 for what only the other one spends."""
    names = dict.fromkeys(name for of in found for name in of)
    return [{name: of.get(name, Fraction(0)) for name in names} for of in found]


def _of_links(summary: Summary, cycles: Mapping[str, Fraction]) -> dict[str, Fraction]:
    """Return the cycles by class without those classes of which a build has no link."""
    classes = {group.link_class for group in summary.classes.groups}
    return {name: spent for name, spent in cycles.items() if name in classes}


def _us(summary: Summary, cycles: Fraction | None) -> float | None:
    return None if cycles is None else float(cycles_to_ns(cycles, summary.clock_mhz)) / 1000


def _shares(summary: Summary, *, whole: bool) -> Mapping[str, float]:
    share = summary.classes.share if whole else summary.classes.running_share
    return {group.name: 100 * share(row) for row, group in enumerate(summary.classes.groups)}
