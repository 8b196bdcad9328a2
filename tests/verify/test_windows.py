"""R3: rows beyond the room of experts come again, as often as the graph says, and the worst case counts that."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from lpxsched.verify.check import check
from tests.builds import signed
from tests.timetable.small import compiled
from tests.verify.changes import reports, with_graph

if TYPE_CHECKING:
    from pathlib import Path

    from lpxsched.timetable.build import Build


def dispatched(folder: Path, **choices: Any) -> Build:
    """Return a build of 9 rows that meet 2 of 4 experts each."""
    return compiled(folder, moe="dispatch", batch=9, num_hidden_layers=1, **choices)


@pytest.mark.parametrize(
    ("choices", "windows"),
    [
        # 9 / 2 rows an expert: the GPUs have room for 3 of 9. The first of 8 chips has 2 rows, and room for one.
        ({"router": "gpu", "capacity": 0.5}, 3),
        ({"router": "lpu", "capacity": 0.5}, 2),
        ({"router": "lpu"}, 1),
    ],
)
def test_windows_follow_from_rows_and_room(tmp_path: Path, choices: dict[str, Any], windows: int) -> None:
    """Tests that the build says how many there are, and that one less is found."""
    build = dispatched(tmp_path, **choices)
    assert (build.graph.windows(), check(build).ok) == ([windows], True)
    operators = build.graph.model_dump()["operators"]
    experts = next(operator for operator in operators if operator["kind"] == "experts")
    experts["sizes"]["windows"] = windows - 1
    assert reports(with_graph(build, operators=operators), "R3", f"has room for all rows in {windows} windows")


def test_the_worst_case_counts_every_window(tmp_path: Path) -> None:
    """Tests three windows of one layer against one: nothing but waiting, makespan and clocks is in it."""
    build = dispatched(tmp_path, router="gpu", capacity=0.5)
    results = build.manifest.results
    assert any("3 windows a layer" in text for text in results["not_modelled"])
    operators = build.graph.model_dump()["operators"]
    experts = next(operator for operator in operators if operator["kind"] == "experts")
    experts["sizes"]["windows"] = 4
    assert reports(with_graph(build, operators=operators), "R3", "proved_worst_ns")
    third = results["proved_worst_ns"] / 3
    for told, right in ((third * 3 + 0.01, True), (third * 2, False)):
        changed = results | {"proved_worst_ns": told, "step_high_ns": told + results["assumed_high_ns"]}
        manifest = build.manifest.model_copy(update={"results": changed})
        faults = check(signed(replace(build, manifest=manifest))).violations
        assert any("may take" in fault.message for fault in faults) is not right
