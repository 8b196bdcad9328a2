"""Tests of which segment a slot belongs to."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from lpxsched.timetable.segments import slot_segments
from lpxsched.units import NONE
from tests.report.builds import repeated_build


def test_a_slot_belongs_to_the_segment_that_made_its_tensor() -> None:
    """Tests two layers of eight slots each, and slots whose tensors nothing made."""
    build = repeated_build(2)
    assert slot_segments(build).tolist() == [0] * 8 + [1] * 8
    nobody = replace(build.tensors, producer=np.full_like(build.tensors.producer, NONE))
    assert set(slot_segments(replace(build, tensors=nobody)).tolist()) == {NONE}
