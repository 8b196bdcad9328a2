"""The best bound: optima that are known, and no bound above an optimum."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings

from lpxsched.schedule.bounds.best import collective_bound
from lpxsched.schedule.result import LowerBound
from lpxsched.traffic.collectives import Collective
from tests.schedule.bounds.exact import shortest_makespan
from tests.schedule.bounds.plain import plain_makespan
from tests.schedule.bounds.problems import (
    Family,
    both_ways,
    fabric_problems,
    problem_of,
    shipped,
    small_problems,
)

if TYPE_CHECKING:
    from pathlib import Path

    from lpxsched.schedule.problem.instance import Instance

DRAGONFLY = Family("dragonfly", {"chips_per_group": 8, "global_links_per_chip": 1, "groups": 8})


@settings(max_examples=60)
@given(small_problems())
def test_no_bound_exceeds_the_optimum(problem: Instance) -> None:
    """Tests that the optimum of tiny collectives of every kind is never below the bound."""
    assert collective_bound(problem).cycles <= shortest_makespan(problem)


@settings(max_examples=150)
@given(fabric_problems())
def test_no_bound_exceeds_a_schedule(problem: Instance) -> None:
    """Tests collectives on random fabrics against a schedule that is valid by construction."""
    assert collective_bound(problem).cycles <= plain_makespan(problem)


@settings(max_examples=50)
@given(fabric_problems())
def test_no_period_exceeds_a_schedule(problem: Instance) -> None:
    """Tests that a schedule which is over before it begins anew is no shorter than the bound of the period."""
    assert collective_bound(problem, repeats=True).cycles <= max(1, plain_makespan(problem))


@pytest.mark.parametrize(
    ("family", "cycles", "name"),
    [
        # 16 vectors over each of 63 wires: the last leaves at 15, is read at 38.
        (Family("full-mesh", {"chips": 64}), 38, "ingress"),
        # 63 x 16 vectors over 6 wires; 57 x 16 / 6 = 152 of them come from farther than a neighbour, from 23 on.
        (Family("hypercube", {"dimensions": 6}), 23 + 151 + 23, "ingress"),
        # Likewise 49 x 16 / 14 = 56.
        (Family("hyperx", {"shape": [8, 8]}), 23 + 55 + 23, "ingress"),
        # A corner has two wires, and 61 chips that are no neighbours: 488 vectors on each.
        (Family("mesh", {"shape": [8, 8]}), 23 + 487 + 23, "ingress"),
        # 59 chips that are no neighbours, 4 wires.
        (Family("torus", {"shape": [8, 8]}), 23 + 235 + 23, "ingress"),
        # The farthest chip of a ring, 32 hops away, is alone there: 8 vectors on either side.
        (Family("ring", {"chips": 64}), 31 * 23 + 7 + 23, "ingress"),
        # Seven wires lead into a group, one from each other: 7 x 16 vectors come later than from its own end, from 23
        # on, and the chip without a wire reads the last of them 23 later.
        (DRAGONFLY, 23 + 111 + 23 + 23, "ingress"),
    ],
)
def test_all_gather_of_sixteen_vectors(family: Family, cycles: int, name: str, tmp_path: Path) -> None:
    """Tests bounds of an all-gather of 16 vectors a chip on wires with a hop of 23 cycles."""
    assert collective_bound(family.problem(tmp_path, "all-gather", 16)) == LowerBound(cycles, name)


def test_reduce_scatter_is_an_all_gather_run_backwards(tmp_path: Path) -> None:
    """Tests that what leaves a chip of a hypercube binds as what enters it did.

    No sum has to come at the end: 6 hops, a sum of 5 cycles elsewhere and one hop more take only 166 cycles.
    """
    problem = Family("hypercube", {"dimensions": 6}).problem(tmp_path, "reduce-scatter", 16)
    assert collective_bound(problem) == LowerBound(23 + 151 + 23, "egress")


def test_all_reduce_between_corners_of_a_rack() -> None:
    """Tests the two routes of two hops that join chips of different trays and positions.

    Each has two lanes on the spine, so four of the 16 vectors follow each other there: 3 x 26.24 cycles. Two hops of
    350 cycles, a turnaround of 50 between them and a sum of 5 at the end: 755 + 78.72.
    """
    assert collective_bound(shipped("lpx-rack", "all-reduce", 16)) == LowerBound(834, "hop windows")


def test_a_sum_on_a_rack_pays_like_a_relay() -> None:
    """Tests one vector: 350 + 50 + 350 cycles, as published for a relay, and two sums of 5.

    The 225 chips that are two hops away cannot all come alone: 90 lanes lead to each.
    """
    assert collective_bound(shipped("lpx-rack", "all-reduce", 1)) == LowerBound(760, "ingress")


def test_broadcast_between_corners_of_a_rack() -> None:
    """Tests the same routes with a turnaround of 50 cycles: 750 + 78.72."""
    assert collective_bound(shipped("lpx-rack", "broadcast", 16)) == LowerBound(829, "hop windows")


def test_all_to_all_on_a_rack_needs_the_spine() -> None:
    """Tests the load of the spine: 240 of 255 other chips are in other trays, over 30 lanes.

    That makes 8 x 16 = 128 vectors on a lane, 127 x 26.24 = 3332.48 cycles and a hop of 350. In a period of a repeating
    timetable they take 128 x 26.24 = 3358.72.
    """
    problem = shipped("lpx-rack", "all-to-all", 16)
    assert collective_bound(problem) == LowerBound(3683, "link class")
    assert collective_bound(problem, repeats=True) == LowerBound(3359, "link class")


def test_all_to_all_between_groups_of_a_dragonfly(tmp_path: Path) -> None:
    """Tests the cut round a group: 8 x 8 pairs share the wire from one group to another, 8 x 56 the seven into it.

    64 x 16 = 1024 vectors leave at cycles 0 to 1023.
    """
    problem = DRAGONFLY.problem(tmp_path, "all-to-all", 16)
    assert collective_bound(problem).cycles == 1023 + 23
    assert collective_bound(problem, repeats=True).cycles == 1024


@pytest.mark.parametrize(("side", "cycles"), [(3, 8), (4, 15), (8, 67), (9, 93), (10, 128)])
def test_all_to_all_on_a_torus_with_one_port(side: int, cycles: int) -> None:
    """Tests an all-to-all of one vector on a torus of one-cycle hops, one vector beginning and ending a cycle.

    Small ones are bound by their ports: 8 and 15 vectors begin at each chip. A torus of 8 x 8 makes 64 x 256 hops on
    256 links: 64 cycles. In the first cycles 1, 2, 3 of 4 links of a chip can be in use, likewise in the last: 12 hops
    of each chip are lost, 3 cycles. 9 x 9: 360 + 12 hops of a chip, 10 x 10: 500 + 12.
    """
    chips = side * side
    right = ((chip, chip - chip % side + (chip + 1) % side) for chip in range(chips))
    down = ((chip, (chip + side) % chips) for chip in range(chips))
    problem = problem_of(Collective("all-to-all", chips, 1), both_ways([*right, *down], hop=1), limit=1)
    assert collective_bound(problem).cycles == cycles


@pytest.mark.parametrize("kind", ["all-gather", "all-reduce", "all-to-all", "reduce"])
def test_one_chip_has_nothing_to_move(kind: str) -> None:
    """Tests a collective of one chip."""
    problem = problem_of(Collective(kind, 1, 3), [])
    assert collective_bound(problem) == LowerBound(0, "nothing to move")
    assert collective_bound(problem, repeats=True) == LowerBound(1, "nothing to move")


def test_a_period_of_one_cycle_has_a_cause() -> None:
    """Tests that a wire which carries one vector in each period binds, though no timetable repeats faster anyway."""
    problem = problem_of(Collective("broadcast", 2, 1), both_ways([(0, 1)]))
    assert collective_bound(problem, repeats=True) == LowerBound(1, "ingress")
