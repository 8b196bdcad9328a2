"""Tests of the conversions between times, rates and cycles, and of numbers of things."""

from __future__ import annotations

from fractions import Fraction
from importlib import import_module
from pkgutil import walk_packages

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import lpxsched
from lpxsched.units import (
    NEVER,
    NONE,
    ceil_cycles,
    ceil_div,
    counted,
    cycles_to_ns,
    exact,
    lead_cycles,
    ns_to_cycles,
    vector_time_cycles,
)


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        (0.1, Fraction(1, 10)),
        (10.6, Fraction(53, 5)),
        (858.9934592, Fraction(8589934592, 10**7)),
        (1e-9, Fraction(1, 10**9)),
        (1e22, Fraction(10**22)),
        (900, Fraction(900)),
        (0, Fraction(0)),
    ],
)
def test_exact_is_the_decimal_as_written(number: float, expected: Fraction) -> None:
    """Tests that a number becomes the decimal that was written, not its nearest binary value."""
    assert exact(number) == expected


@given(st.decimals(min_value=-1000, max_value=1000, places=6))
def test_exact_keeps_six_decimals(number: object) -> None:
    """Tests that every decimal of six places survives the way through a float."""
    assert exact(float(str(number))) == Fraction(str(number))


@pytest.mark.parametrize(
    ("numerator", "denominator", "expected"), [(0, 3, 0), (1, 3, 1), (3, 3, 1), (4, 3, 2), (-4, 3, -1)]
)
def test_ceil_div_rounds_up(numerator: int, denominator: int, expected: int) -> None:
    """Tests that a quotient is rounded towards plus infinity."""
    assert ceil_div(numerator, denominator) == expected


@pytest.mark.parametrize(
    ("arriving", "leaving", "vectors", "lead"),
    [
        # The last of four vectors leaves 3 cycles after the first, and arrives 15/2 after it: 4.5 more, rounded up.
        ((5, 2), (1, 1), 4, 5),
        ((5, 2), (1, 1), 1, 0),
        # The wire in is as fast or faster.
        ((5, 2), (5, 2), 4, 0),
        ((1, 1), (5, 2), 4, 0),
    ],
)
def test_a_relay_waits_where_the_wire_in_is_slower(
    arriving: tuple[int, int], leaving: tuple[int, int], vectors: int, lead: int
) -> None:
    """Tests wires of 5/2 and 1 cycles a vector, one by one and in columns."""
    assert lead_cycles(vectors, arriving, leaving) == lead
    columns = [(np.array([numerator]), np.array([denominator])) for numerator, denominator in (arriving, leaving)]
    assert lead_cycles(np.array([vectors]), *columns).tolist() == [lead]


@given(st.integers(-(10**30), 10**30), st.integers(1, 10**30))
def test_ceil_div_is_the_least_integer_above(numerator: int, denominator: int) -> None:
    """Tests that the result is at least the quotient and less than one above it, however large the numbers."""
    result = ceil_div(numerator, denominator)
    assert result * denominator >= numerator > (result - 1) * denominator


@pytest.mark.parametrize(("cycles", "expected"), [(Fraction(656, 25), 27), (Fraction(26), 26), (Fraction(1, 10**9), 1)])
def test_ceil_cycles_rounds_up(cycles: Fraction, expected: int) -> None:
    """Tests that any part of a cycle counts as a whole one."""
    assert ceil_cycles(cycles) == expected


def test_a_vector_takes_26_24_ns_at_100_gbps() -> None:
    """Tests the time of one vector on an LPX lane.

    328 bytes x 8 bits / 100 bits a ns = 26.24 ns, which is 656/25 cycles at 1000 MHz and 2952/125 (23.616) at 900.
    """
    assert vector_time_cycles(328, Fraction(100), Fraction(1000)) == Fraction(656, 25)
    assert vector_time_cycles(328, Fraction(100), Fraction(900)) == Fraction(2952, 125)


def test_722_ns_are_649_8_cycles_at_900_mhz() -> None:
    """Tests that a time in ns becomes an exact number of cycles and comes back unchanged."""
    cycles = ns_to_cycles(Fraction(722), Fraction(900))
    assert cycles == Fraction(6498, 10)
    assert cycles_to_ns(cycles, Fraction(900)) == 722


def test_whole_cycles_become_ns() -> None:
    """Tests that 252 cycles of 900 MHz last exactly 280 ns."""
    assert cycles_to_ns(252, Fraction(900)) == 280


def test_none_and_never_are_the_same_in_all_modules() -> None:
    """Tests the copies in modules of compiled code too, at least one of them."""
    modules = [import_module(module.name) for module in walk_packages(lpxsched.__path__, "lpxsched.")]
    assert {vars(module)["NONE"] for module in modules if "NONE" in vars(module)} == {NONE}
    assert {vars(module)["NEVER"] for module in modules if "NEVER" in vars(module)} == {NEVER}


@pytest.mark.parametrize(
    ("number", "noun", "told"),
    [
        (0, "chip", "0 chips"),
        (1, "chip", "1 chip"),
        (1024, "chip", "1,024 chips"),
        (1, "micro-batch", "1 micro-batch"),
        (2, "micro-batch", "2 micro-batches"),
        (3, "class", "3 classes"),
        (2, "entry", "2 entries"),
        (2, "tray", "2 trays"),
    ],
)
def test_numbers_of_things_have_their_plural(number: int, noun: str, told: str) -> None:
    """Tests none, one and several, and nouns whose plural is not just an s more."""
    assert counted(number, noun) == told
