"""``lpxsched report``: what limits a build and where its time goes, of one or of two side by side."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from lpxsched.cli.console import emit, json_option
from lpxsched.cli.files import output_targets, write_file
from lpxsched.cli.verification import FolderCommand, faults_in, read_granted_build

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lpxsched.timetable.build import Build


@click.command(cls=FolderCommand)
@click.argument("folders", metavar="DIR [DIR]", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "-o",
    "--output",
    metavar="FILE.html",
    type=click.Path(path_type=Path),
    help="Write a page that a browser opens, with nothing from elsewhere.",
)
@json_option
def report_command(folders: tuple[Path, ...], output: Path | None, as_json: bool) -> None:
    """Print what limits a build, how busy links and chips are, and where the time goes.

    DIR is a folder that lpxsched compile or collective wrote. Layers run one after the other along a token; the
    utilisation of a link class is given over the whole token, and over the links of a layer's own chips while that
    layer runs. The makespan is split along its critical path; the parts sum to it exactly. Of two folders every
    figure is told side by side, with what changed. With -o the same becomes a page to look around in: one file,
    which replaces an existing one.
    """
    if len(folders) > 2:
        raise click.UsageError(f"one folder or two can be told, got {len(folders)}")
    target = output_targets({"page": output}, folders).get("page")
    builds = [_read(folder) for folder in folders]
    if target is not None:
        write_file(target, _page(folders, builds))
        told, text = dict[str, object](files=[str(target)]), str(target)
    else:
        told, text = _one(builds[0]) if len(builds) == 1 else _two(folders, builds)
    for folder, build in zip(folders, builds, strict=True):
        _note(folder, build)
    emit(told, text if target else _bold(text), as_json=as_json)


def _read(folder: Path) -> Build:
    """Read a build whose results can be shown; only here is it known in which of two folders a fault lies."""
    from lpxsched.report.manifest import results_of

    build = read_granted_build(folder)
    with faults_in(folder):
        results_of(build)
    return build


def _note(folder: Path, build: Build) -> None:
    """Say in one line where a manifest tells what does not follow from its timetable."""
    from lpxsched.verify.reservations import reservation_violations
    from lpxsched.verify.results import manifest_violations

    for violation in [*manifest_violations(build), *reservation_violations(build)][:1]:
        click.echo(f"note: {folder}: {violation.message}; lpxsched check tells more", err=True)


def _page(folders: Sequence[Path], builds: Sequence[Build]) -> bytes:
    from lpxsched.report.page.comparison import comparison_page
    from lpxsched.report.page.html import build_page

    first, *others = builds
    if not others:
        return build_page(first)
    names = folders[0].resolve().name, folders[1].resolve().name
    # Folders of one name are told apart by the way to them.
    return comparison_page(first, others[0], names if names[0] != names[1] else (str(folders[0]), str(folders[1])))


def _one(build: Build) -> tuple[dict[str, object], str]:
    from lpxsched.report.console.build import report_text
    from lpxsched.report.summary import summarise
    from lpxsched.report.summary_json import summary_json

    summary = summarise(build)
    return summary_json(summary), report_text(summary)


def _two(folders: Sequence[Path], builds: Sequence[Build]) -> tuple[dict[str, object], str]:
    from lpxsched.report.comparison.comparison import compare, comparison_json
    from lpxsched.report.console.comparison import comparison_text

    told = compare(*builds)
    return comparison_json(told), comparison_text((str(folders[0]), str(folders[1])), told)


def _bold(text: str) -> str:
    """Return text with its titles, the lines that stand at the margin, in bold on a terminal; else as it is."""
    if not sys.stdout.isatty():
        return text
    return re.sub(r"^\S.*$", lambda line: click.style(line.group(), bold=True), text, flags=re.MULTILINE)
