"""A compile at every other value of every assumption, on the mapping of the middle; what moves most comes first."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from lpxsched.assembly.manifest import input_files
from lpxsched.assembly.model_results import partition_of
from lpxsched.errors import NothingFoundError
from lpxsched.exploring.outcome import proved, proved_outcome
from lpxsched.exploring.runs import as_found
from lpxsched.exploring.sensitivity.assumptions import altered_choices, assumptions_in, expansions_in
from lpxsched.pipeline import compile_timetable

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from lpxsched.exploring.outcome import CompileOutcome
    from lpxsched.exploring.runs import Workers
    from lpxsched.exploring.sensitivity.assumptions import Assumption
    from lpxsched.options import CompileOptions

COMMAND = "sensitivity"
RATE = "tokens_per_s_per_user"
FIGURES = ("step_ns", "step_high_ns", RATE, "tokens_per_s_per_user_low")


@dataclass(frozen=True, slots=True)
class End:
    """A compile with one assumption at another value.

    Attributes
    ----------
    value : object
    exit_code : int
    cause : str
        Why there is no timetable; empty where there is one.
    figures : dict of float
        `FIGURES` of the build; empty where there is none.
    """

    value: Any
    exit_code: int
    cause: str
    figures: dict[str, float]


@dataclass(frozen=True, slots=True)
class Effect:
    """What one assumption is worth."""

    assumption: Assumption
    ends: tuple[End, ...]
    middle: dict[str, float]

    @property
    def swing(self) -> float:
        """Largest less smallest tokens/s of a user over all values that could be built, that of the middle included."""
        rates = [self.middle[RATE], *(end.figures[RATE] for end in self.ends if end.figures)]
        return max(rates) - min(rates)

    @property
    def moves(self) -> bool:
        """Whether some value has other figures than the middle, or none."""
        return any(end.figures != self.middle for end in self.ends)


@dataclass(frozen=True, slots=True)
class Effects:
    """What all assumptions of a compile are worth.

    Attributes
    ----------
    middle : dict of float
        `FIGURES` with every number as it is given.
    effects : tuple of Effect
        What moves tokens/s of a user most first.
    without_range : tuple of str
        Assumptions of which nobody has said between what they lie.
    """

    middle: dict[str, float]
    effects: tuple[Effect, ...]
    without_range: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        """Return the effects as a JSON object."""
        return {
            "middle": self.middle,
            "assumptions": [
                {
                    "name": effect.assumption.name,
                    "value": effect.assumption.value,
                    "source": effect.assumption.source,
                    "swing_tokens_per_s_per_user": round(effect.swing, 3),
                    "ends": [asdict(end) for end in effect.ends],
                }
                for effect in self.effects
            ],
            "without_range": list(self.without_range),
        }


def effects_of(options: CompileOptions, workers: Workers, *, progress: Callable[[str, int, int], None]) -> Effects:
    """Return what each assumption is worth.

    Parameters
    ----------
    options : CompileOptions
        The middle; its mapping is kept throughout.
    workers : Workers
    progress : callable
        Told a step, how many compiles are done, and how many there are.

    Raises
    ------
    InputError, InfeasibleError, NothingFoundError
        When there is no timetable in the middle.
    """
    build, files = compile_timetable(options, progress=progress), input_files(options)
    given = proved(build)
    if given.exit_code:
        raise NothingFoundError(f"without a timetable in the middle: {given.cause}")
    assumptions, without = assumptions_in(files)
    assumptions += expansions_in(build)
    others = [(one, other) for one in assumptions for other in one.others]
    with TemporaryDirectory() as scratch:
        folder = Path(scratch)
        partition = folder / "partition.yaml"
        partition.write_text(partition_of(build), encoding="utf-8")
        middle = options.model_dump(exclude_unset=True) | {"partition": str(partition)}
        altered = (
            altered_choices(files, one, other, folder / str(number)) for number, (one, other) in enumerate(others)
        )
        outcomes = _outcomes([middle | choices for choices in altered], workers, progress)
    ends: dict[str, list[End]] = {one.name: [] for one in assumptions}
    for (one, other), outcome in zip(others, outcomes, strict=True):
        # The place of a fault would be a file of the scratch folder.
        ends[one.name].append(End(other, int(outcome.exit_code), outcome.cause, _figures(outcome)))
    effects = [Effect(one, tuple(ends[one.name]), _figures(given)) for one in assumptions]
    effects.sort(key=lambda effect: (-effect.swing, effect.assumption.name))
    return Effects(_figures(given), tuple(effects), tuple(without))


def _outcomes(
    choices: Sequence[dict[str, Any]], workers: Workers, progress: Callable[[str, int, int], None]
) -> list[CompileOutcome]:
    found: dict[int, CompileOutcome] = {}
    progress("ends", 0, len(choices))
    for number, outcome in as_found(partial(proved_outcome, command=COMMAND), choices, workers):
        found[number] = outcome
        progress("ends", len(found), len(choices))
    return [found[number] for number in range(len(choices))]


def _figures(outcome: CompileOutcome) -> dict[str, float]:
    return {} if outcome.exit_code else {key: float(outcome.told[key]) for key in FIGURES}
