"""``lpxsched reschedule``: a timetable round what has failed, with as few moved rows as possible."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from lpxsched.cli.console import emit, failures_told, json_option, progress_told
from lpxsched.cli.verification import MOST_TOLD, FolderCommand, holds, read_granted_build, verify_option
from lpxsched.errors import ExitCode
from lpxsched.report.text_table import named_rows
from lpxsched.units import counted

if TYPE_CHECKING:
    from lpxsched.fabric.fabric import Fabric
    from lpxsched.timetable.build import Build

REMEDY = "compile on the fabric that is left"


@click.command(cls=FolderCommand)
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option("--down", metavar="FILE", type=click.Path(path_type=Path), help="Links, chips and trays that failed.")
@click.option("--contingency", "link_class", metavar="CLASS", help="Try every single link of a class besides.")
@verify_option
@click.option("-o", "--output", metavar="DIR", type=click.Path(path_type=Path), help="Folder to write.")
@json_option
def reschedule_command(
    folder: Path, down: Path | None, link_class: str | None, verify: bool, output: Path | None, as_json: bool
) -> ExitCode:
    """Make a timetable round what has failed from the build in DIR, with as few moved rows as possible.

    FILE is YAML as under the key down of a topology: links ([source, destination], or with a lane), chips, trays. Rows
    that use none of it keep link and cycle where they can; spare chips take over from chips that are down. Without -o
    the timetable is made, proved and told, and not written. --contingency writes nothing: it makes one timetable for
    each link of CLASS as if that failed too, but one for all that a symmetry carries into each other, and tells the
    worst makespan and what cannot be made. Exits with 3 when no timetable can exist, with 5 when a rule does not hold.
    """
    if down is None and link_class is None:
        raise click.UsageError("name what failed with --down FILE, or a class of links with --contingency CLASS")
    if link_class is not None and output is not None:
        raise click.UsageError("--contingency makes many timetables and writes none; leave out -o")
    from lpxsched.report.manifest import results_of
    from lpxsched.reschedule_pipeline import fabric_without

    before = read_granted_build(folder)
    results_of(before)
    if verify and not holds(before, remedy="compile it again"):
        return ExitCode.VERIFICATION_FAILED
    fabric = fabric_without(before, down)
    if link_class is not None:
        return _each_link(before, fabric, link_class, verify=verify, as_json=as_json)
    return _once(before, fabric, output, verify=verify, as_json=as_json)


def _once(before: Build, fabric: Fabric, output: Path | None, *, verify: bool, as_json: bool) -> ExitCode:
    from lpxsched.reschedule_pipeline import rescheduled
    from lpxsched.timetable.writer import refuse_foreign_folder, write_build

    if output is not None:
        refuse_foreign_folder(output)
    started = time.perf_counter()
    with failures_told(as_json=as_json):
        after, told = rescheduled(before, fabric)
        sound = not verify or holds(after, remedy=REMEDY)
    if output is not None and sound:
        write_build(output, after)
    measured = {
        "verified": verify and sound,
        "seconds": round(time.perf_counter() - started, 3),
        "output": str(output) if output is not None and sound else None,
    }
    record = after.manifest.results | {"content_sha256": after.manifest.content_sha256} | told | measured
    if as_json or sound:
        emit(record, _text(record), as_json=as_json)
    return ExitCode.DONE if sound else ExitCode.VERIFICATION_FAILED


def _text(record: dict[str, Any]) -> str:
    spares = ", ".join(f"chip {spare} for {chip}" for chip, spare in record["spares"].items())
    rows = [
        (
            "rows",
            f"{record['rows_kept']:,} kept, {record['rows_moved']:,} moved, {record['rows_dropped']:,} dropped, "
            f"{record['rows_added']:,} added; {counted(record['operators_moved'], 'operator')} moved",
        ),
        ("must move", f"{counted(record['rows_lower_bound'], 'row')} at least; {record['rows_status']}"),
        *([("spares", spares)] if spares else []),
        ("makespan", f"{counted(record['makespan_cycles'], 'cycle')}, before {record['makespan_before_cycles']:,}"),
        ("bound", f"{counted(record['lower_bound_cycles'], 'cycle')}; {record['status']}"),
        ("rules", "all hold" if record["verified"] else "not checked"),
        *([("written to", record["output"])] if record["output"] else []),
    ]
    return named_rows(rows, width=12)


def _each_link(before: Build, fabric: Fabric, link_class: str, *, verify: bool, as_json: bool) -> ExitCode:
    """Tell what the failure of each link of a class comes to; a timetable that breaks a rule ends it."""
    from lpxsched.reschedule.contingency import contingency
    from lpxsched.reschedule_pipeline import rescheduled

    broken = False

    def repair(build: Build, left: Fabric) -> tuple[Build, dict[str, Any]]:
        nonlocal broken
        after, told = rescheduled(build, left)
        broken |= verify and not holds(after, remedy=REMEDY)
        return after, told

    started = time.perf_counter()
    with progress_told(on_pipe=False) as progress:
        record = contingency(before, fabric, link_class, repair, progress)
    makespan = int(before.segments.makespan_cycles.sum())
    record |= {
        "makespan_before_cycles": makespan,
        "lower_bound_cycles": int(before.segments.lower_bound_cycles.sum()),
        "verified": verify and not broken,
        "seconds": round(time.perf_counter() - started, 3),
    }
    emit(record, _worst_text(record), as_json=as_json)
    return ExitCode.VERIFICATION_FAILED if broken else ExitCode.DONE


def _worst_text(record: dict[str, Any]) -> str:
    rows = [
        (
            "links",
            f"{record['failures']:,} of class {record['link_class']}, {record['made']:,} with a timetable; "
            f"{record['idle']:,} carry nothing and need no other",
        ),
        ("tried", f"{record['solved']:,}, to which all others come by symmetry"),
    ]
    if record["made"]:
        source, destination, lane = record["worst_link"]
        rows += [
            (
                "worst",
                f"{counted(record['worst_makespan_cycles'], 'cycle')} without {source} -> {destination}, lane {lane}; "
                f"before {record['makespan_before_cycles']:,}",
            ),
            (
                "rows",
                f"{record['most_rows_changed']:,} moved or dropped at most; proved the fewest for "
                f"{counted(record['rows_optimal'], 'link')}",
            ),
        ]
    rows += [("not made", f"{record['not_made']:,}, of them infeasible {record['infeasible']:,}")]
    rows += [
        ("", "{}: {}".format(" ".join(map(str, one["link"])), one["cause"])) for one in record["causes"][:MOST_TOLD]
    ]
    rows += [("rules", "all hold" if record["verified"] else "not checked")]
    return named_rows(rows, width=12)
