"""Tests of the load that no period of a layer falls short of."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

from hypothesis import given, settings

from lpxsched.schedule.bounds.period import layer_period_bound
from lpxsched.schedule.layers import steady_state
from tests.schedule.greedy import greedy_plan, least_period
from tests.schedule.instances import copy_along, grid, two_chips
from tests.strategies import cuts, instances

if TYPE_CHECKING:
    from lpxsched.schedule.problem.instance import Instance
    from lpxsched.schedule.routes.blocks import Cut


def test_the_busiest_unit() -> None:
    """Tests the layer of two chips: matrix units work for 11 + 20 cycles, links into a chip carry 6 x 5/2."""
    bound = layer_period_bound(two_chips())
    assert (bound.cycles, bound.name) == (31, "busiest unit")


def test_links_carry_what_a_node_lacks() -> None:
    """Tests three vectors of 5/2 cycles over one wire: 7.5, rounded up."""
    bound = layer_period_bound(copy_along([Fraction(5, 2)], 3))
    assert (bound.cycles, bound.name) == (8, "links into a node")


def test_several_lanes_share_a_load() -> None:
    """Tests four summands of three vectors at chip 0, over two links into it: one vector each may be a sum already.

    Three vectors enter at least, each of 5/2 cycles, over two lanes: 3.75; three leave chip 1 over two.
    """
    assert layer_period_bound(grid(3)).cycles == 4


@settings(max_examples=60, deadline=None)
@given(instances(), cuts())
def test_no_period_is_shorter(instance: Instance, cut: Cut) -> None:
    """Tests random layers: periods that were found are no shorter, and no longer than one batch after the other."""
    found = steady_state(greedy_plan(instance, cut))
    assert found.placement.period_cycles >= least_period(found) >= layer_period_bound(instance).cycles
