"""Plans from choices of how to search."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lpxsched.schedule.result import Found
from lpxsched.schedule.routes import candidates
from lpxsched.schedule.routes.candidates import Candidates
from lpxsched.schedule.routes.choices import Choice, first_choices, further_choices, packings, packs_trees
from lpxsched.schedule.routes.trees import PackedTrees
from lpxsched.schedule.symmetry.groups import symmetries, trivial
from lpxsched.schedule.symmetry.lift import lifted_collective
from lpxsched.schedule.symmetry.quotient import HALVES, flow_of, gathered_flow, quotient
from lpxsched.schedule.times.placement import placed
from lpxsched.schedule.times.plan_tasks import plan_tasks
from lpxsched.traffic.collectives import Collective
from lpxsched.units import NEVER
from tests.schedule.bounds.problems import Wire, problem_of
from tests.schedule.examples import line
from tests.schedule.fabrics import problems
from tests.schedule.transfer_rules import broken_rules

if TYPE_CHECKING:
    from lpxsched.schedule.problem.instance import Instance


def unit_blocks(problem: Instance) -> bool:
    """Return whether every vector must be a slot of its own."""
    return problem.network.wire == "busy" or bool(problem.network.inject_per_cycle or problem.network.eject_per_cycle)


@settings(max_examples=80)
@given(st.data(), problems(most_vectors=9), st.booleans(), st.booleans())
def test_every_candidate_keeps_all_rules(data: st.DataObject, problem: Instance, gathered: bool, cyclic: bool) -> None:
    """Tests any candidate of a search, not its best alone."""
    symmetry = data.draw(st.sampled_from([trivial(problem.network), *symmetries(problem)]))
    gathered &= problem.stage.kind == "all-reduce"
    flow = flow_of(problem.stage, padded=symmetry.order > 1)
    flow = gathered_flow(problem.stage) if gathered else flow
    forward, backward = quotient(problem, flow, symmetry), quotient(problem.reversed(), flow, symmetry)
    # A chip alone is another matter, and is looked at in ``test_solve``.
    if problem.network.width < 2:
        return
    lengths = [1] if unit_blocks(problem) else [1, 3, HALVES]
    choices = list(first_choices(forward, seed=0, unit_blocks=unit_blocks(problem)))
    choices += islice(further_choices(forward, lengths, seed=0, cyclic=cyclic), 30)
    if packs_trees(forward):
        choices += islice(packings(forward, seed=0, unit_blocks=unit_blocks(problem)), 40)
    choice = data.draw(st.sampled_from(choices))
    # Times of the search for ways are taken as they are where slots are many: here, always or never.
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(candidates, "MOST_JUSTIFIED", data.draw(st.sampled_from((0, 10**6))))
        start = Candidates(forward, backward, gathered=gathered, cyclic=cyclic)(choice, NEVER)
    if start is None:
        return
    times = start.timed
    if times is None:
        assert start.order is not None
        times = placed(plan_tasks(forward, start.plan), start.order)
    schedule = lifted_collective(Found(forward, start.plan, times))
    assert broken_rules(problem, schedule) == []
    assert schedule.makespan_cycles <= times.makespan_cycles


@pytest.mark.parametrize(("most", "timed"), [(3, True), (4, False)])
def test_many_copies_keep_the_times_of_their_search(monkeypatch: pytest.MonkeyPatch, most: int, timed: bool) -> None:
    """Tests a broadcast of two vectors over a line of three, which takes four slots; the last is read at 7."""
    monkeypatch.setattr(candidates, "MOST_JUSTIFIED", most)
    problem = line("broadcast", 3, 2)
    small = quotient(problem, flow_of(problem.stage, padded=False), trivial(problem.network))
    start = Candidates(small, small, gathered=False, cyclic=False)(Choice(1, "near", True, 0), NEVER)
    assert start is not None
    assert (start.timed is not None) is timed
    if start.timed is not None:
        assert start.timed.makespan_cycles == 7


def test_a_plan_is_made_once() -> None:
    """Tests a broadcast over a line of three: there is one way, whatever goes first; blocks of two make other plans."""
    problem = line("broadcast", 3, 2)
    small = quotient(problem, flow_of(problem.stage, padded=False), trivial(problem.network))
    candidates = Candidates(small, small, gathered=False, cyclic=False)
    choices = [Choice(1, "near", True, 0), Choice(1, "far", True, 0), Choice(2, "near", True, 0)]
    made = [candidates(choice, NEVER) for choice in (*choices, *choices)]
    assert [plan is not None for plan in made] == [True, False, True, False, False, False]


def test_equal_trees_with_other_vectors_are_other_plans() -> None:
    """Tests a broadcast of four vectors to 1 and 2 directly, in 7 cycles to 2, or to 2 by way of 1 in twice 3.

    Where lateness costs little each tree carries two vectors; where it costs much three take the faster tree.
    """
    problem = problem_of(Collective("broadcast", 3, 4), [Wire(0, 1), Wire(0, 2, 7), Wire(1, 2)])
    small = quotient(problem, flow_of(problem.stage, padded=False), trivial(problem.network))
    candidates = Candidates(small, small, gathered=False, cyclic=False)
    choices = [PackedTrees(4, late_price, seed) for late_price in (0.3, 2.0) for seed in (0, 1)]
    made = [candidates(choice, NEVER) for choice in choices]
    assert [start and start.plan.blocks.vectors.tolist() for start in made] == [[2, 2], None, [1, 3], None]
