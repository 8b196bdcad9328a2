"""One figure of two builds, and how people read it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from lpxsched.report.rows import Rows

if TYPE_CHECKING:
    from collections.abc import Sequence

US, SHARE, COUNT = "us", "%", ""


@dataclass(frozen=True, slots=True)
class Change:
    """One figure of two builds; None where a build has none.

    Attributes
    ----------
    group, name, unit : str
    first, second : float or None
    alike : bool
        Whether both are of one kind, so that a difference means something.
    """

    group: str
    name: str
    unit: str
    first: float | None
    second: float | None
    alike: bool = field(default=True, kw_only=True)

    @property
    def difference(self) -> float | None:
        """How much larger the second is; None where one is missing or of another kind."""
        if self.first is None or self.second is None or not self.alike:
            return None
        return self.second - self.first

    @property
    def ratio(self) -> float | None:
        """How many times as large the second is; None where there is no difference, and of nothing."""
        return self.second / self.first if self.difference is not None and self.first and self.second else None


def by_group(found: Sequence[Change]) -> dict[str, list[Change]]:
    """Return figures by group, groups in the order of their first figure."""
    groups: dict[str, list[Change]] = {}
    for change in found:
        groups.setdefault(change.group, []).append(change)
    return groups


def change_rows(found: Sequence[Change]) -> Rows:
    """Return a row a figure: in A, in B, how much larger it is in B, and how many times as large."""
    rows = [
        [
            f"{change.name}, {change.unit}" if change.unit else change.name,
            shown(change.first, change.unit),
            shown(change.second, change.unit),
            _difference(change),
            "-" if change.ratio is None else f"{change.ratio:.4f}",
        ]
        for change in found
    ]
    return Rows(["", "A", "B", "B - A", "B / A"], rows)


def shown(value: float | None, unit: str, *, signed: bool = False) -> str:
    """Return a figure as people read it; a dash where there is none."""
    if value is None:
        return "-"
    decimals = 2 if unit == SHARE else 0 if unit == COUNT and value == int(value) else 3
    # What rounds to zero has no sign.
    text = f"{value:{'+' if signed else ''},.{decimals}f}"
    return text if float(text.replace(",", "")) else text.lstrip("+-")


def _difference(change: Change) -> str:
    told = shown(change.difference, change.unit, signed=True)
    return told if change.difference is None or change.unit != SHARE else f"{told} points"
