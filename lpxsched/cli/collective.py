"""``lpxsched collective``: one collective on the chips of a fabric, scheduled, proved and, if asked for, written."""

from __future__ import annotations

import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from lpxsched.cli.choices import given, model_argument, model_option
from lpxsched.cli.console import emit, failures_told, json_option
from lpxsched.cli.selections import CHIP_LIST, parse_chip, parse_chips
from lpxsched.cli.verification import holds, verify_option
from lpxsched.errors import ExitCode
from lpxsched.options import CollectiveOptions, checked_options

if TYPE_CHECKING:
    from lpxsched.timetable.build import Build

_option = partial(model_option, CollectiveOptions)


@click.command()
@model_argument(CollectiveOptions, "kind")
@click.argument("topology")
@_option("vectors", "Vectors; see above.")
@click.option("--chips", metavar="LIST", help=f"Chips that take part, {CHIP_LIST}.  [default: all that are up]")
@click.option(
    "--root", metavar="CHIP", help="Chip that sends or gets all, by number or position.  [default: the first]"
)
@_option("relays", "Let all other chips that are up pass vectors on.")
@_option("cyclic", "Repeat without end, with the shortest period.")
@_option("deadline", "Latency asked for.", metavar="CYCLES")
@_option("clock", "Clock by name or file; see lpxsched clocks.")
@_option("solver", "How schedules are found.")
@_option("effort", "1 is greedy alone; each step more doubles the search.")
@_option("seed", "Seed of every random choice.")
@verify_option
@click.option("-o", "--output", metavar="DIR", type=click.Path(path_type=Path), help="Folder to write.")
@json_option
def collective_command(verify: bool, output: Path | None, as_json: bool, **choices: Any) -> ExitCode:
    """Schedule one collective on chips of TOPOLOGY, and tell its length beside a lower bound.

    KIND is all-gather, reduce-scatter, all-reduce, all-to-all, broadcast, reduce, gather or scatter. TOPOLOGY is a
    shipped name or a YAML file. --vectors counts what each chip contributes to an all-gather or a gather, gets from a
    scatter or a reduce-scatter, or sends to each other chip in an all-to-all; for all-reduce, reduce and broadcast it
    is the whole tensor. Nothing is written without -o. Exits with 5 when a rule does not hold.
    """
    positions = partial(_positions, choices["topology"])
    chips = parse_chips(choices["chips"], positions)
    root = parse_chip(choices["root"], positions, option="--root")
    options = checked_options(CollectiveOptions, "collective", given(choices | {"chips": chips, "root": root}))
    from lpxsched.timetable.writer import refuse_foreign_folder, write_build

    if output is not None:
        refuse_foreign_folder(output)
    started = time.perf_counter()
    with failures_told(as_json=as_json):
        from lpxsched.collective_pipeline import compile_collective

        build, solve_seconds = compile_collective(options)
        sound = not verify or holds(build, remedy="try fewer --vectors")
    if output is not None and sound:
        write_build(output, build)
    measured = {
        "verified": verify and sound,
        "seconds": round(time.perf_counter() - started, 3),
        "solve_seconds": round(solve_seconds, 3),
        "output": str(output) if output is not None and sound else None,
    }
    if as_json or sound:
        _tell(build, measured, as_json=as_json)
    return ExitCode.DONE if sound else ExitCode.VERIFICATION_FAILED


def _positions(topology: str) -> list[str]:
    from lpxsched.fabric.profile import load_fabric

    fabric = load_fabric(topology)
    return [fabric.position(chip) for chip in range(fabric.chips)]


def _tell(build: Build, measured: dict[str, Any], *, as_json: bool) -> None:
    from lpxsched.report.console.collective import collective_text

    record = build.manifest.results | {"content_sha256": build.manifest.content_sha256} | measured
    emit(record, "" if as_json else collective_text(build, measured), as_json=as_json)
