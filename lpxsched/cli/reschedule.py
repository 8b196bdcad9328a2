"""``lpxsched reschedule``: a timetable round what has failed, with as few moved rows as possible."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from lpxsched.cli.console import emit, failures_told, json_option, named_rows
from lpxsched.cli.verification import holds, verify_option
from lpxsched.errors import ExitCode

if TYPE_CHECKING:
    from lpxsched.timetable.build import Build


@click.command()
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option(
    "--down", required=True, metavar="FILE", type=click.Path(path_type=Path), help="Links, chips and trays that failed."
)
@verify_option
@click.option("-o", "--output", metavar="DIR", type=click.Path(path_type=Path), help="Folder to write.")
@json_option
def reschedule_command(folder: Path, down: Path, verify: bool, output: Path | None, as_json: bool) -> ExitCode:
    """Make a timetable round what has failed from the build in DIR, with as few moved rows as possible.

    FILE is YAML as the key down of a topology: links ([source, destination], or with a lane), chips, trays. Rows that
    use none of it keep link and cycle where that is possible. Nothing is written without -o. Exits with 3 when no
    timetable can exist, with 5 when a rule does not hold.
    """
    from lpxsched.reschedule_pipeline import fabric_without, rescheduled
    from lpxsched.timetable.reader import read_sound_build
    from lpxsched.timetable.writer import refuse_foreign_folder, write_build

    if output is not None:
        refuse_foreign_folder(output)
    started, before = time.perf_counter(), read_sound_build(folder)
    fabric = fabric_without(before, down)
    with failures_told(as_json=as_json):
        after, told = rescheduled(before, fabric)
        sound = not verify or holds(after, remedy="compile on the fabric that is left")
    if output is not None and sound:
        write_build(output, after)
    measured = told | {
        "verified": verify and sound,
        "seconds": round(time.perf_counter() - started, 3),
        "output": str(output) if output is not None and sound else None,
    }
    if as_json or sound:
        _tell(after, measured, as_json=as_json)
    return ExitCode.DONE if sound else ExitCode.VERIFICATION_FAILED


def _tell(build: Build, measured: dict[str, Any], *, as_json: bool) -> None:
    record = build.manifest.results | {"content_sha256": build.manifest.content_sha256} | measured
    emit(record, "" if as_json else _text(record), as_json=as_json)


def _text(record: dict[str, Any]) -> str:
    rows = [
        (
            "rows",
            f"{record['rows_kept']:,} kept, {record['rows_moved']:,} moved, {record['rows_added']:,} added, "
            f"{record['rows_dropped']:,} dropped; {record['operators_moved']:,} operators moved",
        ),
        ("makespan", f"{record['makespan_cycles']:,} cycles, before {record['makespan_before_cycles']:,}"),
        ("bound", f"{record['lower_bound_cycles']:,} cycles"),
        ("rules", "all hold" if record["verified"] else "not checked"),
    ]
    return named_rows(rows, width=11)
