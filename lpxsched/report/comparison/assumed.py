"""What two builds assume, side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from lpxsched.report.assumptions import assumptions
from lpxsched.report.rows import Rows
from lpxsched.units import counted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lpxsched.report.assumptions import Assumption
    from lpxsched.timetable.build import Build


class Assumed(NamedTuple):
    """One assumed value of two builds; None where it does not enter one."""

    name: str
    first: Assumption | None
    second: Assumption | None

    @property
    def differs(self) -> bool:
        """Whether value or range differ, or only one build has it."""
        return _told(self.first) != _told(self.second)


def assumed_of_both(first: Build, second: Build) -> list[Assumed]:
    """Return every value that any of two builds assumes, by name."""
    of = [{each.name: each for each in assumptions(build)} for build in (first, second)]
    return [Assumed(name, of[0].get(name), of[1].get(name)) for name in sorted({*of[0], *of[1]})]


def assumed_sentence(found: Sequence[Assumed]) -> str:
    """Return how many assumed values differ."""
    differ = sum(each.differs for each in found)
    if not found:
        return "nothing in both"
    return f"{differ} of {counted(len(found), 'assumed value')} differ" if differ else "all the same in both"


def assumed_rows(found: Sequence[Assumed]) -> Rows:
    """Return value and range of each assumption in both builds."""
    return Rows(["value", "A", "B"], [[each.name, _told(each.first), _told(each.second)] for each in found])


def _told(assumption: Assumption | None) -> str:
    """Return the value with its range, a dash where it does not enter."""
    return "-" if assumption is None else f"{assumption.taken} ({assumption.ends})"
