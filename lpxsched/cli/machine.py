"""What the event-driven machine shows of the rows of a build, or of its programs, beside what is proved."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from lpxsched.cli.console import emit, failing_words
from lpxsched.errors import ExitCode
from lpxsched.report.text_table import named_rows
from lpxsched.units import counted

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from lpxsched.clocks.specification import ClockSpecification
    from lpxsched.instructions.streams import NodeProgram
    from lpxsched.simulation.bound.bound import Proved
    from lpxsched.simulation.reference.outcome import Failure
    from lpxsched.simulation.reference.run import ReferenceSummary
    from lpxsched.timetable.build import Build

MOST_TOLD, MOST_FAULTS, MOST_IN_JSON = 5, 2, 100
NOT_RUN = "not run; lpxsched export --programs writes those of this build"


def tell_reference(build: Build, clock: ClockSpecification | None, *, runs: int, seed: int, as_json: bool) -> ExitCode:
    """Run the reference, which knows no bound, and tell beside it what is proved for all clocks."""
    from lpxsched.simulation.reference.run import run_reference
    from lpxsched.simulation.summary import proved_json

    told, found = _proved(build, clock), run_reference(build, clock, runs=runs, seed=seed)
    rows = [*_reference_rows(found, told), last_row(told, shown=_shown(found))]
    emit(found.as_json() | proved_json(told), named_rows(rows), as_json=as_json)
    return exit_code(holds=found.holds and told.holds)


def tell_programs(
    build: Build, folder: Path, clock: ClockSpecification | None, *, runs: int, seed: int, as_json: bool
) -> ExitCode:
    """Run programs on the reference, and tell what they do otherwise than their build."""
    from lpxsched.instructions.difference import differences
    from lpxsched.instructions.execution import execute
    from lpxsched.instructions.files import read_programs
    from lpxsched.simulation.summary import proved_json

    programs, proved = read_programs(folder), _proved(build, clock)
    found = execute(build, programs, clock, runs=runs, seed=seed)
    summary, counts = found.summary, _counts(programs)
    # What is unsound may name what no build has.
    differ = list(differences(build, programs)) if summary is not None else []
    holds = found.ok and not differ and proved.holds
    told = found.as_json() | {"ok": holds, "failures": [], "instructions": counts}
    told |= {"differences": len(differ), "first_differences": differ[:MOST_IN_JSON]}
    of_each = ", ".join(f"{count:,} {name}" for name, count in counts.items())
    rows = [
        *(_reference_rows(summary, proved) if summary is not None else []),
        ("programs", f"{counted(len(programs), 'node')}: {of_each}"),
        ("compared", f"{counted(found.compared, 'vector')} at their addresses, {found.mismatches:,} differ"),
        *_fault_rows(found.faults),
        ("as the build", f"{len(differ):,} instructions and rows differ" if summary is not None else NOT_RUN),
        *(("", one) for one in differ[:MOST_TOLD]),
        last_row(proved, shown=_shown(summary), holds=holds),
    ]
    told |= summary.as_json() | proved_json(proved) if summary is not None else {}
    emit(told, named_rows(rows), as_json=as_json)
    return exit_code(holds=holds)


def _fault_rows(faults: Sequence[str]) -> list[tuple[str, str]]:
    """Return rows of what keeps programs from running, or what goes wrong; nodes often say the same, so few."""
    more = [("", f"and {counted(len(faults) - MOST_FAULTS, 'more fault')}")] if len(faults) > MOST_FAULTS else []
    return [*(("", fault) for fault in faults[:MOST_FAULTS]), *more]


def _counts(programs: Sequence[NodeProgram]) -> dict[str, int]:
    """Return how many instructions of each name programs have."""
    from lpxsched.instructions.streams import NAMES

    every = [section.instructions for program in programs for section in program.sections]
    counts = Counter(one.code for instructions in every for one in instructions)
    return {name: counts[code] for code, name in enumerate(NAMES)}


def _reference_rows(found: ReferenceSummary, proved: Proved) -> list[tuple[str, str]]:
    return [
        ("clock", f"{found.clock}, {counted(found.runs, 'run')} of the event-driven reference"),
        ("failed", f"{len(found.failures):,} reads, buffers, deskews and starts, over all runs"),
        *(("", f"run {run}: {_failure(failure)}") for run, failure in found.failures[:MOST_TOLD]),
        ("least slack", f"{found.least_slack_cycles:.3f} cycles"),
        ("", f"{float(proved.least_slack_cycles):.3f} cycles is the proven bound of every run"),
        ("stall to spare", f"{float(proved.least_spare_stall_cycles):.3f} cycles, proven"),
        ("deskew buffer", f"at most {counted(found.max_buffer_vectors, 'vector')} on one link"),
        ("latency", f"{float(found.observed_worst_ns):,.1f} ns from events to results, segments on demand"),
    ]


def _shown(found: ReferenceSummary | None) -> str | None:
    return _failure(found.failures[0][1]) if found is not None and found.failures else None


def _failure(failure: Failure) -> str:
    where = f"slot {failure.slot}, vector {failure.vector}, " if failure.slot >= 0 else ""
    return f"{failure.kind}: {where}node {failure.node}, cycle {failure.cycle:,.1f}"


def _proved(build: Build, clock: ClockSpecification | None) -> Proved:
    """Return what is proved of a build, on its own clock or on another."""
    from lpxsched.simulation.bound.bound import case_of, proved
    from lpxsched.simulation.manifest import read_clock

    return proved(case_of(build, clock or read_clock(build)))


def last_row(proved: Proved, *, shown: str | None, holds: bool = True) -> tuple[str, str]:
    """Return the last row: what a run showed, and what some clocks would make fail though no run did."""
    if proved.failing is None:
        return ("FAILED", f"shown: {shown}") if shown else ("ok" if holds else "FAILED", "")
    may = f"proven: {failing_words(proved.failing)}"
    return "FAILED", f"shown: {shown}; {may}" if shown else f"no run showed it; {may}"


def exit_code(*, holds: bool) -> ExitCode:
    """Return the exit code of a build that holds, or does not."""
    return ExitCode.DONE if holds else ExitCode.VERIFICATION_FAILED
