"""What changed from one build to another, in groups: figures, layers, critical path, links, slack."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, NamedTuple

from lpxsched.report.comparison.change import COUNT, SHARE, US, Change
from lpxsched.report.comparison.figures import figure_changes
from lpxsched.report.critical_path import cycles_by_class
from lpxsched.report.formats import links_of
from lpxsched.report.layers import in_model_order, keys_ranged, layer_key
from lpxsched.report.limits import cycles_by_cause, path_cells
from lpxsched.report.rows import in_path_order, part_name

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lpxsched.report.critical_path import Parts
    from lpxsched.report.slack import Slack
    from lpxsched.report.summary import Summary


class Ends(NamedTuple):
    """Makespan and lower bound of a layer in microseconds; None where they are not known."""

    makespan: float | None
    bound: float | None


def changes(
    summaries: tuple[Summary, Summary], slacks: tuple[Sequence[Slack] | str, Sequence[Slack] | str]
) -> list[Change]:
    """Return every figure of two builds that any of them has.

    Parameters
    ----------
    summaries : (Summary, Summary)
    slacks : pair
        From `slack_by_class`.
    """
    found = [
        *figure_changes(*summaries),
        *_layers(summaries),
        *_path(summaries),
        *_links(summaries),
        *_slack([() if isinstance(of, str) else of for of in slacks]),
    ]
    return [change for change in found if change.first is not None or change.second is not None]


def _layers(summaries: Sequence[Summary]) -> list[Change]:
    """Return makespan and lower bound of layers; those that are equal in both builds once."""
    if any(summary.facts["collective"] is not None for summary in summaries):
        return []
    told = [_layer_us(summary) for summary in summaries]
    alike: dict[tuple[Ends, ...], list[str]] = {}
    for layer in in_model_order({*told[0], *told[1]}):
        alike.setdefault(tuple(of.get(layer, Ends(None, None)) for of in told), []).append(layer)
    return [
        Change("layers by kind", f"{keys_ranged(layers)}: {what}", US, first[place], second[place])
        for (first, second), layers in alike.items()
        for place, what in enumerate(("makespan", "lower bound"))
    ]


def _layer_us(summary: Summary) -> dict[str, Ends]:
    """Return the times of each layer by its key, where its segment holds no other; what repeats bounds its period."""
    if summary.visits:
        cycles = {
            layer: (v["makespan_cycles"], v["lower_bound_cycles"]) for v in summary.visits for layer in v["layers"]
        }
    else:
        single = [time for time in summary.layers if len(time.layers) == len(time.segments)]
        cycles = {layer: (time.makespan_cycles, time.lower_bound_cycles) for time in single for layer in time.layers}
    bounded = not summary.facts["period_cycles"]
    return {
        layer_key(layer, summary.head): Ends(summary.us(makespan), summary.us(bound) if bounded else None)
        for layer, (makespan, bound) in cycles.items()
    }


def _path(summaries: Sequence[Summary]) -> list[Change]:
    """Return the critical path by cause, part and link class."""
    cells = [path_cells(summary.layers) for summary in summaries]
    parts = in_path_order(part for of in cells for part, _ in of)
    by_class = _filled([cycles_by_class(summary.layers) for summary in summaries])
    by = {
        "critical path by cause": _filled([cycles_by_cause(of) for of in cells]),
        "critical path by part": [_by_part(of, parts) for of in cells],
        "critical path by link class": [_of_links(*each) for each in zip(summaries, by_class, strict=True)],
    }
    return [
        Change(
            group,
            name,
            US,
            *(summary.us(of[name]) if name in of else None for summary, of in zip(summaries, cycles, strict=True)),
        )
        for group, cycles in by.items()
        for name in dict.fromkeys([*cycles[0], *cycles[1]])
    ]


def _links(summaries: Sequence[Summary]) -> list[Change]:
    """Return how busy links of each class are, and what is busiest; what is of other times has no difference."""
    times = [summary.time_of_shares for summary in summaries]
    alike = times[0] == times[1]
    kinds = "" if alike else f", A of {times[0]}, B of {times[1]}"
    groups = {
        f"busy while running{kinds}": [_shares(summary, whole=False) | _busiest(summary) for summary in summaries],
        f"busy over all{kinds}": [_shares(summary, whole=True) for summary in summaries],
        f"peak of those that run, in {summaries[0].classes.bins} bins{kinds}": [_peaks(of) for of in summaries],
    }
    found = [*_counts(summaries), *_share_changes(groups, alike=alike)]
    longest = [
        {name: share * summary.windows.owned_share for name, share in _shares(summary, whole=True).items()}
        if summary.windows
        else {}
        for summary in summaries
    ]
    return found + _share_changes({"busy over the longest step": longest}, alike=True)


def _counts(summaries: Sequence[Summary]) -> list[Change]:
    """Return how many links of each class are in service and used, and how many vectors cross them."""
    told: list[dict[str, float]] = []
    for summary in summaries:
        groups = summary.classes.groups
        counts = ((links_of(of.name), (of.links, of.used_links, of.vectors)) for of in groups)
        names = ("{}", "{} used", "vectors over {}")
        told.append({name.format(of): count for of, each in counts for name, count in zip(names, each, strict=True)})
    return [
        Change("links and their vectors", name, COUNT, *(of.get(name) for of in told))
        for name in dict.fromkeys([*told[0], *told[1]])
    ]


def _share_changes(groups: Mapping[str, Sequence[Mapping[str, float]]], *, alike: bool) -> list[Change]:
    return [
        Change(group, name, SHARE, *(of.get(name) for of in shares), alike=alike)
        for group, shares in groups.items()
        for name in dict.fromkeys([*shares[0], *shares[1]])
    ]


def _slack(slacks: Sequence[Sequence[Slack]]) -> list[Change]:
    """Return the least and the median slack of the slots of each class."""
    group, found = "slack against the clock", []
    told = [{of.link_class: of.cycles for of in slack} for slack in slacks]
    for name in dict.fromkeys([*told[0], *told[1]]):
        cycles = [of.get(name) for of in told]
        least = [None if of is None else float(of[0]) for of in cycles]
        median = [None if of is None else float(of[len(of) // 2]) for of in cycles]
        found.append(Change(group, f"{links_of(name)}, least, cycles", COUNT, *least))
        found.append(Change(group, f"{links_of(name)}, median, cycles", COUNT, *median))
    return found


def _by_part(cells: Parts, parts: Sequence[str]) -> dict[str, Fraction]:
    """Return the cycles of each part by its name."""
    return {
        part_name(part): sum((cycles for (of, _), cycles in cells.items() if of == part), Fraction(0)) for part in parts
    }


def _filled(found: Sequence[Mapping[str, Fraction]]) -> list[dict[str, Fraction]]:
    """Return the cycles of each build with 0 for what only the other one spends."""
    names = dict.fromkeys(name for of in found for name in of)
    return [{name: of.get(name, Fraction(0)) for name in names} for of in found]


def _of_links(summary: Summary, cycles: Mapping[str, Fraction]) -> dict[str, Fraction]:
    """Return the cycles by class without those classes of which a build has no link."""
    classes = {group.link_class for group in summary.classes.groups}
    return {name: spent for name, spent in cycles.items() if name in classes}


def _shares(summary: Summary, *, whole: bool) -> dict[str, float]:
    share = summary.classes.share if whole else summary.classes.running_share
    return {links_of(group.name): 100 * share(row) for row, group in enumerate(summary.classes.groups)}


def _peaks(summary: Summary) -> dict[str, float]:
    peaks = {group.name: summary.classes.peak_bin(row) for row, group in enumerate(summary.classes.groups)}
    return {links_of(name): 100 * peak[0] for name, peak in peaks.items() if peak}


def _busiest(summary: Summary) -> dict[str, float]:
    """Return the share of the busiest link, and that of the busiest functional unit."""
    found = {"busiest link": 100 * summary.links[0].share} if summary.links else {}
    units = [share for chip in summary.chips_by_unit[:1] for share in chip.unit_shares.values()]
    return found | ({"busiest unit": 100 * max(units)} if units else {})
