"""Tests of numbers as people read them."""

from __future__ import annotations

import pytest

from lpxsched.report.formats import as_time


@pytest.mark.parametrize(
    ("time_ns", "told"),
    [
        (0, "0 s"),
        (0.5, "0.500 ns"),
        (999, "999.000 ns"),
        (84_636, "84.636 us"),
        (1_000_000, "1.000 ms"),
        (33_119_000_000, "33.119 s"),
        (1_234_500_000_000, "1,234.500 s"),
    ],
)
def test_a_time_has_the_unit_in_which_it_shows(time_ns: float, told: str) -> None:
    """Tests every unit: the largest in which a time is no less than one."""
    assert as_time(time_ns) == told
