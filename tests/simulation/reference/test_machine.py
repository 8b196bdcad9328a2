"""Tests of the event-driven machine on the build of two chips, and of what breaks there."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import TYPE_CHECKING

import pytest

from lpxsched.simulation.bound.bound import bound
from lpxsched.simulation.reference.actions import DESKEW, Action
from lpxsched.simulation.reference.chosen import Chosen, drawn, prepare
from lpxsched.simulation.reference.counters import Counters, Exchange
from lpxsched.simulation.reference.faults import Fault, expected_steps_between_replays
from lpxsched.simulation.reference.machine import Machine
from lpxsched.simulation.reference.oscillator import PARTS, Drawn, Wave
from lpxsched.simulation.reference.outcome import Start
from lpxsched.simulation.reference.passes import Passes
from lpxsched.simulation.reference.program import SessionActions, sessions
from lpxsched.simulation.reference.run import run_reference, run_session
from lpxsched.simulation.summary import simulate
from tests.builds import ints, two_chip_build
from tests.simulation.examples import clock, own_clock
from tests.simulation.reference.builds import ns_of, random_build
from tests.timetable.small import compiled
from tests.verify.test_frames import gapped

if TYPE_CHECKING:
    from pathlib import Path

    from lpxsched.clocks.specification import ClockSpecification
    from lpxsched.simulation.reference.outcome import Failure, Outcome
    from lpxsched.timetable.build import Build

PERFECT = Chosen({}, lambda row, vector: 0, lambda child, number: 0)


def outcome_of(
    fault: Fault | None = None, build: Build | None = None, specification: ClockSpecification | None = None
) -> Outcome:
    """Return what the build of two chips shows without jitter and drift."""
    reference = prepare(build or two_chip_build(), specification or own_clock())
    return run_session(reference, next(sessions(reference.build)), PERFECT, fault)


def failures_of(fault: Fault, specification: ClockSpecification | None = None) -> list[Failure]:
    """Return what the machine notices of a fault."""
    return outcome_of(fault, specification=specification).failures


def test_perfect_clocks_leave_the_guard() -> None:
    """Tests 18 - 12.5 - 1 of crossing = 4.5 cycles of 1 ns for every vector to a chip, six slots of two vectors."""
    outcome = outcome_of()
    assert outcome.failures == []
    assert set(outcome.slack_fs.values()) == {4_500_000}
    assert len(outcome.slack_fs) == 12
    # Vectors 2.5 cycles apart wait 5.5 cycles.
    assert outcome.fullest == 2


def test_rows_wait_for_the_next_epoch_and_the_start() -> None:
    """Tests rows that come in the middle of an epoch: 126 cycles, one epoch for chip 1, 127.5 to the last vector."""
    outcome = outcome_of()
    # Chip 0 is the root, and all begin with it.
    assert outcome.started_fs - outcome.event_fs == 378_000_000
    assert outcome.ended_fs - outcome.started_fs == 127_000_000


def test_a_frame_that_repeats_runs_until_its_next_deskew() -> None:
    """Tests seven windows of 200 cycles between two deskews, two slots of two vectors from each lane and chip."""
    reference = prepare(gapped(), clock())
    session = next(sessions(reference.build))
    assert session.repeats
    assert len(session.zeros) == 7
    outcome = run_session(reference, session, PERFECT)
    assert outcome.failures == []
    assert len(outcome.slack_fs) == 7 * 12


def test_runs_are_a_function_of_their_seed() -> None:
    """Tests that equal seeds give equal runs, and others do not."""
    first, again, other = (run_reference(two_chip_build(), own_clock(), seed=seed) for seed in (3, 3, 4))
    assert first == again != other
    assert first.holds


def test_a_lost_vector_is_told_where_it_would_have_arrived() -> None:
    """Tests vector 1 of the slot that departs at 80: there at 95, so seen at 95 and missed at its read, 100.5."""
    told, missed = failures_of(Fault("link", slot=1, vector=1))
    assert (told.kind, told.node, told.cycle, told.slot, told.vector) == ("link", 1, 95.0, 1, 1)
    assert (missed.kind, missed.cycle) == ("underflow", 100.5)


def test_a_chip_that_stops_is_missed_at_the_first_read() -> None:
    """Tests chip 0, which stops at 60: its partial sums, which chip 1 reads at 98 and 100.5."""
    found = failures_of(Fault("chip", node=0, cycles=60))
    assert [(failure.kind, failure.node, failure.cycle) for failure in found] == [
        ("underflow", 1, 98.0),
        ("underflow", 1, 100.5),
    ]


def test_a_clock_beyond_its_specification_is_found_when_slack_is_used_up() -> None:
    """Tests chip 0 slow by 0.2 %, late by 0.17 after 83 cycles and by its counter, unseen; and by 10 %."""
    assert failures_of(Fault("clock", node=0, ppm=-2_000)) == []
    found = failures_of(Fault("clock", node=0, ppm=-100_000))
    assert found
    # So is its token for the other chip.
    assert {failure.kind for failure in found} == {"start", "underflow"}


def test_a_calibration_wrong_by_a_cycle_is_not_noticed_while_slack_is_left() -> None:
    """Tests chip 1 ahead by a cycle, which leaves 3.5 of 4.5 cycles where it reads, and by five, which leaves none."""
    outcome = outcome_of(Fault("calibration", node=1, cycles=1))
    assert outcome.failures == []
    assert abs(outcome.slack_fs[1, 0] - 3_500_000) < 1_000
    assert failures_of(Fault("calibration", node=1, cycles=5))


def test_a_late_host_is_found_at_the_first_read() -> None:
    """Tests the lane to chip 0 late by six cycles: rows are read at 20 and 22.5; by four it is not noticed."""
    assert failures_of(Fault("host", node=3, cycles=4)) == []
    found = failures_of(Fault("host", node=3, cycles=6))
    assert [(failure.kind, failure.node, failure.cycle) for failure in found] == [
        ("underflow", 0, 20.0),
        ("underflow", 0, 22.5),
    ]


def test_a_buffer_of_one_overflows() -> None:
    """Tests vectors 2.5 cycles apart that wait 5.5 cycles: in each of six slots the second finds the first."""
    build = two_chip_build()
    build = replace(build, chips=replace(build.chips, deskew_buffer_vectors=ints(1, 1, 0)))
    found = outcome_of(build=build).failures
    assert [failure.kind for failure in found] == ["overflow"] * 6
    assert {failure.vector for failure in found} == {1}


def two_deskews(ppm: int) -> Outcome:
    """Return what two chips show that deskew at 0 and at 10,000, each for 20 cycles; chip 1 is off by some ppm."""
    deskews = ((0, 20), (10_000, 20))
    actions = [Action(cycle * PARTS, DESKEW, number, 0) for number, (cycle, _) in enumerate(deskews)]
    wave = Wave(Fraction(10**6), Fraction(0), Fraction(1, 1000), Fraction(0))
    oscillators = {0: wave.oscillator(Drawn()), 1: wave.oscillator(Drawn(ppm * 10**6))}
    exchange = Exchange(252, 256, 126, 10 * 10**6, 10 * PARTS)
    counters = Counters(exchange, {0: 0, 1: 0}, oscillators, lambda child, number: 0, {})
    program = SessionActions({0: list(actions), 1: list(actions)}, ints())
    machine = Machine(program, Passes(deskews, None, 1, 0), oscillators, counters, {0: 0, 1: 1})
    return machine.run(Start(2_000 * 10**6, 2_000 * 10**6, 2520, 2520, 0), {}, lambda row, vector: 0)


def test_a_deskew_takes_drift_away() -> None:
    """Tests a chip slow by 0.1 %: 10 cycles in 10,000, of which those since the last message, 266 at most, are left."""
    outcome = two_deskews(-1_000)
    assert outcome.failures == []
    one, other = (outcome.resumed[1, chip][0] for chip in (0, 1))
    assert abs(one - other) < 300_000


def test_a_steep_ramp_leaves_no_clock_beyond_its_offset() -> None:
    """Tests 5 ppb and 1 ppm a second: within 10 ms such a ramp would be 10 ppb, so that half of it is the most."""
    chosen = drawn(prepare(two_chip_build(), clock(ppm=0.005, drift_ppm_per_s=1)), seed=0)
    moved = [abs(told.offset_ppt) + abs(told.ramp_ppt) * 10**4 // 10**12 for told in chosen.clocks.values()]
    assert 0 < max(moved) <= 5000


def test_counters_that_cannot_follow_their_parents_are_told() -> None:
    """Tests 2 %: 10 cycles from one exchange to the next, of which a child may take 2; within 1 ns it is never."""
    told = run_reference(two_chip_build(), clock(ppm=20_000, residual_ns=1), runs=3)
    assert {failure.kind for _, failure in told.failures} >= {"residual"}
    assert not run_reference(two_chip_build(), clock(ppm=100, residual_ns=3), runs=3).failures


@pytest.mark.parametrize("residual_ns", [0.5, 1, 2])
def test_steps_larger_than_the_residual_leave_it_true(residual_ns: float) -> None:
    """Tests steps of 2 cycles of 1 ns, and a lane below a chip that moves below the root.

    If the chip's messages jittered by all that drift leaves of a residual the lane would hear of it a message later.
    """
    told = run_reference(two_chip_build(), clock(ppm=100, residual_ns=residual_ns), runs=20)
    assert told.failures == ()


def test_an_end_below_a_root_that_takes_no_part_is_within_the_bound(tmp_path: Path) -> None:
    """Tests layers on chips 1 and 2, both below chip 0, which counts the epochs before them, on slow late chips.

    Chip 1 ends its deskew nine tenths of a residual of 10.6 ns after the root, less what it drifts between messages.
    """
    build = compiled(tmp_path, chips=[[1], [2]], batch=1, clock="xo-100ppm")
    reference = prepare(build)
    assert reference.alignment.tree.depth[[0, 1, 2]].tolist() == [0, 1, 1]
    limits, cycle_fs = reference.limits, reference.wave.cycle_fs
    late_fs, delay_fs = int(0.9 * limits.residual_cycles * cycle_fs), int(limits.delay_cycles * cycle_fs)
    slow = {node: Drawn(-int(limits.rho * 10**12)) for node in range(reference.alignment.nodes)}
    chosen = Chosen(slow, lambda row, vector: delay_fs, lambda child, number: late_fs, event=0.0)
    outcome = run_session(reference, next(sessions(build)), chosen)
    assert outcome.failures == []
    short_ns = bound(build).latency.segments_ns[0] - ns_of(outcome.ended_fs - outcome.event_fs)
    # A tenth of a residual, and 2 cycles of crossing at the host, which has a vector when it comes: 1.06 + 2.2.
    assert 0 <= short_ns < 3.4
    # The adversary is late by all of it.
    attacked = simulate(build, trials=1, seed=0)
    assert 0 <= attacked.bound_ns - attacked.observed_worst_ns < 0.01


def test_children_of_parents_that_move_stay_within_their_level() -> None:
    """Tests a tree of three levels on which a chip would be 11.3 ns off its parent, if messages jittered by 10.4 ns.

    The parent moves while a message is under way; a level is 10.6 ns.
    """
    build = random_build(30, "xo-100ppm")
    assert build.chips.hac_depth.max() >= 3
    assert run_reference(build, runs=1, seed=31).holds


def test_a_stall_is_no_less_than_what_clocks_disagree_by() -> None:
    """Tests a chip slow by 0.3 %: 30 cycles late, which a stall of 20 cannot take away, and says so."""
    (failure,) = two_deskews(-3_000).failures
    assert (failure.kind, failure.node, failure.cycle) == ("stall", 1, 10_000.0)


def test_a_counter_is_known_modulo_its_period() -> None:
    """Tests a chip fast by 1.5 %: 150 cycles ahead of 252 look like 102 behind."""
    wrap, stall = two_deskews(15_000).failures
    assert (wrap.kind, wrap.node) == ("wrap", 1)
    assert stall.kind == "stall"


@pytest.mark.parametrize(
    ("bit_error_rate", "steps"),
    # p = 1e-3: C(544, 16) p^16 = 2.3e30 x 1e-48, e^-0.5 of that have no more wrong, 1.48 codewords, 1e6 vector-hops.
    [(1e-4, (4e11, 6e11)), (1e-2, (1, 1.001))],
)
def test_replays_are_rare(bit_error_rate: float, steps: tuple[float, float]) -> None:
    """Tests the order of the expected number of steps between two replays."""
    low, high = steps
    assert low <= expected_steps_between_replays(bit_error_rate, 10**6) <= high


def test_no_errors_need_no_replay() -> None:
    """Tests links without errors."""
    assert expected_steps_between_replays(0.0, 10**6) == float("inf")
