"""What ``lpxsched contend`` prints: tails beside the timetable, and what they are made of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lpxsched.report.formats import as_us
from lpxsched.report.headline import assumed_lines
from lpxsched.report.text_table import filled, table
from lpxsched.units import counted

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lpxsched.contention.summary import Contention
    from lpxsched.timetable.build import Build

TAILS = {"p50_ns": "arbitrated, p50", "p99_ns": "p99", "p999_ns": "p99.9", "largest_ns": "largest"}


def contention_text(build: Build, found: Contention) -> str:
    """Return the figures as text."""
    facts = found.as_json()
    paragraphs = [
        _title(build, facts),
        _times(build, facts),
        *_rounds(facts),
        _parts(facts),
        filled(_assumed(found, facts)),
        *_outside(build, facts),
    ]
    return "\n\n".join(paragraphs)


def build_name(build: Build) -> str:
    """Return what a build is, as far as its options say so."""
    options = build.manifest.options
    names = (options.get("kind", options.get("model")), options.get("topology"))
    name = " on ".join(str(told) for told in names if told is not None) or "build"
    return f"{name}, batch {options['batch']}" if "batch" in options else name


def worst_name(facts: Mapping[str, Any]) -> str:
    """Return what segments one after the other take at worst is called: in flight windows come on top of it."""
    return "segments worst" if facts.get("in_flight", 1) > 1 else "proved worst"


def _title(build: Build, facts: dict[str, Any]) -> str:
    chosen = f"routing {facts['routing']}, arbitration {facts['arbitration']}, tokens {facts['tokens']}"
    told = f"{build_name(build)}: {counted(facts['steps'], 'step')}, {chosen}, runtime {facts['runtime']}"
    return filled(told, break_on_hyphens=False)


def _times(build: Build, facts: dict[str, Any]) -> str:
    segments, intervals = build.graph.segments, facts["intervals"]
    # One segment is the step.
    parts = ["a layer" if all(len(one.layers) == 1 for one in segments) else "a segment"] * (len(segments) > 1)

    def row(key: str, name: str) -> list[str]:
        step, of_part = facts[key], facts["segment"][key]
        between = [_between(intervals.get(key))] if intervals else []
        return [name, as_us(step), *between, f"{step / facts['nominal_ns']:.2f}", *([as_us(of_part)] if parts else [])]

    own = {"nominal_ns": "timetable, nominal", "segments_worst_ns": worst_name(facts)}
    rows = [row(key, name) for key, name in (own | TAILS).items()]
    between = ["with 95 % from .. to"] if intervals else []
    return table(["within the fabric", "a step", *between, "over nominal", *parts], rows)


def _between(ends: list[float | None] | None) -> str:
    """Return an interval in us, `?` for what too few steps do not say; nothing of the timetable and of the largest."""
    return "" if ends is None else " .. ".join("?" if end is None else f"{end / 1000:,.3f}" for end in ends)


def _rounds(facts: dict[str, Any]) -> list[str]:
    """Return what whole steps of micro-batches in flight take, GPUs and hand-over included."""
    if "round" not in facts:
        return []
    told = [f"{name} {as_us(facts['round'][key])}" for key, name in TAILS.items()]
    timetable = (
        f"timetable {as_us(facts['step_ns'])}, every window its own {as_us(facts['longest_step_ns'])}; "
        f"proved worst within the fabric, windows that are waited for included, {as_us(facts['proved_worst_ns'])}"
    )
    beside = f"a whole step of one of {facts['in_flight']} micro-batches in flight, what is assumed outside included"
    return [filled(f"{beside}: {', '.join(told)}; {timetable}")]


def _parts(facts: dict[str, Any]) -> str:
    rows = [
        [name, *(f"{as_us(facts[key][name])} {_share(facts[key], name):>5}" for key in ("parts", "parts_p99"))]
        for name in facts["parts"]
    ]
    return table(["of an arbitrated step", "mean", "slowest 1 %"], rows)


def _share(parts: dict[str, float], name: str) -> str:
    return f"{parts[name] / sum(parts.values()):.0%}"


def _assumed(found: Contention, facts: dict[str, Any]) -> str:
    """Return what of software and packets is assumed, and what its ranges make of a step."""
    file = found.runtime
    start, ends = file.start_up_ns, facts["ends"]
    told = [
        f"start-up {start.value:,g} ns a call ({start.tag}, p99 {file.start_up_p99_ratio.value:g} times that)",
        f"packets of {counted(file.packet_vectors.value, 'vector')} with {file.header_bytes.value} bytes of header",
    ]
    low, high = (f"p50 {as_us(ends[end]['p50_ns'])}, p99 {as_us(ends[end]['p99_ns'])}" for end in ("low", "high"))
    return f"{', '.join(told)}; with start-up and header at the better ends of their ranges {low}, at the worse {high}"


def _outside(build: Build, facts: dict[str, Any]) -> list[str]:
    """Return what comes on top of either, and what neither holds."""
    lines = [f"{name:<14}{text}" for name, text in assumed_lines(build)]
    own = len(facts["not_modelled"]) - len(build.manifest.results.get("not_modelled", []))
    lines.append(filled(f"not modelled in the arbitrated machine: {', '.join(facts['not_modelled'][:own])}"))
    return ["\n".join(lines)]
