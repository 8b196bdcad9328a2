"""Tests of points that are done."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from lpxsched.errors import InputError
from lpxsched.exploring.runs import Workers
from lpxsched.exploring.sweep import done
from lpxsched.exploring.sweep.done import outcomes_of, point_key
from tests.toy import slow_handover, toy_model

if TYPE_CHECKING:
    from pathlib import Path


def silent(*_: object) -> None:
    """Tell no progress."""


def toy_point(folder: Path, **more: Any) -> dict[str, Any]:
    """Return a small point."""
    return {"model": toy_model(folder), "topology": "tsp-node", "solver": "greedy", "partition": "whole"} | more


def test_a_key_follows_the_content_of_files(tmp_path: Path) -> None:
    """Tests that the same names with another content are another point, and options another one too."""
    point = toy_point(tmp_path, handover=slow_handover(tmp_path, 1000))
    first = point_key(point)
    assert point_key(dict(point)) == first
    slow_handover(tmp_path, 2000)
    second = point_key(point)
    toy_model(tmp_path, hidden_size=1280)
    assert len({first, second, point_key(point), point_key(point | {"batch": 1})}) == 4


def test_what_is_done_is_taken_and_what_changed_is_not(tmp_path: Path) -> None:
    """Tests a second run, a run with one point more, and one after a file changed."""
    folder, handover = tmp_path / "points", slow_handover(tmp_path, 1000)
    points = [toy_point(tmp_path, handover=handover, batch=batch) for batch in (1, 2)]
    first, taken = outcomes_of(points[:1], Workers(), folder, progress=silent)
    assert taken == 0
    both, taken = outcomes_of(points, Workers(), folder, progress=silent)
    assert (taken, both[0]) == (1, first[0])
    slow_handover(tmp_path, 2000)
    slower, taken = outcomes_of(points, Workers(), folder, progress=silent)
    assert taken == 0
    # Two layers, one way in and one out each, 1,000 ns more.
    assert slower[0].told["step_ns"] == pytest.approx(both[0].told["step_ns"] + 4000, abs=1e-6)


def test_a_refused_point_does_not_stop_the_others(tmp_path: Path) -> None:
    """Tests a contradiction between two points that are in order."""
    points = [toy_point(tmp_path), toy_point(tmp_path, capacity=1.0), toy_point(tmp_path, batch=2)]
    found, _ = outcomes_of(points, Workers(), None, progress=silent)
    assert [outcome.exit_code for outcome in found] == [0, 2, 0]


def test_a_worker_that_sees_other_inputs_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests a key that is another one when the worker looks."""
    keys = iter(["here", "there"])
    monkeypatch.setattr(done, "point_key", lambda _: next(keys))
    with pytest.raises(InputError, match=r"--cluster: a worker has other input files, or another lpxsched"):
        outcomes_of([toy_point(tmp_path)], Workers(), None, progress=silent)
