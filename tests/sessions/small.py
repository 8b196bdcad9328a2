"""Sessions of a few requests, and steps of round numbers, to be worked out by hand."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lpxsched.files.ranged import NOTHING, Ranged
from lpxsched.files.schema import Tagged
from lpxsched.sessions.prefill import PrefillFile
from lpxsched.sessions.steps import Steps
from lpxsched.sessions.trace import COLUMNS, read_session
from tests.builds import two_chip_build

if TYPE_CHECKING:
    from lpxsched.sessions.trace import Session
    from lpxsched.timetable.build import Build

HEADER = ",".join(COLUMNS)


def session_of(folder: Path, *rows: str) -> Session:
    """Write a table of requests into a folder and read it."""
    table = folder / "small.csv"
    table.write_text("\n".join([HEADER, *rows]) + "\n")
    return read_session(str(table))


def with_manifest(build: Build, results: dict[str, Any], options: dict[str, Any]) -> Build:
    """Return a build whose manifest tells other results and options."""
    told = build.manifest
    update = {"options": {**told.options, **options}, "results": {**told.results, **results}}
    return replace(build, manifest=told.model_copy(update=update))


def steps_of(*, batch: int = 1, in_flight: int = 1, tokens: float = 1.0, further: Ranged = NOTHING) -> Steps:
    """Return steps of 100 ns up to 10 rows and of 200 ns up to 20; 40 and 70 of them are assumed.

    At worst they are 50 and 100 ns longer, of which 20 and 30 are assumed.
    """
    build, builds = two_chip_build(), []
    for context, step, assumed, later, more in ((10, 100, 40, 50, 20), (20, 200, 70, 100, 30)):
        results = {
            "step_ns": step,
            "assumed_ns": assumed,
            "step_high_ns": step + later,
            "assumed_high_ns": assumed + more,
            "acceptance_length": tokens,
        }
        builds.append(with_manifest(build, results, {"context": context, "batch": batch, "in_flight": in_flight}))
    return Steps((Path("short"), Path("long")), tuple(builds), further, 20 if further == NOTHING else 100)


def prefill_of(tokens_per_s: float = 1e9, low: float = 5e8) -> PrefillFile:
    """Return a rate of prefill; unless told otherwise a token takes 1 ns, and 2 at worst."""
    rate = Tagged[Any](value=tokens_per_s, tag="assumed", source="a test", range=[low, 2 * tokens_per_s])
    return PrefillFile.model_validate({"name": "test", "tokens_per_s": rate.model_dump()})
