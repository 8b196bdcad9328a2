"""Which segment a slot belongs to."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lpxsched.units import NONE

if TYPE_CHECKING:
    from lpxsched.timetable.build import Build
    from lpxsched.timetable.columns import Integers


def slot_segments(build: Build) -> Integers:
    """Return the segment of each slot, shape (slots,): that of the operator which produced its tensor.

    `NONE` where none did, which only a broken build has.
    """
    producer = build.tensors.producer[build.slots.tensor]
    # A tensor without a producer asks for the row -1, which is this last one.
    return np.append(build.operators.segment, NONE)[producer]
