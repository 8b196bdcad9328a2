"""All-gathers in boxes of GPUs whose links have 1, 2 and 4 lanes."""

from __future__ import annotations

from fractions import Fraction

import pytest

from lpxsched.schedule.options import SolveOptions
from lpxsched.schedule.solve_collective import solve_transfers
from tests.schedule.boxes import box
from tests.schedule.transfer_rules import broken_rules


@pytest.mark.slow
@pytest.mark.parametrize(("seed", "vectors", "links"), [(0, 256, 8), (1, 256, 24), (0, 1024, 24)])
def test_links_into_the_narrowest_chip_never_rest(seed: int, vectors: int, links: int) -> None:
    """Tests that trees are packed to within a twentieth of what the narrowest cut lets through."""
    problem = box(seed, vectors, links=links)
    result = solve_transfers(problem, SolveOptions(effort=3))
    assert broken_rules(problem, result.schedule) == []
    assert result.gap <= Fraction(21, 20)
