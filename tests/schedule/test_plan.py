"""Plans by hand: what slots carry, what sums add, and what waits for what."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np
import pytest

from lpxsched.schedule.plan import (
    OPERATOR,
    SLOT,
    SUM,
    Operands,
    Plan,
    copy_plan,
    gathered_plan,
    joined,
    origins,
    sum_plan,
)
from lpxsched.schedule.symmetry.groups import symmetries, trivial
from lpxsched.schedule.symmetry.quotient import flow_of, gathered_flow, quotient
from lpxsched.schedule.times.plan_tasks import plan_tasks
from lpxsched.traffic.collectives import Collective
from lpxsched.units import NONE
from tests.schedule.bounds.problems import Wire, adds_of, both_ways, path, problem_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from lpxsched.schedule.problem.instance import Instance
    from lpxsched.schedule.symmetry.quotient import Quotient
    from lpxsched.schedule.times.placement import Tasks

# Bundles of a line of three chips: 0 -> 1, 1 -> 0, 1 -> 2, 2 -> 1.
RIGHT_OUT, LEFT_BACK, RIGHT_ON, LEFT_OUT = range(4)


def column(*values: int) -> NDArray[np.int64]:
    """Return a column."""
    return np.array(values, dtype=np.int64)


def whole(problem: Instance) -> Quotient:
    """Return a problem without symmetry."""
    return quotient(problem, flow_of(problem.stage, padded=False), trivial(problem.network))


def copies(small: Quotient, block: Sequence[int], bundle: Sequence[int], *, length: int = 100) -> Plan:
    """Return a plan of copies over given bundles."""
    return copy_plan(small, small.blocks(length), column(*block), column(*bundle))


def sums(small: Quotient, block: Sequence[int], bundle: Sequence[int]) -> Plan:
    """Return a plan of sums over given bundles."""
    return sum_plan(small, small.blocks(100), column(*block), column(*bundle))


def operands(plan: Plan) -> list[tuple[int, int, int]]:
    """Return sum, slot and origin of each operand; no slot for what the sum's node holds at first."""
    rows = plan.operands
    columns = rows.reader, np.where(rows.kind == SLOT, rows.number, NONE), rows.origin
    return list(zip(*(values.tolist() for values in columns), strict=True))


def precedences(tasks: Tasks) -> set[tuple[int, int, int]]:
    """Return before, after and delay."""
    return set(zip(tasks.before.tolist(), tasks.after.tolist(), tasks.delay.tolist(), strict=True))


def test_a_copy_is_fed_by_what_arrived() -> None:
    """Tests a broadcast over a line of three, its second hop listed first."""
    plan = copies(whole(problem_of(Collective("broadcast", 3, 1), path(3))), [0, 0], [RIGHT_ON, RIGHT_OUT])
    assert plan.slot_fed.tolist() == [1, NONE]
    assert plan.slot_origin.tolist() == [0, 0]
    assert plan.slot_sum.tolist() == [NONE, NONE]
    assert plan.sums == 0


def test_a_sum_is_made_where_summands_meet() -> None:
    """Tests a reduction over a line of three to chip 0: chip 1 adds what comes from 2 to its own, then chip 0."""
    plan = sums(whole(problem_of(Collective("reduce", 3, 1), path(3))), [0, 0], [LEFT_BACK, LEFT_OUT])
    assert plan.sum_node.tolist() == [0, 1]
    assert plan.sum_complete.tolist() == [True, False]
    # The slot into chip 0 carries sum 1; that out of chip 2 what the chip holds at first.
    assert plan.slot_sum.tolist() == [1, NONE]
    assert plan.slot_fed.tolist() == [NONE, NONE]
    assert plan.slot_origin.tolist() == [1, 2]
    assert operands(plan) == [(0, NONE, 0), (0, 0, 1), (1, NONE, 1), (1, 1, 2)]


def test_a_relay_adds_nothing_where_one_summand_passes() -> None:
    """Tests chips 0 and 1 with relay 2 between them: bundles 0 -> 2, 1 -> 2, 2 -> 0, 2 -> 1."""
    problem = problem_of(Collective("reduce", 2, 1), both_ways([(0, 2), (2, 1)]), relays=1, turnaround=4)
    plan = sums(whole(problem), [0, 0], [2, 1])
    assert plan.sum_node.tolist() == [0]
    assert plan.slot_fed.tolist() == [1, NONE]
    assert plan.slot_origin.tolist() == [1, 1]
    # Three cycles a hop, a turnaround, and the sum, task 2, begins with the read of the second hop.
    assert precedences(plan_tasks(whole(problem), plan)) == {(1, 0, 3 + 4), (0, 2, 3)}


def test_a_relay_adds_where_two_summands_meet() -> None:
    """Tests root 0 with chips 1 and 2 behind relay 3: the relay holds nothing of its own."""
    problem = problem_of(Collective("reduce", 3, 1), both_ways([(0, 3), (3, 1), (3, 2)]), relays=1)
    ends = list(zip(problem.network.source.tolist(), problem.network.destination.tolist(), strict=True))
    plan = sums(whole(problem), [0, 0, 0], [ends.index((3, 0)), ends.index((1, 3)), ends.index((2, 3))])
    assert plan.sum_node.tolist() == [0, 3]
    assert operands(plan) == [(0, NONE, 0), (0, 0, 3), (1, 1, 1), (1, 2, 2)]


def test_every_chip_adds_all_that_was_gathered() -> None:
    """Tests an all-reduce of two chips that send each other their summands."""
    problem = problem_of(Collective("all-reduce", 2, 3), path(2), add_cost=adds_of(1))
    small = quotient(problem, gathered_flow(problem.stage), trivial(problem.network))
    plan = gathered_plan(small, copies(small, [0, 1], [0, 1]))
    assert plan.sum_node.tolist() == [0, 1]
    assert plan.sum_complete.all()
    assert sorted(operands(plan)) == [(0, NONE, 0), (0, 1, 1), (1, NONE, 1), (1, 0, 0)]


def test_a_representative_adds_images_of_slots() -> None:
    """Tests the same under the exchange of both chips: one slot, one sum, which adds that slot's image."""
    problem = problem_of(Collective("all-reduce", 2, 3), path(2))
    small = quotient(problem, gathered_flow(problem.stage), next(symmetries(problem)))
    plan = gathered_plan(small, copies(small, [0], [0]))
    assert plan.sum_node.tolist() == [0]
    assert sorted(operands(plan)) == [(0, NONE, 0), (0, 0, 1)]


def test_results_are_copied_once_they_are_complete() -> None:
    """Tests an all-reduce of one vector over a line of three: summed at chip 0, copied back."""
    problem = problem_of(Collective("all-reduce", 3, 1), path(3), add_cost=adds_of(2))
    small = whole(problem)
    plan = joined(sums(small, [0, 0], [LEFT_BACK, LEFT_OUT]), copies(small, [0, 0], [RIGHT_OUT, RIGHT_ON]))
    assert plan.slot_sum.tolist() == [1, NONE, 0, 0]
    assert plan.slot_fed.tolist() == [NONE, NONE, NONE, 2]
    # Tasks: slots 0 to 3, sums 4 (at 0) and 5 (at 1), of 2 cycles each.
    assert precedences(plan_tasks(small, plan)) == {(0, 4, 3), (1, 5, 3), (5, 0, 2), (4, 2, 2), (2, 3, 3)}


def test_a_sum_leaves_no_sooner_than_a_relay() -> None:
    """Tests the same with a turnaround of 4: what chip 1 adds is read at 3, and leaves 4 cycles and the sum later."""
    problem = problem_of(Collective("all-reduce", 3, 1), path(3), turnaround=4, add_cost=adds_of(2))
    small = whole(problem)
    plan = joined(sums(small, [0, 0], [LEFT_BACK, LEFT_OUT]), copies(small, [0, 0], [RIGHT_OUT, RIGHT_ON]))
    relayed = {(1, 0, 3 + 4 + 2), (0, 2, 3 + 4 + 2)}
    assert precedences(plan_tasks(small, plan)) == relayed | {(0, 4, 3), (1, 5, 3), (5, 0, 2), (4, 2, 2), (2, 3, 3 + 4)}


def test_a_sum_of_sums_pays_one_turnaround_and_all_sums() -> None:
    """Tests chips 1 and 2, which send to chip 0, which adds twice and sends the total to chip 1.

    Sum 0 adds what slot 0 brought to chip 0's own, sum 1 what slot 1 brought to sum 0; 2 cycles each.
    """
    problem = problem_of(Collective("all-reduce", 3, 1), path(3), turnaround=4, add_cost=adds_of(2))
    small = whole(problem)
    plan = replace(
        copies(small, [0, 0, 0], [LEFT_BACK, LEFT_BACK, RIGHT_OUT]),
        slot_fed=column(NONE, NONE, NONE),
        slot_kind=column(OPERATOR, OPERATOR, SUM),
        slot_number=column(1, 1, 1),
        sum_block=column(0, 0),
        sum_node=column(0, 0),
        sum_complete=np.array([False, True]),
        operands=Operands(
            column(0, 0, 1, 1),
            column(OPERATOR, SLOT, SUM, SLOT),
            column(0, 0, 0, 1),
            column(0, 1, 0, 2),
            column(*[0] * 4),
        ),
    )
    relayed = {(0, 2, 3 + 4 + 2 + 2), (1, 2, 3 + 4 + 2)}
    assert precedences(plan_tasks(small, plan)) == relayed | {(0, 3, 3), (1, 4, 3), (3, 4, 2), (4, 2, 2)}


@pytest.mark.parametrize(
    ("pitches", "lengths", "durations", "delay"),
    [
        # The third vector is read 2 x 3 cycles after the first; at 2 cycles a vector the relay waits 2 cycles more.
        ((Fraction(3), Fraction(2)), [9, 6], [3 + 6, 3 + 4], 3 + 5 + 2),
        # A slower wire out never waits.
        ((Fraction(2), Fraction(3)), [6, 9], [3 + 4, 3 + 6], 3 + 5),
        # Fractions are rounded up once: 3 x 5/2 and 2 x 5/2, 3 x 7/3 and 2 x 7/3, 2 x (5/2 - 7/3) = 1/3.
        ((Fraction(5, 2), Fraction(7, 3)), [8, 7], [3 + 5, 3 + 5], 3 + 5 + 1),
    ],
)
def test_a_stream_leaves_a_relay_in_time(
    pitches: tuple[Fraction, Fraction], lengths: list[int], durations: list[int], delay: int
) -> None:
    """Tests three vectors over two hops of 3 cycles with wires of other rates, turnaround 5."""
    wires = [Wire(0, 1, pitch=pitches[0]), Wire(1, 2, pitch=pitches[1], link_class=1)]
    small = whole(problem_of(Collective("broadcast", 3, 3), wires, turnaround=5))
    tasks = plan_tasks(small, copies(small, [0, 0], [0, 1]))
    assert tasks.length.tolist() == lengths
    assert tasks.duration.tolist() == durations
    assert precedences(tasks) == {(0, 1, delay)}


def test_ports_are_taken_where_vectors_begin_and_end() -> None:
    """Tests a broadcast over a line of three: it begins at chip 0, ends at chips 1 and 2, and passes chip 1 on."""
    small = whole(problem_of(Collective("broadcast", 3, 1), path(3), limit=2))
    tasks = plan_tasks(small, copies(small, [0, 0], [RIGHT_OUT, RIGHT_ON]))
    # Entrances 0 to 2, exits 3 to 5; a vector ends 3 cycles after its departure.
    assert tasks.port.tolist() == [[0, 3 + 1], [NONE, 3 + 2]]
    assert tasks.port_offset[:, 1].tolist() == [3, 3]
    assert tasks.port_lanes.tolist() == [2] * 6


def test_what_only_passes_takes_no_exit() -> None:
    """Tests a scatter over a line of three: chip 2's vector does not end at chip 1."""
    small = whole(problem_of(Collective("scatter", 3, 1), path(3), limit=1))
    tasks = plan_tasks(small, copies(small, [0, 1, 1], [RIGHT_OUT, RIGHT_OUT, RIGHT_ON]))
    assert tasks.port.tolist() == [[0, 4], [0, NONE], [NONE, 5]]


def test_what_is_added_ends_where_it_is_added() -> None:
    """Tests root 0 with chips 1 and 2 behind relay 3, which adds: two vectors end at the relay, the sum at the root."""
    wires = both_ways([(0, 3), (3, 1), (3, 2)])
    problem = problem_of(Collective("reduce", 3, 1), wires, relays=1, limit=1)
    ends = list(zip(problem.network.source.tolist(), problem.network.destination.tolist(), strict=True))
    plan = sums(whole(problem), [0, 0, 0], [ends.index((3, 0)), ends.index((1, 3)), ends.index((2, 3))])
    # Entrances 0 to 3, exits 4 to 7; the sum begins at the relay.
    assert plan_tasks(whole(problem), plan).port[: plan.slots].tolist() == [[3, 4], [1, 7], [2, 7]]


def test_sums_take_as_long_as_their_operands() -> None:
    """Tests a star of four: the centre adds four summands of two vectors, 3 x 2 additions of 5 cycles."""
    problem = problem_of(Collective("reduce", 4, 2), both_ways([(0, 1), (0, 2), (0, 3)]), add_cost=adds_of(5))
    small = whole(problem)
    plan = sums(small, [0, 0, 0], [3, 4, 5])
    assert plan_tasks(small, plan).duration[3] == 30
    assert plan_tasks(small, plan).length.tolist() == [2, 2, 2, 30]


def test_origins_follow_what_fed_each_slot() -> None:
    """Tests a chain 2 -> 0 -> 3 and slot 1 by itself."""
    assert origins(column(2, NONE, NONE, 0)).tolist() == [2, 1, 2, 2]
