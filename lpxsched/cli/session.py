"""``lpxsched session``: requests of agents that wait for each other, on the steps of builds."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from lpxsched.cli.choices import given, model_option, options_of
from lpxsched.cli.console import emit, json_option, progress_option, progress_told
from lpxsched.cli.contend import contend_command
from lpxsched.cli.files import output_targets, write_file
from lpxsched.cli.verification import read_granted_build
from lpxsched.options import ContendOptions, SessionOptions, checked_options

if TYPE_CHECKING:
    from collections.abc import Iterable


@click.command()
@click.argument("trace")
@click.argument("folders", metavar="DIR [DIR ..]", nargs=-1, required=True, type=click.Path(path_type=Path))
@model_option(SessionOptions, "prefill", "Rate of prefill (name or file).", metavar="NAME")
@model_option(SessionOptions, "contend", "Draw sessions on steps with run-time arbitration too.")
@model_option(SessionOptions, "sessions", "With --contend, sessions that are drawn; what follows is as of contend.")
@options_of(contend_command, ContendOptions)
@click.option("--png", metavar="FILE", type=click.Path(path_type=Path), help="Draw agents over time as PNG.")
@progress_option
@json_option
def session_command(
    trace: str, folders: tuple[Path, ...], png: Path | None, on_pipe: bool, as_json: bool, **chosen: Any
) -> None:
    """Run the session TRACE on the builds in DIR, which differ in context, and tell where its time goes.

    TRACE is a shipped name (coding) or a table, .csv or .parquet, with a row a request: request, agent, after,
    context_tokens, tokens_in, tokens_out, tool_s. A request waits for those it comes after, for a tool, for prefill and
    for a place in a micro-batch, then decodes; a step is that of the build with the next larger context.
    """
    targets = output_targets({"png": png}, folders)
    own = given({name: chosen.pop(name) for name in SessionOptions.model_fields})
    options, drawing = checked_options(SessionOptions, "session", own), given(chosen)
    if not options.contend:
        _refuse_without_contend([*own, *drawing])
    arbitration = checked_options(ContendOptions, "session", drawing)
    with progress_told(on_pipe=on_pipe) as progress:
        from lpxsched.sessions.prefill import read_prefill
        from lpxsched.sessions.steps import read_steps
        from lpxsched.sessions.study import study_of
        from lpxsched.sessions.trace import read_session

        parts = read_session(trace), read_steps(folders, read_granted_build), read_prefill(options.prefill)
        found = study_of(*parts)
        if options.contend:
            from lpxsched.sessions.drawn import drawn_sessions

            drawn = drawn_sessions(*parts, arbitration, options.sessions, progress=progress)
            found = replace(found, drawn=drawn)
    if targets:
        from lpxsched.sessions.picture import render_session

        write_file(targets["png"], render_session(found))

    from lpxsched.sessions.text import study_text

    emit(found.as_json(), study_text(found), as_json=as_json)


def _refuse_without_contend(chosen: Iterable[str]) -> None:
    """Refuse options that say how sessions are drawn where none is."""
    for name in chosen:
        if name in ("sessions", *ContendOptions.model_fields):
            raise click.UsageError(f"--{name} says how sessions are drawn; it needs --contend")
