"""``lpxsched session``: requests of agents that wait for each other, on the steps of builds."""

from __future__ import annotations

from pathlib import Path

import click

from lpxsched.cli.console import emit, json_option


@click.command()
@click.argument("trace")
@click.argument("folders", metavar="DIR [DIR ..]", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--prefill", metavar="NAME", default="nvl72", show_default=True, help="Rate of prefill (name or file).")
@json_option
def session_command(trace: str, folders: tuple[Path, ...], prefill: str, as_json: bool) -> None:
    """Run the session TRACE on the builds in DIR, which differ in context, and tell where its time goes.

    TRACE is a shipped name (coding) or a table, .csv or .parquet, with a row a request: request, agent, after,
    context_tokens, tokens_in, tokens_out, tool_s. A request waits for those it comes after, for a tool, for prefill and
    for a place in a micro-batch, then decodes; a step is that of the build with the next larger context.
    """
    from lpxsched.sessions.prefill import read_prefill
    from lpxsched.sessions.steps import read_steps
    from lpxsched.sessions.study import study_of
    from lpxsched.sessions.text import study_text
    from lpxsched.sessions.trace import read_session

    found = study_of(read_session(trace), read_steps(folders), read_prefill(prefill))
    emit(found.as_json(), study_text(found), as_json=as_json)
