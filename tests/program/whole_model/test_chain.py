"""Tests of layers that follow each other in one time."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from lpxsched.clocks.limits import DomainClock
from lpxsched.errors import InfeasibleError, NothingFoundError
from lpxsched.program.whole_model import deskews_inside
from lpxsched.program.whole_model.kinds import kinds_of
from lpxsched.schedule.options import SolveOptions
from lpxsched.schedule.problem.layer import GIVEN, LEFT
from lpxsched.schedule.solve_layer import first_solved, over_guards, search_on
from tests.program.whole_model.chains import GREEDY, NEXT, OVER, RACK, ROUTE, TRAY, chained, drifting
from tests.program.whole_model.examples import visits_on
from tests.schedule.rules import violations


def test_equal_visits_are_solved_once() -> None:
    """Tests embedding, three layers alike, one across the border, and the head: four problems.

    The layer after the embedding reads summands of the same group as the others do, so it is like them.
    """
    chain = chained(visits_on(RACK, ROUTE))
    assert [layer.distinct.number for layer in chain.layers] == [0, 1, 1, 1, 2, 3]
    assert chain.layers[1].distinct.layers == (1, 2, 3)


def test_each_visit_begins_when_the_one_before_has_ended() -> None:
    """Tests time zeros: the opening stall, then the makespans one by one, with nothing but deskews between."""
    chain = chained(visits_on(RACK, ROUTE))
    lengths = [layer.distinct.result.makespan_cycles for layer in chain.layers]
    ends = [start + length for start, length in zip(chain.starts, lengths, strict=True)]
    stalls = dict(chain.deskews)
    assert chain.starts[0] == stalls.pop(0)
    for end, start in zip(ends, chain.starts[1:], strict=False):
        assert start == end + stalls.pop(end, 0)
    assert not stalls
    assert chain.makespan_cycles == ends[-1]


def test_a_visit_ends_with_its_last_operator() -> None:
    """Tests that what stands for the end of a layer waits for all that the next one reads."""
    for layer in chained(visits_on(RACK, ROUTE)).layers[:-1]:
        problem, result = layer.problem, layer.distinct.result
        ends = result.schedule.operator_start + problem.instance.operator_cycles
        told = [
            end for end, placed in zip(ends.tolist(), problem.operators, strict=True) if placed.operator.kind != LEFT
        ]
        assert result.makespan_cycles == max(told)


@pytest.mark.parametrize(
    "route", [ROUTE, (TRAY, OVER, NEXT, NEXT[::-1], (*NEXT, 20, 21))], ids=["trays", "overlapping"]
)
def test_schedules_keep_the_rules(route: tuple[tuple[int, ...], ...]) -> None:
    """Tests every visit by rules written anew: groups apart, that overlap, wider, narrower, in another order."""
    for layer in chained(visits_on(RACK, route)).layers:
        assert violations(layer.problem.instance, layer.distinct.result.schedule) == []


def test_what_a_visit_reads_lies_on_the_chips_of_the_one_before() -> None:
    """Tests the border to the next tray: summands on the four chips that left them, behind the four that read."""
    problem = visits_on(RACK, ROUTE).problems[4]
    assert [problem.node(local) for local in range(8)] == [*NEXT, *TRAY]
    given = [placed for placed in problem.operators if placed.operator.kind == GIVEN]
    assert [(placed.shard, placed.node, placed.is_told) for placed in given] == 2 * [
        (s, 4 + s, False) for s in range(4)
    ]
    border = [demand for demand in problem.demands if demand.tensor.startswith("layer.3.output")]
    # One row of 640 columns in bf16 is 4 vectors in two blocks, one a chip.
    assert [(demand.leaves, demand.root, demand.consumers) for demand in border] == [
        ((4, 5, 6, 7), root, (0, 1, 2, 3)) for root in (4, 5, 6, 7)
    ]


def test_guards_of_a_class_are_equal_in_all_visits() -> None:
    """Tests that a link has one guard, though visits lie at different depths of the tree."""
    guards: dict[str, set[int]] = {}
    for layer in chained(visits_on(RACK, (*ROUTE, TRAY, NEXT))).layers:
        network = layer.problem.instance.network
        for bundle in network.between_chips.nonzero()[0].tolist():
            name = network.class_names[network.link_class[bundle]]
            guards.setdefault(name, set()).add(int(network.guard_cycles[bundle]))
    assert set(guards) == {"tray", "spine"}
    assert all(len(of_class) == 1 for of_class in guards.values())


def test_clocks_that_run_apart_are_deskewed_between_visits() -> None:
    """Tests 2,000 ppm: no more than guards cover between two deskews, and each takes the stall of the longest time.

    A pass lies between the end of a run and the opening deskew of the next one.
    """
    visits = visits_on(RACK, (TRAY, *[TRAY] * 8, TRAY), clock=drifting(2000))
    chain = chained(visits)
    problem = chain.layers[0].problem
    interval = problem.interval_cycles
    assert interval is not None
    assert len(chain.deskews) > 1
    assert {cycle for cycle, _ in chain.deskews[1:]} <= {start - chain.deskews[0][1] for start in chain.starts}
    edges = [*chain.deskews, (chain.makespan_cycles + chain.pass_cycles, 0)]
    apart = max(following - cycle - stall for (cycle, stall), (following, _) in pairwise(edges))
    assert apart <= interval
    domain = DomainClock(drifting(2000), problem.opening.clock.depth, visits.fabric.chip.clock_mhz, in_hop=False)
    assert {stall for _, stall in chain.deskews} == {domain.stall_cycles(apart)}


def test_the_number_of_deskews_is_the_best_of_those_tried() -> None:
    """Tests numbers up to one before each of ten visits, of which one alone is worse than the one that was taken."""
    chain = chained(visits_on(RACK, (TRAY, *[TRAY] * 8, TRAY), clock=drifting(2000)))
    tried = {one.deskews: one for one in chain.tried}
    assert {1, 2, 10} <= set(tried)
    assert chain.tried[0].worst_ns == min(one.worst_ns for one in chain.tried) < tried[1].worst_ns
    assert len(chain.deskews) == chain.tried[0].deskews
    assert chain.makespan_cycles == chain.tried[0].makespan_cycles


def test_plans_keep_the_rules_with_other_guards() -> None:
    """Tests the stages of a layer at 2,000 ppm, searched with the guards of 4,000 cycles: 8 a hop less, and more."""
    kinds = kinds_of(visits_on(RACK, ROUTE, clock=drifting(2000)).problems)
    layer = kinds.problems[kinds.keys[1]]
    here, options = layer.unopened(4000).instance, SolveOptions("auto", 2, 0)
    found = search_on(here, first_solved(here, options), options)
    assert found.solver == "stages"
    lengths = [found.result.makespan_cycles]
    for interval in (2000, 6000):
        there = layer.unopened(interval).instance
        moved = over_guards(found, there).result
        assert violations(there, moved.schedule) == []
        lengths.append(moved.makespan_cycles)
    assert lengths[1] < lengths[0] < lengths[2]


def test_perfect_clocks_open_once_without_a_stall() -> None:
    """Tests the clock that never drifts."""
    assert chained(visits_on(RACK, ROUTE, clock="none")).deskews == ((0, 0),)


def test_a_visit_longer_than_clocks_may_run_apart_has_deskews_inside() -> None:
    """Tests 80,000 ppm: (126 - 2 x 2 x 0.5) / 0.16 = 775 cycles, and some hops of a layer take longer together.

    A pass of chips that poll would take longer, so these are started.
    """
    visits = visits_on(RACK, ROUTE, clock=drifting(80_000))
    with pytest.raises(NothingFoundError, match="and a pass of chips that poll"):
        chained(visits)
    chain = chained(visits._replace(ways=None))
    edges = [*chain.deskews, (chain.makespan_cycles + chain.pass_cycles, 0)]
    assert len(chain.deskews) > len(chain.layers)
    assert max(following - cycle - stall for (cycle, stall), (following, _) in pairwise(edges)) <= 774
    for layer in chain.layers:
        assert layer.problem.instance.deskews
        assert violations(layer.problem.instance, layer.distinct.result.schedule) == []


def test_a_visit_with_too_many_deskews_is_given_up_for_that(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests the same at one deskew a visit, where some take more: nothing lasts too long, so that is not the cause."""
    monkeypatch.setattr(deskews_inside, "MOST_DESKEWS", 1)
    with pytest.raises(NothingFoundError, match="it is not over after 1 deskew inside, more are not tried: clocks"):
        chained(visits_on(RACK, ROUTE, clock=drifting(80_000)))


def test_what_lasts_longer_than_clocks_may_run_apart_is_refused() -> None:
    """Tests 99,000 ppm, at which clocks may run apart for less time than some hop or operator and a stall take."""
    with pytest.raises((NothingFoundError, InfeasibleError), match="between two deskews"):
        chained(visits_on(RACK, ROUTE, clock=drifting(99_000)))


def test_the_bound_of_the_whole_is_below_the_sum_of_the_parts() -> None:
    """Tests that it adds what each visit takes at least on the chip that ends first."""
    chain = chained(visits_on(RACK, ROUTE))
    bounds = sum(layer.distinct.result.bound.cycles for layer in chain.layers)
    assert 0 < chain.bound.cycles <= bounds + chain.deskews[0][1]
    assert chain.bound.cycles <= chain.makespan_cycles


def test_what_is_read_and_written_in_place_is_written_when_chips_have_branched() -> None:
    """Tests a first layer of which an operator keeps a state from its begin on: its rows follow the flags.

    Keys and values of the layers hold nothing up.
    """
    visits = visits_on(RACK, ROUTE)
    kinds = kinds_of(visits.problems, visits.ways)
    assert kinds.polled is not None
    schedules = [first_solved(one.unopened(4000).instance, GREEDY).result.schedule for one in kinds.layers]
    assert not any(kinds.polled.in_place)
    free = kinds.lead(schedules, 4000)
    first = int(np.argmin(schedules[0].operator_start))
    kept = replace(kinds.polled, in_place=((first,), *kinds.polled.in_place[1:]))
    lead = replace(kinds, polled=kept).lead(schedules, 4000)
    assert free is not None
    assert lead is not None
    assert lead.shift_cycles + int(schedules[0].operator_start[first]) >= lead.flags.branch_cycles > free.shift_cycles
