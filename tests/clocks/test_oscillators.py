"""Tests of chips that count with one oscillator, from their guards to runs of what was built on them."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np
import pytest
import yaml

from lpxsched.clocks.oscillators import drift_apart, oscillators
from lpxsched.clocks.specification import ClockSpecification, load_clock
from lpxsched.clocks.tree import alignment_tree, time_domains
from lpxsched.collective_pipeline import collective_timetable
from lpxsched.fabric.profile import load_fabric
from lpxsched.options import CollectiveOptions
from lpxsched.simulation.bound.bound import bound
from lpxsched.simulation.reference.run import run_reference
from lpxsched.simulation.summary import simulate
from lpxsched.verify.check import check

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


def collective_on(folder: Path, shared_by: str, chips: str, **changes: object) -> Build:
    """Return an all-gather on chips of a rack whose crystals may err by three per cent."""
    told = crystal(shared_by, **{"offset_ppm": 30_000, **changes}).model_dump()
    path = folder / f"{shared_by}.yaml"
    path.write_text(yaml.safe_dump(told))
    return collective_timetable(CollectiveOptions("all-gather", "lpx-rack", chips=chips, vectors=32, clock=str(path)))
