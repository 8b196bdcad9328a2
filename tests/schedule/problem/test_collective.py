"""A collective as an instance of one stage."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import given

from lpxsched.schedule.problem.instance import ANY
from lpxsched.schedule.routes.blocks import Cut
from lpxsched.traffic.collectives import EVERY, Collective
from tests.schedule.bounds.problems import path, problem_of
from tests.schedule.fabrics import problems
from tests.schedule.greedy import greedy_schedule
from tests.schedule.rules import violations

if TYPE_CHECKING:
    from lpxsched.schedule.problem.instance import Instance
    from lpxsched.traffic.collectives import Kind


@given(problems())
def test_demands_are_the_pieces_of_the_stage(problem: Instance) -> None:
    """Tests leaves, readers and root of every piece, and that each chip's two operators leave and read them."""
    pieces, width, everyone = problem.stage.pieces(), problem.network.width, list(range(problem.network.width))
    reads: list[list[int]] = [[] for _ in everyone]
    for demand, (source, target) in enumerate(zip(pieces.source.tolist(), pieces.target.tolist(), strict=True)):
        leaves = everyone if source == EVERY else [source]
        readers = everyone if target == EVERY else [target]
        assert problem.demand_leaves[demand].tolist() == leaves
        assert problem.operator_node[problem.demand_leaf_operators[demand]].tolist() == leaves
        assert problem.demand_consumers[demand].tolist() == readers
        known = [shard for shard in (source, target) if shard != EVERY]
        assert problem.demand_root[demand] == (known[0] if known else ANY)
        for reader in readers:
            reads[reader].append(demand)
    assert problem.demand_vectors.tolist() == pieces.vectors.tolist()
    assert problem.operator_node.tolist() == everyone * 2
    assert [problem.operator_demands[operator].tolist() for operator in range(2 * width)] == [[]] * width + reads


def test_what_thousands_gather_is_kept_in_few_numbers() -> None:
    """Tests that 10,000 chips that gather of each other have one set of readers: not 100,000,000 numbers."""
    wide = problem_of(Collective("all-gather", 10_000, 1), [])
    sets = (wide.demand_leaves, wide.demand_consumers, wide.operator_demands)
    assert max(len(interned.sets.values) for interned in sets) <= 20_000
    assert wide.demand_consumers[9_999].tolist() == list(range(10_000))


@pytest.mark.parametrize(
    ("kind", "makespan"),
    [
        # Two hops of 3 cycles.
        ("broadcast", 6),
        ("reduce", 6),
        ("gather", 6),
        ("all-gather", 6),
        # Demands are taken in their order: what goes far leaves a cycle after what goes near.
        ("scatter", 7),
        ("reduce-scatter", 7),
        ("all-to-all", 7),
    ],
)
def test_the_list_schedule_of_layers_takes_a_collective(kind: Kind, makespan: int) -> None:
    """Tests three chips in a line, one cycle a vector, 3 a hop: all that moves arrives."""
    # Without its stage it is a layer whose operators take no time.
    problem = replace(problem_of(Collective(kind, 3, 1), path(3)), stages=())
    schedule = greedy_schedule(problem, Cut(1, 1))
    assert schedule.makespan_cycles == makespan
    assert violations(problem, schedule) == []
