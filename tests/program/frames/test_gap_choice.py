"""Tests of how often frames that repeat deskew."""

from __future__ import annotations

from lpxsched.program.frames.gap_choice import TriedGaps, tried_gaps


def gaps(interval: int, longest: int, step: int) -> TriedGaps:
    """Return an interval of which so much came; 0 where too few windows are left."""
    return TriedGaps(interval, 0, 1, 1, 10 if longest else 0, 100, longest, step)


def test_of_the_least_longest_steps_the_shortest_nominal_one_is_taken() -> None:
    """Tests 1,020 and 1,000 within a fiftieth, of which the first is shorter in the mean; 1,021 comes after both.

    What leaves too few windows comes last, the longest interval first.
    """
    found = {1: gaps(1, 0, 0), 2: gaps(2, 0, 0), 3: gaps(3, 1021, 400), 4: gaps(4, 1000, 600), 5: gaps(5, 1020, 500)}
    assert [one.interval_cycles for one in tried_gaps(found, lambda interval: found[interval or 0])] == [5, 4, 3, 2, 1]
