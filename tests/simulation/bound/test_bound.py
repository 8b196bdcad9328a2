"""Tests of the whole bound of a build."""

from __future__ import annotations

import json
from dataclasses import replace
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np
import pytest

from lpxsched.cli.main import run
from lpxsched.errors import ExitCode, InputError
from lpxsched.simulation.alignment import read_alignment
from lpxsched.simulation.bound.bound import bound
from lpxsched.simulation.bound.stalls import read_stalls
from lpxsched.simulation.summary import simulate
from lpxsched.timetable.writer import write_build
from tests.builds import ints, signed, two_chip_build
from tests.polled import polled_build
from tests.simulation.examples import clock, deskewed_in_flight, own_clock
from tests.verify.test_frames import gapped

if TYPE_CHECKING:
    from pathlib import Path

    from lpxsched.timetable.build import Build


def with_stall(build: Build, stall: int) -> Build:
    """Return the build of two chips with another stall of its deskew, which waits for nothing."""
    segments = replace(build.segments, waiting_cycles=ints(0))
    return replace(build, segments=segments, deskews=replace(build.deskews, stall=ints(stall)))


def test_the_bound_of_the_own_clock() -> None:
    """Tests the build of two chips: slack as in its simulation, a worst case of 636.5633.. ns, two vectors at once."""
    found = bound(two_chip_build())
    summary = simulate(two_chip_build(), trials=1, seed=0)
    assert found.holds
    assert found.least_slack_cycles == summary.proved.least_slack_cycles
    assert round(float(found.latency.step_ns), 4) == 636.5633
    assert found.latency.segments_ns == found.latency.frames_ns == (found.latency.step_ns,)
    assert (found.fullest.vectors, found.fullest.spare_vectors) == (2, 14)
    # stall 2 of 2 x 0.9 + 2e-4 x 126 = 1.8252
    assert found.least_spare_stall_cycles == 2 - Fraction(18252, 10000)


def test_a_deskew_costs_what_the_clock_file_says() -> None:
    """Tests the stall of 2 cycles, of which the deskew itself takes 1; clocks disagree by 1.8 + 2e-4 x 126 = 1.8252."""
    found = bound(two_chip_build(), clock(ppm=100, residual_ns=0.9, deskew_cycles=1))
    assert found.least_spare_stall_cycles == 1 - Fraction(18252, 10_000)


def test_a_stall_covers_what_spread_clocks_gather() -> None:
    """Tests 126 cycles at d = 2 % and f = 1 MHz: two swings of 1.26 x 0.874, and 2e-4 x 126 of clocks 1 % slow."""
    found = bound(two_chip_build(), clock(ppm=100, spread_ppm=20_000, spread_khz=1000))
    swings = 2 * Fraction(126, 100) * Fraction(874, 1000)
    assert found.least_spare_stall_cycles == 2 - swings - Fraction(252, 10_000) / Fraction(99, 100)


def test_no_stall_helps_beyond_half_a_period() -> None:
    """Tests two levels of 63 ns, 126 cycles, half of 252: a stall of 200 holds them, a counter does not tell them."""
    found = bound(with_stall(two_chip_build(), 200), clock(residual_ns=63))
    assert found.least_spare_stall_cycles == 0
    assert bound(with_stall(two_chip_build(), 200), clock(residual_ns=64)).least_spare_stall_cycles == -2


def test_lanes_drift_against_chips_with_one_oscillator() -> None:
    """Tests chips that count alike: lanes to them do not, 0.0252 of 1.8252 cycles; without such, 1.8 are left."""
    build, shared = two_chip_build(), clock(ppm=100, residual_ns=0.9, shared_by="tray")
    assert bound(build, shared).least_spare_stall_cycles == 2 - Fraction(18252, 10_000)
    slots = replace(build.slots, **{name: getattr(build.slots, name)[:2] for name in build.slots.__slots__})
    assert bound(replace(build, slots=slots), shared).least_spare_stall_cycles == 2 - Fraction(18, 10)


def test_chips_under_two_roots_drift_apart() -> None:
    """Tests two chips each of which is a root: neither drifts against its own, but against the other."""
    build = two_chip_build()
    chips = replace(build.chips, hac_parent=ints(0, 1, -1), hac_depth=ints(0, 0, -1))
    sent = np.flatnonzero(build.chips.host[build.links.dst[build.slots.link]])
    slots = replace(build.slots, **{name: getattr(build.slots, name)[sent] for name in build.slots.__slots__})
    build = replace(build, chips=chips, slots=slots)
    assert read_stalls(build, read_alignment(build), clock(), ints(128)).drifts.tolist() == [True]


def test_the_largest_frequency_error_is_where_the_stall_ends() -> None:
    """Tests 2 rho T + 1.8 <= 2: one-sided; the two chips disagree by more beyond.

    T = 126 cycles lie before the deskew of chips that are started, 504 more of a pass before that of chips that poll.
    """
    assert float(bound(two_chip_build()).ppm.value) == 793.650793
    found = bound(polled_build(504))
    assert float(found.ppm.value) == 158.730158
    assert found.ppm.witness["what"] == "clocks may disagree by more than the stall of a deskew"
    assert found.ppm.witness["chips"] == [1, 0]


def test_the_largest_frequency_error_is_where_a_slot_is_late() -> None:
    """Tests a stall with room: the slots that depart at 80 have 5.5 cycles less 1 + 1 + 1, all else for drift."""
    build = with_stall(two_chip_build(), 20)
    found = bound(build, own_clock())
    witness = found.ppm.witness
    # P = 80 + 5 - 20, R = 98 + 2.5 - 20: (1 + rho) (1 + 65 / (1 - rho) + 10 + 1) = 79.5 at 1.76.. %.
    rho = found.ppm.value / 10**6
    assert (witness["what"], witness["slot"], witness["chips"]) == ("a vector may be late", 1, [0, 1])
    assert (witness["depart"], witness["read"], witness["vector"]) == (80, 98, 1)
    step = Fraction(1, 10**12)
    assert (1 + rho) * (12 + 65 / (1 - rho)) + 1 <= Fraction(161, 2)
    assert (1 + rho + step) * (12 + 65 / (1 - rho - step)) + 1 > Fraction(161, 2)


def test_a_simulation_fails_beyond_what_is_named_and_not_before() -> None:
    """Tests runs of the adversary at the largest frequency error, and a thousandth above it."""
    build = with_stall(two_chip_build(), 20)
    ppm = float(bound(build, own_clock()).ppm.value)
    below, above = (
        simulate(build, clock(ppm=ppm * factor, residual_ns=1, jitter_ns=1, crossing=1), trials=5, seed=0)
        for factor in (1, 1.001)
    )
    assert below.holds
    assert above.violations > 0


def test_the_largest_residual() -> None:
    """Tests 2 residual + 2e-4 x 630 <= 2: 0.937 ns; with 126 cycles 0.9874."""
    assert float(bound(polled_build(504)).residual.value) == 0.937
    assert float(bound(two_chip_build()).residual.value) == 0.9874


def test_the_longest_interval() -> None:
    """Tests 1.8 + 2e-4 T <= 2: T = 1,000 cycles, where 126 lie before the deskew now."""
    assert bound(two_chip_build()).interval.value == 1000


def test_a_build_without_a_tree_bears_no_drift() -> None:
    """Tests chips in no tree: they hold on clocks that need none, and on no others."""
    build = two_chip_build()
    build = replace(build, chips=replace(build.chips, hac_parent=ints(-1, -1, -1), hac_depth=ints(-1, -1, -1)))
    found = bound(build, clock())
    assert (found.ppm.value, found.residual.value) == (0, 0)
    assert found.ppm.witness["what"].startswith("no tree of counters")
    with pytest.raises(InputError, match="chip 0 is in no tree"):
        bound(build, own_clock())


def test_spread_counts_as_a_phase() -> None:
    """Tests 20,000 ppm at 1000 kHz, Phi = 0.01 q (1 - q / 1000): 83 and 98.5 cycles take 0.76111 + 0.88797 of slack."""
    build, spread = two_chip_build(), clock(spread_ppm=20_000, spread_khz=1000)
    # P = 83, R = 98.5, L = 10, all clocks 1 % slow: R - 0.99 (10 + Phi(83) + Phi(98.5)) - 83.
    phi = [Fraction(q) / 100 * (1 - Fraction(q) / 1000) for q in (83, Fraction(197, 2))]
    expected = Fraction(31, 2) - Fraction(99, 100) * (10 + sum(phi))
    assert bound(build, spread).least_slack_cycles == expected
    assert simulate(build, spread, trials=20, seed=0).least_slack_cycles >= float(expected) - 1e-9


def test_shared_oscillators_drift_only_on_the_way() -> None:
    """Tests two chips of one tray at 1 %: R - P - 1.01 x 10, and lanes of the host as before."""
    build = two_chip_build()
    slots = replace(build.slots, **{name: getattr(build.slots, name)[:2] for name in build.slots.__slots__})
    build = replace(build, slots=slots)
    assert bound(build, clock(ppm=10_000, shared_by="tray")).least_slack_cycles == Fraction(31, 2) - Fraction(101, 10)
    assert bound(build, clock(ppm=10_000)).least_slack_cycles < 4


def test_the_adversary_attains_the_bound_of_one_oscillator_that_spreads() -> None:
    """Tests d = 10 %, f = 1e-4 a cycle: fastest around the middle of R - P, which is 0.95 (10 + Phi) true cycles."""
    build = two_chip_build()
    slots = replace(build.slots, **{name: getattr(build.slots, name)[:2] for name in build.slots.__slots__})
    spread = clock(spread_ppm=100_000, spread_khz=100, shared_by="tray")
    summary = simulate(replace(build, slots=slots), spread, trials=20, seed=0)
    phi = Fraction(31, 2) / 20 * (1 - Fraction(31, 20_000))
    assert summary.proved.least_slack_cycles == Fraction(31, 2) - Fraction(95, 100) * (10 + phi)
    assert abs(summary.least_slack_cycles - float(summary.proved.least_slack_cycles)) < 1e-9


def test_a_ramp_of_one_oscillator_has_begun_at_its_deskew() -> None:
    """Tests 1e-12 a cycle: until departure at P = 83 it has moved the rate by 83e-12, on the way of 15.5 it goes on."""
    build = two_chip_build()
    slots = replace(build.slots, **{name: getattr(build.slots, name)[:2] for name in build.slots.__slots__})
    ramp = clock(drift_ppm_per_s=1000, shared_by="tray")
    found = bound(replace(build, slots=slots), ramp).least_slack_cycles
    way = Fraction(31, 2)
    assert found == way - 10 - (way**2 / 2 + 83 * way) / 10**12


def test_slots_across_a_deskew_are_bounded() -> None:
    """Tests that a deskew in the middle of a flight is in the bound."""
    found = bound(deskewed_in_flight(), own_clock())
    assert (
        found.least_slack_cycles
        == simulate(deskewed_in_flight(), own_clock(), trials=1, seed=0).proved.least_slack_cycles
    )


def test_a_frame_that_repeats_is_bounded() -> None:
    """Tests seven of eight windows of 200 cycles: an interval of a round less the stall, one iteration's latency."""
    found = bound(gapped())
    assert found.holds
    assert found.latency.frames_ns == (found.latency.step_ns,)
    # A round of 1,600 cycles less a stall of 3.
    assert found.interval.value >= 1597


def test_a_step_in_flight_lasts_from_window_to_window() -> None:
    """Tests two micro-batches in eight windows of 200 cycles: 1,600 / 0.9999 ns, and 2 x 0.9 of two alignments."""
    build, alone = gapped(), bound(gapped()).latency
    results = build.manifest.results | {"in_flight": 2}
    found = bound(replace(build, manifest=build.manifest.model_copy(update={"results": results}))).latency
    assert found.reserved_ns == Fraction(1600) / Fraction(9999, 10_000) + Fraction(18, 10)
    assert (found.step_ns, alone.reserved_ns) == (alone.step_ns, None)


def test_clocks_have_run_apart_before_an_iteration() -> None:
    """Tests 128 cycles after a wait of 504 and 1,397 after a deskew: they begin on a chip fast by 100 ppm."""
    rho = Fraction(1, 10_000)
    found = bound(gapped(), clock(ppm=100)).latency.step_ns
    assert found == (504 + 128 + 1397) / (1 - rho) - 1397 / (1 + rho)


def test_a_step_in_flight_strays_with_the_root_and_a_chip_twice() -> None:
    """Tests 1,600 cycles at d = 2 % and f = 1 MHz: 1 % slow, and three swings of d / (8 f) = 2.5."""
    build = gapped()
    results = build.manifest.results | {"in_flight": 2}
    build = replace(build, manifest=build.manifest.model_copy(update={"results": results}))
    found = bound(build, clock(spread_ppm=20_000, spread_khz=1000)).latency.reserved_ns
    assert found == 1600 / Fraction(99, 100) + 3 * Fraction(5, 2)


def test_the_command_draws_what_was_weighed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Tests a picture of three numbers of deskews, the same bytes each time, and a build that weighed none."""
    tried = [
        {"deskews": n, "interval_cycles": 900 // n, "guard_cycles": g, "stall_cycles": g, "worst_case_ns": 600 + w}
        for n, g, w in ((1, 9, 30), (2, 6, 20), (4, 5, 25))
    ]
    told = {"deskews": {"count": 2, "interval_cycles": 450, "stall_cycles": 6, "tried": tried}, "step_high_ns": 640.0}
    build = two_chip_build()
    manifest = build.manifest.model_copy(update={"results": build.manifest.results | told})
    write_build(tmp_path / "weighed", signed(replace(build, manifest=manifest)))
    write_build(tmp_path / "plain", build)
    for name in ("a.png", "b.png"):
        assert run(["bound", str(tmp_path / "weighed"), "--png", str(tmp_path / name)]) == ExitCode.DONE
    picture = (tmp_path / "a.png").read_bytes()
    assert picture.startswith(b"\x89PNG")
    assert picture == (tmp_path / "b.png").read_bytes()
    capsys.readouterr()
    assert run(["bound", str(tmp_path / "plain"), "--png", str(tmp_path / "c.png")]) == ExitCode.BAD_INPUT
    assert "no intervals between deskews were weighed" in capsys.readouterr().err
    assert not (tmp_path / "c.png").exists()


def test_the_command_tells_what_is_bounded(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Tests the keys on which scripts rely, the text, and exit code 5 on clocks that are too bad."""
    write_build(tmp_path / "build", two_chip_build())
    assert run(["bound", str(tmp_path / "build"), "--json"]) == ExitCode.DONE
    told = json.loads(capsys.readouterr().out)
    assert (told["worst_case_ns"], told["max_tolerable_ppm"], told["longest_interval_cycles"]) == (
        636.563307,
        793.650793,
        1000,
    )
    assert told["least_slack_cycles"] == 0.982048
    assert told["witness"]["chips"] == [1, 0]
    assert run(["bound", str(tmp_path / "build")]) == ExitCode.DONE
    assert "793.651 ppm, one-sided" in capsys.readouterr().out
    assert run(["bound", str(tmp_path / "build"), "--clock", "srns-300ppm"]) == ExitCode.VERIFICATION_FAILED
    assert "FAILED" in capsys.readouterr().out


def test_the_command_tells_a_common_cause_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Tests chips in no tree on perfect clocks, which bear nothing for one reason, and causes that differ."""
    build = two_chip_build()
    alone = replace(build, chips=replace(build.chips, hac_parent=ints(-1, -1, -1), hac_depth=ints(-1, -1, -1)))
    write_build(tmp_path / "alone", signed(alone))
    assert run(["bound", str(tmp_path / "alone"), "--clock", "none"]) == ExitCode.DONE
    text = " ".join(capsys.readouterr().out.split())
    assert "clocks may have 0 ppm, one-sided 0 ns of residual a level " in text
    assert text.count("no tree of counters holds all chips") == text.count("beyond") == 1
    # With a tree they bear any interval: perfect clocks drift in none.
    write_build(tmp_path / "build", build)
    assert run(["bound", str(tmp_path / "build"), "--clock", "none"]) == ExitCode.DONE
    assert capsys.readouterr().out.count("; beyond, ") == 3
