"""``lpxsched topologies`` and ``clocks``: what is shipped."""

from __future__ import annotations

import click

from lpxsched.cli.console import emit, json_option
from lpxsched.files.shipped import shipped_files


def _print_names(kind: str, plural: str, *, as_json: bool) -> None:
    names = list(shipped_files(kind))
    emit({plural: names}, "\n".join(names), as_json=as_json)


@click.command()
@json_option
def topologies_command(as_json: bool) -> None:
    """List the shipped topologies."""
    _print_names("topology", "topologies", as_json=as_json)


@click.command()
@json_option
def clocks_command(as_json: bool) -> None:
    """List the shipped clocks."""
    _print_names("clock", "clocks", as_json=as_json)
