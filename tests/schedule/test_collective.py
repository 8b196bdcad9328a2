"""Tests of the guard that covers a collective, and of the shift by its opening deskew, with a solver by hand."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import pytest

from lpxsched.clocks.limits import DomainClock
from lpxsched.clocks.specification import load_clock
from lpxsched.errors import InfeasibleError, LpxschedError, NothingFoundError
from lpxsched.schedule.collective import solve_collective
from lpxsched.schedule.options import SolveOptions
from lpxsched.schedule.problem.collective import collective_instance
from lpxsched.traffic.collectives import Collective
from tests.fabric.examples import fabric_of
from tests.timetable.collectives import all_gather, all_reduce, line

if TYPE_CHECKING:
    from lpxsched.fabric.fabric import Fabric
    from lpxsched.schedule.collective import ScheduledCollective
    from lpxsched.schedule.problem.instance import Instance
    from lpxsched.schedule.result import LowerBound, Result

# Chip 1 in the middle of three is the root of the other two.
DRIFTING = DomainClock(load_clock("xo-100ppm"), 1, line().chip.clock_mhz, in_hop=False)
# A hop of 13 cycles without guard.
HOP_CYCLES = 13
# 16 epochs of 252 cycles.
FIRST_INTERVAL_CYCLES = 4032


@dataclass
class HandSolver:
    """Answers every problem with a schedule of chosen length behind its stall, and remembers what it was asked.

    Attributes
    ----------
    greedy_cycles, cycles : int
        Makespan of the greedy solver, and of all others.
    asked : list
        Guard and options of each call.
    """

    greedy_cycles: int = 1000
    cycles: int = 1000
    asked: list[tuple[int, SolveOptions]] = field(default_factory=list)

    def __call__(self, problem: Instance, options: SolveOptions, _: LowerBound) -> Result:
        """Return the all-gather made by hand, as long as was chosen."""
        self.asked.append((int(problem.network.hop_cycles[0]) - HOP_CYCLES, options))
        result = all_gather().result
        length = self.greedy_cycles if options.solver == "greedy" else self.cycles
        schedule = replace(result.schedule, makespan_cycles=length)
        return replace(result, schedule=schedule).later(problem.release_cycles)


@pytest.fixture
def solver(monkeypatch: pytest.MonkeyPatch) -> HandSolver:
    """Return the solver by hand, put in the place of the real one."""
    solver = HandSolver()
    monkeypatch.setattr("lpxsched.schedule.collective.solve_transfers", solver)
    return solver


def solved(clock: str, fabric: Fabric | None = None, *, deadline: int | None = None) -> ScheduledCollective:
    """Return the all-gather of three chips in a line on a clock."""
    fabric = fabric or line()
    problem = collective_instance(fabric, [0, 1, 2], Collective("all-gather", 3, 2), relays=False)
    return solve_collective(fabric, problem, load_clock(clock), SolveOptions("auto", 3, 5, False, deadline))


def guard(interval_cycles: int | None) -> int:
    """Return the guard of one tree level for an interval."""
    return DRIFTING.guard_cycles(1, interval_cycles)


def guard_of(scheduled: ScheduledCollective) -> int:
    """Return the guard of all bundles."""
    (guard,) = set(scheduled.problem.network.guard_cycles.tolist())
    return int(guard)


def test_perfect_clocks_need_neither_guard_nor_stall(solver: HandSolver) -> None:
    """Tests that the problem is solved once, without a look at its greedy length."""
    scheduled = solved("none")
    assert [(asked, options.solver) for asked, options in solver.asked] == [(0, "auto")]
    assert (guard_of(scheduled), scheduled.problem.release_cycles) == (0, 0)
    assert scheduled.result.schedule.makespan_cycles == 1000


def test_a_common_clock_has_one_guard_for_any_length(solver: HandSolver) -> None:
    """Tests 21.2 ns of jitter at 1 GHz and one crossing: 23 cycles, however long the schedule is."""
    solver.cycles = 10**9
    assert guard_of(solved("common")) == 23
    assert [(asked, options.solver) for asked, options in solver.asked] == [(23, "auto")]


def test_a_short_collective_gets_the_guard_of_the_first_interval(solver: HandSolver) -> None:
    """Tests a greedy look without a deadline, then the search with all that was asked for."""
    scheduled = solved("xo-100ppm", deadline=5000)
    assert guard_of(scheduled) == guard(FIRST_INTERVAL_CYCLES)
    assert [asked for asked, _ in solver.asked] == [guard_of(scheduled)] * 2
    look, search = (options for _, options in solver.asked)
    assert look == SolveOptions("greedy", 1, 5, False, None)
    assert search == SolveOptions("auto", 3, 5, False, 5000)


def test_the_interval_is_doubled_until_it_holds_the_schedule(solver: HandSolver) -> None:
    """Tests 10,000 cycles: 4032 and 8064 are too short, which the greedy schedule tells."""
    solver.greedy_cycles = solver.cycles = 10_000
    assert guard_of(solved("xo-100ppm")) == guard(4 * FIRST_INTERVAL_CYCLES)
    assert [options.solver for _, options in solver.asked] == ["greedy", "greedy", "greedy", "auto"]


def test_a_search_that_ends_longer_than_greedy_gets_a_longer_interval(solver: HandSolver) -> None:
    """Tests a solver that is worse than greedy: 5000 cycles do not fit into 4032."""
    solver.cycles = 5000
    assert guard_of(solved("xo-100ppm")) == guard(2 * FIRST_INTERVAL_CYCLES)


def test_the_stall_counts_as_time_since_the_deskew(solver: HandSolver) -> None:
    """Tests a schedule that fits into the first interval without the stall, and not with it."""
    stall = DRIFTING.stall_cycles(FIRST_INTERVAL_CYCLES)
    solver.greedy_cycles = solver.cycles = FIRST_INTERVAL_CYCLES - stall
    assert guard_of(solved("xo-100ppm")) == guard(FIRST_INTERVAL_CYCLES)
    solver.greedy_cycles = solver.cycles = FIRST_INTERVAL_CYCLES - stall + 1
    assert guard_of(solved("xo-100ppm")) == guard(2 * FIRST_INTERVAL_CYCLES)


def test_a_collective_longer_than_clocks_may_run_apart_is_not_found(solver: HandSolver) -> None:
    """Tests that nothing is searched where greedy is too long and no bound proves it, and that both are told."""
    longest = DRIFTING.longest_interval_cycles()
    solver.greedy_cycles = solver.cycles = 10**6
    stall = DRIFTING.stall_cycles(FIRST_INTERVAL_CYCLES)
    with pytest.raises(NothingFoundError, match=f"takes {10**6 + stall} cycles, .* may run {longest} cycles"):
        solved("xo-100ppm")
    assert [options.solver for _, options in solver.asked] == ["greedy"]


def test_a_search_that_stays_too_long_is_not_found(solver: HandSolver) -> None:
    """Tests that every interval is tried, the longest at last."""
    longest = DRIFTING.longest_interval_cycles()
    solver.cycles = 10**6
    with pytest.raises(NothingFoundError, match=f"may run {longest} cycles"):
        solved("xo-100ppm")
    assert solver.asked[-1][0] == guard(longest)


def test_a_bound_beyond_the_longest_interval_is_infeasible() -> None:
    """Tests 300,000 vectors of 5/2 cycles on one link: 750,000 cycles, whatever is tried, with any guard."""
    fabric = line()
    problem = collective_instance(roomy(fabric), [0, 1], Collective("broadcast", 2, 300_000), relays=False)
    with pytest.raises(InfeasibleError, match=r"takes at least 7500[0-9]{2} cycles \(.*may run 523999 cycles"):
        solve_collective(fabric, problem, load_clock("xo-100ppm"), SolveOptions("greedy", 1))


def test_a_hop_longer_than_clocks_may_run_apart_is_refused_at_once(solver: HandSolver) -> None:
    """Tests a second of latency: no solver is asked, and the error says which clock would do."""
    fabric = line()
    slow = replace(fabric, link_classes=(replace(fabric.link_classes[0], latency_cycles=10**9),))
    with pytest.raises(InfeasibleError) as caught:
        solved("xo-100ppm", slow)
    told = r"class link takes 10000000[0-9]{2} cycles .* may run 523999 .* at most 0\.00239 ppm .* none, ocxo-5ppb$"
    assert re.search(told, str(caught.value))
    assert solver.asked == []


def test_a_tree_too_deep_for_its_clock_is_refused() -> None:
    """Tests 12 chips in a line: six levels below the middle are 12 x 10.6 cycles, more than 126; five of 11 are not."""
    for chips in (11, 12):
        both_ways = [ends for chip in range(chips - 1) for ends in ((chip, chip + 1), (chip + 1, chip))]
        fabric = fabric_of(both_ways, grid=(1, chips))
        problem = collective_instance(fabric, range(chips), Collective("broadcast", chips, 1), relays=False)
        if chips == 11:
            scheduled = solve_collective(fabric, problem, load_clock("xo-100ppm"), SolveOptions("greedy", 1))
            assert scheduled.tree.height(0) == 5
        else:
            with pytest.raises(InfeasibleError, match=r"tree has 6 levels: 2 x 6 residuals are 127\.2 cycles"):
                solve_collective(fabric, problem, load_clock("xo-100ppm"), SolveOptions("greedy", 1))


def test_everything_happens_after_the_stall(solver: HandSolver) -> None:
    """Tests departures and makespan of a schedule by hand, and the bound without drift.

    A hop takes 13 cycles and a guard of one level, 10.6 + 21.2 + 2 = 34 rounded up. Two vectors need two hops to the
    far end of the line, a turnaround of 3 between them and 3 more for the second: 47 + 3 + 47 + 3, after a stall of
    2 x 10.6.
    """
    scheduled = solved("xo-100ppm")
    stall = DRIFTING.stall_cycles(FIRST_INTERVAL_CYCLES)
    assert scheduled.problem.release_cycles == stall > 0
    schedule = scheduled.result.schedule
    assert schedule.slot_depart.tolist() == [depart + stall for depart in (0, 0, 0, 0, 16, 16)]
    assert (schedule.makespan_cycles, scheduled.result.bound.cycles) == (1000 + stall, 22 + 100)


def test_a_shift_moves_sums_and_changes_nothing_else() -> None:
    """Tests a sum that started at 13; an optimal result stays optimal."""
    one = all_reduce().result
    later = one.later(40)
    assert later.schedule.sums.start.tolist() == [53]
    assert later.schedule.sums.cycles.tolist() == one.schedule.sums.cycles.tolist()
    assert (later.status, later.bound.name, later.solver) == ("optimal", one.bound.name, one.solver)


def test_a_deadline_below_the_bound_is_infeasible(solver: HandSolver) -> None:
    """Tests one cycle less than the 122 of the test above, and that the solver is not asked."""
    with pytest.raises(
        InfeasibleError, match=r"the deadline of 121 cycles is below the lower bound of 122 cycles \(ingress\)$"
    ):
        solved("xo-100ppm", deadline=121)
    assert [options.solver for _, options in solver.asked] == ["greedy"]


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        (
            InfeasibleError("the deadline is below the lower bound of 510 cycles (tree)"),
            "unknown: nothing found (the deadline is below the lower bound of 510 cycles (tree) of the guards tried, "
            "though not below that of all guards, 122 cycles (ingress)); try a later --deadline, or a larger --effort",
        ),
        (NothingFoundError("effort 3", remedy="pray"), "unknown: nothing found (effort 3); pray"),
    ],
)
def test_a_guard_longer_than_the_rules_ask_for_proves_nothing(
    monkeypatch: pytest.MonkeyPatch, fault: LpxschedError, told: str
) -> None:
    """Tests that a bound with the guard of an interval is told as nothing found, beside that of results (122 above)."""

    def refuse(_: Instance, options: SolveOptions, __: LowerBound) -> Result:
        if options.deadline_cycles is not None:
            raise fault
        return all_gather().result

    monkeypatch.setattr("lpxsched.schedule.collective.solve_transfers", refuse)
    with pytest.raises(NothingFoundError) as caught:
        solved("xo-100ppm", deadline=500)
    assert str(caught.value) == told


def test_a_deadline_counts_the_stall() -> None:
    """Tests a common deadline on drifting clocks: the makespan, stall included, is allowed, a cycle less is not."""
    scheduled = solved("xo-100ppm")
    makespan = scheduled.result.makespan_cycles
    assert solved("xo-100ppm", deadline=makespan).result.makespan_cycles == makespan
    with pytest.raises(NothingFoundError, match=f"below the lower bound of {makespan:,} cycles"):
        solved("xo-100ppm", deadline=makespan - 1)


def test_a_split_fabric_is_infeasible_before_clocks_are_looked_at(solver: HandSolver) -> None:
    """Tests chip 2 that no link reaches, on perfect clocks."""
    with pytest.raises(InfeasibleError, match="the fabric is split"):
        solved("none", fabric_of([(0, 1), (1, 0)], grid=(1, 3)))


def test_chips_that_take_no_part_need_no_clock() -> None:
    """Tests chip 3 without links beside three in a line, and as a relay that nothing reaches."""
    fabric = fabric_of([(0, 1), (1, 0), (1, 2), (2, 1)], grid=(1, 4))
    for relays in (False, True):
        problem = collective_instance(fabric, [0, 1, 2], Collective("all-gather", 3, 2), relays=relays)
        scheduled = solve_collective(fabric, problem, load_clock("xo-100ppm"), SolveOptions("greedy", 1))
        assert scheduled.tree.depth.tolist() == [1, 0, 1, -1]
        assert guard_of(scheduled) == guard(FIRST_INTERVAL_CYCLES)


def roomy(fabric: Fabric) -> Fabric:
    """Return a fabric whose chips hold anything."""
    return replace(fabric, chip=replace(fabric.chip, sram_bytes=10**12))
