"""Faults, as a flat hierarchy. Each keeps its facts in fields; the message is built from them.

Outcomes of a search (optimal, feasible, unknown) are data, never exceptions; see ``schedule.result``.
"""

from __future__ import annotations

from enum import IntEnum


class ExitCode(IntEnum):
    """Exit codes of every command."""

    DONE = 0
    BUG = 1
    BAD_INPUT = 2
    INFEASIBLE = 3
    NOTHING_FOUND = 4
    VERIFICATION_FAILED = 5
    INTERRUPTED = 130


class LpxschedError(Exception):
    """Base of every fault that a user can cause; its text is one line."""

    exit_code, status = ExitCode.BAD_INPUT, "refused"

    def __init__(self, text: str) -> None:
        super().__init__(" ".join(text.splitlines()))


class InputError(LpxschedError):
    """A file, a name or an option is wrong.

    Parameters
    ----------
    where : str
        The file or the option, as the user named it.
    problem : str
        What is wrong and what would be right.
    key : str
        Path of the offending key inside the file, dots between; may be empty.
    line, column : int
        Position in the file, from 1; 0 when there is none.
    """

    def __init__(self, where: str, problem: str, *, key: str = "", line: int = 0, column: int = 0) -> None:
        self.where, self.problem, self.key, self.line, self.column = where, problem, key, line, column
        self.place = f"{where}:{line}:{column}" if line else where
        super().__init__(": ".join(part for part in (self.place, key, problem) if part))


class UnsoundError(LpxschedError):
    """A build folder whose numbers nothing can be reckoned from.

    Parameters
    ----------
    folder : str
        As the user named it.
    problem : str
        What is wrong, with its numbers.
    """

    exit_code = ExitCode.VERIFICATION_FAILED

    def __init__(self, folder: str, problem: str) -> None:
        self.folder, self.problem = folder, problem
        super().__init__(f"{folder}: {problem}; lpxsched check tells more")


class InfeasibleError(LpxschedError):
    """No schedule can exist; the cause is proven and named.

    Parameters
    ----------
    cause : str
        The proof in one sentence, with its numbers.
    """

    exit_code, status = ExitCode.INFEASIBLE, "infeasible"

    def __init__(self, cause: str) -> None:
        self.cause = cause
        super().__init__(f"infeasible: {cause}")


class NothingFoundError(LpxschedError):
    """The search ended without a schedule and without a proof that there is none.

    Parameters
    ----------
    effort : str
        What was tried.
    remedy : str
        What may find one.
    """

    exit_code, status = ExitCode.NOTHING_FOUND, "unknown"

    def __init__(self, effort: str, *, remedy: str = "try a larger --effort") -> None:
        self.effort, self.remedy = effort, remedy
        super().__init__(f"unknown: nothing found ({effort}); {remedy}")


class TooManyInFlightError(NothingFoundError):
    """So many micro-batches in flight were not found to fit.

    Parameters
    ----------
    micro_batches, fit : int
        How many were asked for, and how many fit.
    why : str
        The windows that there are, and what limits them.
    remedy : str
    """

    def __init__(self, micro_batches: int, fit: int, why: str, *, remedy: str = "try fewer --in-flight") -> None:
        self.micro_batches, self.fit, self.why = micro_batches, fit, why
        super().__init__(
            f"{micro_batches} micro-batch{'es' * (micro_batches > 1)} in flight, and {fit} fit: {why}", remedy=remedy
        )


def micro_batches_fit(error: LpxschedError) -> int:
    """Return how many micro-batches a fault says to fit; 0 where it is about something else."""
    return error.fit if isinstance(error, TooManyInFlightError) else 0
