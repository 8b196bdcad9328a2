"""``lpxsched export``: a build as a picture, a table, a waveform or a trace."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from lpxsched.cli.choices import given
from lpxsched.cli.console import emit, json_option
from lpxsched.cli.files import output_targets, write_file
from lpxsched.cli.selections import CHIP_LIST, parse_chips, parse_cycles, parse_layers
from lpxsched.cli.verification import FolderCommand, holds, read_granted_build
from lpxsched.errors import ExitCode, InputError
from lpxsched.units import counted

if TYPE_CHECKING:
    from collections.abc import Callable

    from lpxsched.report.exports.selection import Selection
    from lpxsched.timetable.build import Build

PICTURES = ("svg", "png")


def _file(name: str, said: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    return click.option(f"--{name}", metavar="FILE", type=click.Path(path_type=Path), help=said)


@click.command(cls=FolderCommand)
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@_file("svg", "Draw utilisation and the timeline of one layer as SVG.")
@_file("png", "Draw the same as PNG.")
@_file("perfetto", "Write a trace for ui.perfetto.dev: chips as processes, units and links as threads.")
@_file("vcd", "Write a waveform for GTKWave or Surfer: a variable a link and unit.")
@_file("csv", "Write the slots as a table.")
@click.option(
    "--programs",
    metavar="DIR",
    type=click.Path(path_type=Path),
    help="Write the program of each chip, what its units do when and on which addresses, as bytes and as text.",
)
@click.option(
    "--layers",
    metavar="A:B",
    help="Layers A to B - 1 only, 0:4 for the first four; the timeline of a picture is layer A's. [default: all]",
)
@click.option(
    "--chips",
    metavar="LIST",
    help=f"Only what these chips do, {CHIP_LIST} (not in pictures). [default: all]",
)
@click.option(
    "--cycles",
    metavar="A:B",
    help="Only cycles A to B - 1 of the token, of what repeats those of its frames (not in pictures). [default: all]",
)
@json_option
def export_command(
    folder: Path,
    programs: Path | None,
    layers: str | None,
    chips: str | None,
    cycles: str | None,
    as_json: bool,
    **asked: Path | None,
) -> ExitCode:
    """Write a build for other tools.

    DIR is a folder that lpxsched compile or collective wrote. A picture shows the utilisation of the links while a
    token passes the layers, above what the units and links of each chip do during the first layer asked for. A
    trace, a waveform and a table hold every slot and operator that is selected, a trace at most a million; of what
    repeats pass after pass, until a period holds all that overlap. Programs are those of all chips, of a build that
    keeps all rules. Give one format or several; an existing file is replaced.
    """
    targets = output_targets(asked, [folder])
    if not targets and programs is None:
        raise click.UsageError(
            "say where to write: --svg, --png, --perfetto, --vcd or --csv FILE, --programs DIR, or several"
        )
    idle = [f"--{name}" for name in given({"layers": layers, "chips": chips, "cycles": cycles})]
    if idle and not targets:
        raise click.UsageError(f"--programs writes whole programs of all chips; leave out {' and '.join(idle)}")
    pictures = [name for name in targets if name in PICTURES]
    if pictures and (chips or cycles):
        raise click.UsageError(f"--{pictures[0]} draws whole layers; leave --chips and --cycles out")

    from lpxsched.report.figures.build_figure import build_layers

    if programs is not None:
        _refuse(programs, folder)
    build = read_granted_build(folder)
    wanted = parse_layers(layers, build_layers(build))
    data = _pictures(build, pictures, wanted)
    if len(pictures) < len(targets):
        from lpxsched.report.exports.selection import select

        selection = select(build, wanted, _chips_of(chips, build), parse_cycles(cycles))
        data |= _tables(selection, set(targets) - set(pictures))
        if told := _windows(selection):
            click.echo(told, err=True)
    if programs is not None and not _write_programs(programs, build):
        return ExitCode.VERIFICATION_FAILED
    for name, path in targets.items():
        write_file(path, data[name])
    files = [str(path) for path in (*targets.values(), programs) if path is not None]
    emit({"files": files}, "\n".join(files), as_json=as_json)
    return ExitCode.DONE


def _refuse(programs: Path, folder: Path) -> None:
    from lpxsched.instructions.files import refuse_foreign_programs

    if folder.resolve() in (programs.resolve(), programs.resolve().parent):
        raise InputError(str(programs), "lies inside the build folder, which holds a build and nothing else")
    refuse_foreign_programs(programs)


def _write_programs(programs: Path, build: Build) -> bool:
    """Write the programs of a build; tell what is wrong where it breaks a rule, and write nothing."""
    from lpxsched.instructions.files import write_programs

    if not holds(build, remedy="compile it again"):
        return False
    write_programs(programs, build)
    return True


def _pictures(build: Build, formats: list[str], layers: range | None) -> dict[str, bytes]:
    if not formats:
        return {}
    from lpxsched.report.figures.build_figure import render

    return render(build, formats, layers)


def _tables(selection: Selection, formats: set[str]) -> dict[str, bytes]:
    if not len(selection.slots.row) and not len(selection.operators.row):
        problem = "no slot and no operator of the layers and chips asked for lies in the cycles asked for"
        raise click.UsageError(f"{problem}; widen --layers, --chips or --cycles")
    from lpxsched.report.exports.csv_file import slots_csv
    from lpxsched.report.exports.perfetto_trace import perfetto_trace
    from lpxsched.report.exports.vcd_file import vcd

    makers = {"csv": slots_csv, "perfetto": perfetto_trace, "vcd": vcd}
    return {name: makers[name](selection) for name in sorted(formats)}


def _windows(selection: Selection) -> str:
    """Return which windows of what repeats are told, and what is not told of them; empty of what runs once."""
    from lpxsched.report.frames import only_period

    windows, period = selection.windows, only_period(selection.build)
    if not period or not windows:
        return ""
    which = f"windows {windows[0]} to {windows[-1]}" if len(windows) > 1 else f"window {windows[0]}"
    told = f"{which} of what repeats every {counted(period, 'cycle')}; --cycles selects others"
    if not selection.left_out:
        return told
    passes = f"{selection.left_out:,} of {counted(selection.passes, 'pass')} of segments"
    return f"{told}; not told are {passes}, whose frames leave these windows out"


def _chips_of(text: str | None, build: Build) -> tuple[int, ...] | None:
    """Return the chips of a list of numbers, ranges and positions; None for all."""
    found = parse_chips(text, build.chips.position.tolist)
    if found is not None and max(found) >= len(build.chips):
        problem = f"there is no chip {max(found)}; the build has nodes 0 to {len(build.chips) - 1}, hosts last"
        raise click.BadParameter(problem, param_hint="--chips")
    return found
