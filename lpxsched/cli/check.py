"""``lpxsched check``: prove a build folder against the rules, from its files alone."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from lpxsched.cli.console import emit, json_option
from lpxsched.cli.memory import keep_freed_memory
from lpxsched.cli.verification import FolderCommand
from lpxsched.errors import ExitCode
from lpxsched.timetable.reader import read_build
from lpxsched.units import counted
from lpxsched.verify.check import CONTENT, RULES, check

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lpxsched.timetable.build import Build
    from lpxsched.verify.check import CheckReport

MOST_IN_TEXT = 20
MOST_IN_JSON = 1000


@click.command(cls=FolderCommand)
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@json_option
def check_command(folder: Path, as_json: bool) -> ExitCode:
    """Prove a build folder against the rules, from its files alone.

    Exits with 5 when a rule does not hold or the content hash is not that of the manifest.
    """
    keep_freed_memory()
    build = read_build(folder)
    report = check(build)
    emit(_as_json(report), "\n".join(_lines(build, report)), as_json=as_json)
    return ExitCode.DONE if report.ok else ExitCode.VERIFICATION_FAILED


def _as_json(report: CheckReport) -> dict[str, Any]:
    return {
        "ok": report.ok,
        "content_ok": report.content_ok,
        "violations": [violation.as_json() for violation in report.violations[:MOST_IN_JSON]],
        "violations_total": len(report.violations),
        "checked_slots": report.checked_slots,
    }


def _lines(build: Build, report: CheckReport) -> Iterator[str]:
    broken = Counter(violation.rule for violation in report.violations)
    yield _line(CONTENT, "sha256 of all tables", broken[CONTENT], judged=True)
    for rule in RULES:
        # Hosts are rows of the chips as well.
        noun = "node" if rule.table == "chips" else rule.table.removesuffix("s")
        number = counted(len(getattr(build, rule.table)), noun)
        yield _line(f"{rule.name} {rule.title}", number, broken[rule.name], judged=report.judged)
    yield from _violations(report)
    yield "ok" if report.ok else "FAILED"


def _line(what: str, number: str, broken: int, *, judged: bool) -> str:
    verdict = counted(broken, "violation") if broken else "ok" if judged else "not checked"
    return f"{what:<13}{number:>22}  {verdict}"


def _violations(report: CheckReport) -> Iterator[str]:
    for name in (CONTENT, *(rule.name for rule in RULES)):
        found = [violation for violation in report.violations if violation.rule == name]
        for violation in found[:MOST_IN_TEXT]:
            rows = ", ".join(f"{row.file}:{row.row}" for row in violation.rows)
            yield f"{name}: {violation.message}" + (f" [{rows}]" if rows else "")
        if len(found) > MOST_IN_TEXT:
            yield f"{name}: and {len(found) - MOST_IN_TEXT:,} more"
