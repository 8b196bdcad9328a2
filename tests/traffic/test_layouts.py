"""Tests of how vectors are dealt over chips."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lpxsched.traffic.layouts import shares


@pytest.mark.parametrize(
    ("vectors", "width", "expected"),
    [
        (72, 7, [(0, 11), (11, 11), (22, 10), (32, 10), (42, 10), (52, 10), (62, 10)]),  # 72 = 7 x 10 + 2
        (6, 3, [(0, 2), (2, 2), (4, 2)]),
        (2, 3, [(0, 1), (1, 1), (2, 0)]),
        (0, 2, [(0, 0), (0, 0)]),
    ],
)
def test_the_first_shares_are_one_vector_longer(vectors: int, width: int, expected: list[tuple[int, int]]) -> None:
    """Tests first vector and size of each share, by hand."""
    assert shares(vectors, width) == expected


@given(st.integers(0, 10_000), st.integers(1, 500))
def test_shares_are_contiguous_and_even(vectors: int, width: int) -> None:
    """Tests that each vector is in one share, and no share is longer than another by more than one."""
    dealt = shares(vectors, width)
    assert [vector for first, size in dealt for vector in range(first, first + size)] == list(range(vectors))
    sizes = [size for _, size in dealt]
    assert len(sizes) == width
    assert max(sizes) - min(sizes) <= 1
