"""What a collective may win by stronger ones, and when these are looked at."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import TYPE_CHECKING

import pytest
from hypothesis import assume, given, settings

from lpxsched.fabric.fabric import LinkClass
from lpxsched.schedule.attempts import Others, stronger
from lpxsched.schedule.collective import solve_transfers
from lpxsched.schedule.options import SolveOptions
from lpxsched.schedule.problem.collective import collective_instance, stage_instance
from lpxsched.schedule.problem.wires import FAR, all_ways
from lpxsched.traffic.collectives import Collective
from tests.schedule.bounds.problems import adds_of
from tests.schedule.fabrics import Bundle, fabric, problems
from tests.schedule.transfer_rules import broken_rules

if TYPE_CHECKING:
    from lpxsched.schedule.problem.instance import Instance

REPEATED = SolveOptions("greedy", 1, cyclic=True)


def two_chips(collective: Collective, *, addition_cycles: int) -> Instance:
    """Return a collective of two chips, a cycle a vector between them."""
    wire = LinkClass("wire", 0, Fraction(1), Fraction(1), Fraction(1))
    where = fabric(2, {Bundle(0, 1, 0): 1, Bundle(1, 0, 0): 1}, [wire])
    problem = collective_instance(where, range(2), collective, relays=False)
    return replace(problem, add_cost=adds_of(addition_cycles))


def test_a_reduce_that_repeats_shares_its_sums_as_an_all_reduce_does() -> None:
    """Tests 4 vectors, of which each chip adds two in 20 cycles; the root alone would take 40."""
    problem = two_chips(Collective("reduce", 2, 4, 0), addition_cycles=10)
    result = solve_transfers(problem, REPEATED)
    assert broken_rules(problem, result.schedule) == []
    assert result.objective_cycles == result.bound.cycles == 20


@pytest.mark.slow
@settings(max_examples=12, deadline=None, derandomize=True)
@given(problems(kinds=["reduce", "broadcast", "gather", "reduce-scatter"]))
def test_no_period_is_longer_than_that_of_a_stronger_one(problem: Instance) -> None:
    """Tests random fabrics on which every chip reaches every other, and where cut slots lose no part of a cycle."""
    assume((all_ways(problem.network) < FAR).all() and (problem.network.pitch_denominator == 1).all())
    weaker = solve_transfers(problem, REPEATED)
    assert broken_rules(problem, weaker.schedule) == []
    other = stage_instance(problem.network, stronger(problem.stage)[0][0], problem.add_cost)
    assert weaker.objective_cycles <= solve_transfers(other, REPEATED).objective_cycles


def test_stages_in_turn_are_searched_where_their_bounds_leave_it_open() -> None:
    """Tests a scatter and an all-gather of two vectors a chip: one after the other, or both within a period."""
    problem = two_chips(Collective("broadcast", 2, 4, 0), addition_cycles=10)
    stages = next(stages for stages in stronger(problem.stage) if len(stages) == 2)
    bounds = [Others(problem, REPEATED).bound(stage).cycles for stage in stages]
    once, often = (Others(problem, replace(REPEATED, cyclic=cyclic)) for cyclic in (False, True))
    assert once.least_together(bounds) == sum(bounds)
    assert often.least_together(bounds) == max(bounds)
    assert often.worth_parts(stages, max(bounds)) == []
    assert len(often.worth_parts(stages, max(bounds) + 1)) == 2
