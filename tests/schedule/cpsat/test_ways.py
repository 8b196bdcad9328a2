"""Tests of copies with routes left open: schedules keep all rules and are no longer than before, proofs are true."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, reject, settings
from hypothesis import strategies as st

from lpxsched.schedule import policy
from lpxsched.schedule.bounds import lower_bound
from lpxsched.schedule.cpsat import search as ways_search
from lpxsched.schedule.cpsat.runs import Effort
from lpxsched.schedule.cpsat.search import Routed, rerouted
from lpxsched.schedule.cpsat.trips import collective_trips
from lpxsched.schedule.cpsat.ways import improved_ways
from lpxsched.schedule.result import LowerBound
from lpxsched.schedule.search import Budget, search
from lpxsched.schedule.symmetry.groups import symmetries, trivial
from lpxsched.schedule.symmetry.lift import lifted_collective as lifted
from lpxsched.schedule.symmetry.quotient import flow_of, gathered_flow, quotient
from lpxsched.traffic.collectives import Collective
from tests.schedule.bounds.exact import shortest_makespan
from tests.schedule.bounds.problems import Wire, adds_of, both_ways, problem_of, ring, shipped, small_problems
from tests.schedule.fabrics import problems, regular_fabrics
from tests.schedule.transfer_rules import broken_rules

if TYPE_CHECKING:
    from lpxsched.schedule.problem.instance import Instance
    from lpxsched.schedule.result import Found, Schedule
    from lpxsched.schedule.symmetry.groups import Symmetry
    from lpxsched.schedule.symmetry.quotient import Quotient
    from lpxsched.traffic.collectives import Kind

MODELLED: tuple[Kind, ...] = (
    "all-gather",
    "all-to-all",
    "broadcast",
    "gather",
    "scatter",
    "reduce",
    "reduce-scatter",
    "all-reduce",
)
EVERYTHING = 10**6, 10**6
A_LITTLE = Effort(0.05, 0, 0)


def first_found(problem: Instance, symmetry: Symmetry) -> Found[Quotient]:
    """Return the first that the greedy search finds; of an all-reduce under a group, with all summands gathered."""
    gathered = problem.stage.kind == "all-reduce" and symmetry.order > 1
    flow = gathered_flow(problem.stage) if gathered else flow_of(problem.stage, padded=symmetry.order > 1)
    forward, backward = quotient(problem, flow, symmetry), quotient(problem.reversed(), flow, symmetry)
    budget = Budget(slots=1, rounds=24, enough_cycles=0, patience=24)
    found = search(forward, forward if gathered else backward, seed=0, budget=budget, gathered=gathered)
    # With relays and a group the search may find no ways.
    return found if found is not None else reject()


def star_of(leaves: int, **wire: Any) -> list[Wire]:
    """Return cables from the last chip to each of the others."""
    return both_ways([(leaves, leaf) for leaf in range(leaves)], **wire)


def one_way_ring(chips: int, **wire: Any) -> list[Wire]:
    """Return links from each chip to the one before."""
    return [Wire(chip, (chip - 1) % chips, **wire) for chip in range(chips)]


def improved(
    problem: Instance, symmetry: Symmetry, effort: Effort = A_LITTLE, extent: tuple[int, int] = EVERYTHING
) -> tuple[Schedule, LowerBound | None]:
    """Return a schedule that keeps all rules and is no longer than the first one found, and what is proved."""
    first = first_found(problem, symmetry)
    nothing = LowerBound(0, "nothing")
    found, proved = improved_ways(first, nothing, effort, extent)
    schedule = lifted(found)
    assert broken_rules(problem, schedule) == []
    assert schedule.makespan_cycles <= lifted(first).makespan_cycles
    return schedule, proved if proved is not nothing else None


@settings(max_examples=40, deadline=None)
@given(problems(kinds=MODELLED), st.booleans())
def test_every_schedule_keeps_all_rules(problem: Instance, by_neighbourhoods: bool) -> None:
    """Tests all kinds of copies on random fabrics, with one model of all blocks and with none that is large enough."""
    with pytest.MonkeyPatch.context() as patch:
        if by_neighbourhoods:
            patch.setattr(policy, "MOST_CROSSINGS", 0)
            patch.setattr(policy, "NEIGHBOURHOOD_CROSSINGS", 8)
        schedule, proved = improved(problem, trivial(problem.network))
    assert proved is None or proved.cycles <= schedule.makespan_cycles


@settings(max_examples=25, deadline=None)
@given(problems(kinds=("all-gather", "all-to-all", "reduce-scatter", "all-reduce"), fabrics=regular_fabrics()))
def test_schedules_of_representatives_keep_all_rules(problem: Instance) -> None:
    """Tests the largest group that there is, with and without a last stage without symmetry."""
    for symmetry in symmetries(problem):
        improved(problem, symmetry, extent=(10**6, 0))
        improved(problem, symmetry)
        break


@settings(max_examples=25, deadline=None)
@given(small_problems().filter(lambda problem: not problem.stage.is_sum))
def test_what_is_proved_is_the_optimum(problem: Instance) -> None:
    """Tests tiny collectives, with time enough, against an exact model that shares nothing with this one."""
    bound = lower_bound(problem).cycles
    schedule, proved = improved(problem, trivial(problem.network), Effort(5, 0, bound))
    optimum = shortest_makespan(problem)
    assert schedule.makespan_cycles == optimum
    assert (proved.cycles if proved is not None else bound) == optimum


@pytest.mark.parametrize("kind", ["all-gather", "reduce-scatter", "all-reduce"])
def test_single_vectors_of_representatives_meet_a_bound(kind: Kind) -> None:
    """Tests a torus of 4 x 4, 650 cycles a hop: 4 vectors leave each chip at once, and are 4 hops away at 2600.

    Blocks of two vectors are read a pitch of 24 later, and as pitches are not whole they cannot be cut. In the
    all-reduce every chip gets all summands.
    """
    problem = shipped("torus-4x4", kind, 4)
    schedule, _ = improved(problem, next(iter(symmetries(problem))), Effort(0.3, 0, lower_bound(problem).cycles))
    assert schedule.makespan_cycles == lower_bound(problem).cycles == 2600


@settings(max_examples=25, deadline=None)
@given(small_problems().filter(lambda problem: problem.stage.kind in ("reduce", "reduce-scatter")))
def test_sums_are_as_short_as_an_exact_model_has_them(problem: Instance) -> None:
    """Tests tiny sums at given chips that take no time, with time enough, against the same exact model."""
    problem = replace(problem, add_cost=adds_of(0))
    schedule, proved = improved(problem, trivial(problem.network), Effort(1, 0, lower_bound(problem).cycles))
    assert proved is None
    assert schedule.makespan_cycles == shortest_makespan(problem)


@pytest.mark.parametrize(
    ("problem", "before", "cycles"),
    [
        # To be done in 3, each chip injects at 0, 1, 2 and ejects at 1, 2, 3: its vector of two hops leaves at 0 or 1.
        # Ports and links, each by themselves, allow that; together they do not.
        (problem_of(Collective("all-to-all", 4, 1), ring(4, hop=1), limit=1), 3, 4),
        (problem_of(Collective("all-to-all", 5, 1), ring(5, hop=1), limit=1), 4, 5),
    ],
)
def test_a_proof_closes_the_gap(problem: Instance, before: int, cycles: int) -> None:
    """Tests collectives whose optimum lies above every other bound."""
    bound = lower_bound(problem).cycles
    schedule, proved = improved(problem, trivial(problem.network), Effort(1, 0, bound))
    assert (bound, schedule.makespan_cycles) == (before, cycles)
    assert proved is not None
    assert (proved.cycles, proved.name) == (cycles, "CP-SAT")


@pytest.mark.parametrize(
    ("problem", "cycles"),
    [
        # One slot of 4 vectors from 0 to the relay at 0, v = 5/2: they leave it at 13, 16, 18, 21 and are read by 34.
        # As slots of their own they would leave 0 at 0, 3, 6, 9.
        (problem_of(Collective("scatter", 5, 1), star_of(5, hop=13, pitch=Fraction(5, 2)), relays=1), 34),
        # Slots of 3 vectors at 0 and, relayed, at 9: 9 + 6 + ceil(2 x 7/3).
        (
            problem_of(Collective("all-gather", 3, 3), one_way_ring(3, hop=6, pitch=Fraction(7, 3)), turnaround=3),
            20,
        ),
    ],
)
def test_vectors_that_are_faster_together_prove_nothing(problem: Instance, cycles: int) -> None:
    """Tests pitches that are no whole cycles: a model of single vectors has no schedule as short as this one."""
    problem = replace(problem, network=replace(problem.network, inject_per_cycle=1))
    bound = lower_bound(problem).cycles
    _, proved = improved(problem, trivial(problem.network), Effort(1, 0, bound))
    assert bound <= cycles
    assert proved is None


def test_what_is_gathered_is_read_before_it_is_added() -> None:
    """Tests all-reduce over a ring of four one way, where the last of three hops of 3 cycles is read at 9 at least.

    To add four summands takes 15 cycles more: a model has nothing to look for below 24.
    """
    problem = problem_of(Collective("all-reduce", 4, 1), one_way_ring(4), add_cost=adds_of(5))
    found = first_found(problem, next(symmetries(problem)))
    assert found.placement.makespan_cycles == 24
    trips = collective_trips(found.problem, found.plan.blocks)
    routed = rerouted(trips, Routed(None, 24, 0), A_LITTLE, from_below=False)
    assert (routed.makespan_cycles, routed.least_cycles) == (24, 24)


def test_a_block_that_is_too_many_makes_no_neighbourhood(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests a broadcast over a star, whose block may cross more bundles than a neighbourhood holds."""
    problem = problem_of(Collective("broadcast", 4, 1), star_of(3))
    monkeypatch.setattr(policy, "NEIGHBOURHOOD_CROSSINGS", 2)
    monkeypatch.setattr(policy, "MOST_CROSSINGS", 0)
    monkeypatch.setattr(ways_search.Neighbourhoods, "draw", lambda *_: pytest.fail("a neighbourhood"))
    improved(problem, trivial(problem.network))
