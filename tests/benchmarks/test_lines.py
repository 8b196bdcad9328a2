"""Trees on a line, and the bound that weighs depth against traffic."""

from __future__ import annotations

from functools import cache
from itertools import islice
from typing import TYPE_CHECKING

import pytest

from benchmarks.collectives.line_bound import traffic_bound, traffic_by_levels
from benchmarks.collectives.lines import binary, by_depth, chain, least_cycles, line_problem, star, two_phases

if TYPE_CHECKING:
    from collections.abc import Iterator


def test_trees_of_six_chips() -> None:
    """Tests where each chip but the first sends; two phases are groups of two, for a root of six is above two."""
    assert star(6) == (0, 0, 0, 0, 0, 0)
    assert chain(6) == (0, 0, 1, 2, 3, 4)
    assert binary(6) == (0, 0, 0, 2, 0, 4)
    assert two_phases(6) == (0, 0, 0, 2, 2, 4)


def test_the_tree_of_two_levels_crosses_the_fewest_links() -> None:
    """Tests six chips: 1 to 0, 2 to 1 (or alone), 4 and 5 to 3, cross eight links, where a star crosses 15."""
    parents = by_depth(6, 2)
    assert sum(chip - parent for chip, parent in enumerate(parents)) == 8
    # No chip whose parent's parent is not the root.
    assert all(parents[parents[parent]] == 0 for parent in parents)


def test_one_vector_over_four_chips_takes_three_hops_and_a_sum() -> None:
    """Tests a star: the last of three summands is read after hops of 1 cycle at 3, and a sum takes 4 + 1 cycles."""
    assert least_cycles(line_problem(4, 1), [star(4)]) == 8


def test_a_chain_waits_for_a_sum_at_every_chip() -> None:
    """Tests three hops of a cycle and sums of 5 cycles at chips 2, 1 and 0."""
    assert least_cycles(line_problem(4, 1), [chain(4)]) == 18


@pytest.mark.parametrize("levels", [1, 2, 3])
def test_trees_of_intervals_cross_the_fewest_links(levels: int) -> None:
    """Tests five summands against all trees of so many levels, with sums at any chip and summands from anywhere."""
    traffic = next(islice(traffic_by_levels(5), levels, None))
    for target in range(-2, 7):
        assert traffic[5, target + 5] == _least(frozenset(range(5)), levels, target)


@cache
def _least(summands: frozenset[int], levels: int, target: int) -> int:
    if levels == 0:
        return abs(target - min(summands)) if len(summands) == 1 else 1 << 30
    return min(
        sum(_least(part, levels - 1, place) for part in parts) + abs(place - target)
        for place in range(5)
        for parts in _partitions(sorted(summands))
    )


def _partitions(summands: list[int]) -> Iterator[list[frozenset[int]]]:
    if not summands:
        yield []
        return
    first, *rest = summands
    for chosen in range(1 << len(rest)):
        part = frozenset([first, *(one for bit, one in enumerate(rest) if chosen >> bit & 1)])
        for parts in _partitions([one for one in rest if one not in part]):
            yield [part, *parts]


def test_the_bound_of_one_vector_is_two_hops_and_a_sum() -> None:
    """Tests 4 chips: of summands from chips 2 and 3 on one passes 2 hops and a sum of 5 cycles, so 7 cycles, at least.

    Then one sum in a row is allowed, at chip 1, which crosses 5 links; those carry 7 + 6 + 5 vectors towards the root.
    """
    assert traffic_bound(line_problem(4, 1)) == 7
