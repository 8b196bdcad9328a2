"""How long streams take, for many at once."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lpxsched.schedule.problem.streams import Pitch, hold_cycles, lead_cycles, sum_cycles
from tests.schedule.instances import ADD_COST, FREE_ADD, ints

# v = 5/2 and v = 1 cycles.
PITCH = Pitch(ints([5, 1]), ints([2, 1]))


def test_a_stream_holds_its_link_to_the_end_of_its_last_cycle() -> None:
    """Tests ceil(n v): 0, 3, 5 and 8 cycles for up to three vectors of 5/2, three of 1."""
    assert hold_cycles(PITCH, ints([0, 0, 0, 0, 1]), ints([0, 1, 2, 3, 3])).tolist() == [0, 3, 5, 8, 3]


@pytest.mark.parametrize(
    ("arrived", "leaving", "vectors", "lead"),
    [
        # The last of four vectors leaves 3 cycles after the first, and arrives 15/2 after it: 4.5 more, rounded up.
        (0, 1, 4, 5),
        (0, 1, 1, 0),
        # The wire in is as fast or faster.
        (0, 0, 4, 0),
        (1, 0, 4, 0),
    ],
)
def test_a_relay_waits_where_the_wire_in_is_slower(arrived: int, leaving: int, vectors: int, lead: int) -> None:
    """Tests wires of 5/2 and 1 cycles a vector."""
    assert lead_cycles(PITCH, ints([arrived]), ints([leaving]), ints([vectors])).tolist() == [lead]


@given(st.lists(st.tuples(st.integers(2, 5), st.integers(1, 4)), max_size=6))
def test_each_sum_costs_what_it_costs_alone(sums: list[tuple[int, int]]) -> None:
    """Tests random operands and vectors, with a vector unit and without."""
    operands, vectors = ints(m for m, _ in sums), ints(n for _, n in sums)
    for cost in (ADD_COST, FREE_ADD):
        assert sum_cycles(cost, operands, vectors).tolist() == [cost.cycles(m, n) for m, n in sums]
