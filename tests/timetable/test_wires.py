"""Tests of how long vectors hold a link."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from lpxsched.timetable.wires import held_cycles, pitch_numerators
from tests.builds import two_chip_build


def test_a_slot_holds_its_link_for_whole_cycles() -> None:
    """Tests v = 5/2 and a latency of 10: one vector takes 3 whole cycles, two take 5; on busy wires 13 and 25."""
    build = two_chip_build()
    one = replace(build, slots=replace(build.slots, vectors=np.ones_like(build.slots.vectors)))
    tray = np.flatnonzero(build.links.link_class[build.slots.link] == "tray")
    assert set(held_cycles(build, tray).tolist()) == {5}
    assert set(held_cycles(one, tray).tolist()) == {3}
    busy = one.manifest.model_copy(update={"wire": "busy"})
    latency = set(build.links.latency_cycles[build.slots.link[tray]].tolist())
    assert latency == {10}
    assert set(held_cycles(replace(one, manifest=busy), tray).tolist()) == {13}
    assert set(held_cycles(replace(build, manifest=busy)).tolist()) >= {25}
    assert pitch_numerators(build)[0] == 5
