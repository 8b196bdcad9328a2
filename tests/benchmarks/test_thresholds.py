"""The table of what thresholds are worth."""

from __future__ import annotations

import pytest

from benchmarks.collectives.thresholds import OF_MEMORY, compared, scaled, thresholds
from lpxsched.schedule import policy


@pytest.mark.parametrize(
    ("value", "factor", "is_then"),
    [
        (25, 0.5, 12),
        # What is not 0 stays above it, what is 0 is meant.
        (1, 0.5, 1),
        (0, 2, 0),
        (0.3, 2, 0.6),
        ((3, 5), 2, (6, 10)),
        ({"auto": (1_000, 0)}, 0.5, {"auto": (500, 0)}),
    ],
)
def test_all_numbers_of_a_threshold_are_changed(value: object, factor: float, is_then: object) -> None:
    """Tests numbers, tuples and tables."""
    assert scaled(value, factor) == is_then


def test_problems_are_compared_one_by_one() -> None:
    """Tests 100 cycles that become 110 and 200 that become 199, a bound that is lost, and twice the time."""
    before = {"one": (100, 90, 1.0), "other": (200, 150, 2.0)}
    after = {"one": (110, 90, 4.0), "other": (199, 149, 2.0)}
    assert compared(before, after) == ("1", "10.00", "1", "0.50", "1", "2.00")


def test_what_changes_seconds_alone_is_there() -> None:
    """Tests that names that are left out are thresholds, and that others are not."""
    assert all(hasattr(policy, name) for name in OF_MEMORY)
    assert "PATIENCE" in thresholds()
    assert "BATCH" not in thresholds()
