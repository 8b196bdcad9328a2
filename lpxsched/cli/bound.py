"""``lpxsched bound``: what is proved of a build folder for all clocks within a specification."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from lpxsched.cli.console import emit, failing_words, json_option
from lpxsched.cli.files import output_targets, write_file
from lpxsched.cli.memory import keep_freed_memory
from lpxsched.cli.verification import FolderCommand, read_granted_build
from lpxsched.errors import ExitCode
from lpxsched.report.text_table import named_rows
from lpxsched.units import counted

if TYPE_CHECKING:
    from lpxsched.simulation.bound.bound import Bound


@click.command(cls=FolderCommand)
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option("--clock", metavar="NAME", help="Clock to reckon with (name or file); default: the one of the build.")
@click.option("--png", metavar="FILE", type=click.Path(path_type=Path), help="Draw deskews against worst cases as PNG.")
@json_option
def bound_command(folder: Path, clock: str | None, png: Path | None, as_json: bool) -> int:
    """Bound slack, buffers and latency of the build in DIR for all clocks, and tell how bad they may be.

    Nothing is sampled. The picture shows how often chips deskew against the worst case, as compile weighed it. Exit
    code 5 when some clocks within the specification make a vector late, a stall too short or a buffer overflow.
    """
    from lpxsched.clocks.specification import load_clock
    from lpxsched.report.figures.deskews import render_deskews
    from lpxsched.simulation.bound.bound import bound
    from lpxsched.simulation.manifest import read_clock_mhz

    keep_freed_memory()
    targets, build = output_targets({"png": png}, [folder]), read_granted_build(folder)
    specification = load_clock(clock, read_clock_mhz(build)) if clock is not None else None
    picture = render_deskews(build) if targets else b""
    found = bound(build, specification)
    for path in targets.values():
        write_file(path, picture)
    emit(found.as_json(), _text(found), as_json=as_json)
    return ExitCode.DONE if found.holds else ExitCode.VERIFICATION_FAILED


def _text(found: Bound) -> str:
    longest, reserved_ns = max(found.latency.segments_ns), found.latency.reserved_ns
    what = "a step" if reserved_ns is None else "the segments of a step in a row"
    windows = f"{float(reserved_ns or 0):,.1f} ns from window to window in flight, with all that is assumed"
    rows = (
        ("clock", found.clock),
        ("latency, proved", f"{float(found.latency.step_ns):,.1f} ns for {what}, if no vector is late"),
        ("", f"{float(longest):,.1f} ns for the longest segment"),
        *([] if reserved_ns is None else [("", windows)]),
        ("least slack", f"{float(found.least_slack_cycles):.3f} cycles"),
        ("stall to spare", f"{float(found.least_spare_stall_cycles):.3f} cycles"),
        ("deskew buffer", f"at most {counted(found.fullest.vectors, 'vector')}, on link {found.fullest.link}"),
        *_limits(found),
        ("ok", "") if found.failing is None else ("FAILED", failing_words(found.failing)),
    )
    return named_rows(rows)


def _limits(found: Bound) -> list[tuple[str, str]]:
    """Return how bad clocks may be and what fails beyond; a cause that all have in common is told once."""
    limits = (
        (f"{float(found.ppm.value):,g} ppm, one-sided", failing_words(found.ppm.witness)),
        (f"{float(found.residual.value):,g} ns of residual a level", failing_words(found.residual.witness)),
        (f"{int(found.interval.value):,} cycles between deskews", failing_words(found.interval.witness)),
    )
    causes = {cause for _, cause in limits}
    told = [limit if len(causes) == 1 else f"{limit}; beyond, {cause}" for limit, cause in limits]
    told += [f"beyond each, {cause}" for cause in causes if len(causes) == 1]
    return [("clocks may have" if not row else "", text) for row, text in enumerate(told)]
