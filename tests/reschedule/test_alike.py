"""Tests of links whose failures come to the same by symmetry."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from lpxsched.reschedule.alike import alike_links
from lpxsched.reschedule.contingency import contingency
from lpxsched.reschedule.fabric import fabric_of
from lpxsched.reschedule_pipeline import rescheduled
from tests.fabric.examples import write_topology
from tests.reschedule.examples import collective, fabric_without, full_mesh

if TYPE_CHECKING:
    from pathlib import Path

    from lpxsched.fabric.fabric import Fabric
    from lpxsched.timetable.build import Build


def apart(build: Build, fabric: Fabric, link: int) -> tuple[int, int]:
    """Return makespan and rows changed of the timetable that is made without one link."""
    down = fabric.link_down.copy()
    down[link] = True
    after, told = rescheduled(build, replace(fabric, link_down=down))
    return int(after.segments.makespan_cycles.sum()), told["rows_moved"] + told["rows_dropped"]


RING = "src,dst\n" + "".join(f"{chip},{(chip + step) % 6}\n" for chip in range(6) for step in (1, 5))


@pytest.mark.parametrize("kind", ["all-gather", "all-reduce"])
def test_links_that_are_alike_come_to_the_same(tmp_path: Path, kind: str) -> None:
    """Tests six chips on a ring, whose twelve links are of two kinds, against a timetable made for each link."""
    build = collective(write_topology(tmp_path, RING, chips=6), kind, 1, solver="symmetric")
    fabric = fabric_of(build)
    alike = alike_links(build, fabric)
    assert len(np.unique(alike)) == 2
    found = {link: apart(build, fabric, link) for link in range(fabric.links)}
    assert all(found[link] == found[int(alike[link])] for link in found)
    record = contingency(build, fabric, "link", rescheduled, lambda *_: None)
    assert (record["failures"], record["made"], record["solved"]) == (12, 12, 2)
    assert record["worst_makespan_cycles"] == max(makespan for makespan, _ in found.values())
    assert record["most_rows_changed"] == max(rows for _, rows in found.values())


@pytest.mark.parametrize(
    ("table", "column"), [("slots", "read"), ("slots", "depart"), ("operators", "start"), ("links", "guard_cycles")]
)
def test_a_row_that_differs_leaves_no_symmetry(tmp_path: Path, table: str, column: str) -> None:
    """Tests an all-gather of three chips, two kinds of links, and the same with one cell a cycle later: six."""
    build = collective(full_mesh(tmp_path, 3), "all-gather", 1)
    assert alike_links(build, fabric_of(build)).tolist().count(0) == 3
    old: Any = getattr(build, table)
    values = getattr(old, column).copy()
    values[0] += 1
    other = replace(build, **{table: replace(old, **{column: values})})
    assert alike_links(other, fabric_of(other)).tolist() == list(range(6))


def test_what_is_down_leaves_no_symmetry(tmp_path: Path) -> None:
    """Tests the same with a link that failed before."""
    build = collective(full_mesh(tmp_path, 3), "all-gather", 1)
    assert alike_links(build, fabric_without(build, links=[[0, 1]])).tolist() == list(range(6))


def test_a_root_leaves_no_symmetry(tmp_path: Path) -> None:
    """Tests a broadcast, which begins at chip 0."""
    build = collective(full_mesh(tmp_path, 3), "broadcast", 1)
    assert alike_links(build, fabric_of(build)).tolist() == list(range(6))


def test_a_link_that_is_like_one_without_a_timetable_names_it(tmp_path: Path) -> None:
    """Tests an all-gather on a ring that leads one way: without any of its links some chip gets nothing."""
    build = collective(write_topology(tmp_path, "src,dst\n0,1\n1,2\n2,0\n", chips=3), "all-gather", 1)
    record = contingency(build, fabric_of(build), "link", rescheduled, lambda *_: None)
    assert (record["not_made"], record["infeasible"], record["solved"]) == (3, 3, 1)
    first, second, _ = (one["cause"] for one in record["causes"])
    assert second == f"as without 0 -> 1, lane 0: {first}"
