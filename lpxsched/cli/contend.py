"""``lpxsched contend``: the demands of a build on the same fabric, with links that are arbitrated at run time."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from lpxsched.cli.choices import given, model_option
from lpxsched.cli.console import emit, json_option
from lpxsched.cli.files import output_targets, write_file
from lpxsched.cli.verification import FolderCommand, read_granted_build
from lpxsched.options import ContendOptions, checked_options


@click.command(cls=FolderCommand)
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@model_option(ContendOptions, "routing", "One shortest way, one by a hash of what is sent, or what is free soonest.")
@model_option(ContendOptions, "arbitration", "What a free lane serves next: who came first, or any that wait.")
@model_option(ContendOptions, "tokens", "Which experts rows meet: all alike, some more often, or as hurts most.")
@model_option(ContendOptions, "runtime", "Start-up and packets (name or file).", metavar="NAME")
@model_option(ContendOptions, "steps", "Steps that are drawn.")
@model_option(ContendOptions, "seed", "Seed of start-ups, routings of tokens and random arbitration.")
@click.option("--png", metavar="FILE", type=click.Path(path_type=Path), help="Draw tails and parts as PNG.")
@json_option
def contend_command(folder: Path, png: Path | None, as_json: bool, **chosen: Any) -> None:
    """Run operators and demands of the build in DIR on its fabric, with links arbitrated at run time.

    Nothing of the timetable is used: data leaves when it is ready, after the start-up of its software, and waits for
    lanes. Told are median and tails of a step and a segment within the fabric, and what they are made of, beside the
    timetable's nominal and proved worst case. GPUs and hand-over come on top of either.
    """
    targets = output_targets({"png": png}, [folder])
    options = checked_options(ContendOptions, "contend", given(chosen))

    from lpxsched.contention.summary import contention_of
    from lpxsched.contention.text import contention_text

    build = read_granted_build(folder)
    found = contention_of(build, options)
    if targets:
        from lpxsched.contention.picture import render_contention

        drawn = render_contention(build, found, list(targets))
        for name, path in targets.items():
            write_file(path, drawn[name])
    files = [str(path) for path in targets.values()]
    drawn_to = f"\n\ndrawn to {', '.join(files)}" if files else ""
    emit(found.as_json() | {"files": files}, contention_text(build, found) + drawn_to, as_json=as_json)
