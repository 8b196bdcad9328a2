"""What one pass of polling chips sends: the rows that enter, and one vector of flags a host.

Chips that poll run the ingress of a segment and its all-gather again and again. Each host adds a vector that says
which rows are there; after the all-gather every chip has all flags and all decide alike.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lpxsched.schedule.times.lanes import assign_lanes

if TYPE_CHECKING:
    from lpxsched.schedule.problem.layer import LayerProblem
    from lpxsched.schedule.result import Schedule


def pass_load_cycles(problem: LayerProblem, schedule: Schedule) -> int:
    """Return the largest time that any link is held in a pass.

    A link is held by the slots of what the ingress leaves. Each link between chips that carries such slots carries one
    vector of flags for each host of the group too, each lane from a host its own.
    """
    instance, network = problem.instance, problem.instance.network
    entering = {operator.output for operator in problem.graph.operators if operator.place == "hosts"}
    enters = np.array([demand.tensor in entering for demand in problem.demands], dtype=np.bool_)
    slots = np.flatnonzero(enters[schedule.blocks.demand[schedule.slot_block]])
    bundle = schedule.slot_bundle[slots]
    link = (np.cumsum(network.lanes) - network.lanes)[bundle] + assign_lanes(instance, schedule)[slots]
    held = np.zeros(int(network.lanes.sum()), dtype=np.int64)
    np.add.at(held, link, network.hold_cycles(schedule.blocks.vectors[schedule.slot_block[slots]], bundle))
    of_link = np.repeat(np.arange(network.bundles), network.lanes)
    from_host = network.source[of_link] >= network.chips
    flags = np.where(from_host, 1, np.where(held > 0, len(set(problem.group.hosts)), 0))
    return int((held + network.hold_cycles(flags, of_link)).max(initial=0))
