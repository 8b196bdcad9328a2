"""Tests of the number of deskews between layers, on clocks that make sums easy."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from lpxsched.clocks.limits import DomainClock
from lpxsched.clocks.specification import ClockSpecification
from lpxsched.program.whole_model.deskewing import (
    Judge,
    Timed,
    all_tried,
    between_deskews,
    dealt_layers,
    least_room,
    shortest_laid,
)
from lpxsched.program.whole_model.deskews_inside import quietest


def judge_of(offset_ppm: float, residual_ns: float = 0, deskew_cycles: int = 0) -> Judge:
    """Return clocks of 1 GHz whose second deskew lets two levels more lie between begin and end."""
    facts = {"offset_ppm": offset_ppm, "residual_ns": residual_ns, "jitter_peak_to_peak_ns": 0}
    facts |= {"crossing_cycles": 0, "temperature_ns": 0, "hac_period_cycles": 252, "deskew_cycles": deskew_cycles}
    clock = ClockSpecification.model_validate({"name": "test", **facts})
    return Judge(DomainClock(clock, 1, Fraction(1000), in_hop=False), (2, 4), 252)


def grown(layers: int, length: int, hops: int):
    """Return how long layers take whose hops each wait for the guard: 2 rho T, of 500 ppm a cycle in 1,000."""

    def timed(interval: int | None) -> Timed:
        guard = -(-(interval or 0) // 1000)
        return Timed((length + hops * guard,) * layers, 0, guard)

    return timed


def test_layers_are_dealt_in_their_order() -> None:
    """Tests 3, 4, 5, 2 in rooms of 7: 3 + 4 | 5 + 2; in two parts no less than 7 will do, in three 5, in four 5."""
    assert dealt_layers([3, 4, 5, 2], 7) == [0, 2]
    assert dealt_layers([3, 4, 5, 2], 5) == [0, 1, 2, 3]
    assert [least_room([3, 4, 5, 2], parts) for parts in (1, 2, 3, 4)] == [14, 7, 7, 5]


def test_a_pass_lies_behind_the_last_layer() -> None:
    """Tests that chips which poll run apart until the deskew of the next run."""
    assert between_deskews(Timed((3, 4), 252, 0)) == [3, 256]


def test_guards_are_weighed_against_deskews() -> None:
    """Tests four layers of 1,000 cycles and ten hops each at +-500 ppm, 1 cycle apart in 1,000.

    Once: 4,000 cycles ask for guards of 4, with which layers take 4 x 1,040 = 4,160 and ask for 5: 4 x 1,050 = 4,200,
    a stall of 5 makes 4,205. Twice: 2,000 cycles ask for 2, 2 x 1,020 = 2,040 for 3, 2 x 1,030 = 2,060: 4,120 and two
    stalls of 3 make 4,126. Three parts are no shorter than two, four ask for 1,010 and guards of 2, 1,020: 4,080 and
    four stalls of 2 are 4,088, the least. Where a deskew costs 252 more, once is best: 4,457 against 4,630 and 5,096.
    """
    tried = all_tried(grown(4, 1000, 10), 4, judge_of(500))
    assert {one.deskews: one.makespan_cycles for one in tried} == {1: 4205, 2: 4126, 4: 4088}
    assert [one.deskews for one in tried] == [4, 2, 1]
    # At 0.9995 GHz, with the 252 cycles of an epoch.
    assert tried[0].worst_ns == (252 + 4088) / Fraction(9995, 10000)
    dear = all_tried(grown(4, 1000, 10), 4, judge_of(500, deskew_cycles=252))
    assert [(one.deskews, one.makespan_cycles) for one in dear] == [(1, 4457), (2, 4630), (4, 5096)]


def test_a_second_alignment_is_weighed_too() -> None:
    """Tests that two deskews which save 79 cycles are not worth it where residuals of 50 ns lie between their ends.

    Stalls cover 2 residuals of 50 on top. Once: 2 x 50 between begin and end, twice: 4 x 50.
    """
    tried = {one.deskews: one for one in all_tried(grown(4, 1000, 10), 4, judge_of(500, residual_ns=50))}
    assert tried[1].worst_ns == (252 + 4305) / Fraction(9995, 10000) + 100
    assert tried[2].worst_ns == (252 + 4326) / Fraction(9995, 10000) + 200


def test_what_a_search_shortens_may_need_fewer_deskews() -> None:
    """Tests layers of 300 cycles with guards for 1,000 of them: three fit between two deskews, not four."""
    best = shortest_laid(Timed((300,) * 4, 0, 1), lambda room: room <= 1000, judge_of(500))
    assert best is not None
    assert (best.deskews, best.interval_cycles, best.makespan_cycles) == (2, 600, 1202)
    assert shortest_laid(Timed((1200,) * 4, 0, 1), lambda room: room <= 1000, judge_of(500)) is None


@pytest.mark.parametrize(("after", "until", "expected"), [(0, 45, 40), (0, 25, 20), (20, 39, None), (0, 5, None)])
def test_a_deskew_lies_where_most_is_over(after: int, until: int, expected: int | None) -> None:
    """Tests spans [0, 20), [20, 40), [38, 60): by 40 all before 38 is over, by 20 all before 20.

    Between 20 and 39 nothing ends, and within 5 cycles neither.
    """
    begin, end = np.array([0, 20, 38]), np.array([20, 40, 60])
    assert quietest(begin, end, after=after, until=until) == expected
