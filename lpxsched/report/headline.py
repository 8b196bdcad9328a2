"""The headline of a model's build as lines of text, the same for ``compile``, ``report`` and ``simulate``."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Any

from lpxsched.assembly.headline import HEADLINE, PARTS
from lpxsched.report.formats import as_us
from lpxsched.report.manifest import results_of
from lpxsched.units import cycles_to_ns

if TYPE_CHECKING:
    from lpxsched.timetable.build import Build

WIDTH = 84


def headline_facts(build: Build) -> dict[str, Any]:
    """Return the headline's results of a manifest by key, and how much of the proved worst case is waiting.

    Empty for a collective, which has no step.
    """
    results = results_of(build)
    if not all(key in results for key in HEADLINE):
        return {}
    waiting_ns = float(cycles_to_ns(int(build.segments.waiting_cycles.sum()), Fraction(build.manifest.clock_mhz)))
    return {key: results[key] for key in HEADLINE} | {"worst_waiting_ns": waiting_ns}


def headline_lines(build: Build) -> list[tuple[str, str]]:
    """Return name and text of each line of the headline, what is proved first."""
    facts = headline_facts(build)
    if not facts:
        return []
    return [
        (
            "proved",
            f"{as_us(facts['proved_ns'])} a step on perfect clocks; at worst {as_us(facts['proved_worst_ns'])}, "
            f"of it waiting {as_us(facts['worst_waiting_ns'])}",
        ),
        ("", "beyond perfect clocks: waiting, slow clocks, residuals, arrivals at hosts"),
        *assumed_lines(build),
        ("step", f"{as_us(facts['step_ns'])}, {_parts(build)}; high {as_us(facts['step_high_ns'])}"),
        (
            "tokens/s",
            # Rounded down: a floor must not be overstated.
            f"{int(facts['tokens_per_s_per_user']):,} a user, low {int(facts['tokens_per_s_per_user_low']):,}; "
            f"{int(facts['tokens_per_s']):,} of all",
        ),
        *_restart(build),
    ]


def _parts(build: Build) -> str:
    """Return what a step is made of: in flight also of what is waited for the own window."""
    waiting_ns = build.manifest.results.get("waiting_ns")
    if waiting_ns is None:
        return "proved and assumed together"
    return f"proved, assumed and {as_us(waiting_ns)} until the own window"


def _restart(build: Build) -> list[tuple[str, str]]:
    results = build.manifest.results
    text = "after an uncorrectable error of a link, or for another program; in no step"
    return [("restart", f"{as_us(results['restart_ns'])} {text}")] if "restart_ns" in results else []


def assumed_lines(build: Build) -> list[tuple[str, str]]:
    """Return the lines of what comes on top of the proved part, and of what nothing contains."""
    facts = headline_facts(build)
    if not facts:
        return []
    value, low, high = (as_us(facts[key]) for key in ("assumed_ns", "assumed_low_ns", "assumed_high_ns"))
    parts = build.manifest.results.get("assumed_parts_ns", {})
    each = ", ".join(f"{name} {as_us(parts[name][0])}" for name in PARTS if name in parts)
    if build.manifest.options.get("attention") == "lpu":
        each = "no GPU and no hand-over: all layers, embedding and head are on the chips"
    lines = _wrapped(facts["not_modelled"])
    names = ["not modelled", *[""] * (len(lines) - 1)]
    return [
        ("assumed", f"{value} a step, low {low}, high {high}"),
        *([("", each)] if each else []),
        *zip(names, lines, strict=True),
    ]


def _wrapped(parts: list[str]) -> list[str]:
    """Return texts with commas between them in lines of at most `WIDTH` characters, never cut inside one."""
    lines = [""]
    for number, part in enumerate(parts, start=1):
        text = part + ("," if number < len(parts) else "")
        if lines[-1] and len(lines[-1]) + 1 + len(text) > WIDTH:
            lines.append(text)
        else:
            lines[-1] = f"{lines[-1]} {text}".lstrip()
    return lines
