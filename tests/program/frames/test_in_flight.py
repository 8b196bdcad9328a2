"""Tests that quick windows are found once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import lpxsched.program.frames.in_flight as module
from lpxsched.pipeline import compile_timetable
from tests.timetable.small import small_options

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def test_quick_windows_of_the_mapping_that_is_chosen_are_found_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Tests two mappings, tried with one interval on perfect clocks: a quick schedule each, and none in earnest."""
    quick: list[Any] = []
    solve_layers = module.solve_layers

    def counted(problems: Any, options: Any, **choices: Any) -> Any:
        quick.append(options.effort)
        return solve_layers(problems, options, **choices)

    monkeypatch.setattr(module, "solve_layers", counted)
    options = {"solver": "auto", "partition": "auto", "in_flight": 3, "clock": "none", "effort": 2}
    compile_timetable(small_options(tmp_path, num_hidden_layers=2, **options))
    # Each mapping is laid at effort 1, where its quick schedule comes first, then the one that is chosen at effort 2.
    assert quick == [1, 1, 1, 1, 2]
