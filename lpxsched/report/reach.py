"""What limits the rate of a build, and how far its assumptions may go for some rates, as lines of text."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lpxsched.program.outside.targets import FORMULAS
from lpxsched.report.formats import as_us
from lpxsched.report.manifest import results_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lpxsched.timetable.build import Build


def reach_lines(build: Build) -> list[tuple[str, str]]:
    """Return name and text of each line; none of a build that does not tell of it."""
    results = results_of(build)
    return [*_loads(results), *_targets(results), *_formulas(results)]


def formulas_of(results: Mapping[str, Any]) -> list[tuple[str, float | None]]:
    """Return name and time of the published formulas, always in one order: a manifest sorts its keys."""
    told = results.get("published_formulas_ns", {})
    return [(name, told[name]) for name in FORMULAS if name in told]


def _loads(results: dict[str, Any]) -> list[tuple[str, str]]:
    """Return for how long a micro-batch keeps the busiest resource of each kind in a step, the largest first."""
    told = [f"{as_us(load['load_ns'])} {load['resource']}" for load in results.get("loads", ())]
    return [("loads" if not number else "", text) for number, text in enumerate(told)]


def _targets(results: dict[str, Any]) -> list[tuple[str, str]]:
    """Return what a typical step leaves to the way and to the context at some rates, each by itself."""
    lines = []
    for number, target in enumerate(results.get("targets", ())):
        way, context = target["one_way_ns"], target["context"]
        found = [f"{as_us(way)} one way"] if way is not None else []
        found += [f"a context of {context:,}"] if context is not None else []
        most = f"{' or '.join(found)} at most" if found else "with no way and no context"
        lines.append(("reach" if not number else "", f"{target['tokens_per_s_per_user']:,} tokens/s a user: {most}"))
    return lines


def _formulas(results: dict[str, Any]) -> list[tuple[str, str]]:
    """Return the published formulas of one pool of chips without any wait, of a step of all micro-batches."""
    known = [f"{name} {as_us(step_ns)}" for name, step_ns in formulas_of(results) if step_ns is not None]
    first = ("formulas", "published, of one pool for all layers without waits, a step of all micro-batches:")
    return [first, ("", ", ".join(known))] if known else []
