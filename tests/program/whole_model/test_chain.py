"""Tests of layers that follow each other in one time."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import pytest

from lpxsched.clocks.latency import segment_levels
from lpxsched.clocks.limits import DomainClock
from lpxsched.clocks.specification import ClockSpecification
from lpxsched.errors import InfeasibleError, NothingFoundError
from lpxsched.program.whole_model import deskews_inside
from lpxsched.program.whole_model.chain import Chain, solve_chain
from lpxsched.program.whole_model.deskewing import dealt_layers
from lpxsched.program.whole_model.flags import Lead
from lpxsched.program.whole_model.kinds import kinds_of
from lpxsched.schedule.flags import polled_hosts
from lpxsched.schedule.options import SolveOptions
from lpxsched.schedule.problem.layer import GIVEN, LEFT, ending_chips
from lpxsched.schedule.result import HostFlags, Schedule
from lpxsched.schedule.solve_layer import first_solved, over_guards, search_on
from tests.program.whole_model.examples import Visits, visits_on
from tests.schedule.rules import violations

if TYPE_CHECKING:
    from lpxsched.schedule.problem.network import Network

GREEDY = SolveOptions("greedy", 1, 0)
RACK = "lpx-rack"
# An epoch, and one for each of two levels.
START = 756
TRAY, NEXT, OVER = (0, 1, 2, 3), (16, 17, 18, 19), (2, 3, 4, 5)
# Three layers on a tray, and one on the next.
ROUTE = (TRAY, TRAY, TRAY, TRAY, NEXT, NEXT)


def chained(visits: Visits) -> Chain:
    """Return the chain of all visits, found greedily."""
    chips = sorted({chip for group in visits.groups for chip in group.chips})
    ends = ending_chips(visits.problems[-1])
    levels = tuple(segment_levels(visits.tree, chips, ends, deskews=deskews) for deskews in (1, 2))
    return solve_chain(
        visits.problems, GREEDY, ways=visits.ways, levels=levels, start_cycles=START, progress=lambda *_: None
    )


def drifting(offset_ppm: float, residual_ns: float = 0.5) -> ClockSpecification:
    """Return a clock of the usual counter."""
    facts = {"offset_ppm": offset_ppm, "residual_ns": residual_ns, "jitter_peak_to_peak_ns": 1}
    facts |= {"crossing_cycles": 1, "temperature_ns": 0, "hac_period_cycles": 252}
    return ClockSpecification.model_validate({"name": "test", **facts})


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


@pytest.mark.parametrize("clock", ["none", "xo-100ppm", 2000])
def test_flags_go_to_all_chips_before_the_second_deskew(clock: str | int) -> None:
    """Tests a host of each of two trays: each flag comes once to each of eight chips, and no row is in its way."""
    specification = clock if isinstance(clock, str) else drifting(clock)
    chain = chained(visits_on(RACK, ROUTE, clock=specification))
    assert chain.flags is not None
    network, flags = chain.flags
    assert sorted(network.fabric_node[: network.chips].tolist()) == [*TRAY, *NEXT]
    hosts = list(polled_hosts(network))
    came = zip(flags.host.tolist(), network.destination[flags.bundle].tolist(), strict=True)
    assert sorted(came) == [(host, chip) for host in range(len(hosts)) for chip in range(8)]
    reads = flags.depart + network.hop_cycles[flags.bundle]
    assert int(reads.max()) == flags.branch_cycles
    assert flags.branch_cycles <= min((cycle for cycle, _ in chain.deskews[1:]), default=flags.branch_cycles)
    assert chain.pass_cycles % 252 == 0
    assert flags.void_cycles <= chain.pass_cycles < flags.void_cycles + 252
    held = [(int(link), int(depart)) for link, depart in zip(_links(network, flags), flags.depart, strict=True)]
    of_lanes = np.repeat(network.hold_cycles(1), network.lanes).tolist()
    hold = dict(zip(network.links.values.tolist(), of_lanes, strict=True))
    for layer, start in zip(chain.layers, chain.starts, strict=True):
        rows, own = layer.distinct.result.schedule.later(start), layer.problem.instance.network
        ends = rows.slot_depart + own.hold_cycles(rows.slot_vectors, rows.slot_bundle)
        for link, begin, end in zip(_links(own, rows), rows.slot_depart.tolist(), ends.tolist(), strict=True):
            assert not any(link == of and begin < at + hold[of] and at < end for of, at in held)


def _links(network: Network, slots: HostFlags | Schedule) -> list[int]:
    """Return the link of each slot."""
    bundle, lane = (slots.bundle, slots.lane) if isinstance(slots, HostFlags) else (slots.slot_bundle, slots.slot_lane)
    return [int(link) for link in network.links.values[network.links.offsets[bundle] + lane]]


def test_layers_that_begin_before_chips_branch_are_one() -> None:
    """Tests lengths of 5, 6 and 7, of which two begin before chips branch, 1 later: 12, 0 and 7."""
    chain = chained(visits_on(RACK, ROUTE))
    assert chain.flags is not None
    lead = Lead(*chain.flags, shift_cycles=1, layers=2)
    assert lead.led((5, 6, 7)) == (12, 0, 7)
    # No part begins with a length of 0.
    assert dealt_layers(lead.led((5, 6, 7)), 12) == [0, 2]


def test_flags_go_over_links_that_no_row_uses() -> None:
    """Tests chips 0, 16 and 32 of a column one after the other, 0 with host 256 and 32 with host 260.

    A vector holds a link for 27 cycles and is read 350 after it departs; a chip sends it on 50 later. Flags follow a
    row on the lane of host 256: 27 + 350 = 377 at chip 0, 427 + 350 = 777 at chips 16 and 32, the latter over link 62,
    which no layer has. Over chip 16 it would come there at 1,177.
    """
    visits = visits_on(RACK, ((0,), (16,), (32,)), clock="none")
    chain = chained(visits)
    assert chain.flags is not None
    network, flags = chain.flags
    sent = zip(flags.host.tolist(), _links(network, flags), flags.depart.tolist(), strict=True)
    ends = [(host, visits.fabric.source[link], visits.fabric.destination[link], depart) for host, link, depart in sent]
    assert ends[:3] == [(0, 256, 0, 27), (0, 0, 32, 427), (0, 0, 16, 427)]
    assert ends[3:] == [(1, 260, 32, 0), (1, 32, 0, 400), (1, 32, 16, 400)]
    assert flags.branch_cycles == 777
    of_rows = {link for one in chain.layers for link in one.problem.instance.network.links.values.tolist()}
    assert 62 in set(_links(network, flags)) - of_rows


def test_links_of_flags_alone_have_guards_of_their_own_ends() -> None:
    """Tests chips 0, 16 and 32, the first of which is the root of the tree: 16 and 32 are two edges apart.

    A residual of 2 ns counts on each edge. All links of layers cover two edges, as their class does; those between 0
    and 32, where no row goes, one edge: 2 cycles less. So do lanes of hosts.
    """
    visits = visits_on(RACK, ((0,), (16,), (32,)), clock=drifting(2000, residual_ns=2))
    kinds = kinds_of(visits.problems, visits.ways)
    assert kinds.polled is not None
    network, guards = kinds.polled.ways.network, kinds.polled.guards(kinds.guards(4000), 4000)
    nodes = network.fabric_node[network.source].tolist(), network.fabric_node[network.destination].tolist()
    of_ends = dict(zip(zip(*nodes, strict=True), guards.tolist(), strict=True))
    far = of_ends[16, 32]
    rows = {(0, 16): far, (16, 0): far, (16, 32): far, (32, 16): far, (0, 256): 0, (32, 260): 0}
    assert of_ends == rows | {(0, 32): far - 2, (32, 0): far - 2, (256, 0): far - 2, (260, 32): far - 2}
    # Guards grow with the interval.
    assert kinds.covered(4000, 2000)
    assert not kinds.covered(2000, 4000)


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
