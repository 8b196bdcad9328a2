"""Real compiles that take a fraction of a second: a toy mixture of experts on one TSP node."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lpxsched.options import CompileOptions
from lpxsched.pipeline import compile_timetable
from tests.toy import toy_model

if TYPE_CHECKING:
    from pathlib import Path

    from lpxsched.timetable.build import Build


def small_options(folder: Path, *, chips: list[list[int]] | None = None, **choices: Any) -> CompileOptions:
    """Write a toy model, and a partition if its chips are given, into a folder and return the options of its compile.

    Parameters
    ----------
    folder : Path
    chips : list of list of int, optional
        Chips of each layer.
    choices
        Options of the compile; anything else is a key of the model.
    """
    keys = [name for name in choices if name not in CompileOptions.model_fields]
    model = toy_model(folder, **{name: choices.pop(name) for name in keys})
    if chips:
        layers = "\n".join(f"  - chips: {group}" for group in chips)
        (folder / "cut.yaml").write_text(f"layers:\n{layers}\n")
        choices["partition"] = str(folder / "cut.yaml")
    options = {"model": model, "topology": "tsp-node", "solver": "greedy", "partition": "disjoint"} | choices
    return CompileOptions(**options)


def compiled(folder: Path, **choices: Any) -> Build:
    """Return the build of `small_options`."""
    return compile_timetable(small_options(folder, **choices))
