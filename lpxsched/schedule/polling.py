"""What one pass of polling chips sends: the rows that enter, and one vector of flags a host.

Chips that poll run the ingress of a segment and its all-gather again and again. Each host adds a vector that says
which rows are there; after the all-gather every chip has all flags and all decide alike.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lpxsched.schedule.problem.streams import Pitch, hold_cycles

if TYPE_CHECKING:
    from lpxsched.schedule.problem.layer import LayerProblem
    from lpxsched.schedule.result import Schedule


def pass_load_cycles(problem: LayerProblem, schedule: Schedule) -> int:
    """Return the largest time that any link is held in a pass.

    A link is held by the slots of what the ingress leaves. Each link between chips that carries such slots carries one
    vector of flags for each host of the group too, each lane from a host its own.
    """
    instance, links = problem.instance, int(problem.instance.bundle_lanes.sum())
    enters = np.array([placed.operator.place == "hosts" for placed in problem.operators], dtype=np.bool_)
    slots = np.flatnonzero(np.append(enters, False)[np.minimum(schedule.slot_value, len(enters))])
    bundle = schedule.slot_bundle[slots]
    link = (np.cumsum(instance.bundle_lanes) - instance.bundle_lanes)[bundle] + schedule.slot_lane[slots]
    pitch = Pitch(instance.bundle_time_numerator, instance.bundle_time_denominator)
    held = np.zeros(links, dtype=np.int64)
    np.add.at(held, link, hold_cycles(pitch, bundle, schedule.slot_vectors[slots]))
    of_link = np.repeat(np.arange(instance.bundles), instance.bundle_lanes)
    from_host = instance.bundle_source[of_link] >= instance.chips
    flags = np.where(from_host, 1, np.where(held > 0, len(set(problem.group.hosts)), 0))
    return int((held + hold_cycles(pitch, of_link, flags)).max(initial=0))
