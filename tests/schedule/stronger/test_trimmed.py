"""Parts of stronger collectives' schedules, as they are."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import TYPE_CHECKING

from hypothesis import assume, given, settings

from lpxsched.fabric.fabric import LinkClass
from lpxsched.schedule.attempts import stronger
from lpxsched.schedule.collective import solve_transfers
from lpxsched.schedule.options import SolveOptions
from lpxsched.schedule.problem.collective import collective_instance, stage_instance
from lpxsched.schedule.problem.wires import FAR, all_ways
from lpxsched.schedule.stronger.trimmed import trimmed
from lpxsched.traffic.collectives import Collective
from tests.schedule.fabrics import Bundle, fabric, problems
from tests.schedule.transfer_rules import broken_rules

if TYPE_CHECKING:
    from lpxsched.schedule.problem.instance import Instance

GREEDY = SolveOptions("greedy", 1)


@settings(max_examples=12, deadline=None)
@given(problems(kinds=["reduce", "gather", "reduce-scatter"]))
def test_a_part_keeps_all_rules_and_is_never_longer_than_the_whole(problem: Instance) -> None:
    """Tests random fabrics on which every chip reaches every other."""
    assume((all_ways(problem.network) < FAR).all())
    stage = stronger(problem.stage)[0][0]
    whole = solve_transfers(stage_instance(problem.network, stage, problem.add_cost), GREEDY).schedule
    part = trimmed(problem, stage, whole)
    if part is None:
        # Only a slot may have no beginning, between two cycles; sums are kept whole.
        assert (problem.network.pitch_denominator > 1).any()
        return
    assert broken_rules(problem, part) == []
    assert part.makespan_cycles <= whole.makespan_cycles


def test_shares_that_are_added_as_one_stay_so_where_that_is_shorter() -> None:
    """Tests a line of three chips, on which to begin a sum takes 9 cycles.

    An all-reduce adds the three shares of each chip at once: to begin a sum of each share takes longer.
    """
    free = LinkClass("free", 0, Fraction(1), Fraction(1), Fraction(1))
    lanes = {Bundle(*way): 1 for a in (0, 1) for way in ((a, a + 1), (a + 1, a))}
    stage = Collective("reduce-scatter", 3, 1)
    problem = collective_instance(fabric(3, lanes, [free]), range(3), stage, relays=False)
    dear = replace(problem.add_cost, vector_bytes=4, elements_per_vector=2, sram_bytes_per_cycle=4, fixed_cycles=9)
    problem = replace(problem, add_cost=dear)
    everywhere = stage_instance(problem.network, Collective("all-reduce", 3, 3), dear)
    scattered, reduced = (solve_transfers(one, GREEDY).makespan_cycles for one in (problem, everywhere))
    assert scattered <= reduced
