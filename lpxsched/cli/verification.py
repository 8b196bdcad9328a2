"""The proof that a command runs before it tells or writes a timetable."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from lpxsched.timetable.build import Build

MOST_TOLD = 5

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
        click.echo(f"and {len(violations) - MOST_TOLD:,} more violations", err=True)
    return not violations
