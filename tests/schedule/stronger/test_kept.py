"""Collectives made of what they need of stronger ones."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import TYPE_CHECKING

import pytest
from hypothesis import assume, given, settings

from lpxsched.fabric.fabric import LinkClass
from lpxsched.schedule.attempts import stronger
from lpxsched.schedule.collective import solve_transfers
from lpxsched.schedule.options import SolveOptions
from lpxsched.schedule.problem.collective import collective_instance, stage_instance
from lpxsched.schedule.problem.wires import FAR, all_ways
from lpxsched.schedule.stronger.kept import kept
from lpxsched.schedule.symmetry.lift import lifted_collective
from lpxsched.traffic.collectives import Collective
from tests.schedule.bounds.problems import adds_of
from tests.schedule.fabrics import Bundle, fabric, problems
from tests.schedule.transfer_rules import broken_rules

if TYPE_CHECKING:
    from lpxsched.schedule.problem.instance import Instance

GREEDY = SolveOptions("greedy", 1)
# Latency and time of a vector.
WIRES = ((100, 8), (10, 1), (300, 2))


def both_makespans(problem: Instance, collective: Collective) -> tuple[int, int]:
    """Return the makespan of a collective, whose schedule keeps all rules, and of a stronger one on its network."""
    weaker = solve_transfers(problem, GREEDY)
    assert broken_rules(problem, weaker.schedule) == []
    other = solve_transfers(stage_instance(problem.network, collective, problem.add_cost), GREEDY)
    return weaker.makespan_cycles, other.makespan_cycles


@pytest.mark.slow
@settings(max_examples=12, deadline=None, derandomize=True)
@given(problems(kinds=["reduce", "broadcast", "gather", "reduce-scatter"]))
def test_a_collective_is_never_longer_than_a_stronger_one(problem: Instance) -> None:
    """Tests random fabrics on which every chip reaches every other, wires, ports and sums."""
    assume((all_ways(problem.network) < FAR).all())
    weaker, stronger_one = both_makespans(problem, stronger(problem.stage)[0][0])
    assert weaker <= stronger_one


@settings(max_examples=12, deadline=None)
@given(problems(kinds=["all-reduce", "reduce", "broadcast"]))
def test_two_stages_joined_are_never_longer_than_in_turn(problem: Instance) -> None:
    """Tests what is kept of sums and copies after them, or of a scatter and an all-gather, placed as one.

    What a chip has read or added leaves it a turnaround later, which no collective alone counts.
    """
    assume((all_ways(problem.network) < FAR).all() and problem.stage.vectors >= problem.stage.width > 1)
    stages = stronger(problem.stage)[-1]
    assert len(stages) == 2
    turns = [
        (stage, solve_transfers(stage_instance(problem.network, stage, problem.add_cost), GREEDY).schedule)
        for stage in stages
    ]
    found = kept(problem, turns, enough=0, cyclic=False)
    assert broken_rules(problem, lifted_collective(found)) == []
    in_turn = sum(schedule.makespan_cycles for _, schedule in turns) + problem.network.turnaround_cycles
    assert found.placement.makespan_cycles <= in_turn


def test_what_is_summed_for_others_does_not_come_back() -> None:
    """Tests an all-reduce whose shares chip 3 adds: an all-gather after it copies the first from chip 0 to all others.

    Chip 3 has it from its own sum.
    """
    kinds = [LinkClass("wire", latency, Fraction(5, 2), Fraction(1), Fraction(1)) for latency in (1, 2)]
    ways = ((0, 1), (0, 2), (0, 3), (1, 3), (2, 0), (2, 1), (2, 3), (3, 0))
    lanes = {Bundle(*way, int(way in {(0, 3), (1, 3)})): 1 for way in ways}
    where = replace(fabric(4, lanes, kinds), turnaround_cycles=2)
    problem = collective_instance(where, range(4), Collective("all-reduce", 4, 4), relays=False)
    problem = replace(problem, add_cost=replace(adds_of(1), vector_bytes=4, sram_bytes_per_cycle=4))
    turns = [
        (stage, solve_transfers(stage_instance(problem.network, stage, problem.add_cost), GREEDY).schedule)
        for stage in stronger(problem.stage)[-1]
    ]
    assert set(turns[0][1].sums.node.tolist()) == {3}
    assert broken_rules(problem, lifted_collective(kept(problem, turns, enough=0, cyclic=False))) == []


def makespans_of_reduce(problem: Instance) -> tuple[int, int]:
    """Return the makespan of a reduce and that of an all-reduce of the same vectors."""
    return both_makespans(problem, replace(problem.stage, kind="all-reduce", root=0))


def both(chip: int) -> tuple[tuple[int, int], tuple[int, int]]:
    """Return the ends of the bundles between a chip and the next."""
    return (chip, chip + 1), (chip + 1, chip)


def test_shares_are_summed_on_their_way_where_that_is_shorter() -> None:
    """Tests 40 vectors on a busy line of five chips, on which all that is summed at the root alone ends later."""
    kinds = [LinkClass(str(latency), latency, Fraction(time), Fraction(1), Fraction(1)) for latency, time in WIRES]
    lanes = {Bundle(a, b, of): 1 for chip, of in enumerate((0, 1, 2, 0)) for a, b in both(chip)}
    where = replace(fabric(5, lanes, kinds), wire="busy")
    problem = collective_instance(where, range(5), Collective("reduce", 5, 40, 0), relays=False)
    reduced, everywhere = makespans_of_reduce(problem)
    assert reduced <= everywhere


def test_a_sum_may_be_complete_before_the_relay_that_all_meet_at() -> None:
    """Tests two chips whose one way to each other's relay leads over chip 2, where their summands meet first.

    0 -> 2 and 3 -> 4 -> 5 -> 2 are summed there and go on over 1, the relay nearest to both, which adds nothing.
    """
    free = LinkClass("free", 0, Fraction(1), Fraction(1), Fraction(1))
    ways = ((0, 3), (0, 2), (3, 4), (1, 0), (1, 3), (2, 1), (4, 5), (5, 2))
    where = fabric(6, {Bundle(a, b, 0): 1 for a, b in ways}, [free])
    problem = collective_instance(where, (0, 3), Collective("reduce", 2, 2, 0), relays=True)
    reduced, everywhere = makespans_of_reduce(problem)
    assert 0 < reduced <= everywhere
