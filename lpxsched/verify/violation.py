"""One broken rule, with the rows that break it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from fractions import Fraction

    from lpxsched.timetable.build import Build
    from lpxsched.timetable.columns import Table


GRAPH_FILE = "graph.json"
MANIFEST_FILE = "manifest.json"


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a file of the build folder, counted from 0."""

    file: str
    row: int


@dataclass(frozen=True, slots=True)
class Violation:
    """A rule that does not hold.

    Attributes
    ----------
    rule : str
        ``R1`` .. ``R10``, or ``content``.
    message : str
        What is wrong, in one line with its numbers.
    rows : tuple of Row
        The rows concerned; empty when it is the folder as a whole.
    lacks_room : bool
        The timetable may be sound otherwise: there is more than an SRAM or a deskew buffer holds.
    """

    rule: str
    message: str
    rows: tuple[Row, ...] = ()
    lacks_room: bool = False

    def as_json(self) -> dict[str, Any]:
        """Return the violation as a JSON object."""
        return {
            "rule": self.rule,
            "message": self.message,
            "rows": [{"file": row.file, "row": row.row} for row in self.rows],
        }


def told_wrong(rule: str, problem: str) -> Violation:
    """Return a violation of the manifest."""
    return Violation(rule, f"{MANIFEST_FILE}: {problem}")


def in_order(found: list[tuple[int, Violation]]) -> list[Violation]:
    """Return violations in the order of the rows that they were found at."""
    return [violation for _, violation in sorted(found, key=lambda one: one[0])]


def named(build: Build, node: int) -> str:
    """Return what a message calls a node: chips and hosts are counted each from 0."""
    hosts_before = int(np.count_nonzero(build.chips.host[:node]))
    return f"host {hosts_before}" if build.chips.host[node] else f"chip {node - hosts_before}"


def named_link(build: Build, link: int) -> str:
    """Return what a message calls the ends of a link."""
    return f"{named(build, int(build.links.src[link]))} -> {named(build, int(build.links.dst[link]))}"


def cycles_text(time: Fraction) -> str:
    """Return a time for a message: whole cycles as they are, others with their fraction."""
    whole, rest = divmod(time.numerator, time.denominator)
    return f"{whole} {rest}/{time.denominator}" if rest else str(whole)


def rows_of(table: Table | type[Table], *indices: int) -> tuple[Row, ...]:
    """Return rows of one table."""
    return tuple(Row(table.file, int(index)) for index in indices)
