"""R3, claims of the manifest: makespans, bounds and latencies follow from the rows."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from tests.builds import signed, two_chip_build
from tests.verify.changes import breaks, change, rules
from tests.verify.collectives import LAID, build_of

if TYPE_CHECKING:
    from lpxsched.timetable.build import Build


def claiming(build: Build, **results: Any) -> Build:
    """Return a build that tells further results."""
    told = build.manifest.results | results
    return signed(replace(build, manifest=build.manifest.model_copy(update={"results": told})))


# 128 cycles of 1 ns; 636.5633.. ns at worst (see tests/builds.py).
TRUE = {
    "status": "optimal",
    "gap": 1.0,
    "makespan_ns": 128.0,
    "proved_ns": 128,
    "proved_worst_ns": 636.564,
    "assumed_ns": 0.1,
    "assumed_high_ns": 0.2,
    "step_ns": 128.1,
    "step_high_ns": 636.764,
}


def test_true_claims_pass() -> None:
    """Tests a model that tells everything."""
    assert not rules(claiming(two_chip_build(), **TRUE))


@pytest.mark.parametrize("key", TRUE)
def test_a_claim_that_is_absent_is_no_fault(key: str) -> None:
    """Tests that only the makespan in cycles must be told."""
    build = claiming(two_chip_build(), **TRUE)
    told = {name: value for name, value in build.manifest.results.items() if name != key}
    assert not rules(signed(replace(build, manifest=build.manifest.model_copy(update={"results": told}))))


@pytest.mark.parametrize(
    ("claim", "text"),
    [
        ({"lower_bound_cycles": 127}, "lower_bound_cycles is 127, segments and frames sum to 128"),
        ({"makespan_ns": 127.999}, "makespan_ns is 127.999, the segments take 128"),
        ({"proved_ns": "128"}, "proved_ns is '128', the segments take 128"),
        ({"proved_worst_ns": 636.563}, "proved_worst_ns is 636.563, waiting, makespans and clocks may take 636.564"),
        ({"proved_worst_ns": None}, "proved_worst_ns is None"),
        ({"step_ns": 128}, "step_ns is 128, proved_ns and assumed_ns sum to 128.1"),
        ({"step_high_ns": 636.7}, "step_high_ns is 636.7, proved_worst_ns and assumed_high_ns sum to 636.764"),
        ({"gap": 0.999}, "gap is 0.999, segments and frames have 1"),
        ({"gap": True}, "gap is True, segments and frames have 1"),
    ],
)
def test_a_claim_that_does_not_follow_is_found(claim: dict[str, Any], text: str) -> None:
    """Tests each claim against what its rows say, also when it is no number."""
    assert breaks(claiming(two_chip_build(), **TRUE | claim), "R3", f"manifest.json: results {text}")


@pytest.mark.parametrize(
    ("key", "rate"),
    [
        ("tokens_per_s_per_user", 11709601.873),
        ("tokens_per_s_per_user_low", 1570440.539),
        ("tokens_per_s", 23419203.747),
    ],
)
def test_tokens_a_second_follow_from_steps(key: str, rate: float) -> None:
    """Tests two users with 1.5 tokens a step of 128.1 ns, and one at least in 636.764: cut to thousandths."""
    build = two_chip_build()
    options = build.manifest.options | {"batch": 2}
    build = replace(build, manifest=build.manifest.model_copy(update={"options": options}))
    true = TRUE | {"acceptance_length": 1.5, key: rate}
    assert not rules(claiming(build, **true))
    assert breaks(claiming(build, **true | {key: rate + 0.001}), "R3", f"{key} is {rate + 0.001!r}, a second of steps")


def test_a_proof_needs_a_bound() -> None:
    """Tests a bound of 100 under a makespan of 128: 1.28, and not optimal."""
    build = change(two_chip_build(), "segments", 0, lower_bound_cycles=100)
    told = {"lower_bound_cycles": 100, "gap": 1.28}
    assert not rules(claiming(build, **told, status="feasible"))
    assert breaks(claiming(build, **told, status="optimal"), "R3", "results status is 'optimal'")


def test_what_repeats_is_compared_with_its_period() -> None:
    """Tests an all-gather of 16 cycles that repeats every 6: bound and gap are those of the period."""
    build = build_of(LAID["all-gather"], period=6)
    assert not rules(claiming(build, status="optimal", gap=1.0, makespan_ns=16.0))
    above = claiming(change(build, "frames", 0, lower_bound_cycles=7), lower_bound_cycles=7)
    assert breaks(above, "R3", "frame 0: lower_bound_cycles is 7, above period_cycles 6")
    below = claiming(change(build, "frames", 0, lower_bound_cycles=5), lower_bound_cycles=5)
    assert not rules(claiming(below, gap=1.2, period_gap=1.2))
    assert breaks(claiming(below, period_gap=1.1), "R3", "results period_gap is 1.1, segments and frames have 1.2")
    assert breaks(claiming(below, status="optimal"), "R3", "results status is 'optimal'")
