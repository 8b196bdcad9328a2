"""Tests of the terms of a step."""

from __future__ import annotations

import numpy as np

from benchmarks.whole_models import TERMS, covered, terms
from tests.builds import two_chip_build


def test_the_terms_of_the_build_of_two_chips() -> None:
    """Tests 11 cycles of router, 20 and 5 of experts and combine, a stall of 2; the rest of 128 are wires."""
    found = terms(two_chip_build())
    assert {term: cycles for term, cycles in found.items() if cycles} == {
        "routers": 11,
        "FFNs": 25,
        "deskews": 2,
        "wires": 90,
        "all": 128,
    }


def test_no_kind_is_counted_twice() -> None:
    """Tests that terms share no kind."""
    kinds = [kind for kinds in TERMS.values() for kind in kinds]
    assert len(kinds) == len(set(kinds))


def test_what_runs_at_the_same_time_is_counted_once() -> None:
    """Tests [0, 4), [2, 3) within it, [3, 6) over its end, and [8, 10): cycles 0 to 5, 8 and 9."""
    assert covered(np.array([3, 0, 8, 2]), np.array([3, 4, 2, 1])) == 8
    assert covered(np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64)) == 0
