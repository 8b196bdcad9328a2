"""Tests of the guard that covers a collective, and of the shift by its opening deskew, with a solver by hand."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING

import pytest

from lpxsched.clocks.guard import guard_cycles, longest_interval_cycles, stall_cycles
from lpxsched.clocks.specification import load_clock
from lpxsched.errors import InfeasibleError, InputError, LpxschedError, NothingFoundError
from lpxsched.schedule.collective import Opening, shifted_result, solve_collective
from lpxsched.schedule.transfers.problem import transfer_problem
from lpxsched.schedule.transfers.solve import TransferOptions
from lpxsched.traffic.collectives import Collective
from tests.fabric.examples import fabric_of
from tests.timetable.collectives import all_gather, all_reduce, line

if TYPE_CHECKING:
    from lpxsched.fabric.fabric import Fabric
    from lpxsched.schedule.collective import ScheduledCollective
    from lpxsched.schedule.transfers.problem import TransferProblem
    from lpxsched.schedule.transfers.result import TransferResult

DRIFTING = load_clock("xo-100ppm")
# A hop of 13 cycles without guard.
HOP_CYCLES = 13
# 16 epochs of 252 cycles.
FIRST_INTERVAL_CYCLES = 4032


@dataclass
class HandSolver:
    """Answers every problem with a schedule of chosen length, and remembers what it was asked.

    Attributes
    ----------
    greedy_cycles, cycles : int
        Makespan of the greedy solver, and of all others.
    asked : list
        Guard and options of each call.
    """

    greedy_cycles: int = 1000
    cycles: int = 1000
    asked: list[tuple[int, TransferOptions]] = field(default_factory=list)

    def __call__(self, problem: TransferProblem, options: TransferOptions) -> TransferResult:
        """Return the all-gather made by hand, as long as was chosen."""
        self.asked.append((int(problem.bundle_hop_cycles[0]) - HOP_CYCLES, options))
        result = all_gather().result
        length = self.greedy_cycles if options.solver == "greedy" else self.cycles
        return replace(result, schedule=replace(result.schedule, makespan_cycles=length))


@pytest.fixture
def solver(monkeypatch: pytest.MonkeyPatch) -> HandSolver:
    """Return the solver by hand, put in the place of the real one."""
    solver = HandSolver()
    monkeypatch.setattr("lpxsched.schedule.collective.solve_transfers", solver)
    return solver


def solved(clock: str, fabric: Fabric | None = None, *, deadline: int | None = None) -> ScheduledCollective:
    """Return the all-gather of three chips in a line on a clock."""
    fabric = fabric or line()
    build = partial(transfer_problem, fabric, [0, 1, 2], Collective("all-gather", 3, 2), relays=False)
    return solve_collective(fabric, build, load_clock(clock), TransferOptions("auto", 3, 5, False, deadline))


def guard(interval_cycles: int) -> int:
    """Return the guard of one tree level for an interval."""
    return guard_cycles(DRIFTING, levels=1, interval_cycles=interval_cycles, clock_mhz=line().chip.clock_mhz)


def test_perfect_clocks_need_neither_guard_nor_stall(solver: HandSolver) -> None:
    """Tests that the problem is solved once, without a look at its greedy length."""
    scheduled = solved("none")
    assert [(asked, options.solver) for asked, options in solver.asked] == [(0, "auto")]
    assert (scheduled.guard_cycles, scheduled.stall_cycles) == (0, 0)
    assert scheduled.result.schedule.makespan_cycles == 1000


def test_a_common_clock_has_one_guard_for_any_length(solver: HandSolver) -> None:
    """Tests 21.2 ns of jitter at 1 GHz and one crossing: 23 cycles, however long the schedule is."""
    solver.cycles = 10**9
    assert solved("common").guard_cycles == 23
    assert [(asked, options.solver) for asked, options in solver.asked] == [(23, "auto")]


def test_a_short_collective_gets_the_guard_of_the_first_interval(solver: HandSolver) -> None:
    """Tests a greedy look without a deadline, then the search with all that was asked for."""
    scheduled = solved("xo-100ppm", deadline=5000)
    assert scheduled.guard_cycles == guard(FIRST_INTERVAL_CYCLES)
    assert [asked for asked, _ in solver.asked] == [scheduled.guard_cycles] * 2
    look, search = (options for _, options in solver.asked)
    assert look == TransferOptions("greedy", 1, 5, False, None)
    assert search == TransferOptions("auto", 3, 5, False, 5000 - scheduled.stall_cycles)


def test_the_interval_is_doubled_until_it_holds_the_schedule(solver: HandSolver) -> None:
    """Tests 10,000 cycles: 4032 and 8064 are too short, which the greedy schedule tells."""
    solver.greedy_cycles = solver.cycles = 10_000
    assert solved("xo-100ppm").guard_cycles == guard(4 * FIRST_INTERVAL_CYCLES)
    assert [options.solver for _, options in solver.asked] == ["greedy", "greedy", "greedy", "auto"]


def test_a_search_that_ends_longer_than_greedy_gets_a_longer_interval(solver: HandSolver) -> None:
    """Tests a solver that is worse than greedy: 5000 cycles do not fit into 4032."""
    solver.cycles = 5000
    assert solved("xo-100ppm").guard_cycles == guard(2 * FIRST_INTERVAL_CYCLES)


def test_the_stall_counts_as_time_since_the_deskew() -> None:
    """Tests both sides of an interval of 100 cycles of which the stall takes 30."""
    assert Opening(100, 5, 30).covers(70)
    assert not Opening(100, 5, 30).covers(71)
    assert Opening(None, 5, 30).covers(10**9)


def test_a_collective_longer_than_clocks_may_run_apart_is_not_found(solver: HandSolver) -> None:
    """Tests that the longest interval is tried, and that the user is told both lengths."""
    longest = longest_interval_cycles(DRIFTING)
    solver.greedy_cycles = solver.cycles = 10**6
    with pytest.raises(NothingFoundError, match=f"takes 1000000 cycles, .* may run {longest} cycles"):
        solved("xo-100ppm")
    assert solver.asked[-1][0] == guard(longest)


def test_everything_happens_after_the_stall(solver: HandSolver) -> None:
    """Tests departures, makespan and bound of a schedule by hand whose bound is 32 cycles."""
    scheduled = solved("xo-100ppm")
    stall = stall_cycles(DRIFTING, levels=1, interval_cycles=FIRST_INTERVAL_CYCLES, clock_mhz=line().chip.clock_mhz)
    assert scheduled.stall_cycles == stall > 0
    schedule = scheduled.result.schedule
    assert schedule.slot_depart.tolist() == [depart + stall for depart in (0, 0, 0, 0, 16, 16)]
    assert (schedule.makespan_cycles, scheduled.result.bound.cycles) == (1000 + stall, 32 + stall)


def test_a_shift_moves_sums_and_changes_nothing_else() -> None:
    """Tests a sum that started at 13; an optimal result stays optimal."""
    one = all_reduce().result
    later = shifted_result(one, 40)
    assert later.schedule.sums.start.tolist() == [53]
    assert later.schedule.sums.cycles.tolist() == one.schedule.sums.cycles.tolist()
    assert (later.status, later.bound.name, later.solver) == ("optimal", one.bound.name, one.solver)


def test_a_deadline_within_the_stall_is_infeasible(solver: HandSolver) -> None:
    """Tests that the solver is not asked for less than no time."""
    with pytest.raises(InfeasibleError, match=r"the opening deskew takes [0-9]+ of 1 cycles$"):
        solved("xo-100ppm", deadline=1)
    assert [options.solver for _, options in solver.asked] == ["greedy"]


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        (InfeasibleError("the bound is 80"), "infeasible: the opening deskew takes {} of 100 cycles; the bound is 80"),
        (
            NothingFoundError("effort 3", remedy="pray"),
            "unknown: nothing found (the opening deskew takes {} of 100 cycles; effort 3); pray",
        ),
    ],
)
def test_a_fault_says_what_the_stall_left_of_the_deadline(
    monkeypatch: pytest.MonkeyPatch, fault: LpxschedError, told: str
) -> None:
    """Tests that a user is not told of a deadline that nobody asked for."""

    def refuse(problem: TransferProblem, options: TransferOptions) -> TransferResult:
        if options.deadline_cycles is not None:
            raise fault
        return all_gather().result

    monkeypatch.setattr("lpxsched.schedule.collective.solve_transfers", refuse)
    stall = solved("xo-100ppm").stall_cycles
    with pytest.raises(type(fault)) as caught:
        solved("xo-100ppm", deadline=100)
    assert str(caught.value) == told.format(stall)


def test_a_split_fabric_is_infeasible_before_clocks_are_looked_at(solver: HandSolver) -> None:
    """Tests chip 2 that no link reaches, on perfect clocks."""
    with pytest.raises(InfeasibleError, match="the fabric is split"):
        solved("none", fabric_of([(0, 1), (1, 0)], grid=(1, 3)))


def test_a_node_that_no_clock_can_reach_is_bad_input(solver: HandSolver) -> None:
    """Tests chip 3, which takes no part."""
    with pytest.raises(InputError, match=r"no links lead from 0\.0 to 0\.3"):
        solved("none", fabric_of([(0, 1), (1, 0), (1, 2), (2, 1)], grid=(1, 4)))
