"""What enters a reader, when, and over routes that are short enough for a makespan."""

from __future__ import annotations

from fractions import Fraction

import pytest

from lpxsched.schedule.bounds.adding import sums_cycles
from lpxsched.schedule.bounds.ends import ending_cycles, entering, latency, routes_bound
from lpxsched.schedule.bounds.view import views
from lpxsched.schedule.problem.instance import AddCost
from lpxsched.traffic.collectives import Collective
from tests.schedule.bounds.problems import Wire, adds_of, both_ways, column, path, problem_of

SQUARE = both_ways([(0, 1), (0, 2), (1, 3), (2, 3)], hop=10)
# A slow detour besides: 0, 4, 3.
DETOUR = [*SQUARE, *both_ways([(0, 4), (4, 3)], hop=20)]


def test_far_holders_come_late() -> None:
    """Tests an all-gather of 4 vectors in a line of three, 3 cycles a hop, turnaround 2, at its end.

    Eight vectors over one wire: the last leaves at 7, read at 10. The four of the far chip leave the middle from 5 on,
    the last at 8, read at 11. Of the middle chip alone: 3 + 3.
    """
    forward, _ = views(problem_of(Collective("all-gather", 3, 4), path(3), turnaround=2))
    end = entering(forward, 0)
    assert end.holders.tolist() == [2, 1]
    assert end.sets.tolist() == [1, 2]
    assert end.set_cycles.tolist() == [11, 10]
    assert end.single_cycles.tolist() == [11, 6]
    assert end.cycles == 11


def test_summands_of_different_holders_share_vectors() -> None:
    """Tests that a reduce to the end of the line has no sets of holders, only single ones, each with a sum at the end.

    Sums take 1 cycle, the turnaround 2: 4 vectors of the far chip leave the middle from 5 on, the last at 8, read at
    11; of the middle chip read at 6, summed at 7. A complete vector comes at 3 + 2 + 1 + 3 = 9: the last from afar may
    need no sum any more.
    """
    problem = problem_of(Collective("reduce", 3, 4), path(3), turnaround=2, add_cost=adds_of(1))
    end = entering(views(problem)[0], 0)
    assert end.sets.tolist() == []
    assert end.single_cycles.tolist() == [11, 7]
    assert end.holders.tolist() == [2, 1]


@pytest.mark.parametrize(("sum_cycles", "cycles"), [(1, 10), (9, 21)])
def test_summands_come_alone_or_with_a_sum_on_their_way(sum_cycles: int, cycles: int) -> None:
    """Tests a reduce of one vector to chip 0 between chips 1 and 4, each with two more chips behind it.

    Hops take 3, the turnaround 2, so that what is behind is read at 8; of a wire to chip 0 vectors leave every 4
    cycles. Alone the last two leave at 9 and are read at 12, added on their way at 8 and a sum. Then chip 0 adds them;
    whoever else adds all ends later.
    """
    behind = [Wire(*ends) for hub, chip in ((1, 2), (1, 3), (4, 5), (4, 6)) for ends in ((hub, chip), (chip, hub))]
    before = [Wire(*ends, pitch=Fraction(4)) for hub in (1, 4) for ends in ((hub, 0), (0, hub))]
    costs = adds_of(sum_cycles)
    problem = problem_of(Collective("reduce", 7, 1, 0), behind + before, turnaround=2, add_cost=costs)
    assert entering(views(problem)[0], 0).cycles == cycles


def test_egress_is_ingress_run_backwards() -> None:
    """Tests a scatter from the end of the line: the far chip's vectors leave first, as they came last before."""
    _, backward = views(problem_of(Collective("scatter", 3, 4, 0), path(3), turnaround=2))
    assert entering(backward, 0).set_cycles.tolist() == [11, 10]


def test_a_root_of_a_broadcast_reads_nothing() -> None:
    """Tests a root without a wire into it."""
    forward, _ = views(problem_of(Collective("broadcast", 2, 4, 0), [Wire(0, 1)]))
    assert entering(forward, 0).cycles == 0
    assert entering(forward, 1).cycles == 3 + 3


@pytest.mark.parametrize(("kind", "period"), [("all-gather", 8), ("all-reduce", 4)])
def test_period_of_a_wire(kind: str, period: int) -> None:
    """Tests that the wire into the end of the line carries 4 vectors of each holder, or 4 sums."""
    forward, _ = views(problem_of(Collective(kind, 3, 4), path(3)), repeats=True)
    assert entering(forward, 0).cycles == period


def test_latency_is_that_of_the_farthest_holder() -> None:
    """Tests a line of four, 3 cycles a hop and 2 between: 3 x 3 + 2 x 2 from end to end, but 2 hops to chip 1."""
    forward, _ = views(problem_of(Collective("all-gather", 4, 1), path(4), turnaround=2))
    assert latency(forward, column([0, 1])) == 13
    assert latency(forward, column([1])) == 8


def test_latency_of_a_sum() -> None:
    """Tests a reduce to the end of a line of three with sums of 1 cycle: 3 + 2 + 3 and a sum.

    The middle chip has all summands at 3 and sums until 4, but sends the sum at 3 + 2 + 1: it is read at 9 as well.
    """
    problem = problem_of(Collective("reduce", 3, 1), path(3), turnaround=2, add_cost=adds_of(1))
    assert latency(views(problem)[0], column([0])) == 9


def test_latency_of_a_sum_that_nobody_can_complete_sooner() -> None:
    """Tests an all-reduce of two chips: a hop of 3 and a sum of 2 at either; complete it would come at 3 + 2 + 3."""
    problem = problem_of(Collective("all-reduce", 2, 1), path(2), turnaround=2, add_cost=adds_of(2))
    assert latency(views(problem)[0], column([0, 1])) == 5


@pytest.mark.parametrize(("limit", "cycles", "period"), [(1, 6 + 4, 10), (2, 6 + 2, 5), (3, 6 + 1, 4)])
def test_vectors_end_some_in_a_cycle(limit: int, cycles: int, period: int) -> None:
    """Tests a gather of 5 vectors from each of two chips over wires of four lanes, 3 cycles a hop.

    The near chip's vectors end from 3 on, the far chip's from 6 on: 5 of them one by one until 10, ten of both one by
    one until 3 + 9 = 12.
    """
    problem = problem_of(Collective("gather", 3, 5), path(3, lanes=4), limit=limit)
    view, again = views(problem)[0], views(problem, repeats=True)[0]
    both = 3 + -(-10 // limit) - 1
    assert ending_cycles(view, entering(view, 0), limit) == max(cycles, both)
    assert ending_cycles(again, entering(again, 0), limit) == period


def test_vectors_of_sums_begin_one_by_one() -> None:
    """Tests a reduce of 5 vectors to the near end: those of the far end begin one in a cycle, the last two hops ahead.

    Time reversed, they end there from 6 on.
    """
    problem = problem_of(Collective("reduce", 3, 5), path(3, lanes=4), limit=1)
    backward, again = views(problem)[1], views(problem, repeats=True)[1]
    assert ending_cycles(backward, entering(backward, 2), 1) == 6 + 4
    assert ending_cycles(again, entering(again, 2), 1) == 5
    # The root sends nothing.
    assert ending_cycles(backward, entering(backward, 0), 1) == ending_cycles(again, entering(again, 0), 1) == 0


def test_additions_are_shared_by_all_chips() -> None:
    """Tests an all-reduce of 4 vectors on three chips: 8 additions of 5 cycles, 3 of them on one chip at least."""
    problem = problem_of(Collective("all-reduce", 3, 4), path(3), add_cost=adds_of(5, fixed_cycles=7))
    assert sums_cycles(problem, repeats=True) == 3 * 5 + 7
    assert sums_cycles(problem) == 3 + 3 * 5 + 7


def test_sums_move_more_bytes_than_they_add() -> None:
    """Tests a vector unit of 10 bytes a cycle and vectors of 30: sums of three operands move 4 x 30 for 2 additions.

    Three chips sum 2 vectors each: 12 additions, 4 on one chip at least: 4 x 6 cycles.
    """
    slow = AddCost(30, 1, 10, 1, 0)
    problem = problem_of(Collective("reduce-scatter", 3, 2), path(3), add_cost=slow)
    assert sums_cycles(problem, repeats=True) == 24


@pytest.mark.parametrize("kind", ["all-gather", "all-reduce"])
def test_no_work_without_sums_or_vector_unit(kind: str) -> None:
    """Tests copies, and sums that take no time."""
    problem = problem_of(Collective(kind, 3, 2), path(3))
    assert sums_cycles(problem) == sums_cycles(problem, repeats=True) == 0


def test_only_short_routes_serve_a_short_makespan() -> None:
    """Tests a broadcast of 12 vectors over two routes of 20 cycles and one of 40.

    By 25 cycles each short route carries 6, from 0 to 5. The third helps from 40 cycles on only.
    """
    view, _ = views(problem_of(Collective("broadcast", 5, 12), DETOUR))
    assert routes_bound(view, 3, column([0]), 0) == 25
    # 60 vectors: at 47 cycles 28 + 28 + 8 = 64 are possible, at 46 only 27 + 27 + 7 = 61, at 45 58.
    view, _ = views(problem_of(Collective("broadcast", 5, 60), DETOUR))
    assert routes_bound(view, 3, column([0]), 0) == 46


def test_a_known_bound_is_not_found_again() -> None:
    """Tests that what is no better than the known bound is not worked out."""
    view, _ = views(problem_of(Collective("broadcast", 5, 12), DETOUR))
    assert routes_bound(view, 3, column([0]), 25) == 0
    assert routes_bound(view, 3, column([0]), 24) == 25


def test_the_narrow_place_between_two_groups_is_found() -> None:
    """Tests an all-gather of two triangles, joined by one wire between chips 2 and 3, 5 vectors each.

    Chip 0 reads 15 vectors over that wire: those of chip 3 leave from 0, those of 4 and 5 from 3 on: the last leaves at
    14 in either case, is read at 17 at chip 2 and at 20 at chip 0.
    """
    triangles = both_ways([(0, 1), (0, 2), (1, 2), (3, 4), (3, 5), (4, 5), (2, 3)])
    problem = problem_of(Collective("all-gather", 6, 5), triangles)
    once, again = views(problem)[0], views(problem, repeats=True)[0]
    assert routes_bound(once, 0, column([3, 4, 5]), 0) == 20
    assert routes_bound(again, 0, column([3, 4, 5]), 0) == 15


def test_what_comes_over_routes_ends_with_a_sum() -> None:
    """Tests a reduce of 3 vectors to the end of a line of two: 2 + 3 cycles and a sum of 1."""
    view, _ = views(problem_of(Collective("reduce", 2, 3), path(2), add_cost=adds_of(1)))
    assert [routes_bound(view, 0, column([1]), known) for known in (0, 5, 6)] == [6, 6, 0]


def test_a_reader_without_usable_routes() -> None:
    """Tests that no flow is possible within a makespan that is shorter than the way."""
    view, _ = views(problem_of(Collective("broadcast", 3, 1), path(3)))
    assert [routes_bound(view, 2, column([0]), known) for known in (5, 6)] == [6, 0]
