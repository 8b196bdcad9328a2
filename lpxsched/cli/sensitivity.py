"""``lpxsched sensitivity``: what each number that is assumed is worth."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import click

from lpxsched.cli.choices import given, options_of
from lpxsched.cli.compile import compile_command
from lpxsched.cli.console import emit, failures_told, json_option, progress_option, progress_told
from lpxsched.cli.files import output_targets, write_file
from lpxsched.cli.sweep import jobs_option
from lpxsched.options import CompileOptions, checked_options


@click.command()
@click.argument("model")
@click.argument("topology")
@options_of(compile_command, CompileOptions, effort=1)
@click.option("--png", metavar="FILE", type=click.Path(path_type=Path), help="Picture: a bar each, the longest above.")
@jobs_option
@progress_option
@json_option
def sensitivity_command(png: Path | None, jobs: int, on_pipe: bool, as_json: bool, **choices: Any) -> None:
    """Compile MODEL on TOPOLOGY with each assumed number at both ends of its range, and tell what a step becomes.

    Assumed is what a file tags so: of topology, chip, clock, GPUs and hand-over. A number is tried at both ends of its
    range, a word or a flag at every other value that it may have, each as if it were known to be so; all else stays as
    given, the mapping included. What moves tokens/s of a user most comes first. A value with which there is no
    timetable is told with the cause.
    """
    options = checked_options(CompileOptions, "sensitivity", {"effort": choices["effort"]} | given(choices))
    targets = output_targets({"png": png})
    started = time.perf_counter()
    with failures_told(as_json=as_json), progress_told(on_pipe=on_pipe) as progress:
        from lpxsched.exploring.runs import Workers
        from lpxsched.exploring.sensitivity.effects import effects_of
        from lpxsched.exploring.sensitivity.text import effects_text

        found = effects_of(options, Workers(jobs), progress=progress)
    if targets:
        from lpxsched.exploring.sensitivity.picture import render_effects

        title = f"{options.model} on {options.topology}, batch {options.batch}: what assumptions are worth"
        write_file(targets["png"], render_effects(found, title))
    record = found.as_json() | {"seconds": round(time.perf_counter() - started, 3)}
    text = "" if as_json else f"{effects_text(found)}\n{record['seconds']:.1f} s"
    emit(record, text, as_json=as_json)
