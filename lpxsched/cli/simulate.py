"""``lpxsched simulate``: a build folder on drifting clocks."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from lpxsched.cli.choices import WholeNumber, given
from lpxsched.cli.console import emit, json_option
from lpxsched.cli.machine import exit_code, last_row, tell_programs, tell_reference
from lpxsched.cli.memory import keep_freed_memory
from lpxsched.cli.verification import FolderCommand, read_granted_build
from lpxsched.report.text_table import named_rows
from lpxsched.units import counted

if TYPE_CHECKING:
    from lpxsched.errors import ExitCode
    from lpxsched.simulation.reserved import FramesSummary
    from lpxsched.simulation.summary import Failing, Summary
    from lpxsched.timetable.build import Build

# Random runs where none are asked for: so many, of large builds fewer, which move so many vectors in all.
MOST_TRIALS, LEAST_TRIALS, MOVED_VECTORS = 1000, 100, 2_000_000_000


@click.command(cls=FolderCommand)
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option("--clock", metavar="NAME", help="Clock to run on (name or file); default: the one of the build.")
@click.option(
    "--trials",
    type=WholeNumber(1, 1_000_000),
    help="Random runs; default: 1000, of a large build fewer, no less than 100, of the reference 1.",
)
@click.option("--seed", type=WholeNumber(0, 2**31 - 1), default=0, show_default=True, help="Seed of the random runs.")
@click.option("--reference", is_flag=True, help="Run the event-driven machine: counters, FIFOs, deskews, start-up.")
@click.option(
    "--programs",
    metavar="DIR",
    type=click.Path(path_type=Path),
    help="With --reference, run the programs that export --programs wrote, with numbers, not the rows.",
)
@click.option("--frames", is_flag=True, help="Run micro-batches in flight on varying delays, window by window.")
@json_option
def simulate_command(
    folder: Path, clock: str | None, trials: int | None, seed: int, as_json: bool, **machine: Any
) -> ExitCode:
    """Run the build in DIR on drifting clocks and count late vectors, and vectors that find their buffer full.

    Runs of an adversary come on top of the trials: clocks that are worst for one slot each. Exit code 5 when a vector
    was late or without room, or when some clocks within the specification could make one late or a stall too short; of
    programs also when a number is wrong, or one does something else than the build.
    """
    reference, programs, frames = (machine[name] for name in ("reference", "programs", "frames"))
    if programs is not None and (frames or not reference):
        raise click.UsageError("--programs are run by the event-driven machine; add --reference, without --frames")
    idle = [f"--{name}" for name in given({"clock": clock, "trials": trials, "reference": reference})]
    if frames and idle:
        raise click.UsageError(f"--frames runs delays, on no clock; leave out {' and '.join(idle)}")
    from lpxsched.clocks.specification import load_clock
    from lpxsched.simulation.manifest import read_clock_mhz

    keep_freed_memory()
    build = read_granted_build(folder)
    specification = load_clock(clock, read_clock_mhz(build)) if clock is not None else None
    if frames:
        from lpxsched.simulation.reserved import simulate_frames

        flown = simulate_frames(build, seed=seed)
        emit(flown.as_json(), _frames_text(flown), as_json=as_json)
        return exit_code(holds=flown.holds)
    if programs is not None:
        return tell_programs(build, programs, specification, runs=trials or 1, seed=seed, as_json=as_json)
    if reference:
        return tell_reference(build, specification, runs=trials or 1, seed=seed, as_json=as_json)
    from lpxsched.report.headline import assumed_lines
    from lpxsched.simulation.summary import simulate

    summary = simulate(build, specification, trials=trials or usual_trials(build), seed=seed)
    emit(summary.as_json(), _text(summary, assumed_lines(build)), as_json=as_json)
    return exit_code(holds=summary.holds)


def usual_trials(build: Build) -> int:
    """Return how many random runs show enough of a build in some minutes."""
    moved = int(build.slots.vectors.sum())
    return max(LEAST_TRIALS, min(MOST_TRIALS, MOVED_VECTORS // max(moved, 1)))


def _frames_text(flown: FramesSummary) -> str:
    """Return who starts late and how long steps are, as reserved and in order of arrival."""
    facts = flown.as_json()
    lines = [
        f"{counted(facts['micro_batches'], 'micro-batch')}, {counted(facts['windows'], 'window')} of "
        f"{counted(facts['period_cycles'], 'cycle')}:",
        f"a step takes {facts['longest_step_ns'] / 1000:,.3f} us at most, and longer by what it begins too early",
        "",
        f"{'delays':<16}{'order':<18}{'late':>6}{'latest':>12}{'worst step':>16}{'mean step':>16}",
    ]
    for run in facts["runs"]:
        times = (run[key] / 1000 for key in ("latest_ns", "worst_step_ns", "mean_step_ns"))
        latest, worst, mean = (f"{time:,.3f} us" for time in times)
        lines.append(f"{run['delays']:<16}{run['order']:<18}{run['late']:>6}{latest:>12}{worst:>16}{mean:>16}")
    return "\n".join([*lines, "ok" if facts["holds"] else "FAILED"])


def _text(summary: Summary, assumed: list[tuple[str, str]]) -> str:
    rows = (
        ("clock", f"{summary.clock}, {counted(summary.trials, 'random run')} and {summary.attacks} of the adversary"),
        ("late", f"{counted(summary.violations, 'slot')} with a late vector, over all runs"),
        ("without room", f"{counted(summary.overflows, 'vector')} that found a full buffer, over all runs"),
        ("least slack", f"{summary.random_slack_cycles:.3f} cycles in random runs"),
        ("", f"{summary.least_slack_cycles:.3f} cycles against the adversary"),
        ("", f"{float(summary.proved.least_slack_cycles):.3f} cycles is the proven bound of every run"),
        ("stall to spare", f"{float(summary.proved.least_spare_stall_cycles):.3f} cycles, proven"),
        ("deskew buffer", f"at most {counted(summary.proved.fullest.vectors, 'vector')} on one link"),
        ("latency, proved", f"{float(summary.nominal_ns):,.1f} ns on perfect clocks, without waiting"),
        ("", f"{float(summary.waiting_ns):,.1f} ns more is the longest waiting, on perfect clocks"),
        ("", f"{float(summary.random_worst_ns):,.1f} ns in random runs"),
        ("", f"{float(summary.observed_worst_ns):,.1f} ns against the adversary"),
        ("", f"{float(summary.bound_ns):,.1f} ns is the bound, if no vector is late"),
        *assumed,
        last_row(summary.proved, shown=_first(summary.first) if summary.first else None),
    )
    return named_rows(rows)


def _first(failing: Failing) -> str:
    run = f"trial {failing.trial}" if failing.trial >= 0 else "the adversary's run"
    return f"{failing.what}: slot {failing.slot}, vector {failing.vector}, in {run}"
