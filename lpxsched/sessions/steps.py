"""What a step takes at which context, from builds of one model that differ in context.

All users of a micro-batch take a step together, so the one with the longest context decides: the step is that of the
build with the next larger context, which holds for every smaller one. Beyond the largest build it is that build's step
and, on GPUs, the time of caches that grow in proportion:

    further time a row = users x bytes a user / context of the build / rate at which a micro-batch reads.

All of what mixers read is taken to grow, windows and states too, so this is no less than a build there would assume. It
holds for one micro-batch at a time with mixers on GPUs; elsewhere windows, or SRAM, are those of the build's context.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from lpxsched.errors import InputError
from lpxsched.files.ranged import NOTHING, Ranged, known
from lpxsched.files.schema import short
from lpxsched.program.outside.gpus import GpusFile, gpus_of
from lpxsched.timetable.reader import MANIFEST
from lpxsched.units import exact

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from lpxsched.timetable.build import Build

# What a session needs of a manifest.
NEEDED_RESULTS = ("step_ns", "step_high_ns", "assumed_ns", "assumed_high_ns", "acceptance_length", "layers")
COUNTS = ("context", "batch", "in_flight")
NEEDED_OPTIONS = (*COUNTS, "model", "topology")
# Options that say how a timetable was searched for, not of what machine.
SEARCH = {"context", "effort", "partition", "seed", "solver"}


@dataclass(frozen=True, slots=True, eq=False)
class Steps:
    """Steps of builds that differ in context.

    Attributes
    ----------
    folders : tuple of Path
    builds : tuple of Build
        By context, the smallest first.
    further_ns : Ranged
        What each row beyond the largest context adds to a step; 0 where nothing may be added.
    most_context : int
        The longest context that can be reckoned with: that of the largest build, or what the GPUs' memory holds.
    """

    folders: tuple[Path, ...]
    builds: tuple[Build, ...]
    further_ns: Ranged
    most_context: int

    @property
    def options(self) -> dict[str, Any]:
        """Options of the build with the largest context."""
        return self.builds[-1].manifest.options

    @property
    def contexts(self) -> list[int]:
        """Context of each build."""
        return [int(build.manifest.options["context"]) for build in self.builds]

    @property
    def micro_batches(self) -> int:
        """Micro-batches in flight."""
        return int(self.options["in_flight"])

    @property
    def batch(self) -> int:
        """Users of a micro-batch."""
        return int(self.options["batch"])

    @property
    def tokens(self) -> Fraction:
        """Tokens that a step emits a user."""
        return exact(self.builds[-1].manifest.results["acceptance_length"])

    @property
    def layers(self) -> int:
        """Layers of the model."""
        return int(self.builds[-1].manifest.results["layers"])

    def results_ns(self, key: str) -> list[Fraction]:
        """Return a time that the manifest of each build tells."""
        return [exact(build.manifest.results[key]) for build in self.builds]


def read_steps(folders: Sequence[Path], read_build: Callable[[Path], Build]) -> Steps:
    """Return the steps of builds, each as a function reads it from its folder.

    Raises
    ------
    InputError
        When one is no build of a model, two have one context, or they differ in more than that.
    """
    read = [(folder, read_build(folder)) for folder in folders]
    for folder, build in read:
        if missing := next((key for key in NEEDED_RESULTS if key not in build.manifest.results), None):
            problem = f"tells no {missing}, so of no step; name builds of lpxsched compile"
            raise InputError(str(folder / MANIFEST), problem, key="results")
        if missing := next((key for key in NEEDED_OPTIONS if key not in build.manifest.options), None):
            raise InputError(str(folder / MANIFEST), f"tell no {missing}; compile it again", key="options")
        _refuse_odd(folder, build)
    read.sort(key=lambda one: int(one[1].manifest.options["context"]))
    for (first, one), (second, other) in pairwise(read):
        _refuse_different(first, one, second, other)
    further, most = _beyond(*read[-1])
    return Steps(tuple(folder for folder, _ in read), tuple(build for _, build in read), further, most)


def _refuse_odd(folder: Path, build: Build) -> None:
    results, options = build.manifest.results, build.manifest.options
    for key in NEEDED_RESULTS:
        if isinstance(results[key], bool) or not isinstance(results[key], int | float):
            problem = f"must be a number, got {short(results[key])}"
            raise InputError(str(folder / MANIFEST), problem, key=f"results.{key}")
    for key in COUNTS:
        if type(options[key]) is not int or options[key] < 1:
            problem = f"must be a whole number above 0, got {short(options[key])}"
            raise InputError(str(folder / MANIFEST), problem, key=f"options.{key}")


def _refuse_different(first: Path, one: Build, second: Path, other: Build) -> None:
    mine, others = one.manifest.options, other.manifest.options
    context = mine["context"]
    if context == others["context"]:
        problem = f"{context:,} is that of {first} too; name one build of each context"
        raise InputError(str(second / MANIFEST), problem, key="options.context")
    for key in sorted(mine.keys() - SEARCH):
        if mine[key] != others.get(key):
            problem = f"{others.get(key)} here and {mine[key]} in {first}; builds of a session differ in context alone"
            raise InputError(str(second / MANIFEST), problem, key=f"options.{key}")


def _beyond(folder: Path, build: Build) -> tuple[Ranged, int]:
    """Return what a row beyond a build's context adds to a step, and up to which context."""
    options, outside = build.manifest.options, build.manifest.outside
    context = options["context"]
    if not outside or options["in_flight"] != 1:
        return NOTHING, context
    try:
        gpus = gpus_of(GpusFile.model_validate(outside["gpus"]))
        of_users = outside["users"] * sum(work["user_bytes"] for work in outside["work"])
        further = known(Fraction(of_users, context)).over(gpus.bytes_per_ns)
        return further, context * gpus.memory_bytes // max(1, of_users)
    except (KeyError, TypeError, ValueError) as error:
        problem = "holds no GPUs and work that can be reckoned with; compile it again"
        raise InputError(str(folder / MANIFEST), problem, key="outside") from error
