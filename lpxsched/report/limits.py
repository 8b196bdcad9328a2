"""What limits a step, in one sentence: where most of its time goes, and what a better schedule could win."""

from __future__ import annotations

from collections import defaultdict
from fractions import Fraction
from typing import TYPE_CHECKING, Any

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
from lpxsched.report.formats import as_us, percent
from lpxsched.units import counted, cycles_to_ns, exact

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from lpxsched.report.critical_path import LayerTime, Parts
    from lpxsched.report.frames import Windows
    from lpxsched.report.summary import Summary

# What a person can do something about, each with the parts of a critical path that belong to it.
CAUSES = {
    "wire latency": (LATENCY,),
    "link bandwidth": (SERIALISATION, LINK_BUSY),
    "clock uncertainty": (GUARD, DESKEW),
    "turnaround in relays": (TURNAROUND,),
    "waiting for functional units": (UNIT_BUSY,),
    "unforced waiting": (UNFORCED,),
    "rounding to whole cycles": (ROUNDING,),
}
OPERATORS = "compute"


def path_cells(layers: Iterable[LayerTime]) -> Parts:
    """Return the cycles of the critical paths along one token by part and link class; see `LayerTime`."""
    cells: Parts = defaultdict(Fraction)
    for time in layers:
        for key, cycles in time.cells.items():
            cells[key] += len(time.segments) * cycles
    return dict(cells)


def cause_of(part: str) -> str:
    """Return the cause to which a part of a critical path belongs."""
    if part.startswith(COMPUTE):
        return OPERATORS
    return next(cause for cause, parts in CAUSES.items() if part in parts)


def cycles_by_cause(cells: Mapping[tuple[str, str], Fraction]) -> dict[str, Fraction]:
    """Return the cycles of each cause, the largest first."""
    sums: dict[str, Fraction] = defaultdict(Fraction)
    for (part, _), cycles in cells.items():
        sums[cause_of(part)] += cycles
    return dict(sorted(sums.items(), key=lambda item: (-item[1], item[0])))


def limiting_sentence(summary: Summary) -> str:
    """Return what limits the step, or the collective; nothing that is assumed is called proved."""
    facts = summary.facts
    if not facts["period_cycles"]:
        return _of_step(summary) + _room(facts, "makespan")
    step = f"{_of_step(summary)} " if "step_ns" in facts else ""
    return f"{step}{_of_rate(facts, summary.windows)}{_busiest(summary)}{_room(facts, 'period')}"


def _of_rate(facts: Mapping[str, Any], windows: Windows | None) -> str:
    """Return what limits how often it repeats: the period only where every window is owned that may be."""
    period = f"period of {counted(facts['period_cycles'], 'cycle')}"
    if facts["collective"]:
        return f"The {period} limits it."
    if windows is not None and windows.owned < windows.free:
        owned = f"{windows.owned:,} of {counted(windows.free, 'window')} {'is' if windows.owned == 1 else 'are'} owned"
        told = f"{owned}, so the step and the number in flight"
        return f"{told} limit tokens/s of all; with all owned the {period} would."
    return f"The {period} limits tokens/s of all."


def _of_step(summary: Summary) -> str:
    facts = summary.facts
    causes = list(cycles_by_cause(path_cells(summary.layers)).items())
    if not causes:
        return "Nothing limits it: it takes no time."
    whole_ns = cycles_to_ns(int(facts["makespan_cycles"]), summary.clock_mhz)
    (first, cycles), *others = causes
    limit = f"{first.capitalize()} limits"
    second = f", then {others[0][0]} with {_told(summary, *others[0], whole_ns)}" if others else ""
    told = f"{_told(summary, first, cycles, whole_ns)} of its {as_us(whole_ns)}"
    if "step_ns" not in facts:
        whole = "step" if facts["collective"] is None else "collective"
        return f"{limit} the {whole}: {told}{second}."
    assumed, step = exact(facts["assumed_ns"]), exact(facts["step_ns"])
    if assumed > cycles_to_ns(cycles, summary.clock_mhz):
        share = percent(assumed / step, 1)
        outside = f"What is assumed limits the step, hand-over and GPU: {as_us(assumed)} of {as_us(step)} ({share})."
        proved = f"Of the {as_us(whole_ns)} proved, {first} takes {_told(summary, first, cycles, whole_ns)}{second}."
        return f"{outside} {proved}"
    return f"{limit} the step: {told} proved{second}."


def _busiest(summary: Summary) -> str:
    """Return which link or unit of a chip is held for most of a period."""
    held = [(float(summary.links[0].share), "link is held")] if summary.links else []
    held += [
        (float(share), f"unit, {unit} on {alike.one.name}, runs")
        for alike in summary.chips_alike
        for unit, share in alike.one.unit_shares.items()
    ]
    share, what = max(held, key=lambda one: one[0], default=(0.0, ""))
    return f" Its busiest {what} for {percent(share, 1)} of it{_of_all_time(summary, share)}." if share else ""


def _of_all_time(summary: Summary, share: float) -> str:
    """Return the share over all windows of a step, which is then as long as it may be."""
    if summary.windows is None:
        return ""
    return f" while a window is owned, {percent(share * summary.windows.owned_share)} of the longest step"


def _told(summary: Summary, cause: str, cycles: Fraction, whole_ns: Fraction) -> str:
    classes: dict[str, Fraction] = defaultdict(Fraction)
    for (part, name), spent in path_cells(summary.layers).items():
        if cause_of(part) == cause and name and part in OF_HOPS:
            classes[name] += spent
    most = max(classes.values(), default=Fraction(0))
    longest = " and ".join(sorted(name for name, spent in classes.items() if spent == most))
    where = f", most on {longest} links" if len(classes) > 1 else ""
    time_ns = cycles_to_ns(cycles, summary.clock_mhz)
    return f"{as_us(time_ns)} ({percent(time_ns / whole_ns if whole_ns else 0, 1)}{where})"


def _room(facts: Mapping[str, object], whole: str) -> str:
    """Return what another schedule of the same groups could win at most of the makespan or the period."""
    cycles, bound = facts[f"{whole}_cycles"], facts["lower_bound_cycles"]
    if not isinstance(cycles, int) or not isinstance(bound, int) or not 0 < bound <= cycles:
        return ""
    won = "nothing" if bound == cycles else f"at most {percent((cycles - bound) / cycles, 1)} of the {whole}"
    return f" Another schedule of the same groups could win {won}."
