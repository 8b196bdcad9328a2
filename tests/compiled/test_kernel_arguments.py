"""Tests of what goes into compiled kernels and comes out of them."""

from __future__ import annotations

import typing
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from lpxsched.compiled.kernels import Kernel


class Mixed(typing.NamedTuple):
    """Arguments of every kind."""

    flag: bool
    factor: float
    table: np.ndarray[typing.Any, np.dtype[np.int32]]


@Kernel
def mixed(arguments: Mixed, row: int, words: np.ndarray[typing.Any, np.dtype[np.uint64]]) -> tuple[bool, float, int]:
    """Return something of each argument."""
    return arguments.flag, arguments.factor * arguments.table[row, 1], int(words[0] >> np.uint64(63))


@Kernel
def quotient(divided: int, by: int) -> int:
    """Return a quotient of positive numbers."""
    if divided < 0:
        raise ValueError("negative")
    return divided // by


@Kernel
def doubled(numbers: np.ndarray[typing.Any, np.dtype[np.float64]]) -> None:
    """Double numbers in place."""
    for index in range(len(numbers)):
        numbers[index] *= 2


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("flag", [True, np.False_])
def test_arguments_and_results_of_every_kind(order: typing.Literal["C", "F"], flag: bool) -> None:
    """Tests numbers of several types, a table in both orders, results of several kinds: 1.5 x 4, the highest bit."""
    table = np.array([[1, 2], [3, 4]], dtype=np.int32, order=order)
    words = np.array([1 << 63], dtype=np.uint64)
    assert mixed(Mixed(flag, 1.5, table), np.int32(1), words) == (bool(flag), 6.0, 1)


def test_arrays_may_have_gaps() -> None:
    """Tests every other number of an array."""
    numbers = np.arange(5.0)
    assert doubled(numbers[::2]) is None
    assert numbers.tolist() == [0, 1, 4, 3, 8]


def test_kernels_raise_as_their_functions_do() -> None:
    """Tests an error that is raised, one of arithmetic, and that the kernel works after both."""
    with pytest.raises(ValueError, match=r"^negative$"):
        quotient(-1, 2)
    with pytest.raises(ZeroDivisionError):
        quotient(1, 0)
    assert quotient(7, 2) == 3


@pytest.mark.parametrize("wrong", [Fraction(7), "7", 7.0, np.float64(7), True, np.True_, None, 7j, [7], b"7"])
def test_numbers_of_other_types_are_refused(wrong: object) -> None:
    """Tests what int() would take, and what it would not, where an integer is due and integers have been before."""
    assert quotient(np.int8(7), np.uint8(2)) == 3
    with pytest.raises(TypeError, match=rf"not {type(wrong).__name__}$"):
        quotient(wrong, 2)  # type: ignore[arg-type]
    assert quotient(7, 2) == 3


@pytest.mark.parametrize(
    ("arguments", "row", "words", "name"),
    [
        (Mixed(1, 1.5, np.zeros((1, 2), np.int32)), 0, np.zeros(1, np.uint64), "arguments.flag of a kernel is bool"),
        (Mixed(True, True, np.zeros((1, 2), np.int32)), 0, np.zeros(1, np.uint64), "arguments.factor of .* is float"),
        (Mixed(True, 1.5, 3), 0, np.zeros(1, np.uint64), "arguments.table of .*not int"),
        (Mixed(True, 1.5, np.zeros((1, 2), np.int32)), 0, 3, "words of .*not int"),
        (7, 0, np.zeros(1, np.uint64), "arguments of a kernel is Mixed, not int"),
    ],
)
def test_the_argument_of_another_type_is_named(arguments: Any, row: int, words: Any, name: str) -> None:
    """Tests fields of a named tuple, an array and the tuple itself, each a number of another type."""
    with pytest.raises(TypeError, match=f"^{name}"):
        mixed(arguments, row, words)


class Other(typing.NamedTuple):
    """Another tuple with the first field of `Mixed`."""

    flag: bool


def test_other_tuples_and_numbers_of_arguments_are_refused() -> None:
    """Tests a tuple of another name, and one argument of two."""
    with pytest.raises(TypeError, match=r"^arguments of a kernel is Mixed, not Other$"):
        mixed(Other(True), 0, np.zeros(1, dtype=np.uint64))  # type: ignore[arg-type]
    with pytest.raises(TypeError, match=r"^kernel quotient takes 2 arguments, not 1$"):
        quotient(7)  # type: ignore[call-arg]


def test_a_whole_number_may_stand_for_a_real_one() -> None:
    """Tests a factor of 2, as Python's annotations have it: 2 x 4."""
    table = np.array([[1, 2], [3, 4]], dtype=np.int32)
    assert mixed(Mixed(True, 2, table), 1, np.zeros(1, dtype=np.uint64)) == (True, 8, 0)


@Kernel
def eight(number: int) -> tuple[int, int, int, int, int, int, int, int]:
    """Return as many numbers as there is room for."""
    return number, number, number, number, number, number, number, number + 1


@Kernel
def nine(number: int) -> tuple[int, ...]:
    """Return more numbers than there is room for."""
    return number, number, number, number, number, number, number, number, number


@Kernel
def complex_number(number: int) -> complex:
    """Return what is no word."""
    return number * 1j


def test_results_without_room_are_refused() -> None:
    """Tests eight numbers, nine, and one of a type that no word has."""
    assert eight(4) == (4,) * 7 + (5,)
    with pytest.raises(TypeError, match=r"^kernel nine returns (int64, ){9}not 8 numbers at most$"):
        nine(4)
    with pytest.raises(TypeError, match=r"^kernel complex_number returns complex128, not 8 numbers at most$"):
        complex_number(4)
