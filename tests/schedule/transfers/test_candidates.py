"""Plans from choices of how to search."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from hypothesis import given, settings
from hypothesis import strategies as st

from lpxsched.schedule.kernels import NEVER
from lpxsched.schedule.transfers.candidates import candidate_of
from lpxsched.schedule.transfers.lift import lift
from lpxsched.schedule.transfers.placing import placed
from lpxsched.schedule.transfers.plan import plan_tasks
from lpxsched.schedule.transfers.reduced import HALVES, flow_of, gathered_flow, piece_map, reduced
from lpxsched.schedule.transfers.symmetry import symmetries, trivial
from lpxsched.schedule.transfers.ways import first_choices, further_choices
from lpxsched.traffic.collectives import KINDS
from tests.schedule.transfers.fabrics import problems
from tests.schedule.transfers.rules import broken_rules

if TYPE_CHECKING:
    from lpxsched.schedule.transfers.problem import TransferProblem


def unit_blocks(problem: TransferProblem) -> bool:
    """Return whether every vector must be a slot of its own."""
    return problem.wire == "busy" or bool(problem.inject_per_cycle or problem.eject_per_cycle)


@settings(max_examples=80)
@given(st.data(), problems(most_vectors=9), st.booleans(), st.booleans())
def test_every_candidate_keeps_all_rules(
    data: st.DataObject, problem: TransferProblem, gathered: bool, cyclic: bool
) -> None:
    """Tests any candidate of a search, not its best alone: its own times where it has any, and when it is placed."""
    symmetry = data.draw(st.sampled_from([trivial(problem), *symmetries(problem)]))
    gathered &= problem.collective.kind == "all-reduce"
    flow = flow_of(problem.collective, padded=symmetry.order > 1)
    flow = gathered_flow(problem.collective) if gathered else flow
    forward, backward = reduced(problem, flow, symmetry), reduced(problem.reversed(), flow, symmetry)
    # A chip alone is another matter, and is looked at in ``test_solve``.
    if problem.width < 2:
        return
    lengths = [1] if unit_blocks(problem) else [1, 3, HALVES]
    choices = list(first_choices(forward, seed=0, unit_blocks=unit_blocks(problem)))
    choices += islice(further_choices(forward, lengths, seed=0, cyclic=cyclic), 30)
    start = candidate_of(forward, backward, gathered=gathered)(data.draw(st.sampled_from(choices)), NEVER)
    if start is None:
        return
    assert start.order is not None
    placement = placed(plan_tasks(forward, start.plan), start.order)
    for times in (placement, start.timed):
        if times is not None:
            schedule = lift(forward, start.plan, times, piece_map(flow, symmetry))
            assert broken_rules(problem, schedule) == []
            assert schedule.makespan_cycles <= times.makespan_cycles


@settings(max_examples=10)
@given(problems(kinds=[kind for kind in KINDS if kind not in ("reduce", "reduce-scatter", "all-reduce")]))
def test_a_search_forward_in_time_knows_its_times(problem: TransferProblem) -> None:
    """Tests that copies of single vectors come with the times of the kernel that sent them."""
    forward = reduced(problem, flow_of(problem.collective, padded=False), trivial(problem))
    for choice in first_choices(forward, seed=0, unit_blocks=True):
        start = candidate_of(forward, forward, gathered=False)(choice, NEVER)
        if start is not None and choice.urgency in ("near", "far", "flat"):
            assert start.timed is not None
            assert start.timed.makespan_cycles > 0
