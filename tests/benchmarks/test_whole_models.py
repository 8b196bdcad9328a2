"""Tests of the terms of a step."""

from __future__ import annotations

from benchmarks.whole_models import TERMS, terms
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
