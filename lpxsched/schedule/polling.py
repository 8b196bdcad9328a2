"""What one pass of polling chips sends: the rows that enter, and one vector of flags a host.

Chips that poll run the ingress of a segment and its all-gather again and again. Each host adds a vector that says
which rows are there; after the all-gather every chip has all flags and all decide alike.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from lpxsched.schedule.problem.layer import LayerProblem
    from lpxsched.schedule.result import Schedule


def pass_load_cycles(problem: LayerProblem, schedule: Schedule, *, hosts: int | None = None) -> int:
    """Return the largest time that any link is held in a pass.

    A link is held by the slots of what the ingress leaves. Each link between chips that carries such slots carries one
    vector of flags for each host of the group too, each lane from a host its own; of a segment of several groups for
    each of all its `hosts`.
    """
    flagged = len(set(problem.group.hosts)) if hosts is None else hosts
    network = problem.instance.network
    enters = np.array([placed.operator.place == "hosts" for placed in problem.operators], dtype=np.bool_)
    slots = np.flatnonzero(np.append(enters, False)[np.minimum(schedule.slot_value, len(enters))])
    bundle = schedule.slot_bundle[slots]
    link = (np.cumsum(network.lanes) - network.lanes)[bundle] + schedule.slot_lane[slots]
    held = np.zeros(int(network.lanes.sum()), dtype=np.int64)
    np.add.at(held, link, network.hold_cycles(schedule.slot_vectors[slots], bundle))
    of_link = np.repeat(np.arange(network.bundles), network.lanes)
    from_host = network.source[of_link] >= network.chips
    flags = np.where(from_host, 1, np.where(held > 0, flagged, 0))
    return int((held + network.hold_cycles(flags, of_link)).max(initial=0))
