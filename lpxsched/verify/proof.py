"""The proof that comes before a timetable is told: what lacks room is nothing found, any other broken rule a fault."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lpxsched.errors import NothingFoundError
from lpxsched.verify.check import check

if TYPE_CHECKING:
    from lpxsched.timetable.build import Build
    from lpxsched.verify.violation import Violation


def broken_rules(build: Build, *, remedy: str) -> tuple[Violation, ...]:
    """Return the violations of a build.

    Raises
    ------
    NothingFoundError
        When all that is wrong is that some SRAM or deskew buffer would have to hold more; `remedy` may mend that.
    """
    violations = check(build).violations
    if violations and all(violation.lacks_room for violation in violations):
        raise NothingFoundError(violations[0].message, remedy=remedy)
    return violations
