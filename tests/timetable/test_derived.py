"""Tests of which segment a slot belongs to, and of how long vectors hold a link."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from lpxsched.timetable.derived import held_cycles, pitch_numerators, slot_segments
from lpxsched.units import NONE
from tests.builds import two_chip_build
from tests.report.builds import repeated_build


def test_a_slot_belongs_to_the_segment_that_made_its_tensor() -> None:
    """Tests two layers of eight slots each, and slots whose tensors nothing made."""
    build = repeated_build(2)
    assert slot_segments(build).tolist() == [0] * 8 + [1] * 8
    nobody = replace(build.tensors, producer=np.full_like(build.tensors.producer, NONE))
    assert set(slot_segments(replace(build, tensors=nobody)).tolist()) == {NONE}


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
