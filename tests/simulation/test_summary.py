"""Tests of the judgement of a simulated build."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import TYPE_CHECKING

import pytest

from lpxsched.clocks.latency import worst_case_ns
from lpxsched.errors import InputError
from lpxsched.simulation.summary import Summary, simulate
from tests.builds import ints, two_chip_build
from tests.simulation.examples import clock, deskewed_in_flight, own_clock

if TYPE_CHECKING:
    from lpxsched.timetable.build import Build


def with_manifest(build: Build, **changes: object) -> Build:
    """Return a build whose manifest says something else."""
    return replace(build, manifest=build.manifest.model_copy(update=changes))


def test_perfect_clocks_show_the_guard() -> None:
    """Tests that without drift and jitter every run has the slack of the timetable: 18 - 12.5 cycles."""
    summary = simulate(two_chip_build(), clock(), trials=3, seed=0)
    assert summary.least_slack_cycles == 5.5
    assert summary.proven_slack_cycles == Fraction(11, 2)
    assert summary.holds


def test_two_vectors_of_a_slot_wait_at_once() -> None:
    """Tests that vectors 2.5 cycles apart which wait 5.5 cycles (at most 9 on real clocks) make two."""
    assert simulate(two_chip_build(), clock(), trials=1, seed=0).max_buffer_vectors == 2
    assert simulate(two_chip_build(), own_clock(), trials=1, seed=0).max_buffer_vectors == 2


def test_the_clock_of_the_build_leaves_slack() -> None:
    """Tests the build on its own clock; 1.476698 is worked out in the tests of the margin."""
    summary = simulate(two_chip_build(), trials=100, seed=0)
    assert summary.violations == 0
    assert round(summary.least_slack_cycles, 6) == 1.476698
    assert summary.clock == "example"


def test_absurd_clocks_make_vectors_late() -> None:
    """Tests that at 5 %, far beyond the 100 ppm of the build's guard, vectors come late."""
    summary = simulate(two_chip_build(), clock(ppm=50_000), trials=100, seed=0)
    assert summary.violations > 0
    assert summary.proven_slack_cycles < 0
    assert not summary.holds


def test_every_late_slot_of_every_run_counts() -> None:
    """Tests that a crossing of 6 cycles makes all 8 slots late in 10 trials and in the adversary's run."""
    summary = simulate(two_chip_build(), clock(crossing=6), trials=10, seed=0)
    assert summary.violations == 8 * 11
    assert summary.least_slack_cycles == -0.5


def test_a_slack_of_zero_is_in_time() -> None:
    """Tests that 5.5 cycles of jitter use up the slack and make nothing late."""
    summary = simulate(two_chip_build(), clock(jitter_ns=5.5), trials=10, seed=0)
    assert summary.proven_slack_cycles == 0
    assert summary.violations == 0
    assert summary.holds


def test_equal_seeds_give_equal_results() -> None:
    """Tests that a result is a function of build, clock, trials and seed."""
    first, second = (simulate(two_chip_build(), own_clock(), trials=50, seed=3) for _ in range(2))
    assert first == second


def test_the_adversary_sees_almost_the_whole_allowance() -> None:
    """Tests latency: 504 + 128 cycles by a clock of 1 - 1e-4, and two residuals of 1 ns."""
    summary = simulate(two_chip_build(), own_clock(), trials=100, seed=0)
    worst_ns = Fraction(632) / (1 - Fraction(1, 10_000)) + 2
    assert summary.nominal_ns == 128
    assert summary.bound_ns == worst_ns
    assert round(summary.observed_worst_ns - worst_ns, 9) == 0
    assert summary.as_json()["tightness"] == 1


def test_no_run_is_slower_than_the_bound_when_deskews_intervene() -> None:
    """Tests that the residuals of two deskews, which do not cancel, are in the bound."""
    build = deskewed_in_flight()
    summary = simulate(build, clock(ppm=1000, residual_ns=20), trials=500, seed=1)
    # Node 2 ends at most 20 ns late, node 1 starts at most 20 ns early.
    assert summary.bound_ns == Fraction(632) / (1 - Fraction(1, 1000)) + 40
    assert summary.observed_worst_ns <= summary.bound_ns


def test_the_bound_of_the_own_clock_is_the_manifests() -> None:
    """Tests that without another clock the number that compile wrote is reported."""
    build = with_manifest(two_chip_build(), results={"worst_case_ns": 700.25})
    assert simulate(build, trials=1, seed=0).bound_ns == Fraction(2801, 4)


def test_gpu_time_enters_every_latency() -> None:
    """Tests one layer of 1000 ns on the GPU and 2 x 50.5 ns on the way."""
    build = with_manifest(two_chip_build(), options={"gpu_ns": 1000, "gpu_latency_ns": 50.5})
    with_gpu = simulate(build, clock(), trials=1, seed=0)
    without = simulate(two_chip_build(), clock(), trials=1, seed=0)
    assert with_gpu.nominal_ns - without.nominal_ns == 1101
    assert with_gpu.bound_ns - without.bound_ns == 1101
    assert with_gpu.observed_worst_ns - without.observed_worst_ns == 1101
    assert with_gpu.tightness == without.tightness == 1


def test_gpu_time_that_was_not_given_counts_as_nothing() -> None:
    """Tests a manifest whose gpu_ns is null."""
    build = with_manifest(two_chip_build(), options={"gpu_ns": None, "gpu_latency_ns": None})
    assert simulate(build, clock(), trials=1, seed=0).nominal_ns == 128


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
    assert summary.proven_slack_cycles == Fraction(43, 10)
    assert summary.nominal_ns == Fraction(320, 3)


def test_json_has_the_documented_keys() -> None:
    """Tests the names on which scripts rely, and that numbers are rounded to six decimals."""
    summary = Summary("c", 7, 0, -1e-9, Fraction(1, 3), 0.5, 2, Fraction(5), Fraction(9, 2), Fraction(4), Fraction(6))
    assert summary.as_json() == {
        "clock": "c",
        "trials": 7,
        "violations": 0,
        "least_slack_cycles": 0.0,
        "proven_slack_cycles": 0.333333,
        "random_slack_cycles": 0.5,
        "max_buffer_vectors": 2,
        "observed_worst_ns": 5.0,
        "random_worst_ns": 4.5,
        "nominal_ns": 4.0,
        "bound_ns": 6.0,
        "tightness": 0.5,
    }


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"clock_mhz": "fast"}, "clock_mhz: must be a positive number"),
        ({"clock_mhz": "1/0"}, "clock_mhz: must be a positive number"),
        ({"clock_mhz": "-5"}, "clock_mhz: must be a positive number"),
        ({"results": {}}, "results.worst_case_ns: must be a number"),
        ({"options": {"gpu_ns": "long"}}, "options.gpu_ns: must be a number"),
        ({"options": {"gpu_latency_ns": -1}}, "options.gpu_latency_ns: must be a number"),
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
    with pytest.raises(InputError, match="segment 0 has no egress"):
        simulate(replace(build, operators=replace(build.operators, kind=kinds)), trials=1, seed=0)


def test_the_formula_of_the_bound_is_that_of_the_clocks_stage() -> None:
    """Tests that another clock's bound is what compile would have written for it."""
    expected = worst_case_ns(
        own_clock(),
        Fraction(1000),
        start_allowance_cycles=[504],
        makespan_cycles=[128],
        levels=[2],
        gpu_ns=Fraction(0),
    )
    assert simulate(two_chip_build(), own_clock(), trials=1, seed=0).bound_ns == expected
