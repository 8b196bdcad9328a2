"""What ``lpxsched session`` prints."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lpxsched.report.formats import as_time
from lpxsched.report.text_table import filled, table
from lpxsched.sessions.outcome import PARTS, PERCENTILE
from lpxsched.sessions.run import PS_PER_NS
from lpxsched.units import counted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lpxsched.sessions.drawn import Drawn
    from lpxsched.sessions.study import Study

MOST_NAMED = 6


def study_text(study: Study) -> str:
    """Return the session as paragraphs and a table."""
    arbitrated = [_arbitrated(study.drawn)] if study.drawn else []
    notes = (filled(line) for line in _notes(study))
    return "\n\n".join([_head(study), _parts(study), *arbitrated, _chain(study), *notes])


def _head(study: Study) -> str:
    session, steps = study.session, study.steps
    agents = counted(len(set(session.agents)), "agent")
    model = f"{steps.options['model']} on {steps.options['topology']}"
    places = f"{steps.micro_batches} x " * (steps.micro_batches > 1) + counted(steps.batch, "place")
    return f"{session.name}: {counted(len(session.requests), 'request')} of {agents} on {model}, {places}"


def _parts(study: Study) -> str:
    both = (study.nominal, study.worst)
    rows = [("session", *(_time(one.timeline.total_ps) for one in both))]
    rows += [(f"  {name}", *(_time(one.parts_ps[name]) for one in both)) for name in PARTS]
    rows.append(("steps in a row", *(f"{int(one.timeline.steps[list(one.chain)].sum()):,}" for one in both)))
    rows.append(("interactivity", *(f"{one.interactivity:,.0f} tokens/s" for one in both)))
    return table(("", "nominal", "worst"), rows)


def _time(time_ps: int) -> str:
    return as_time(time_ps / PS_PER_NS)


def _arbitrated(drawn: Drawn) -> str:
    options = drawn.options
    rows = [
        ("median", _time(drawn.median_ps)),
        ("P99", _time(drawn.tail_ps)),
        ("every step the mean", _time(drawn.mean.timeline.total_ps)),
        ("every step its P99", _time(drawn.tail.timeline.total_ps)),
    ]
    title = (
        f"With links arbitrated at run time, {counted(len(drawn.session_ps), 'session')} on "
        f"{counted(options.steps, 'step')} ({options.routing}, {options.arbitration}, {options.tokens} tokens, runtime "
        f"{options.runtime}), and what is assumed outside of the fabric as told"
    )
    return f"{filled(title)}\n\n{table(('', 'session'), rows)}"


def _chain(study: Study) -> str:
    names = [study.session.requests[request] for request in study.nominal.chain]
    return filled(f"Critical chain of {counted(len(names), 'request')}: {_shortened(names)}")


def _shortened(names: Sequence[str]) -> str:
    if len(names) <= 2 * MOST_NAMED:
        return ", ".join(names)
    return ", ".join([*names[:MOST_NAMED], "..", *names[-MOST_NAMED:]])


def _notes(study: Study) -> list[str]:
    rate = study.prefill.tokens_per_s
    low, high = rate.range or (rate.value, rate.value)
    held = [
        f"{counted(count, 'request')} by the build of {context:,} rows"
        for context, count in study.held_by.items()
        if count
    ]
    if study.beyond:
        held.append(
            f"{counted(study.beyond, 'request')} by no build: there a step takes the time of the largest build and "
            f"that of caches that grow in proportion, windows too, {float(study.steps.further_ns.value):.3f} ns a row, "
            "which is assumed"
        )
    return [
        f"Contexts held: {'; '.join(held)}.",
        "Decode, fabric, is what the timetable and its worst case prove of each step; GPUs and hand-over are assumed. "
        f"Interactivity is 1 / P{PERCENTILE} of latency over tokens out, latency being prefill, waiting and decode. "
        f"Prefill at {rate.value:,g} tokens/s ({rate.tag}, {low:,g} to {high:,g}). At worst every step is the longest, "
        "emits one token, and prefill is slowest; that holds assumed numbers and is no bound.",
        f"1 us more in each of {counted(study.steps.layers, 'layer')} of each step costs {_time(study.jitter_ps)}.",
    ]
