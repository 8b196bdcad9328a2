"""Bounds of layers by their stages: what is proven of collectives, and no bound above any schedule."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lpxsched.schedule.bounds import best, lower_bound
from lpxsched.schedule.bounds.stages import by_stages
from lpxsched.schedule.options import SolveOptions
from lpxsched.schedule.problem.collective import stage_instance
from lpxsched.schedule.problem.instance import ranks
from lpxsched.schedule.problem.wires import all_ways
from lpxsched.schedule.result import LowerBound
from lpxsched.schedule.solve_layer import first_solved, solve
from lpxsched.schedule.stage_plans import staged
from lpxsched.traffic.collectives import Collective
from tests.schedule.chains import KINDS, chain, ring
from tests.schedule.circulants import circulant_layers
from tests.schedule.instances import ADD_COST

if TYPE_CHECKING:
    from lpxsched.schedule.problem.instance import Instance
    from lpxsched.traffic.collectives import Kind


def of_stages(layer: Instance) -> list[int]:
    """Return the bound of each stage when operators are known to start at 0 at the earliest."""
    starts = np.zeros(layer.operators, dtype=np.int64)
    return [bound.cycles for bound in by_stages(layer, starts, all_ways(layer.network).astype(np.int64), ranks(layer))]


@pytest.mark.parametrize("kind", KINDS)
def test_a_stage_takes_as_long_as_its_collective(kind: Kind) -> None:
    """Tests four chips in a ring that start after 10 cycles: the bound of the collective, 10 later."""
    network = ring(4)
    alone = best.collective_bound(stage_instance(network, Collective(kind, 4, 2), ADD_COST)).cycles
    whole = 2 if kind in ("all-reduce", "all-to-all") else 8
    assert of_stages(chain(network, [(kind, whole)], [10, 30])) == [10 + alone]


def test_what_follows_a_stage() -> None:
    """Tests two gathers on two chips, hops of 18 cycles, after 10 cycles, then 30, then 5.

    The second vector of two leaves 3 cycles after the first, so each gather takes 21. The first ends at 31 for some
    chip; its next operator ends 30 later, and its result is with the other chip 18 later: 79. The second begins at 30,
    if all operators start at 0, and ends at 51.
    """
    assert of_stages(chain(ring(2), [("all-gather", 4), ("all-gather", 4)], [10, 30, 5])) == [79, 51]


@pytest.mark.slow
@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_no_schedule_of_a_chain_is_shorter(data: st.DataObject) -> None:
    """Tests chains of collectives against what greedy and the stages' searches find."""
    stages = data.draw(st.lists(st.tuples(st.sampled_from(KINDS), st.integers(1, 9)), min_size=1, max_size=3))
    cycles = data.draw(st.lists(st.integers(0, 40), min_size=len(stages) + 1, max_size=len(stages) + 1))
    layer = chain(ring(data.draw(st.integers(2, 5))), stages, cycles)
    plan = first_solved(layer, SolveOptions("greedy", 1)).plans[0]
    found = [plan, *staged(plan, LowerBound(0, "none"), SolveOptions(effort=1))]
    assert lower_bound(layer).cycles <= min(one.placement.makespan_cycles for one in found)


@pytest.mark.slow
@settings(max_examples=15, deadline=None)
@given(layer=circulant_layers())
def test_no_schedule_with_hosts_is_shorter(layer: Instance) -> None:
    """Tests layers whose rows enter from hosts, and leave to hosts as sums."""
    assert max(of_stages(layer), default=0) <= solve(layer, SolveOptions(effort=2)).makespan_cycles
