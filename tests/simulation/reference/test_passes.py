"""Passes of chips that poll, executed: void ones, late hosts and lost flags, on the build of two chips."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from lpxsched.simulation.reference.chosen import Chosen, prepare
from lpxsched.simulation.reference.faults import Fault
from lpxsched.simulation.reference.passes import polling_of
from lpxsched.simulation.reference.program import sessions
from lpxsched.simulation.reference.run import run_reference, run_session
from tests.builds import ints, signed
from tests.polled import SLOTS, polled_build
from tests.simulation.examples import own_clock
from tests.verify.changes import change

if TYPE_CHECKING:
    from lpxsched.simulation.reference.outcome import Outcome
    from lpxsched.timetable.build import Build

PERFECT = Chosen({}, lambda row, vector: 0, lambda child, number: 0)


def outcome_of(chosen: Chosen = PERFECT, fault: Fault | None = None, build: Build | None = None) -> Outcome:
    """Return what the build shows on perfect clocks."""
    reference = prepare(build or polled_build(), own_clock())
    return run_session(reference, next(sessions(reference.build)), chosen, fault)


def test_a_pass_reads_what_hosts_send_and_what_left_before_chips_branched() -> None:
    """Tests slots 0 and 3, which leave at 23, before 25, and the four of the host; not partial sums and results."""
    polling = polling_of(polled_build(), 0, ints(*range(10)))
    assert polling is not None
    assert polling.goes_on == {0, 3, 6, 7, 8, 9}
    assert polling.host_of == dict.fromkeys(SLOTS, 2)
    assert (polling.pass_cycles, polling.branch) == (252, {0: 25, 1: 25})


def test_rows_wait_for_the_next_pass() -> None:
    """Tests rows that come in the middle of a void pass of one epoch: 126 cycles, then 127.5 to the last result.

    In the void pass 2 vectors of each of 4 slots, and 2 flags, come to chips; in the other one 4 more.
    """
    outcome = outcome_of()
    assert outcome.failures == []
    assert outcome.started_fs - outcome.event_fs == 126_000_000
    assert outcome.ended_fs - outcome.started_fs == 127_500_000 - 500_000
    assert len(outcome.slack_fs) == 10 + 14
    assert outcome.decided == {(0, 0): False, (0, 1): False, (1, 0): True, (1, 1): True}


def test_a_late_host_costs_a_pass() -> None:
    """Tests a host that has nothing when a second pass begins: chips poll once more, and end 252 cycles later."""
    sooner, later = (outcome_of(replace(PERFECT, void_passes=count)) for count in (1, 2))
    assert later.failures == []
    assert later.ended_fs - sooner.ended_fs == 252_000_000
    assert [went for _, went in sorted(later.decided.items())] == [False] * 4 + [True] * 2


def test_rows_that_were_there_before_need_no_void_pass() -> None:
    """Tests a first pass with all flags."""
    outcome = outcome_of(replace(PERFECT, void_passes=0))
    assert outcome.failures == []
    assert outcome.decided == {(0, 0): True, (0, 1): True}


@pytest.mark.parametrize("row", SLOTS)
def test_a_lost_flag_is_found_at_its_read(row: int) -> None:
    """Tests a flag that correction gives up: missed at 25, and the chip goes on with another pass alone.

    The other chip goes on with the segment, and misses partial sums of the one that does not.
    """
    outcome = outcome_of(fault=Fault("link", slot=row, vector=0))
    told = [(failure.kind, failure.cycle) for failure in outcome.failures]
    assert ("underflow", 25.0) in [(kind, cycle - 252) for kind, cycle in told]
    chip = SLOTS.index(row)
    assert outcome.decided[1, chip] is False
    assert outcome.decided[1, 1 - chip] is True
    assert {failure.node for failure in outcome.failures if failure.kind == "underflow"} == {0, 1}


def test_a_pass_that_is_said_too_short_overlaps_the_next() -> None:
    """Tests a counter of 21 cycles and a pass of two periods: chips still read each other's rows at 43.5."""
    build = change(polled_build(), "segments", 0, waiting_cycles=42)
    clock = build.manifest.clock | {"hac_period_cycles": {"value": 21}}
    build = signed(replace(build, manifest=build.manifest.model_copy(update={"clock": clock})))
    reference = prepare(build)
    failures = run_session(reference, next(sessions(build)), PERFECT).failures
    assert [(one.kind, one.node, one.cycle) for one in failures] == [("pass", 0, 43.5), ("pass", 1, 43.5)]


def test_passes_keep_the_rules_on_clocks_at_random() -> None:
    """Tests runs with one void pass or two, and either host's lane first."""
    told = run_reference(polled_build(), own_clock(), runs=8)
    assert not told.failures
