"""The figures of one build that are set beside those of another: headline, schedule, loads, reach, formulas."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lpxsched.assembly.headline import PARTS
from lpxsched.report.comparison.change import COUNT, SHARE, US, Change
from lpxsched.report.reach import formulas_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lpxsched.report.summary import Summary

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
    *((f"assumed: {part}", f"assumed {part}", US) for part in PARTS),
    ("waiting for the own window", "waiting_ns", US),
    ("restart, in no step", "restart_ns", US),
    ("makespan, cycles", "makespan_cycles", COUNT),
    # A bound, and the gap to it, are those of the period where there is one.
    ("lower bound of the makespan, cycles", "makespan lower_bound_cycles", COUNT),
    ("gap of the makespan", "makespan gap", COUNT),
    ("period, cycles", "period_cycles", COUNT),
    ("lower bound of the period, cycles", "period lower_bound_cycles", COUNT),
    ("gap of the period", "period gap", COUNT),
    ("layers", "layer_count", COUNT),
    ("batch", "batch", COUNT),
    ("in flight", "in_flight", COUNT),
    ("windows", "windows", COUNT),
    ("windows left out", "gap_windows", COUNT),
    ("deskews", "deskew_count", COUNT),
    ("SRAM filled, least", "least_filled", SHARE),
    ("SRAM filled, most", "most_filled", SHARE),
)


def figure_changes(first: Summary, second: Summary) -> list[Change]:
    """Return figures, loads, reach and published formulas of two builds; None where one has none."""
    pairs = (first, second)
    figures = [_figures(summary) for summary in pairs]
    found = [
        Change("figures", name, unit, *(_in_unit(of.get(key), unit) for of in figures)) for name, key, unit in FIGURES
    ]
    for group, tell in (
        ("loads of a step", _loads),
        ("reach", _reach),
        ("published formulas, a step of all micro-batches", _formulas),
    ):
        told = [tell(summary.facts) for summary in pairs]
        names = {name: unit for of in told for name, (unit, _) in of.items()}
        found += [
            Change(group, name, unit, *(_in_unit(of[name][1], unit) if name in of else None for of in told))
            for name, unit in names.items()
        ]
    return found


def _figures(summary: Summary) -> Mapping[str, Any]:
    """Return the facts; without a period nothing of one, of a collective neither layers nor weights."""
    facts = dict(summary.facts)
    of = "period" if facts["period_cycles"] else "makespan"
    if bound := facts.get("makespan_lower_bound_cycles"):
        facts |= {"makespan lower_bound_cycles": bound, "makespan gap": facts["makespan_cycles"] / bound}
    facts |= {f"{of} {key}": facts.get(key) for key in ("lower_bound_cycles", "gap")}
    facts["period_cycles"] = facts["period_cycles"] or None
    if facts["collective"] is not None:
        facts |= dict.fromkeys(("layer_count", "least_filled", "most_filled"))
    facts |= {f"assumed {part}": ends[0] for part, ends in facts.get("assumed_parts_ns", {}).items()}
    if summary.windows is not None:
        facts["gap_windows"] = summary.windows.every - summary.windows.free
    return facts


def _in_unit(value: float | None, unit: str) -> float | None:
    if value is None or unit == COUNT:
        return value
    return 100 * value if unit == SHARE else value / 1000


def _loads(facts: Mapping[str, Any]) -> dict[str, tuple[str, float | None]]:
    """Return for how long a micro-batch keeps the busiest resource of each kind."""
    return {f"busiest {load['kind']}": (US, load["load_ns"]) for load in facts.get("loads", ())}


def _reach(facts: Mapping[str, Any]) -> dict[str, tuple[str, float | None]]:
    """Return the longest way and the longest context at some rates."""
    found: dict[str, tuple[str, float | None]] = {}
    for target in facts.get("targets", ()):
        rate = f"at {target['tokens_per_s_per_user']:,} tokens/s a user"
        found[f"one way at most, {rate}"] = US, target["one_way_ns"]
        found[f"context at most, {rate}"] = COUNT, target["context"]
    return found


def _formulas(facts: Mapping[str, Any]) -> dict[str, tuple[str, float | None]]:
    return {name: (US, step_ns) for name, step_ns in formulas_of(facts)}
