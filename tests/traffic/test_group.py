"""Tests of layers that share chips."""

from __future__ import annotations

import pytest

from lpxsched.traffic.group import sharing


@pytest.mark.parametrize(
    ("groups", "parts"),
    [
        ([], []),
        ([[0], [1], [2]], [0, 1, 2]),
        ([[0, 1], [1, 2]], [0, 0]),
        # The fourth joins the first two, the last the third.
        ([[0, 1], [2, 3], [4], [1, 2], [5, 4]], [0, 0, 1, 0, 1]),
    ],
)
def test_groups_that_share_chips_are_of_one_part(groups: list[list[int]], parts: list[int]) -> None:
    """Tests groups that share none, one, and some over others."""
    assert sharing(groups) == parts
