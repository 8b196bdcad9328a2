"""Tests of offsets at which two segments fit beside each other."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from lpxsched.program.frames.offsets import Held, folded, offsets

ROWS = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 40), st.integers(0, 9)), min_size=1, max_size=5)


def held(rows: list[tuple[int, int, int]]) -> Held:
    """Return intervals of resources."""
    return Held(*(np.array(column, dtype=np.int64) for column in zip(*rows, strict=True)))


def cells(rows: list[tuple[int, int, int]], period: int, later: int = 0) -> list[tuple[int, int]]:
    """Return resource and cycle of the circle for each cycle that is held."""
    return [(resource, (begin + later + k) % period) for resource, begin, length in rows for k in range(length)]


def test_a_third_of_a_period_fits_three_times() -> None:
    """Tests a unit that is held for 2 of 6 cycles: offsets 2, 3 and 4."""
    folds = folded([held([(7, 1, 2)])], 6)
    assert folds is not None
    (fits,) = offsets(folds, 0, 6)
    assert fits is not None
    assert np.flatnonzero(fits).tolist() == [2, 3, 4]


@given(ROWS, ROWS, st.integers(2, 15))
def test_offsets_are_those_at_which_no_cycle_is_held_twice(
    one: list[tuple[int, int, int]], other: list[tuple[int, int, int]], period: int
) -> None:
    """Tests random intervals cycle by cycle, each with itself first."""
    for rows in (one, other):
        mine = cells(rows, period)
        assert (folded([held(rows)], period) is None) == (len(set(mine)) < len(mine))
        if len(set(mine)) < len(mine):
            return
    folds = folded([held(one), held(other)], period)
    assert folds is not None
    for first, rows in enumerate((one, other)):
        for found, others in zip(offsets(folds, first, period), (one, other), strict=True):
            for offset in range(period):
                free = found is None or found[offset]
                assert free == (not set(cells(rows, period)) & set(cells(others, period, offset)))


def test_loads_are_sums_of_lengths() -> None:
    """Tests two intervals of one resource and one of another."""
    assert held([(0, 0, 3), (2, 5, 4), (0, 9, 1)]).loads(4).tolist() == [4, 0, 4, 0]
