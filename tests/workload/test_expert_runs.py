"""Tests of the number of runs of experts in the worst case."""

from __future__ import annotations

from itertools import combinations, product
from typing import TYPE_CHECKING

import pytest

from lpxsched.workload.expert_runs import ExpertRuns, Pairs, cheapest_runs, met_pairs, worst_runs

if TYPE_CHECKING:
    from collections.abc import Iterator


def rows_of_experts(pairs: int, experts: int, batch: int) -> Iterator[tuple[int, ...]]:
    """Yield every way to deal pairs of a row and an expert over the experts, none of which meets a row twice."""
    if experts == 0:
        yield from [()] if pairs == 0 else []
        return
    for rows in range(min(batch, pairs) + 1):
        yield from ((rows, *others) for others in rows_of_experts(pairs - rows, experts - 1, batch))


@pytest.mark.parametrize("batch", range(1, 7))
@pytest.mark.parametrize("experts", range(1, 6))
def test_the_formula_is_the_largest_number_over_all_routings(batch: int, experts: int) -> None:
    """Tests every routing of up to six rows over up to five experts, for every k and every number of rows a run."""
    for per_token in range(1, experts + 1):
        for rows in range(1, batch + 1):
            every = rows_of_experts(batch * per_token, experts, batch)
            most = max(sum(-(-met // rows) for met in routing) for routing in every)
            assert worst_runs(met_pairs(batch, experts, per_token), rows) == most


@pytest.mark.parametrize(("batch", "experts", "per_token"), [(1, 4, 2), (2, 4, 3), (3, 4, 2), (3, 3, 3), (4, 4, 1)])
def test_whole_experts_of_a_chip_meet_the_formula(batch: int, experts: int, per_token: int) -> None:
    """Tests every routing, row by row, for the first experts on a chip, every number of them and every run."""
    choices = list(combinations(range(experts), per_token))
    for held in range(experts + 1):
        met = {tuple(sum(e in row for row in rows) for e in range(held)) for rows in product(choices, repeat=batch)}
        for c in range(1, batch + 1):
            most = max(sum(-(-rows // c) for rows in routing) for routing in met)
            assert worst_runs(met_pairs(batch, held, per_token), c) == most


@pytest.mark.parametrize("room", [(2, 1), (1, 1), (2, 2)])
def test_room_by_source_bounds_the_runs(room: tuple[int, int]) -> None:
    """Tests two sources of two rows that meet 2 of 3 experts, 2 of them on the chip, with room for few of each source.

    The pairs beyond the room of a source wait. Where the sources have room for all, the formula is met.
    """
    choices = list(combinations(range(3), 2))
    pairs = Pairs(2, sum(room), sum(min(2 * 2, 2 * rows) for rows in room))
    for c in range(1, sum(room) + 1):
        most = 0
        for rows in product(choices, repeat=4):
            sources = (rows[:2], rows[2:])
            here = [
                sum(min(sum(e in row for row in of), most_rows) for of, most_rows in zip(sources, room, strict=True))
                for e in range(2)
            ]
            most = max(most, sum(-(-n // c) for n in here))
        assert most <= worst_runs(pairs, c)
        assert room != (2, 2) or most == worst_runs(pairs, c)


def test_gpt_oss_at_batch_64() -> None:
    """Tests 64 rows that meet 4 of 128 experts: min(128 x 64, 128 + 128), then min(128 x 32, 128 + 64), by hand."""
    assert worst_runs(met_pairs(64, 128, 4), 1) == 256
    assert worst_runs(met_pairs(64, 128, 4), 2) == 192
    assert worst_runs(met_pairs(64, 128, 4), 64) == 128


def test_the_cheapest_plan_weighs_reading_against_arithmetic() -> None:
    """Tests 64 rows, 4 of 128 experts, where a run takes max(10, 5 c): 256 x 10, 192 x 10, 170 x 15, ..."""
    assert cheapest_runs(met_pairs(64, 128, 4), run_time=lambda rows: max(10, 5 * rows)) == ExpertRuns(192, 2)


def test_of_equal_plans_the_one_with_fewest_rows_is_taken() -> None:
    """Tests a single row: every plan has two runs, and one row is enough."""
    assert cheapest_runs(met_pairs(1, 3, 2), run_time=lambda _: 7) == ExpertRuns(2, 1)
