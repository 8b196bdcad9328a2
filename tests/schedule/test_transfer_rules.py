"""The judge of the solvers of collectives finds what is wrong."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from tests.schedule.bounds.problems import adds_of
from tests.schedule.examples import line, schedule_of
from tests.schedule.transfer_rules import broken_rules as judged

if TYPE_CHECKING:
    from lpxsched.schedule.problem.instance import Instance
    from lpxsched.schedule.result import Schedule

# All-gather of one vector a chip on a line of three. Value i is the vector of chip i; bundles lead 0-1, 1-0, 1-2, 2-1.
# The ends need two hops of 3 cycles each; by then the middle's own vector has left.
GATHER: dict[str, Any] = {
    "slots": [
        (0, 0, 1, 0, 0, 0),
        (2, 0, 1, 3, 0, 0),
        (1, 0, 1, 1, 0, 0),
        (1, 0, 1, 2, 0, 0),
        (0, 0, 1, 2, 0, 3),
        (2, 0, 1, 1, 0, 3),
    ],
    "deliveries": [(node, value, 0, 1) for node in range(3) for value in range(3)],
}
# All-reduce of two vectors on two chips, 0.5 cycles from vector to vector; each chip gets the other's summand, read at
# 3 and 3.5, and adds from 4 on, 3 * 2 + 1 = 7 cycles. Values 0 and 1 are the summands, 2 and 3 the sums.
REDUCE: dict[str, Any] = {
    "slots": [(0, 0, 2, 0, 0, 0), (1, 0, 2, 1, 0, 0)],
    "sums": [(0, 4, 7, 0, 2, True, [(0, 0), (1, 0)]), (1, 4, 7, 0, 2, True, [(0, 0), (1, 0)])],
    "deliveries": [(0, 2, 0, 2), (1, 3, 0, 2)],
}


ByHand = Callable[["Instance"], "Schedule"]


def by_hand(makespan: int, **rows: Any) -> ByHand:
    """Return what makes a schedule of rows for a problem."""
    return lambda problem: schedule_of(problem, makespan, **rows)


def gathered(makespan: int = 6, **changes: Any) -> ByHand:
    """Return the all-gather, or a change of it."""
    return by_hand(makespan, **(GATHER | changes))


def quotient(makespan: int = 11, **changes: Any) -> ByHand:
    """Return the all-reduce, or a change of it."""
    return by_hand(makespan, **(REDUCE | changes))


def broken_rules(problem: Instance, make: ByHand) -> list[str]:
    """Return what is wrong with a schedule by hand."""
    return judged(problem, make(problem))


def with_row(rows: list[Any], index: int, row: Any) -> list[Any]:
    """Return rows with another in one place; with one more behind the last."""
    return [*rows[:index], row, *rows[index + 1 :]]


def rules(problem: Instance, make: ByHand) -> set[str]:
    """Return the numbers of the rules that a schedule breaks."""
    return {text[:2] for text in broken_rules(problem, make)}


def test_an_all_gather_on_a_line_breaks_no_rule() -> None:
    """Tests the schedule from which changes start: two hops of 3 cycles."""
    assert broken_rules(line("all-gather", 3), gathered()) == []


def test_an_all_reduce_of_two_chips_breaks_no_rule() -> None:
    """Tests that sums and fractions of cycles are followed: 4 + 7 = 11 cycles."""
    assert broken_rules(line("all-reduce", 2, 2, pitch=(1, 2)), quotient()) == []


@pytest.mark.parametrize(
    ("rule", "change"),
    [
        ("R1: there is no lane 1", {"slots": with_row(GATHER["slots"], 0, (0, 0, 1, 0, 1, 0))}),
        ("R1: there is no lane 0 on bundle 4", {"slots": with_row(GATHER["slots"], 0, (0, 0, 1, 4, 0, 0))}),
        ("R1: a slot names 2 vectors", {"slots": with_row(GATHER["slots"], 0, (0, 0, 2, 0, 0, 0))}),
        ("R1: a slot names value 6", {"slots": with_row(GATHER["slots"], 0, (3, 0, 1, 0, 0, 0))}),
        ("R2: a slot on bundle 0 departs at -1", {"slots": with_row(GATHER["slots"], 0, (0, 0, 1, 0, 0, -1))}),
        ("R3: Read", {"deliveries": [*GATHER["deliveries"], (3, 0, 0, 1)]}),
        ("R5: vector 0 of Sum", {"sums": [(0, 6, 4, 0, 1, True, [(0, 0), (1, 0)])]}),
        # Chip 0's vector leaves chip 1 when chip 1's own does.
        ("R1: two slots", {"slots": with_row(GATHER["slots"], 3, (1, 0, 1, 2, 0, 3))}),
        # It leaves chip 1 a cycle before it is read there.
        ("R2: vector 0", {"slots": with_row(GATHER["slots"], 4, (0, 0, 1, 2, 0, 2))}),
        # Chip 2's vector comes back from chip 0.
        ("R3: vector 0 of value 2 on node 1 is received 2 times", {"slots": [*GATHER["slots"], (2, 0, 1, 0, 0, 6)]}),
        ("R3: vector 0 of value 0 on node 0 is received where", {"slots": [*GATHER["slots"], (0, 0, 1, 1, 0, 4)]}),
        ("R3: operator 3 does not read vector 0 of (0,)", {"deliveries": GATHER["deliveries"][1:]}),
        ("R3: vector 0 of value 0 on node 2 is received and not", {"deliveries": with_row(
            GATHER["deliveries"], 6, (2, 1, 0, 1))}),
        ("R3: operator 5 reads vector 1 of (1,) in vain", {"deliveries": with_row(
            GATHER["deliveries"], 6, (2, 1, 0, 1))}),
        ("R3: operator 4 starts at 3, it has all that it reads at None", {"slots": GATHER["slots"][1:]}),
        ("R3: the makespan is 7", {"makespan": 7}),
    ],
)  # fmt: skip
def test_a_broken_all_gather_is_told(rule: str, change: dict[str, Any]) -> None:
    """Tests that each change of the all-gather is found, by the number of its rule."""
    found = broken_rules(line("all-gather", 3), gathered(**change))
    assert any(text.startswith(rule) for text in found), found


def test_a_relay_waits_for_its_turnaround() -> None:
    """Tests that with 1 cycle from read to departure, what leaves chip 1 at 3 may only leave at 4."""
    problem = line("all-gather", 3, turnaround=1)
    later = [*GATHER["slots"][:4], (0, 0, 1, 2, 0, 4), (2, 0, 1, 1, 0, 4)]
    assert rules(problem, gathered()) == {"R2"}
    assert broken_rules(problem, gathered(7, slots=later)) == []


@pytest.mark.parametrize(("depart", "broken"), [(6, set()), (5, {"R2"})])
def test_a_sum_leaves_no_sooner_than_a_relay(depart: int, broken: set[str]) -> None:
    """Tests a reduce over a line of three with a turnaround of 1: chip 1 reads chip 2's at 3, and sums until 5.

    The sum of 2 x 1 cycles leaves at 3 + 1 + 2; 3 cycles later chip 0 sums for 2 cycles.
    """
    problem = line("reduce", 3, turnaround=1, add_cost=adds_of(2))
    sums = [(1, 3, 2, 0, 1, False, [(1, 0), (2, 0)]), (0, depart + 3, 2, 0, 1, True, [(0, 0), (3, 0)])]
    schedule = by_hand(
        depart + 5, slots=[(2, 0, 1, 3, 0, 0), (3, 0, 1, 1, 0, depart)], sums=sums, deliveries=[(0, 4, 0, 1)]
    )
    assert rules(problem, schedule) == broken


def test_a_slot_holds_its_lane_for_whole_cycles() -> None:
    """Tests that three vectors at 0.5 cycles hold their lane for 2 cycles, not for 1.5."""
    problem = line("broadcast", 2, 4, pitch=(1, 2))
    own, all_read = (0, 0, 0, 4), [(1, 0, 0, 4)]
    # The fourth vector is read at 2 + 3 = 5; a cycle earlier the lane is still held.
    good = by_hand(5, slots=[(0, 0, 3, 0, 0, 0), (0, 3, 1, 0, 0, 2)], deliveries=[own, *all_read])
    early = by_hand(4, slots=[(0, 0, 3, 0, 0, 0), (0, 3, 1, 0, 0, 1)], deliveries=[own, *all_read])
    assert broken_rules(problem, good) == []
    assert rules(problem, early) == {"R1"}


@pytest.mark.parametrize(
    ("rule", "change"),
    [
        # The sum starts at 3, the second vector is read at 3.5.
        ("R2: Sum", {"makespan": 11, "sums": with_row(REDUCE["sums"], 0, (0, 3, 7, 0, 2, True, [(0, 0), (1, 0)]))}),
        ("R4: Sum", {"makespan": 11, "sums": with_row(REDUCE["sums"], 0, (0, 4, 6, 0, 2, True, [(0, 0), (1, 0)]))}),
        ("R5: vector 0 of Sum", {"sums": with_row(REDUCE["sums"], 0, (0, 4, 7, 0, 2, False, [(0, 0), (1, 0)]))}),
        # Chip 0 adds its own summand to itself.
        ("R5: vector 0 of Sum", {"sums": with_row(REDUCE["sums"], 0, (0, 4, 7, 0, 2, True, [(0, 0), (0, 0)]))}),
        (
            "R3: operator 2 reads vector 0 of (0,) in vain",
            {"deliveries": with_row(REDUCE["deliveries"], 0, (0, 0, 0, 2))},
        ),
        ("R5: vector 0 of Sum", {"deliveries": with_row(REDUCE["deliveries"], 0, (0, 0, 0, 2))}),
        # Chip 0 adds two vectors alone, so twice one vector takes 3 + 1 cycles; the second of them is of another run.
        ("R5: Sum", {"sums": [*REDUCE["sums"], (0, 11, 4, 0, 1, False, [(0, 0), (1, 1)])]}),
        ("R5: Sum", {"sums": [*REDUCE["sums"], (0, 11, 3, 0, 1, False, [(0, 0)])]}),
        # It adds again while it adds.
        ("R4: (node, unit) (0, 1)", {"sums": [*REDUCE["sums"], (0, 10, 7, 0, 2, True, [(0, 0), (1, 0)])]}),
        ("R5: vector 0 of Sum", {"sums": [*REDUCE["sums"], (0, 11, 7, 0, 2, True, [(4, 0), (1, 0)])]}),
        ("R5: an operand names", {"sums": with_row(REDUCE["sums"], 0, (0, 4, 7, 0, 2, True, [(0, 0), (1, 1)]))}),
        ("R5: Sum", {"sums": with_row(REDUCE["sums"], 0, (2, 4, 7, 0, 2, True, [(0, 0), (1, 0)]))}),
        ("R3: the makespan is 12", {"makespan": 12}),
    ],
)
def test_a_broken_all_reduce_is_told(rule: str, change: dict[str, Any]) -> None:
    """Tests that each change of the all-reduce is found, by the number of its rule."""
    found = broken_rules(line("all-reduce", 2, 2, pitch=(1, 2)), quotient(**change))
    assert any(text.startswith(rule) for text in found), found


def test_a_partial_sum_that_holds_a_shard_twice_is_told() -> None:
    """Tests a reduction over a line of three in which the middle adds the far shard's sum to that shard."""
    problem = line("reduce", 3)
    # Chip 2 sends to 1, which adds (3 + 1 cycles) and sends to 0, which adds; root 0. Values 3 and 4 are the sums.
    slots = [(2, 0, 1, 3, 0, 0), (3, 0, 1, 1, 0, 7)]
    sums = [(1, 3, 4, 0, 1, False, [(1, 0), (2, 0)]), (0, 10, 4, 0, 1, True, [(0, 0), (3, 0)])]
    good = by_hand(14, slots=slots, sums=sums, deliveries=[(0, 4, 0, 1)])
    twice = [(1, 3, 5, 0, 1, False, [(1, 0), (2, 0), (2, 0)]), (0, 11, 4, 0, 1, True, [(0, 0), (3, 0)])]
    bad = by_hand(15, slots=with_row(slots, 1, (3, 0, 1, 1, 0, 8)), sums=twice, deliveries=[(0, 4, 0, 1)])
    assert broken_rules(problem, good) == []
    # Nor does the root then read what it must.
    assert rules(problem, bad) == {"R3", "R5"}


def test_a_relay_may_pass_on_and_add() -> None:
    """Tests that nodes which hold nothing may carry vectors, but only vectors that somebody needs."""
    problem = line("broadcast", 2, relays=1)
    # Chips 0 and 1 are joined; node 2 behind them is a relay that nobody needs.
    needed: dict[str, Any] = {"slots": [(0, 0, 1, 0, 0, 0)], "deliveries": [(0, 0, 0, 1), (1, 0, 0, 1)]}
    vain = needed | {"slots": [(0, 0, 1, 0, 0, 0), (0, 0, 1, 2, 0, 3)]}
    assert broken_rules(problem, by_hand(3, **needed)) == []
    assert rules(problem, by_hand(3, **vain)) == {"R3"}


@pytest.mark.parametrize(("inject", "eject", "expected"), [(1, 0, {"R7"}), (2, 2, set()), (0, 1, {"R7"})])
def test_vectors_that_begin_and_end_are_counted(inject: int, eject: int, expected: set[str]) -> None:
    """Tests that chip 1 sends its vector two ways in cycle 0, and takes two vectors in cycle 3."""
    problem = line("all-gather", 3, inject=inject, eject=eject)
    assert rules(problem, gathered()) == expected


def test_what_only_passes_through_is_not_counted() -> None:
    """Tests a scatter over a line of three: chip 1 reads its own vector at 3, and one that passes at 3.5."""
    problem = line("scatter", 3, pitch=(1, 2), eject=1)
    # Value 0 is the root's tensor: vector i for chip i. Vectors 1 and 2 go together: read at chip 1 at 3 and 3.5.
    slots = [(0, 1, 2, 0, 0, 0), (0, 2, 1, 2, 0, 4)]
    deliveries = [(0, 0, 0, 1), (1, 0, 1, 1), (2, 0, 2, 1)]
    assert broken_rules(problem, by_hand(7, slots=slots, deliveries=deliveries)) == []


def test_a_repeating_timetable_keeps_its_lanes_free_of_its_repetitions() -> None:
    """Tests a broadcast of 3 vectors every 3 cycles, and every 2: the third vector meets the next first."""
    problem = line("broadcast", 2, 3)
    rows: dict[str, Any] = {
        "slots": [(0, 0, 2, 0, 0, 0), (0, 2, 1, 0, 0, 2)],
        "deliveries": [(0, 0, 0, 3), (1, 0, 0, 3)],
    }
    assert broken_rules(problem, by_hand(5, **rows, period_cycles=3)) == []
    assert rules(problem, by_hand(5, **rows, period_cycles=2)) == {"R1"}


def test_ports_and_sums_are_counted_over_all_repetitions() -> None:
    """Tests the all-reduce of two chips with a period of 7 cycles, the length of a sum, and of 6."""
    problem = line("all-reduce", 2, 2, pitch=(1, 2))
    assert broken_rules(problem, quotient(period_cycles=7)) == []
    assert rules(problem, quotient(period_cycles=6)) == {"R4"}
    # With a period of 3, what begins in cycle 3 begins with the next repetition's cycle 0: two vectors of chip 1.
    gather = line("all-gather", 3, inject=1)
    one_by_one = [*GATHER["slots"][:3], (1, 0, 1, 2, 0, 1), (0, 0, 1, 2, 0, 3), (2, 0, 1, 1, 0, 4)]
    assert broken_rules(gather, gathered(7, slots=one_by_one, period_cycles=5)) == []
    assert "R7" in rules(gather, gathered(8, slots=with_row(one_by_one, 3, (1, 0, 1, 2, 0, 5)), period_cycles=5))


def test_a_chip_alone_keeps_what_it_has() -> None:
    """Tests that a collective of one chip needs no slot and no sum."""
    problem = line("all-reduce", 1)
    assert broken_rules(problem, by_hand(0, deliveries=[(0, 0, 0, 1)])) == []
