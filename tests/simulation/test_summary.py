"""Tests of the judgement of a simulated build."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from math import ceil
from typing import TYPE_CHECKING

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from lpxsched.clocks.latency import Run, arrival_ns, worst_case_ns
from lpxsched.errors import InputError
from lpxsched.simulation.bound.bound import Proved
from lpxsched.simulation.bound.waiting import Fullest
from lpxsched.simulation.summary import Failing, Summary, simulate
from tests.builds import ints, two_chip_build
from tests.polled import polled_build
from tests.simulation.examples import clock, deskewed_in_flight, own_clock

if TYPE_CHECKING:
    from lpxsched.timetable.build import Build


def with_manifest(build: Build, **changes: object) -> Build:
    """Return a build whose manifest says something else."""
    return replace(build, manifest=build.manifest.model_copy(update=changes))


def picosecond_up(time_ns: Fraction) -> Fraction:
    """Return a time rounded up to a picosecond."""
    return Fraction(ceil(time_ns * 1000), 1000)


def test_perfect_clocks_show_the_guard() -> None:
    """Tests that without drift and jitter every run has the slack of the timetable: 18 - 12.5 cycles."""
    summary = simulate(two_chip_build(), clock(), trials=3, seed=0)
    assert summary.least_slack_cycles == 5.5
    assert summary.proved.least_slack_cycles == Fraction(11, 2)
    assert summary.holds


def test_two_vectors_of_a_slot_wait_at_once() -> None:
    """Tests that vectors 2.5 cycles apart which wait 5.5 cycles (at most 9 on real clocks) make two."""
    assert simulate(two_chip_build(), clock(), trials=1, seed=0).proved.fullest.vectors == 2
    assert simulate(two_chip_build(), own_clock(), trials=1, seed=0).proved.fullest.vectors == 2


def test_the_clock_of_the_build_leaves_slack() -> None:
    """Tests link 0 on the clock of the build: depart 80, read 98, second vector."""
    # P = 80 + 5 - 2 = 83, R = 98 + 2.5 - 2 = 98.5, B_max = 0.9 + 83 / (1 - 1e-4) + 10 + 2.6 = 96.508301;
    # R - (1 + 1e-4) B_max - 1 = 0.982048.
    summary = simulate(two_chip_build(), trials=100, seed=0)
    assert summary.violations == 0
    assert round(summary.least_slack_cycles, 6) == 0.982048
    assert summary.clock == "example"


def test_absurd_clocks_make_vectors_late() -> None:
    """Tests that at 5 %, far beyond the 100 ppm of the build's guard, vectors come late."""
    summary = simulate(two_chip_build(), clock(ppm=50_000), trials=100, seed=0)
    assert summary.violations > 0
    assert summary.proved.least_slack_cycles < 0
    assert not summary.holds


def test_a_stall_too_short_does_not_hold() -> None:
    """Tests 2 rho 630 + 1.8 against a stall of 2 cycles, 5 % below and above 158.73 ppm: nobody is late in either."""
    below, above = (
        simulate(polled_build(504), clock(ppm=158.730158 * factor, residual_ns=0.9), trials=5, seed=0)
        for factor in (0.95, 1.05)
    )
    assert below.violations == above.violations == 0
    assert (below.holds, above.holds) == (True, False)
    assert above.proved.least_spare_stall_cycles < 0 < above.proved.least_slack_cycles


def test_every_late_slot_of_every_run_counts() -> None:
    """Tests that a crossing of 6 cycles makes all 6 slots to chips late in 10 trials and the adversary's 4 runs.

    The adversary runs once against each of the four links to chips.
    """
    summary = simulate(two_chip_build(), clock(crossing=6), trials=10, seed=0)
    assert (summary.attacks, summary.violations) == (4, 6 * 14)
    assert summary.first == Failing("late", 0, 0, 0)
    assert summary.least_slack_cycles == -0.5


def test_a_slack_of_zero_is_in_time() -> None:
    """Tests that 5.5 cycles of jitter use up the slack and make nothing late."""
    summary = simulate(two_chip_build(), clock(jitter_ns=5.5), trials=10, seed=0)
    assert summary.proved.least_slack_cycles == 0
    assert summary.violations == 0
    assert summary.holds


def test_equal_seeds_give_equal_results() -> None:
    """Tests that a result is a function of build, clock, trials and seed."""
    first, second = (simulate(two_chip_build(), own_clock(), trials=50, seed=3) for _ in range(2))
    assert first == second


def test_the_adversary_sees_almost_the_whole_allowance() -> None:
    """Tests latency: 504 + 128 cycles and a crossing by a clock of 1 - 1e-4, a residual and the jitter of 1 ns."""
    summary = simulate(two_chip_build(), own_clock(), trials=100, seed=0)
    worst_ns = Fraction(633) / (1 - Fraction(1, 10_000)) + 2
    assert summary.nominal_ns == 128
    assert summary.waiting_ns == 504
    assert summary.bound_ns == picosecond_up(worst_ns)
    assert 0 <= worst_ns - summary.observed_worst_ns < Fraction(1, 1000)
    assert round(summary.as_json()["tightness"], 5) == 1


def test_no_run_is_slower_than_the_bound_when_deskews_intervene() -> None:
    """Tests that the residuals of two deskews, which do not cancel, are in the bound."""
    build = deskewed_in_flight()
    summary = simulate(build, clock(ppm=1000, residual_ns=20), trials=500, seed=1)
    # Chip 1 starts at most 20 ns early, and after another deskew it ends at most 20 ns late.
    assert summary.bound_ns == picosecond_up(Fraction(632) / (1 - Fraction(1, 1000)) + 40)
    assert summary.observed_worst_ns <= summary.bound_ns


@pytest.mark.parametrize("jitter_ns", [1.9999999999999964, 2.0, 2.0000000000000036])
def test_a_bound_that_float64_cannot_hold_is_not_exceeded(jitter_ns: float) -> None:
    """Tests 504 + 128 + 2 ns and some 10^-15 less or more: runs are told down, the bound up to a picosecond."""
    summary = simulate(two_chip_build(), clock(jitter_ns=jitter_ns), trials=1, seed=0)
    assert summary.observed_worst_ns == 634
    assert summary.bound_ns == (634 if jitter_ns <= 2 else Fraction(634_001, 1000))


def test_an_allowance_below_a_picosecond_is_none() -> None:
    """Tests 128 cycles of 5/6 ns on perfect clocks at once: 106.666.. ns, bound by 106.667 and seen as 106.666."""
    build = with_manifest(two_chip_build(), clock_mhz="1200")
    build = replace(build, segments=replace(build.segments, waiting_cycles=ints(0)))
    summary = simulate(build, clock(), trials=1, seed=0)
    assert (summary.observed_worst_ns, summary.bound_ns) == (Fraction(106_666, 1000), Fraction(106_667, 1000))
    assert summary.tightness is None


@given(
    ppm=st.floats(0, 10_000),
    residual_ns=st.floats(0, 20),
    jitter_ns=st.floats(0, 20),
    crossing=st.integers(0, 3),
    in_hop=st.booleans(),
    deskewed=st.booleans(),
    seed=st.integers(0, 2**32),
)
@example(0.0, 0.0, 1.9999999999999964, 0, False, False, 0)
@settings(max_examples=50)
def test_the_adversary_stays_within_the_bound(
    ppm: float, residual_ns: float, jitter_ns: float, crossing: int, in_hop: bool, deskewed: bool, seed: int
) -> None:
    """Tests any clock, with jitter in the hop or not: no run exceeds the bound, and the adversary's comes near."""
    build = with_manifest(deskewed_in_flight() if deskewed else two_chip_build(), guard_in_hop=in_hop)
    specification = clock(ppm=ppm, residual_ns=residual_ns, jitter_ns=jitter_ns, crossing=crossing)
    summary = simulate(build, specification, trials=20, seed=seed)
    assert summary.observed_worst_ns <= summary.bound_ns
    assert summary.bound_ns - summary.observed_worst_ns <= Fraction(2, 1000)


def test_the_bound_of_the_own_clock_is_reckoned_not_read() -> None:
    """Tests that what the manifest claims does not matter, but is right up to a picosecond."""
    build = two_chip_build()
    claimed = Fraction(str(build.manifest.results["proved_worst_ns"]))
    assert simulate(build, trials=1, seed=0).bound_ns == claimed
    build = with_manifest(build, results={"proved_worst_ns": 700.25})
    assert simulate(build, trials=1, seed=0).bound_ns < 700


def test_what_is_assumed_enters_no_latency() -> None:
    """Tests that 1000 ns outside of the fabric leave what is proved as it is."""
    told = two_chip_build().manifest.results | {"assumed_ns": 1000.0, "assumed_high_ns": 1000.0}
    build = with_manifest(two_chip_build(), results=told)
    assert simulate(build, clock(), trials=1, seed=0) == simulate(two_chip_build(), clock(), trials=1, seed=0)


def test_tightness_is_null_without_an_allowance() -> None:
    """Tests a build that may start at once on perfect clocks: bound and nominal latency are equal."""
    build = two_chip_build()
    build = replace(build, segments=replace(build.segments, waiting_cycles=ints(0)))
    summary = simulate(build, clock(), trials=1, seed=0)
    assert summary.bound_ns == summary.nominal_ns == 128
    assert summary.as_json()["tightness"] is None


def test_a_faster_clock_shortens_the_cycle() -> None:
    """Tests that 1 ns of jitter is 1.2 cycles at 1200 MHz, and 128 cycles are 320/3 ns."""
    build = with_manifest(two_chip_build(), clock_mhz="1200")
    summary = simulate(build, clock(jitter_ns=1), trials=1, seed=0)
    assert summary.proved.least_slack_cycles == Fraction(43, 10)
    assert summary.nominal_ns == Fraction(320, 3)


def test_json_has_the_documented_keys() -> None:
    """Tests the names on which scripts rely, and that numbers are rounded to six decimals."""
    first = Failing("late", 3, 4, 1)
    times_ns = (Fraction(5), Fraction(9, 2), Fraction(4), Fraction(6), Fraction(1))
    proved = Proved(
        least_slack_cycles=Fraction(1, 3),
        least_spare_stall_cycles=Fraction(2),
        fullest=Fullest(2, 0, 14, 0),
        failing=None,
    )
    summary = Summary("c", 7, 2, 0, 1, first, -1e-9, 0.5, proved, *times_ns)
    assert summary.as_json() == {
        "clock": "c",
        "trials": 7,
        "attacks": 2,
        "violations": 0,
        "overflows": 1,
        "first_failure": {"what": "late", "trial": 3, "slot": 4, "vector": 1},
        "least_slack_cycles": 0.0,
        "proven_slack_cycles": 0.333333,
        "proven_spare_stall_cycles": 2.0,
        "proven_failure": None,
        "random_slack_cycles": 0.5,
        "max_buffer_vectors": 2,
        "observed_worst_ns": 5.0,
        "random_worst_ns": 4.5,
        "nominal_ns": 4.0,
        "waiting_ns": 1.0,
        "bound_ns": 6.0,
        "tightness": 0.5,
    }


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"clock_mhz": "fast"}, "clock_mhz: must be a positive number"),
        ({"clock_mhz": "1/0"}, "clock_mhz: must be a positive number"),
        ({"clock_mhz": "-5"}, "clock_mhz: must be a positive number"),
        ({"clock": {"name": "x"}}, "offset_ppm: this key is missing"),
    ],
)
def test_a_manifest_that_says_nonsense_is_refused(changes: dict[str, object], message: str) -> None:
    """Tests that the offending key of the manifest is named."""
    with pytest.raises(InputError, match=message):
        simulate(with_manifest(two_chip_build(), **changes), trials=1, seed=0)


def test_a_segment_without_egress_is_refused() -> None:
    """Tests that a latency needs an end."""
    build = two_chip_build()
    kinds = build.operators.kind.copy()
    kinds[kinds == "egress"] = "add"
    with pytest.raises(InputError, match="segment 0 has no operator that ends it"):
        simulate(replace(build, operators=replace(build.operators, kind=kinds)), trials=1, seed=0)


def test_a_shard_that_no_chip_has_is_refused() -> None:
    """Tests an end on the host for a lane that its segment does not have."""
    build = two_chip_build()
    shards = build.operators.shard.copy()
    shards[11] = 2
    with pytest.raises(InputError, match="shard: row 11 says 2, its layer has shards 0 to 1"):
        simulate(replace(build, operators=replace(build.operators, shard=shards)), trials=1, seed=0)


def test_jitter_and_crossing_may_lie_in_the_hop() -> None:
    """Tests that a scheduled hop leaves the slack of perfect clocks, and no allowance but waiting."""
    build = with_manifest(two_chip_build(), guard_in_hop=True)
    summary = simulate(build, clock(jitter_ns=5, crossing=3, temperature_ns=0.5), trials=20, seed=0)
    assert summary.proved.least_slack_cycles == 5
    assert summary.bound_ns == summary.observed_worst_ns == Fraction(1265, 2)  # 504 + 128, and temperature
    assert simulate(two_chip_build(), clock(jitter_ns=5, crossing=3), trials=1, seed=0).violations


def test_clocks_that_need_a_tree_are_refused_without_one() -> None:
    """Tests a build for perfect clocks: on those that drift its chips never agree."""
    build = two_chip_build()
    build = replace(build, chips=replace(build.chips, hac_parent=ints(-1, -1, -1), hac_depth=ints(-1, -1, -1)))
    assert simulate(build, clock(), trials=1, seed=0).holds
    with pytest.raises(InputError, match="chip 0 is in no tree, so clocks of test never agree; compile for this clock"):
        simulate(build, clock(ppm=1), trials=1, seed=0)


def test_the_formula_of_the_bound_is_that_of_the_clocks_stage() -> None:
    """Tests that another clock's bound is what compile would have written for it."""
    run = Run(waiting_cycles=504, makespan_cycles=128, levels=1, since_cycles=126)
    arrivals_ns = arrival_ns(own_clock(), Fraction(1000), in_hop=False)
    expected = worst_case_ns(own_clock(), Fraction(1000), [run], arrivals_ns=arrivals_ns)
    assert simulate(two_chip_build(), own_clock(), trials=1, seed=0).bound_ns == picosecond_up(expected)
