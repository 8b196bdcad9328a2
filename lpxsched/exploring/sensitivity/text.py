"""What assumptions are worth as a table, and in one sentence."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from lpxsched.exploring.outcome import failure_text
from lpxsched.exploring.sensitivity.effects import RATE
from lpxsched.report.text_table import filled, table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lpxsched.exploring.sensitivity.effects import Effect, Effects, End

HEADER = ("assumption", "middle", "instead", "step, us", "tokens/s/user", "change", "high, us")
MOST_NAMED = 3


def effects_text(found: Effects) -> str:
    """Return a line a value of each assumption, what moves tokens/s of a user most first."""
    lines = [_line("every number as given", "", "", found.middle)]
    for effect in found.effects:
        if effect.moves:
            lines += [_end_line(effect, end, first=end is effect.ends[0]) for end in effect.ends]
    still = [effect.assumption.name for effect in found.effects if effect.ends and not effect.moves]
    untried = [effect.assumption.name for effect in found.effects if not effect.ends]
    notes = {
        "no step changes with": still,
        "nothing to try, for the range is the value": untried,
        "assumed without a range": found.without_range,
    }
    told = [filled(f"{note}: {', '.join(names)}") for note, names in notes.items() if names]
    told += [filled(text, break_on_hyphens=False) for text in _failures(found)]
    return "\n".join([table(HEADER, lines, phrases=[1, 2]), "", filled(_most(found)), *told])


def shown(value: Any) -> str:
    """Return a value as people write it."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return f"{value:,.10g}"
    return value if isinstance(value, str) else json.dumps(value)


def _most(found: Effects) -> str:
    named = [f"{effect.assumption.name} ({effect.swing:,.0f})" for effect in found.effects if effect.swing > 0]
    if not named:
        return "no assumption moves tokens/s of a user"
    return f"tokens/s of a user move most, from end to end, by {', '.join(named[:MOST_NAMED])}"


def _failures(found: Effects) -> Iterator[str]:
    """Yield why values give no step."""
    for effect in found.effects:
        for end in effect.ends:
            if not end.figures:
                yield f"{effect.assumption.name} at {shown(end.value)}: {failure_text(end.exit_code, end.cause)}"


def _end_line(effect: Effect, end: End, *, first: bool) -> list[str]:
    name, middle = (effect.assumption.name, shown(effect.assumption.value)) if first else ("", "")
    if not end.figures:
        return [name, middle, shown(end.value), *"----"]
    line = _line(name, middle, shown(end.value), end.figures)
    line[5] = f"{end.figures[RATE] / effect.middle[RATE] - 1:+.1%}"
    return line


def _line(name: str, middle: str, value: str, figures: dict[str, float]) -> list[str]:
    step, high = (f"{figures[key] / 1000:,.3f}" for key in ("step_ns", "step_high_ns"))
    return [name, middle, value, step, f"{int(figures[RATE]):,}", "", high]
