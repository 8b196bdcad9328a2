"""Tests of functions on residues."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from lpxsched.verify.replay.arithmetic import PRIME
from lpxsched.verify.replay.field import (
    FEW,
    ROOT,
    dot,
    exponential,
    inverse,
    inverse_root,
    power,
    sigmoid,
    silu,
    softmax,
)

RESIDUES = st.lists(st.integers(0, PRIME - 1), min_size=1, max_size=5) | st.lists(
    st.integers(0, PRIME - 1), min_size=FEW, max_size=FEW + 2
)


@given(RESIDUES, st.integers(0, PRIME))
def test_powers_are_those_of_whole_numbers(values: list[int], exponent: int) -> None:
    """Tests powers of and with residues against Python's."""
    column = np.array(values, dtype=np.int64)
    assert power(column, exponent).tolist() == [pow(value, exponent, PRIME) for value in values]
    assert exponential(column).tolist() == [pow(ROOT, value, PRIME) for value in values]


def test_the_root_generates_all_residues() -> None:
    """Tests that no power of 7 by a part of p - 1 = 2 x 3^2 x 7 x 11 x 31 x 151 x 331 is 1."""
    for prime in (2, 3, 7, 11, 31, 151, 331):
        assert pow(ROOT, (PRIME - 1) // prime, PRIME) != 1


@given(RESIDUES)
def test_inverses(values: list[int]) -> None:
    """Tests that a residue times its inverse is 1, and that the inverse root squared gives 1 or minus 1 with it."""
    column = np.array(values, dtype=np.int64)
    assert (column * inverse(column) % PRIME).tolist() == [int(value > 0) for value in values]
    roots = inverse_root(column)
    assert all(one in (0, 1, PRIME - 1) for one in (roots * roots % PRIME * column % PRIME).tolist())


@given(RESIDUES)
def test_activations(values: list[int]) -> None:
    """Tests x / (1 + 7^-x)."""
    column = np.array(values, dtype=np.int64)
    ones = sigmoid(column) * (1 + inverse(exponential(column))) % PRIME
    assert all(one in (0, 1) for one in ones.tolist())
    assert np.array_equal(silu(column), column * sigmoid(column) % PRIME)


@given(RESIDUES)
def test_a_softmax_adds_up_to_one_over_what_is_seen(values: list[int]) -> None:
    """Tests that the sum is 1 without the first, which gets nothing, and that powers keep their proportions."""
    column = np.array([5, *values], dtype=np.int64)
    visible = np.arange(len(column)) > 0
    weights = softmax(column, visible)
    assert weights[0] == 0
    assert weights.sum() % PRIME in (0, 1)
    powers = exponential(column)
    assert weights[1] * powers[-1] % PRIME == weights[-1] * powers[1] % PRIME


def test_products_of_large_residues() -> None:
    """Tests (p - 1)(p - 1) + (p - 1) x 2 = 1 - 2."""
    assert dot(np.array([PRIME - 1, PRIME - 1]), np.array([PRIME - 1, 2])) == PRIME - 1
