"""One compile as data: what it tells, or why there is nothing to tell."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lpxsched.errors import ExitCode, InputError, LpxschedError
from lpxsched.options import CompileOptions, checked_options

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lpxsched.timetable.build import Build

# Of a cause, which goes on below in tables: long enough for its remedy.
MOST_CAUSE = 200
REMEDY = "try a smaller --batch, or a --partition with more chips a layer"


@dataclass(frozen=True, slots=True)
class CompileOutcome:
    """What came of a compile.

    Attributes
    ----------
    exit_code : int
        What ``lpxsched compile`` would exit with.
    place, cause : str
        Where it failed, for bad input, and why; empty where it did not.
    told : dict
        All that ``lpxsched compile --json`` tells of the build; of a failure its status alone. Holds only what JSON
        can hold.
    """

    exit_code: int
    place: str
    cause: str
    told: dict[str, Any]


def proved_outcome(choices: Mapping[str, Any], command: str) -> CompileOutcome:
    """Return what comes of a compile with some choices of a user, and of the proof of its timetable.

    Parameters
    ----------
    choices : dict
        Options of a compile by field.
    command : str
        The command that faults of the choices are told of.
    """
    from lpxsched.pipeline import compile_timetable

    try:
        return proved(compile_timetable(checked_options(CompileOptions, command, dict(choices))))
    except LpxschedError as error:
        return failed(error)


def proved(build: Build) -> CompileOutcome:
    """Return the outcome of a build after its proof.

    Raises
    ------
    NothingFoundError
        When some memory would have to hold more.
    """
    from lpxsched.verify.proof import broken_rules

    broken = broken_rules(build, remedy=REMEDY)
    told = build.manifest.results | {"content_sha256": build.manifest.content_sha256, "verified": not broken}
    # As it is when it is read again.
    plain = json.loads(json.dumps(told, allow_nan=False))
    if not broken:
        return CompileOutcome(ExitCode.DONE, "", "", plain)
    return CompileOutcome(ExitCode.VERIFICATION_FAILED, "", f"{broken[0].rule}: {broken[0].message}", plain)


def failed(error: LpxschedError) -> CompileOutcome:
    """Return the outcome of a compile that ended with a fault."""
    place = error.place if isinstance(error, InputError) else ""
    return CompileOutcome(error.exit_code, place, str(error).removeprefix(f"{place}: "), {"status": error.status})


def failure_text(exit_code: int, cause: str) -> str:
    """Return an exit code and its cause, cut to a part of a line; nothing where there is no failure."""
    short = cause if len(cause) <= MOST_CAUSE else f"{cause[: MOST_CAUSE - 3]}..."
    return f"exit {exit_code}: {short}" if exit_code else ""
