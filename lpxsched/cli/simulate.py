"""``lpxsched simulate``: a build folder on drifting clocks."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from lpxsched.cli.choices import WholeNumber
from lpxsched.cli.console import emit, json_option
from lpxsched.errors import ExitCode

if TYPE_CHECKING:
    from lpxsched.simulation.summary import Summary


@click.command()
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option("--clock", metavar="NAME", help="Clock to run on (name or file); default: the one of the build.")
@click.option("--trials", type=WholeNumber(1, 1_000_000), default=1000, show_default=True, help="Random runs.")
@click.option("--seed", type=WholeNumber(0, 2**31 - 1), default=0, show_default=True, help="Seed of the random runs.")
@json_option
def simulate_command(folder: Path, clock: str | None, trials: int, seed: int, as_json: bool) -> int:
    """Run the build in DIR on drifting clocks and count late vectors.

    One run comes on top of the trials: an adversary that chooses the worst clocks for every slot. Exit code 5
    when a vector was late, or when some clocks within the specification could make one late.
    """
    from lpxsched.clocks.specification import load_clock
    from lpxsched.report.headline import assumed_lines
    from lpxsched.simulation.summary import simulate
    from lpxsched.timetable.reader import read_sound_build

    specification = load_clock(clock) if clock is not None else None
    build = read_sound_build(folder)
    summary = simulate(build, specification, trials=trials, seed=seed)
    emit(summary.as_json(), _text(summary, assumed_lines(build)), as_json=as_json)
    return ExitCode.DONE if summary.holds else ExitCode.VERIFICATION_FAILED


def _text(summary: Summary, assumed: list[tuple[str, str]]) -> str:
    rows = (
        ("clock", f"{summary.clock}, {summary.trials:,} random runs and one of the adversary"),
        ("late", f"{summary.violations:,} slots with a late vector, over all runs"),
        ("least slack", f"{summary.random_slack_cycles:.3f} cycles in random runs"),
        ("", f"{summary.least_slack_cycles:.3f} cycles against the adversary"),
        ("", f"{float(summary.proven_slack_cycles):.3f} cycles is the proven bound of every run"),
        ("deskew buffer", f"{summary.max_buffer_vectors} vectors at most wait on one link"),
        ("latency, proved", f"{float(summary.nominal_ns):,.1f} ns on perfect clocks, without waiting"),
        ("", f"{float(summary.waiting_ns):,.1f} ns more is the longest waiting, on perfect clocks"),
        ("", f"{float(summary.random_worst_ns):,.1f} ns in random runs"),
        ("", f"{float(summary.observed_worst_ns):,.1f} ns against the adversary"),
        ("", f"{float(summary.bound_ns):,.1f} ns is the bound, if no vector is late"),
        *assumed,
        ("ok" if summary.holds else "FAILED", ""),
    )
    return "\n".join(f"{name:<20}{value}".rstrip() for name, value in rows)
