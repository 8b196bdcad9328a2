"""Tests of chips that count with one oscillator, from their guards to runs of what was built on them."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np
import pytest
import yaml

from lpxsched.clocks.guard import guard_cycles
from lpxsched.clocks.oscillators import drift_apart, oscillators
from lpxsched.clocks.specification import ClockSpecification, load_clock
from lpxsched.clocks.tree import alignment_tree, time_domains
from lpxsched.collective_pipeline import compile_collective
from lpxsched.fabric.profile import load_fabric
from lpxsched.options import CollectiveOptions
from lpxsched.simulation.bound.bound import bound
from lpxsched.simulation.reference.run import run_reference
from lpxsched.simulation.summary import simulate
from lpxsched.timetable.columns import Slots
from lpxsched.verify.check import check
from lpxsched.verify.reads import read_violations
from tests.builds import two_chip_build
from tests.simulation.examples import clock

if TYPE_CHECKING:
    from pathlib import Path

    from lpxsched.timetable.build import Build


def crystal(shared_by: str, **changes: object) -> ClockSpecification:
    """Return the shipped crystal, with one oscillator for so many chips."""
    data = load_clock("xo-100ppm").model_dump()
    return ClockSpecification.model_validate(data | {"shared_by": shared_by} | changes)


def test_a_rack_of_trays() -> None:
    """Tests 16 trays of 16 chips: each chip, the first of its tray, the first of all; hosts have their own."""
    rack = load_fabric("lpx-rack")
    of_chip, of_tray, of_rack = (oscillators(rack, crystal(shared)) for shared in ("chip", "tray", "rack"))
    assert of_chip.tolist() == list(range(rack.nodes))
    assert of_tray[[0, 15, 16, 255]].tolist() == [0, 0, 16, 240]
    assert set(of_rack[:256].tolist()) == {0}
    assert of_rack[256:].tolist() == list(range(256, rack.nodes))


@pytest.mark.parametrize(
    ("shared", "chips", "expected"), [("tray", (0, 15), False), ("tray", (0, 16), True), ("rack", (0, 16), False)]
)
def test_who_drifts_apart(shared: str, chips: tuple[int, ...], *, expected: bool) -> None:
    """Tests chips of one tray, whose root is one of them, of two trays, and of one rack; a host drifts from all."""
    rack = load_fabric("lpx-rack")
    tree = alignment_tree(rack, crystal(shared), time_domains(rack, [chips]))
    # The root of a rack is chip 0, which hangs from none.
    assert drift_apart(rack, crystal(shared), tree, np.array(chips)) is expected
    assert drift_apart(rack, crystal(shared), tree, np.array([*chips, 256]))


def gathered(folder: Path, shared_by: str, chips: tuple[int, ...], ppm: float) -> Build:
    """Return an all-gather of 32 vectors on chips of a rack whose crystals err by some ppm."""
    path = folder / f"{shared_by}.yaml"
    path.write_text(yaml.safe_dump(crystal(shared_by, offset_ppm=ppm).model_dump()))
    told = {"kind": "all-gather", "topology": "lpx-rack", "chips": chips, "vectors": 32, "clock": str(path)}
    return compile_collective(CollectiveOptions.model_validate(told | {"solver": "greedy", "effort": 1}))[0]


def used_guards(build: Build) -> set[tuple[str, int]]:
    """Return class and guard of the links that carry slots."""
    names, guards = build.links.link_class[build.slots.link], build.links.guard_cycles[build.slots.link]
    return set(zip(names.tolist(), guards.tolist(), strict=True))


def test_a_tray_with_one_oscillator_needs_no_guard_for_time(tmp_path: Path) -> None:
    """Tests four chips at 3,000 ppm: 1.003 x (2 x 10.6 + 21.2 + 323) + 2 - 323 = 45.50, a stall of 2 x 10.6.

    With oscillators of their own 2 rho T comes on top, in guard and stall. The clock that is told may be worse until
    1.006458675424 x 365.4 + 2 - 323 = 46.76, which is what v = 2.24 leaves of a hop of whole cycles.
    """
    shared, own = (gathered(tmp_path, name, (0, 1, 2, 3), 3000) for name in ("tray", "chip"))
    assert (used_guards(shared), shared.deskews.stall.tolist()) == ({("tray", 46)}, [22])
    assert (used_guards(own), own.deskews.stall.tolist()) == ({("tray", 69)}, [46])
    assert shared.segments.makespan_cycles[0] < own.segments.makespan_cycles[0]
    found = bound(shared)
    assert found.holds
    # 2 x 10.6 of 22, whatever the ppm.
    assert found.least_spare_stall_cycles == Fraction(8, 10)
    assert found.ppm.witness["what"] == "a vector may be late"


@pytest.mark.parametrize(("shared", "ppm"), [("tray", 3000), ("rack", 30_000)])
def test_what_shares_is_judged_alike_by_all(tmp_path: Path, shared: str, ppm: float) -> None:
    """Tests two trays: the checker by its own rules, runs within the bound and at it, the reference without failure.

    Chips of a tray have a guard of their own, those of two trays that of clocks which drift.
    """
    build = gathered(tmp_path, shared, (0, 1, 16, 17), ppm)
    assert check(build).violations == ()
    runs, found = simulate(build, trials=20, seed=0), bound(build)
    assert (runs.violations, found.holds) == (0, True)
    assert runs.least_slack_cycles == pytest.approx(float(found.least_slack_cycles), abs=1e-6)
    reference = run_reference(build, runs=2)
    assert reference.failures == ()
    assert reference.least_slack_cycles >= float(found.least_slack_cycles)


def test_a_guard_that_counts_on_a_shared_oscillator_fails_without(tmp_path: Path) -> None:
    """Tests the build of a tray judged for clocks of their own, by the checker, the bound and the adversary.

    At 4,000 ppm it holds still on one oscillator.
    """
    build = gathered(tmp_path, "tray", (0, 1, 2, 3), 3000)
    clock = build.manifest.clock | {"shared_by": {"value": "chip"}}
    own = replace(build, manifest=build.manifest.model_copy(update={"clock": clock}))
    assert {violation.rule for violation in check(own).violations} >= {"R8", "R9"}
    assert not bound(own).holds
    late = [simulate(own, crystal(name, offset_ppm=4000), trials=1, seed=0).violations for name in ("chip", "tray")]
    assert late[0] > late[1] == 0


@pytest.mark.parametrize(("early", "slack"), [(0, "1.3845"), (1, "0.3945"), (2, "-0.5955")])
def test_guard_bound_and_checker_agree_on_a_ramp(early: int, slack: str) -> None:
    """Tests 1e-9 a cycle, a link of 1,000 cycles, and a vector that leaves 10^7 cycles after the deskew.

    By then each cycle of the way strays by 0.01: 10.1 + 0.0005, so that a guard of 11 covers, and a read that comes two
    cycles early does not.
    """
    ramp, told, depart = clock(drift_ppm_per_s=1000, shared_by="tray"), two_chip_build(), 10**7
    guard = guard_cycles(
        ramp, levels=1, shared_latency_cycles=1000, interval_cycles=depart + 1020, clock_mhz=Fraction(1), in_hop=False
    )
    assert guard == 11
    slots = Slots(*(getattr(told.slots, name)[:1] for name in told.slots.__slots__))
    # v = 2.5, so 3 of whole cycles; the deskew ends at 2, and two vectors of 2.5 end at 10^7 + 3.
    read = depart + 1003 + guard - early
    slots = replace(slots, depart=np.array([depart]), read=np.array([read]))
    links = replace(told.links, latency_cycles=np.full_like(told.links.latency_cycles, 1000))
    manifest = told.manifest.model_copy(update={"clock": ramp.model_dump(), "clock_mhz": "1"})
    build = replace(told, slots=slots, links=links, manifest=manifest)
    found = bound(build, ramp).least_slack_cycles
    assert f"{float(found):.4f}" == slack
    late = [violation for violation in read_violations(build) if "may come" in violation.message]
    assert bool(late) is (found < 0)


def test_a_clock_shared_by_nobody_knows_whom_is_told(tmp_path: Path) -> None:
    """Tests a manifest that names another place."""
    build = gathered(tmp_path, "tray", (0, 1, 2, 3), 3000)
    clock = build.manifest.clock | {"shared_by": {"value": "row"}}
    told = replace(build, manifest=build.manifest.model_copy(update={"clock": clock}))
    assert any("shared_by" in violation.message for violation in check(told).violations)
