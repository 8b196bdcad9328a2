"""From representatives to the whole collective."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lpxsched.schedule.plan import copy_plan
from lpxsched.schedule.result import Found
from lpxsched.schedule.search import Budget, search
from lpxsched.schedule.symmetry.groups import symmetries, trivial
from lpxsched.schedule.symmetry.lift import lifted_collective, sorted_rows
from lpxsched.schedule.symmetry.quotient import flow_of, quotient
from lpxsched.schedule.times.placement import Placement, depth, placed
from lpxsched.schedule.times.plan_tasks import plan_tasks
from lpxsched.traffic.collectives import Collective
from tests.schedule.bounds.problems import adds_of, both_ways, path, problem_of, ring
from tests.schedule.fabrics import problems, regular_fabrics
from tests.schedule.transfer_rules import broken_rules

if TYPE_CHECKING:
    from lpxsched.schedule.problem.instance import Instance
    from lpxsched.schedule.result import Schedule
    from lpxsched.schedule.symmetry.groups import Symmetry

FEW_ROUNDS = Budget(slots=1, rounds=8, enough_cycles=0, patience=8)


def found(problem: Instance, symmetry: Symmetry) -> Schedule | None:
    """Return the lifted result of a short search under a group."""
    flow = flow_of(problem.stage, padded=symmetry.order > 1)
    forward, backward = quotient(problem, flow, symmetry), quotient(problem.reversed(), flow, symmetry)
    best = search(forward, backward, seed=0, budget=FEW_ROUNDS)
    return lifted_collective(best) if best is not None else None


def slots(schedule: Schedule) -> list[tuple[int, ...]]:
    """Return value, first vector, vectors, bundle, lane and departure of each slot, sorted."""
    runs = schedule.slot_value, schedule.slot_first, schedule.slot_vectors
    columns = (*runs, schedule.slot_bundle, schedule.slot_lane, schedule.slot_depart)
    return sorted(zip(*(column.tolist() for column in columns), strict=True))


@settings(max_examples=80)
@given(
    st.data(), problems(kinds=("all-gather", "all-to-all", "reduce-scatter", "all-reduce"), fabrics=regular_fabrics())
)
def test_what_is_lifted_keeps_all_rules(data: st.DataObject, problem: Instance) -> None:
    """Tests a group and the trivial one: both give schedules of the same collective."""
    for symmetry in (
        data.draw(st.sampled_from([*symmetries(problem), trivial(problem.network)])),
        trivial(problem.network),
    ):
        schedule = found(problem, symmetry)
        if schedule is not None and problem.network.width > 1:
            assert broken_rules(problem, schedule) == []


def test_one_slot_is_moved_by_every_element() -> None:
    """Tests an all-gather of two vectors on a directed ring of three: a slot and its relay, in three images each."""
    wires = [wire for wire in ring(3) if wire.destination == (wire.source + 1) % 3]
    problem = problem_of(Collective("all-gather", 3, 2), wires, turnaround=1)
    symmetry = next(symmetries(problem))
    flow = flow_of(problem.stage, padded=True)
    small = quotient(problem, flow, symmetry)
    plan = copy_plan(small, small.blocks(2), np.array([0, 0]), np.array([0, 1]))
    placement = Placement(np.array([0, 4]), np.array([0, 0]), 8)
    schedule = lifted_collective(Found(small, plan, placement))
    assert slots(schedule) == [
        (0, 0, 2, 0, 0, 0),
        (0, 0, 2, 1, 0, 4),
        (1, 0, 2, 1, 0, 0),
        (1, 0, 2, 2, 0, 4),
        (2, 0, 2, 0, 0, 4),
        (2, 0, 2, 2, 0, 0),
    ]
    assert schedule.makespan_cycles == 4 + 3 + 1
    assert broken_rules(problem, schedule) == []


def test_runs_are_cut_at_the_end_of_their_tensor() -> None:
    """Tests an all-reduce of three vectors on two chips: shares of two, of which the second is one vector long."""
    problem = problem_of(Collective("all-reduce", 2, 3), path(2), add_cost=adds_of(2))
    for symmetry in (trivial(problem.network), *symmetries(problem)):
        schedule = found(problem, symmetry)
        assert schedule is not None
        assert broken_rules(problem, schedule) == []
        # Each vector goes over as a summand and comes back as a sum.
        assert schedule.slot_vectors.sum() == 6


def test_shares_beyond_the_end_are_left_out() -> None:
    """Tests one vector on four chips: under the rotations each has a share, but only the first share has a vector."""
    problem = problem_of(Collective("all-reduce", 4, 1), ring(4), add_cost=adds_of(2))
    schedule = found(problem, next(symmetries(problem)))
    assert schedule is not None
    assert broken_rules(problem, schedule) == []
    assert (schedule.slots, schedule.sums.vectors.tolist()) == (6, [1] * len(schedule.sums))


@pytest.mark.parametrize(("vectors", "makespan"), [(1, 3), (4, 6)])
def test_the_makespan_is_the_last_read(vectors: int, makespan: int) -> None:
    """Tests a broadcast over one hop of 3 cycles, one vector a cycle, placed as early as it can be."""
    problem = problem_of(Collective("broadcast", 2, vectors), both_ways([(0, 1)]))
    small = quotient(problem, flow_of(problem.stage, padded=False), trivial(problem.network))
    plan = copy_plan(small, small.blocks(vectors), np.array([0]), np.array([0]))
    tasks = plan_tasks(small, plan)
    schedule = lifted_collective(Found(small, plan, placed(tasks, np.argsort(depth(tasks), kind="stable"))))
    assert schedule.makespan_cycles == makespan


ROWS = [(0, 0, 0), (2, 5, 9), (0, 0, 4), (2, 1, 0), (1, 3, 0)]


@pytest.mark.parametrize(("largest_key", "sparsest"), [(2**62, 4), (2**62, 100), (1, 4)])
def test_deliveries_are_sorted_whatever_their_range(
    monkeypatch: pytest.MonkeyPatch, largest_key: int, sparsest: int
) -> None:
    """Tests rows in two tables, one of no vectors: sorted by one key, put in their places, and sorted by columns.

    Node, value and first vector have 3 x 6 x 10 keys, more than 4 and less than 100 for each row.
    """
    monkeypatch.setattr("lpxsched.schedule.symmetry.lift.LARGEST_KEY", largest_key)
    monkeypatch.setattr("lpxsched.schedule.symmetry.lift.SPARSEST", sparsest)
    node, value, first = np.array(ROWS, dtype=np.int64).T.copy()
    vectors = np.array([7, 6, 0, 5, 4], dtype=np.int64)
    one, other = ((node[part], value[part], first[part], vectors[part]) for part in (slice(3), slice(3, None)))
    expected = [(0, 0, 0, 7), (1, 3, 0, 4), (2, 1, 0, 5), (2, 5, 9, 6)]
    found = sorted_rows([one, other], (range(3), range(6), range(10)), most_rows=5)
    assert [tuple(row) for row in np.stack(found, axis=1).tolist()] == expected
