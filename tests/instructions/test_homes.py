"""Tests that operators at wrong nodes are told, also where programs and replay look them up in the same wrong place."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from lpxsched.instructions import lowering
from lpxsched.instructions.execution import execute
from lpxsched.instructions.homes import homes_of, misplaced
from lpxsched.units import NONE
from lpxsched.verify.replay.placement import placement_of
from tests.instructions.test_execution import lowered
from tests.timetable.small import compiled
from tests.verify.collectives import LAID, build_of

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from lpxsched.timetable.build import Build
    from lpxsched.verify.replay.placement import Placement


def test_homes_are_those_of_the_graph(tmp_path: Path) -> None:
    """Tests a layer on chips 7 to 4: shard s of what chips run is on the s-th, hosts that take no row run nothing."""
    build = compiled(tmp_path, num_hidden_layers=1, chips=[[7, 6, 5, 4]])
    homes, operators = homes_of(build), build.graph.operators
    of_experts = next(number for number, operator in enumerate(operators) if operator.kind == "experts")
    assert [homes[of_experts, shard] for shard in range(4)] == [(7, 0), (6, 0), (5, 0), (4, 0)]
    assert len(homes) == int((build.operators.kind != "add").sum())


def rotated(build: Build) -> Placement:
    """Return a placement that takes each shard for the next one."""
    right = placement_of(build)
    width = np.array([len(build.graph.groups[0].chips)] * len(right.shard))
    return replace(right, shard=np.where(right.shard == NONE, NONE, (right.shard + 1) % width))


def test_a_wrong_lookup_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests programs of an all-reduce written with a lookup that takes chip 0 for shard 1: all shards read the same."""
    build = build_of(LAID["all-reduce"])
    monkeypatch.setattr(lowering, "placement_of", rotated)
    found = execute(build, lowered(build))
    assert not found.ok
    assert found.summary is None
    assert any("runs" in fault and "the graph in segment 0 on node" in fault for fault in found.faults)


def test_what_runs_twice_or_nowhere_is_told() -> None:
    """Tests programs without their last node, whose runs nobody has, and a node that runs all of its own twice."""
    build = build_of(LAID["all-reduce"])
    found = lowered(build)
    assert list(misplaced(build, found)) == []
    assert all(told.startswith("nobody runs") for told in misplaced(build, found[:-1]))
    assert len(list(misplaced(build, found[:-1]))) == 2
    twice = [found[0], found[0], *found[1:]]
    assert {told.rsplit(" ", 1)[1] for told in misplaced(build, twice)} == {"twice"}
