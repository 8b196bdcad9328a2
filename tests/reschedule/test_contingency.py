"""Tests of every single failed link of a class."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from lpxsched.errors import InputError
from lpxsched.reschedule.contingency import contingency, idle_links, links_of_class
from lpxsched.reschedule.fabric import fabric_of
from lpxsched.reschedule_pipeline import rescheduled
from tests.fabric.examples import write_topology
from tests.reschedule.examples import HOP_CYCLES, collective, fabric_without, full_mesh
from tests.timetable.small import compiled

if TYPE_CHECKING:
    from pathlib import Path

    from lpxsched.fabric.fabric import Fabric
    from lpxsched.timetable.build import Build


def test_the_worst_makespan_is_told_with_its_link(tmp_path: Path) -> None:
    """Tests an all-gather on three chips: each of six links can be gone round, in two hops, by moving its own row."""
    build = collective(full_mesh(tmp_path, 3), "all-gather", 1)
    done: list[int] = []
    record = contingency(
        build, fabric_without(build), "link", rescheduled, lambda _, done_now, __: done.append(done_now)
    )
    assert (record["failures"], record["made"], record["not_made"], record["rows_optimal"]) == (6, 6, 0, 6)
    # Links i -> i + 1, and links i -> i + 2.
    assert record["solved"] == 2
    assert (record["worst_makespan_cycles"], record["most_rows_changed"]) == (2 * HOP_CYCLES, 1)
    assert record["worst_link"] == [0, 1, 0]
    assert done == [1, 2, 3, 4, 5, 6]


def test_what_cannot_be_made_is_told_with_its_cause(tmp_path: Path) -> None:
    """Tests a broadcast along a line, 0 -> 1 -> 2: without one of its two links chip 2 gets nothing."""
    line = write_topology(tmp_path, "src,dst\n0,1\n1,2\n1,0\n2,1\n", chips=3)
    build = collective(line, "broadcast", 1)
    record = contingency(build, fabric_without(build), "link", rescheduled, lambda *_: None)
    assert (record["failures"], record["made"], record["infeasible"]) == (4, 2, 2)
    assert [one["link"] for one in record["causes"]] == [[0, 1, 0], [1, 2, 0]]
    assert "from chip 0 (0) to chip" in record["causes"][0]["cause"]


def test_a_fabric_left_without_links_is_told_as_such(tmp_path: Path) -> None:
    """Tests two chips that one link joins, one way."""
    build = collective(write_topology(tmp_path, "src,dst\n0,1\n", chips=2), "broadcast", 1)
    record = contingency(build, fabric_without(build), "link", rescheduled, lambda *_: None)
    assert (record["failures"], record["made"], record["infeasible"]) == (1, 0, 1)
    assert "no way that is up leads from chip 0 (0) to chip 1" in record["causes"][0]["cause"]


def test_an_unknown_class_is_refused_with_those_that_are_there(tmp_path: Path) -> None:
    """Tests a class that no link has."""
    build = collective(full_mesh(tmp_path, 3), "all-gather", 1)
    with pytest.raises(InputError, match="no link of class tray that is up; classes of links that are: link"):
        links_of_class(fabric_without(build), "tray")


def test_links_that_carry_nothing_need_no_other_timetable(tmp_path: Path) -> None:
    """Tests a broadcast from chip 0 over a full mesh of three: its two links to 1 and 2 carry it, four others not."""
    build = collective(full_mesh(tmp_path, 3), "broadcast", 1)
    solved: list[int] = []

    def repair(before: Build, fabric: Fabric) -> tuple[Build, dict[str, Any]]:
        solved.append(int(fabric.link_down.sum()))
        return rescheduled(before, fabric)

    record = contingency(build, fabric_without(build), "link", repair, lambda *_: None)
    assert (record["failures"], record["made"], record["idle"], len(solved)) == (6, 6, 4, 2)
    # With one of the two down, its vector goes round: three links carry nothing, and the timetable without it stands.
    solved.clear()
    record = contingency(build, fabric_without(build, links=[[0, 1]]), "link", repair, lambda *_: None)
    assert (record["failures"], record["idle"], len(solved)) == (5, 3, 1 + 2)


def test_a_link_from_which_counters_hang_is_not_idle(tmp_path: Path) -> None:
    """Tests a layer whose chip 1 takes its counter from chip 0: with one lane between them, that lane is needed."""
    build = compiled(tmp_path, clock="xo-100ppm")
    fabric = fabric_of(build)
    link = int(np.flatnonzero((fabric.source == 0) & (fabric.destination == 1))[0])
    assert build.chips.hac_parent[1] == 0
    without_rows = replace(build, slots=type(build.slots)(*(np.zeros(0, dtype=np.int64) for _ in range(6))))
    assert not idle_links(without_rows, fabric)[link]
    assert idle_links(without_rows, fabric)[fabric.destination == 0].all()
