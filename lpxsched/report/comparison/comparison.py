"""All that is told of two builds side by side, as one value."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lpxsched.report.comparison.assumed import assumed_of_both
from lpxsched.report.comparison.change import by_group
from lpxsched.report.comparison.changes import changes
from lpxsched.report.comparison.moved import moved_layers
from lpxsched.report.slack import slack_by_class
from lpxsched.report.summary import summarise
from lpxsched.report.summary_json import summary_json
from lpxsched.report.titles import windows_owned

if TYPE_CHECKING:
    from lpxsched.report.comparison.assumed import Assumed
    from lpxsched.report.comparison.change import Change
    from lpxsched.report.comparison.moved import Moved
    from lpxsched.report.summary import Summary
    from lpxsched.timetable.build import Build

LETTERS = "AB"


@dataclass(frozen=True, slots=True, eq=False)
class Comparison:
    """Two builds, A and B.

    Attributes
    ----------
    summaries : (Summary, Summary)
    changes : list of Change
    moved : list of Moved
    assumed : list of Assumed
    """

    summaries: tuple[Summary, Summary]
    changes: list[Change]
    moved: list[Moved]
    assumed: list[Assumed]

    @property
    def shares(self) -> list[str]:
        """What shares of each build that is in flight are of, as a sentence each."""
        return [
            f"Shares of {letter} are of {windows_owned(summary.windows)}."
            for letter, summary in zip(LETTERS, self.summaries, strict=True)
            if summary.windows is not None
        ]


def compare(first: Build, second: Build) -> Comparison:
    """Return two builds side by side.

    Raises
    ------
    InputError
        When a timetable breaks causality.
    """
    summaries = summarise(first), summarise(second)
    return Comparison(
        summaries=summaries,
        changes=changes(summaries, (slack_by_class(first), slack_by_class(second))),
        moved=moved_layers(first, second),
        assumed=assumed_of_both(first, second),
    )


def comparison_json(told: Comparison) -> dict[str, Any]:
    """Return both builds, figures and differences by group, layers whose chips differ, assumptions that differ."""
    groups = {
        group: {
            change.name: {"a": change.first, "b": change.second, "difference": change.difference, "unit": change.unit}
            for change in members
        }
        for group, members in by_group(told.changes).items()
    }
    first, second = told.summaries
    return {
        "a": summary_json(first),
        "b": summary_json(second),
        "differences": groups,
        "moved_layers": [
            {"layer": each.layer, "a": each.first, "b": each.second} for each in told.moved if each.first != each.second
        ],
        "other_assumptions": [
            {"name": each.name, "a": each.first and each.first.taken, "b": each.second and each.second.taken}
            for each in told.assumed
            if each.differs
        ],
    }
