"""``lpxsched replay``: move numbers through a build folder and compare them with a dense run."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from lpxsched.cli.choices import WholeNumber
from lpxsched.cli.console import emit, json_option
from lpxsched.cli.machine import MOST_IN_JSON, tell_programs
from lpxsched.cli.verification import FolderCommand
from lpxsched.errors import ExitCode
from lpxsched.report.text_table import named_rows
from lpxsched.units import counted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lpxsched.verify.replay.replay import Mismatch, ReplayReport

MOST_IN_TEXT = 20


@click.command(cls=FolderCommand)
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option(
    "--seed", type=WholeNumber(0, 2**31 - 1), default=0, show_default=True, help="Seed of numbers and clocks."
)
@click.option(
    "--programs",
    metavar="DIR",
    type=click.Path(path_type=Path),
    help="Run the programs that export --programs wrote, on the event-driven machine, not the rows of the timetable.",
)
@json_option
def replay_command(folder: Path, seed: int, programs: Path | None, as_json: bool) -> ExitCode:
    """Move random integers through the build in DIR, and compare what operators read with a dense run.

    Vectors move only as the timetable says, operators compute on what has arrived at their start, sums add what their
    rows say. With --programs they move as the programs of the chips say, through addresses, in the first step. Exits
    with 5 when a number differs, or a row is of no use.
    """
    from lpxsched.timetable.reader import read_build
    from lpxsched.verify.check import taken_for_granted
    from lpxsched.verify.replay.replay import ReplayReport, replay

    build = read_build(folder)
    unsound = tuple(violation.message for violation in taken_for_granted(build))
    if programs is not None and not unsound:
        return tell_programs(build, programs, None, runs=1, seed=seed, as_json=as_json)
    report = ReplayReport(0, 0, 0, 0, (), unsound) if unsound else replay(build, seed=seed)
    _tell(report)
    emit(_as_json(report), _text(report), as_json=as_json)
    return ExitCode.DONE if report.ok else ExitCode.VERIFICATION_FAILED


def _as_json(report: ReplayReport) -> dict[str, Any]:
    return {
        "ok": report.ok,
        "iterations": report.iterations,
        "micro_batches": report.micro_batches,
        "steps": report.steps,
        "compared": report.compared,
        "mismatches": report.mismatches,
        "first": [mismatch.as_json() for mismatch in report.first[:MOST_IN_JSON]],
        "faults": list(report.faults[:MOST_IN_JSON]),
        "faults_total": len(report.faults),
    }


def _text(report: ReplayReport) -> str:
    rows = (
        ("replayed", f"{counted(report.micro_batches, 'micro-batch')}, {counted(report.steps, 'step')} each"),
        ("compared", f"{counted(report.compared, 'vector')} with a dense run"),
        ("mismatches", f"{report.mismatches:,}"),
        ("faults", f"{len(report.faults):,}"),
        ("ok" if report.ok else "FAILED", ""),
    )
    return named_rows(rows, width=13)


def _tell(report: ReplayReport) -> None:
    """Print faults and a table of the first mismatches on stderr."""
    for fault in report.faults[:MOST_IN_TEXT]:
        click.echo(fault, err=True)
    if len(report.faults) > MOST_IN_TEXT:
        click.echo(f"and {counted(len(report.faults) - MOST_IN_TEXT, 'more fault')}", err=True)
    for line in _table(report.first[:MOST_IN_TEXT]):
        click.echo(line, err=True)
    if report.mismatches > MOST_IN_TEXT:
        click.echo(f"and {counted(report.mismatches - MOST_IN_TEXT, 'more mismatch')}", err=True)


def _table(mismatches: Sequence[Mismatch]) -> list[str]:
    """Return the lines of a table; of the numbers of a vector the first is shown."""
    rows = [("micro-batch", "step", "tensor", "operator", "node", "vector", "expected", "found", "what did not arrive")]
    rows += [
        (
            str(one.micro_batch),
            str(one.step),
            one.tensor,
            one.operator,
            str(one.node),
            str(one.vector),
            str(one.expected[0]),
            str(one.found[0]),
            one.cause,
        )
        for one in mismatches
    ]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    return lines if mismatches else []
