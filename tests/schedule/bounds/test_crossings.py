"""Room for departures on lanes."""

from __future__ import annotations

from fractions import Fraction
from functools import cache
from math import ceil

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lpxsched.schedule.bounds.crossings import Lanes, densest, lanes_of, least, least_integer
from lpxsched.traffic.collectives import Collective
from tests.schedule.bounds.problems import Wire, column, problem_of


def lanes(pitch: Fraction, longest_run: int, count: int = 1, *, repeats: bool = False) -> Lanes:
    """Return the lanes of one bundle when slots carry so many vectors at most."""
    wires = [Wire(0, 1, lanes=count, pitch=pitch), Wire(1, 0)]
    problem = problem_of(Collective("broadcast", 2, longest_run), wires)
    return lanes_of(problem.network, longest_run, repeats=repeats).at(np.array([0]))


def most_departures(pitch: Fraction, longest_run: int, window: int) -> int:
    """Return the most departures on one lane in [0, window], over all ways to place slots, also across 0."""

    @cache
    def most_from(start: int) -> int:
        if start > window:
            return 0
        found = 0
        for vectors in range(1, longest_run + 1):
            inside = sum(0 <= start + k * pitch <= window for k in range(vectors))
            found = max(found, inside + most_from(start + ceil(vectors * pitch)))
        return found

    return max(most_from(start) for start in range(-ceil(longest_run * pitch), 1))


@given(st.fractions(min_value=Fraction(1, 2), max_value=4, max_denominator=5), st.integers(1, 4), st.integers(0, 25))
def test_no_slots_exceed_the_room(pitch: Fraction, longest_run: int, window: int) -> None:
    """Tests the room of a window against all ways to place slots."""
    room = lanes(pitch, longest_run).room(column([window]), column([0]))
    assert most_departures(pitch, longest_run, window) <= room[0]


@pytest.mark.parametrize(
    ("pitch", "longest_run", "window", "room"),
    [
        # Slots of one vector hold their lane for 2 cycles: they leave at 0, 2, 4, 6.
        (Fraction(3, 2), 1, 7, 4),
        # Slots of two hold it for 3, as long as two vectors take: 0, 1.5, 3, 4.5, 6.
        (Fraction(3, 2), 2, 7, 5),
        (Fraction(1), 1, 0, 1),
    ],
)
def test_room_of_a_window(pitch: Fraction, longest_run: int, window: int, room: int) -> None:
    """Tests rooms counted by hand."""
    assert lanes(pitch, longest_run).room(column([window]), column([0])).tolist() == [room]
    assert most_departures(pitch, longest_run, window) == room


def test_room_of_parallel_links_and_of_none() -> None:
    """Tests that lanes multiply room, and that a window which is all idle has none."""
    three = lanes(Fraction(1), 1, count=3)
    assert three.room(column([5]), column([4])).tolist() == [6]
    assert three.room(column([5]), column([6])).tolist() == [0]


def test_shortest_makespan_of_several_counts() -> None:
    """Tests two bundles, one usable three cycles later than the other.

    Five departures: 0 to 3 on the first and 3 on the second; seven: 0 to 4 and 3 to 4.
    """
    wires = [Wire(0, 1), Wire(0, 2), Wire(1, 0), Wire(2, 0)]
    both = lanes_of(problem_of(Collective("broadcast", 3, 1), wires).network, 1).at(np.array([0, 1]))
    idle = np.array([[0, 3], [0, 3], [0, 3]])
    assert both.shortest(column([5, 7, 0]), idle).tolist() == [3, 4, 0]


def test_shortest_period_holds_whole_slots() -> None:
    """Tests that slots of one vector of 3/2 cycles take 2 each; two lanes carry five in 6 cycles, not in 5."""
    single, double = (lanes(Fraction(3, 2), vectors, count=2, repeats=True) for vectors in (1, 2))
    assert single.shortest(column([5, 1]), np.zeros((2, 1), dtype=np.int64)).tolist() == [6, 2]
    assert double.shortest(column([5]), np.zeros((1, 1), dtype=np.int64)).tolist() == [5]


@given(st.lists(st.integers(0, 50), min_size=1, max_size=5))
def test_least_integers(thresholds: list[int]) -> None:
    """Tests bisection, in columns and one by one."""
    found = least(lambda values: values >= column(thresholds), column([0] * len(thresholds)), column(thresholds))
    assert found.tolist() == thresholds
    assert [least_integer(lambda value, t=t: value >= t, 0) for t in thresholds] == thresholds


@pytest.mark.parametrize(
    ("pitch", "longest_run", "held"),
    [
        (Fraction(3, 2), 1, Fraction(2)),
        (Fraction(3, 2), 2, Fraction(3, 2)),
        # 2 x 2.6 = 5.2, 3 x 2.6 = 7.8: three vectors in 8 cycles are the densest.
        (Fraction(13, 5), 4, Fraction(8, 3)),
        # Too many lengths to try; the pitch is never too long.
        (Fraction(10**5 + 1, 10**5), 500, Fraction(10**5 + 1, 10**5)),
    ],
)
def test_densest_slots(pitch: Fraction, longest_run: int, held: Fraction) -> None:
    """Tests how long a slot holds its lane for each of its vectors."""
    assert densest(pitch, longest_run) == held
