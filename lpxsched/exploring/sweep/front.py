"""Which points of a sweep no other point beats, and the sweep as lines of text."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lpxsched.exploring.outcome import failure_text
from lpxsched.exploring.sweep.table import OPTION
from lpxsched.report.text_table import table

if TYPE_CHECKING:
    from collections.abc import Sequence

STEP, THROUGHPUT = "step_ns", "tokens_per_s"


def drawn(rows: Sequence[dict[str, Any]]) -> list[int]:
    """Return the rows that have a step."""
    return [number for number, row in enumerate(rows) if row.get(STEP) is not None and row["exit_code"] == 0]


def pareto_front(rows: Sequence[dict[str, Any]]) -> list[int]:
    """Return the rows that no other beats in step and throughput at once, by their step; of equal ones the first."""
    front: list[int] = []
    for number in sorted(drawn(rows), key=lambda number: (rows[number][STEP], -rows[number][THROUGHPUT], number)):
        if not front or rows[number][THROUGHPUT] > rows[front[-1]][THROUGHPUT]:
            front.append(number)
    return front


def point_name(row: dict[str, Any], names: Sequence[str]) -> str:
    """Return what tells a point from others: ``batch 8, clock none``."""
    return ", ".join(f"{name.replace('_', ' ')} {row[OPTION + name]}" for name in names)


def sweep_text(rows: Sequence[dict[str, Any]], names: Sequence[str]) -> str:
    """Return a line a point: what was swept, what a step takes, or why there is none."""
    front = set(pareto_front(rows))
    header = [*(name.replace("_", " ") for name in names), "step", "tokens/s/user", "tokens/s", "chips", "", ""]
    lines = []
    for number, row in enumerate(rows):
        told = ["-"] * 4
        if row.get(STEP) is not None:
            rates = (f"{int(row[key]):,}" for key in ("tokens_per_s_per_user", THROUGHPUT))
            told = [f"{row[STEP] / 1000:,.3f} us", *rates, str(row["chips"])]
        why = failure_text(row["exit_code"], row["cause"] or "")
        lines.append([*(str(row[OPTION + name]) for name in names), *told, "*" if number in front else "", why])
    note = "* no other point has both a shorter step and more tokens/s"
    return "\n".join([table(header, lines, left=len(names), phrases=[len(header) - 1]), "", note])
