"""All-gathers in boxes of GPUs whose links have 1, 2 and 4 lanes."""

from __future__ import annotations

from fractions import Fraction
from typing import get_args

import pytest

from benchmarks.collectives.boxes import Shape
from lpxsched.schedule.collective import solve_transfers
from lpxsched.schedule.options import SolveOptions
from tests.schedule.boxes import box
from tests.schedule.transfer_rules import broken_rules


def _gap(shape: Shape, seed: int, vectors: int, *, alike: bool = False, effort: int = 3) -> Fraction:
    problem = box(shape, seed, vectors, alike=alike)
    result = solve_transfers(problem, SolveOptions(effort=effort))
    assert broken_rules(problem, result.schedule) == []
    return result.gap


def test_trees_are_packed_to_the_narrowest_cut() -> None:
    """Tests a box in which trees that grow by loads take 1,069 cycles, while 982 is the least."""
    assert _gap("regular", 7, 256, effort=1) <= Fraction(1005, 982)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("shape", get_args(Shape))
def test_links_into_the_narrowest_set_never_rest(shape: Shape, seed: int) -> None:
    """Tests boxes whose links have other lanes each way: within a twentieth of what the narrowest cut lets through."""
    assert _gap(shape, seed, 256) <= Fraction(21, 20)


@pytest.mark.slow
@pytest.mark.parametrize(("shape", "seed", "vectors"), [("tree", 0, 256), ("dense", 1, 256), ("dense", 0, 1024)])
def test_links_into_the_narrowest_chip_never_rest(shape: Shape, seed: int, vectors: int) -> None:
    """Tests boxes whose links have as many lanes either way."""
    assert _gap(shape, seed, vectors, alike=True) <= Fraction(21, 20)
