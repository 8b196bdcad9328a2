"""Flags of hosts round what has failed."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from lpxsched.reschedule.fabric import fabric_of
from lpxsched.reschedule_pipeline import rescheduled
from lpxsched.simulation.reference.run import run_reference
from lpxsched.verify.check import check
from lpxsched.verify.replay.replay import replay
from tests.polled import BRANCHES, FLAG, keeping, polled_build
from tests.timetable.small import compiled

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Any

    from lpxsched.timetable.build import Build


def without_links(*links: int, build: Build | None = None) -> tuple[Build, dict[str, Any]]:
    """Return the build of two chips that poll, or another, round some links, and what changed."""
    build = build or polled_build()
    fabric = fabric_of(build)
    down = fabric.link_down.copy()
    down[list(links)] = True
    return rescheduled(build, replace(fabric, link_down=down))


def test_nothing_moves_where_nothing_fails() -> None:
    """Tests that flags laid anew are where they were."""
    after, changed = without_links()
    assert check(after).ok
    assert (changed["rows_kept"], changed["rows_moved"], changed["operators_moved"]) == (10, 0, 0)
    assert changed["rows_status"] == "optimal"


@pytest.mark.parametrize("link", [4, 5])
def test_a_flag_takes_another_way(link: int) -> None:
    """Tests a lane of the host that is down: its flag and rows go over the other lane and from chip to chip.

    On the lane that is left two more vectors are in the way of the flag, or it of them; all chips branch at once.
    """
    after, _ = without_links(link)
    assert check(after).ok
    flags = after.slots.tensor == FLAG
    assert link not in after.slots.link[flags]
    assert sorted(after.links.dst[after.slots.link[flags]].tolist()) == [0, 1]
    starts = after.operators.start[list(BRANCHES)]
    assert np.unique(starts).tolist() == [int(after.slots.read[flags].max())]
    assert after.segments.waiting_cycles.tolist() == [252]


def test_a_state_is_written_after_the_branch() -> None:
    """Tests the same with routers that write a state in its place: the first would start at 44, and all branch at 51.

    Flags that go first are there at 41, and rows come three cycles later; rows of a cache may be written before.
    """
    after, _ = without_links(4, build=keeping(polled_build(), "state"))
    assert check(after).ok
    assert after.operators.start[list(BRANCHES)].tolist() == [41, 41]
    assert after.operators.start[after.operators.kind == "router"].tolist() == [52, 47]
    cached, _ = without_links(4, build=keeping(polled_build(), "keys"))
    assert cached.operators.start[list(BRANCHES)].tolist() == [51, 51]
    assert cached.operators.start[cached.operators.kind == "router"].tolist() == [49, 44]


def test_relays_get_flags_and_branch(tmp_path: Path) -> None:
    """Tests two chips of a tray without links between them: others pass rows on, and must know when a pass is void."""
    build = compiled(tmp_path, topology="lpx-rack", chips=[[0, 1], [0, 1]], batch=4)
    fabric, links = fabric_of(build), build.links
    between = np.isin(links.src, (0, 1)) & np.isin(links.dst, (0, 1))
    after, _ = rescheduled(build, replace(fabric, link_down=fabric.link_down | between))
    assert check(after).ok
    assert replay(after).ok
    for segment in range(2):
        (group,) = after.graph.groups_of(segment)
        assert group.relays
        branches = (after.operators.segment == segment) & (after.operators.kind == "branch")
        assert after.operators.chip[branches].tolist() == group.members
        assert after.operators.shard[branches].tolist() == list(range(len(group.members)))
    assert (after.segments.waiting_cycles >= build.segments.waiting_cycles).all()
    assert not [one for _, one in run_reference(after).failures if one.kind != "residual"]


def test_flags_of_a_spare_come_from_its_host(tmp_path: Path) -> None:
    """Tests a chip that is down whose host served it alone: the host of the spare says so from then on."""
    build = compiled(tmp_path, topology="lpx-rack", chips=[[0, 1, 8], [32, 33, 34]], batch=4)
    fabric = fabric_of(build)
    down = fabric.node_down.copy()
    down[8] = True
    after, changed = rescheduled(build, replace(fabric, node_down=down))
    spare = changed["spares"]["8"]
    assert check(after).ok
    branches = (after.operators.segment == 0) & (after.operators.kind == "branch")
    assert after.operators.chip[branches].tolist() == [0, 1, spare]
    says = (after.operators.segment == 0) & (after.operators.kind == "flags")
    (group,) = after.graph.groups_of(0)
    assert after.operators.chip[says].tolist() == list(dict.fromkeys(group.hosts))
