"""Views of a problem, with time forward and reversed."""

from __future__ import annotations

import numpy as np
import pytest

from lpxsched.schedule.bounds.view import representatives, views
from lpxsched.schedule.problem.wires import FAR
from lpxsched.traffic.collectives import Collective
from tests.schedule.bounds.problems import Wire, adds_of, column, path, problem_of, ring


def test_reversal_turns_ways_round() -> None:
    """Tests a ring that leads one way: from 0 to 2 it takes two hops, turned round one."""
    wires = [Wire(0, 1), Wire(1, 2), Wire(2, 0)]
    forward, backward = views(problem_of(Collective("all-gather", 3, 1), wires))
    assert forward.network.into(column([2]))[0, 0] == 6
    assert backward.network.into(column([2]))[0, 0] == 3


def test_a_complete_sum_comes_later_than_the_last_summand() -> None:
    """Tests a reduce in a line of three, 3 cycles a hop, sums of 4 and a turnaround of 2.

    Chip 1 has all summands after one hop, at 3, and sends their sum to either end at 3 + 2 + 4: it comes at 12. A
    complete sum at chip 1 was made at an end, after two hops: 3 + 2 + 3 + 2 + 4 + 3.
    """
    problem = problem_of(Collective("reduce", 3, 1), path(3), turnaround=2, add_cost=adds_of(4))
    forward, backward = views(problem)
    assert forward.reader_complete.tolist() == backward.holder_complete.tolist() == [12, 17, 12]
    assert forward.holder_complete.tolist() == [FAR, FAR, FAR]


@pytest.mark.parametrize(("without", "complete", "ended"), [(6, 20, 10), (6, 8, 8), (9, 8, 9)])
def test_a_bound_ends_with_a_sum_or_with_a_complete_vector(without: int, complete: int, ended: int) -> None:
    """Tests a sum of 4 cycles at the end: added in full, up to a complete vector, or not at all."""
    forward, _ = views(problem_of(Collective("reduce", 3, 1), path(3), add_cost=adds_of(4)))
    assert forward.ended(column([without]), column([complete])).tolist() == [ended]


def test_representatives_differ() -> None:
    """Tests that a ring needs one chip, a line one of each distance from its end, and a broadcast its root too."""
    alike, _ = views(problem_of(Collective("all-gather", 6, 1), ring(6)))
    assert representatives(alike).tolist() == [0]
    line, _ = views(problem_of(Collective("all-gather", 4, 1), path(4)))
    assert representatives(line).tolist() == [0, 1]
    rooted, _ = views(problem_of(Collective("broadcast", 6, 1), ring(6)))
    # Chips one, two and three hops away from the root.
    assert representatives(rooted).tolist() == [0, 1, 2, 3]


def test_wires_tell_chips_apart() -> None:
    """Tests that a chip with two lanes in is looked at besides the others of a ring."""
    wires = [wire._replace(lanes=2 if wire.destination == 2 else 1) for wire in ring(3)]
    view, _ = views(problem_of(Collective("all-gather", 3, 1), wires))
    assert representatives(view).tolist() == [0, 2]


def test_no_result_depends_on_unreachable_relays() -> None:
    """Tests that a relay that nothing reaches makes no complete sums."""
    wires = [*path(2), Wire(2, 0)]
    forward, _ = views(problem_of(Collective("all-reduce", 2, 1), wires, relays=1, add_cost=adds_of(4)))
    # The other chip gets the summand at 3, sums until 7, and sends it back.
    assert np.array_equal(forward.reader_complete, [10, 10])
