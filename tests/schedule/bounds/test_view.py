"""Views of a problem, with time forward and reversed."""

from __future__ import annotations

import numpy as np
import pytest

from lpxsched.schedule.bounds.view import longest_run, representatives, views, wants_of
from lpxsched.schedule.problem.wires import FAR
from lpxsched.traffic.collectives import Collective
from tests.schedule.bounds.problems import Wire, adds_of, column, path, problem_of, ring


def test_reversal_turns_ways_round() -> None:
    """Tests a ring that leads one way: from 0 to 2 it takes two hops, turned round one."""
    wires = [Wire(0, 1), Wire(1, 2), Wire(2, 0)]
    forward, backward = views(problem_of(Collective("all-gather", 3, 1), wires))
    assert forward.into(column([2]))[0, 0] == 6
    assert backward.into(column([2]))[0, 0] == 3


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


def test_of_many_shards_the_most_starved_is_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests a ring of two lanes a wire, those into chip 3 apart, of which the ends are looked at besides."""
    monkeypatch.setattr("lpxsched.schedule.bounds.view.SMALL_TABLE", 0)
    monkeypatch.setattr("lpxsched.schedule.bounds.view.FEW_SHARDS", 2)
    wires = [wire._replace(lanes=1 if wire.destination == 3 else 2) for wire in ring(6)]
    view, _ = views(problem_of(Collective("all-gather", 6, 1), wires))
    assert representatives(view).tolist() == [0, 3, 5]


def test_no_result_depends_on_unreachable_relays() -> None:
    """Tests that a relay that nothing reaches makes no complete sums."""
    wires = [*path(2), Wire(2, 0)]
    forward, _ = views(problem_of(Collective("all-reduce", 2, 1), wires, relays=1, add_cost=adds_of(4)))
    # The other chip gets the summand at 3, sums until 7, and sends it back.
    assert np.array_equal(forward.reader_complete, [10, 10])


def test_cost_counts_the_turnaround_of_every_hop() -> None:
    """Tests a line of three, 3 cycles a hop and 2 between: 0, 5 and 10 cycles to the far end."""
    view, _ = views(problem_of(Collective("all-gather", 3, 1), path(3), turnaround=2))
    assert view.into(column([2, 0])).tolist() == [[10, 5, 0], [0, 5, 10]]


@pytest.mark.parametrize("add", [0, 1, 7])
def test_a_sum_pays_the_turnaround(add: int) -> None:
    """Tests that a turnaround of 2 cycles lies between two hops, however long sums are."""
    problem = problem_of(Collective("reduce", 3, 1), path(3), turnaround=2, add_cost=adds_of(add))
    assert views(problem)[0].into(column([0])).tolist() == [[0, 3 + 2, 6 + 2 * 2]]


def test_the_nearest_of_several_starts() -> None:
    """Tests ways from either end of a line."""
    view, _ = views(problem_of(Collective("all-gather", 4, 1), path(4)))
    assert view.from_any(column([0, 3])).tolist() == [0, 3, 3, 0]


def test_no_way_is_far() -> None:
    """Tests a wire that leads one way only."""
    view, _ = views(problem_of(Collective("broadcast", 2, 1), [Wire(0, 1)]))
    assert view.into(column([0])).tolist() == [[0, FAR]]
    assert view.from_any(np.array([0])).tolist() == [0, 3]


@pytest.mark.parametrize(
    ("kind", "run"),
    [("all-gather", 2), ("broadcast", 2), ("all-reduce", 2), ("scatter", 6), ("all-to-all", 6), ("reduce-scatter", 6)],
)
def test_longest_run_is_the_largest_value(kind: str, run: int) -> None:
    """Tests collectives of three chips and two vectors: each has a shard, or a whole tensor."""
    assert longest_run(Collective(kind, 3, 2)) == run


EVERYONE = [[0, 2, 2], [2, 0, 2], [2, 2, 0]]
FROM_ONE = [[0, 0, 0], [2, 0, 2], [0, 0, 0]]
TO_ONE = [[0, 2, 0], [0, 0, 0], [0, 2, 0]]


@pytest.mark.parametrize(
    ("kind", "vectors", "holders_differ", "readers_differ"),
    [
        ("all-gather", EVERYONE, True, False),
        ("reduce-scatter", EVERYONE, False, True),
        ("all-reduce", EVERYONE, False, False),
        ("all-to-all", EVERYONE, True, True),
        ("broadcast", FROM_ONE, True, False),
        ("scatter", FROM_ONE, True, True),
        ("reduce", TO_ONE, False, True),
        ("gather", TO_ONE, True, True),
    ],
)
def test_wants_of_every_kind(kind: str, vectors: list[list[int]], holders_differ: bool, readers_differ: bool) -> None:
    """Tests three chips and two vectors, the root in the middle."""
    wants = wants_of(Collective(kind, 3, 2, 1))
    assert wants.vectors.tolist() == vectors
    assert (wants.holders_differ, wants.readers_differ) == (holders_differ, readers_differ)
    assert wants.is_exchange == (kind == "all-to-all")


def test_reversal_exchanges_holders_with_readers() -> None:
    """Tests that a scatter run backwards is a gather."""
    scatter, gather = (wants_of(Collective(kind, 3, 2, 1)) for kind in ("scatter", "gather"))
    assert scatter.reversed().vectors.tolist() == gather.vectors.tolist()
    broadcast = wants_of(Collective("broadcast", 3, 2, 1)).reversed()
    assert (broadcast.holders_differ, broadcast.readers_differ) == (False, True)
