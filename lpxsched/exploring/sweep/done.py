"""Points that are done are kept beside the table, so that a sweep which was killed goes on where it stood.

A point is taken as done if nothing that decides it differs: its options, the content of every file that enters, the
code of this package and the versions of those that it counts on. Options that contradict each other, and files that
cannot be read, are not kept: they take no time.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from functools import partial
from typing import TYPE_CHECKING

from lpxsched.assembly.manifest import DECISIVE_PACKAGES, input_files, inputs_by_content
from lpxsched.errors import InputError
from lpxsched.exploring.outcome import CompileOutcome, failed, proved_outcome
from lpxsched.exploring.runs import as_found
from lpxsched.files.kept import code_digest, keep, read_kept
from lpxsched.files.shipped import ROOT
from lpxsched.options import CompileOptions, checked_options
from lpxsched.workload.acceptance import TABLE

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from lpxsched.exploring.runs import Workers
    from lpxsched.exploring.sweep.points import Choices

COMMAND = "sweep"


def point_key(choices: Choices) -> str:
    """Return all that decides a point, as text.

    Raises
    ------
    InputError
        When its options contradict each other, or a file is wrong.
    """
    options = checked_options(CompileOptions, COMMAND, choices)
    inputs = inputs_by_content(input_files(options))
    acceptance = hashlib.sha256((ROOT / TABLE).read_bytes()).hexdigest()
    decisive = {"options": options.model_dump(mode="json"), "inputs": inputs, "acceptance": acceptance}
    return f"{code_digest(DECISIVE_PACKAGES)} {json.dumps(decisive, sort_keys=True)}"


def outcomes_of(
    points: Sequence[Choices],
    workers: Workers,
    folder: Path | None,
    *,
    progress: Callable[[str, int, int], None],
) -> tuple[list[CompileOutcome], int]:
    """Return what came of each point, in their order, and how many were done before.

    Parameters
    ----------
    points : sequence of dict
    workers : Workers
    folder : Path or None
        Where points that are done are kept; None keeps none.
    progress : callable
        Told a step, how many points are done, and how many there are.

    Raises
    ------
    InputError
        When a worker of a cluster has other files or another version than there are here.
    """
    found: dict[int, CompileOutcome] = {}
    keys: dict[int, str] = {}
    for number, choices in enumerate(points):
        try:
            keys[number] = point_key(choices)
        except InputError as error:
            found[number] = failed(error)
    taken = _kept_before(folder, keys)
    found |= taken
    asked = [number for number in range(len(points)) if number not in found]
    progress("points", len(found), len(points))
    for place, outcome in as_found(_point, [(points[number], keys[number]) for number in asked], workers):
        if outcome is None:
            problem = "a worker has other input files, or another lpxsched; start workers where they see the same ones"
            raise InputError(f"lpxsched {COMMAND}", problem, key="--cluster")
        found[asked[place]] = outcome
        if folder:
            keep(folder, keys[asked[place]], asdict(outcome))
        progress("points", len(found), len(points))
    return [found[number] for number in range(len(points))], len(taken)


def _kept_before(folder: Path | None, keys: dict[int, str]) -> dict[int, CompileOutcome]:
    read = partial(read_kept, folder) if folder else lambda _: None
    before = {number: read(key) for number, key in keys.items()}
    return {number: CompileOutcome(**told) for number, told in before.items() if told is not None}


def _point(asked: tuple[Choices, str]) -> CompileOutcome | None:
    """Return what comes of a point; None where something that decides it is not what it is where the sweep began."""
    choices, key = asked
    try:
        same = point_key(choices) == key
    except InputError:
        return None
    return proved_outcome(choices, COMMAND) if same else None
