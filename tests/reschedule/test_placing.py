"""Tests of rows that are placed again, and of a period that has no room for them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from lpxsched.errors import NothingFoundError
from lpxsched.reschedule.placing import placed_again, tightest
from lpxsched.reschedule_pipeline import rescheduled
from tests.reschedule.examples import collective, fabric_without, full_mesh
from tests.reschedule.test_free_time import closed
from tests.schedule.tasks import Task, tasks_of

if TYPE_CHECKING:
    from pathlib import Path


def test_a_period_without_room_places_nothing() -> None:
    """Tests two tasks of 3 and 4 cycles on a link that others close for 4 of 10: they fit into 10, not beside."""
    tasks, free, order = tasks_of([Task(3), Task(4)]), np.ones(2, dtype=np.bool_), np.arange(2)
    assert placed_again(tasks, free, order, 10) is not None
    assert placed_again(replace(tasks, closed=closed((0, 0, 4))), free, order, 10) is None


def test_the_tightest_resource_is_that_with_the_least_to_spare() -> None:
    """Tests a period of 10: 7 of 6 cycles on the first link, closed in [8, 12), 9 of 10 on the second, 10 on nobody's.

    Iterations close the first link from 8 and from 18 on: the same cycles.
    """
    tasks = tasks_of([Task(3), Task(4), Task(9, resource=1)], lanes=(1, 1, 1))
    taken = replace(tasks, closed=closed((0, 8, 4), (0, 18, 4), (2, 0, 10)))
    assert tightest(taken, 10) == (0, 7, 6)
    assert tightest(tasks, 10) == (1, 9, 10)


def test_a_period_without_room_is_told_with_the_link(tmp_path: Path) -> None:
    """Tests an all-gather of three chips without end, a vector a period on each link: none has time for two."""
    build = collective(full_mesh(tmp_path, 3), "all-gather", 1, cyclic=True)
    period = int(build.frames.period_cycles[0])
    with pytest.raises(NothingFoundError, match=rf"a period of {period} cycles has no room .*: link \d+ \(\d -> \d\)"):
        rescheduled(build, fabric_without(build, links=[[0, 1]]))
