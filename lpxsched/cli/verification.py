"""What commands hold of builds: proofs before a timetable is told or written, folders that are read and may be used.

A fault of a file in a build folder names that folder.
"""

from __future__ import annotations

from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from lpxsched.errors import InputError, UnsoundError
from lpxsched.units import counted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lpxsched.timetable.build import Build

MOST_TOLD = 5


class FolderCommand(click.Command):
    """A command of one build, whose faults name the folder that its files lie in."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command."""
        folders = ctx.params.get("folders") or (ctx.params["folder"],)
        with faults_in(folders[0]) if len(folders) == 1 else nullcontext():
            return super().invoke(ctx)


@contextmanager
def faults_in(folder: Path) -> Iterator[None]:
    """Name the folder of a build in faults of its files."""
    try:
        yield
    except InputError as error:
        if Path(error.where).name != error.where or not (folder / error.where).is_file():
            raise
        raise InputError(str(folder / error.where), error.problem, key=error.key) from error


verify_option = click.option(
    "--verify/--no-verify", default=True, show_default=True, help="Prove the timetable before it is told."
)


def holds(build: Build, *, remedy: str) -> bool:
    """Return whether a build keeps every rule; tell the first violations on stderr.

    Raises
    ------
    NothingFoundError
        When all that is wrong is that some SRAM or deskew buffer would have to hold more; `remedy` may mend that.
    """
    from lpxsched.verify.proof import broken_rules

    violations = broken_rules(build, remedy=remedy)
    for violation in violations[:MOST_TOLD]:
        click.echo(f"{violation.rule}: {violation.message}", err=True)
    if len(violations) > MOST_TOLD:
        click.echo(f"and {counted(len(violations) - MOST_TOLD, 'more violation')}", err=True)
    return not violations


def read_granted_build(folder: Path) -> Build:
    """Read a build folder from which figures can be reckoned: signed, and with numbers within their bounds.

    Raises
    ------
    InputError
        When it cannot be read, or its content hash differs.
    UnsoundError
        When a number is out of its bounds, or the graph is ambiguous.
    """
    from lpxsched.timetable.reader import read_sound_build
    from lpxsched.verify.check import taken_for_granted

    build = read_sound_build(folder)
    faults = taken_for_granted(build)
    if faults:
        raise UnsoundError(str(folder), faults[0].message)
    return build
