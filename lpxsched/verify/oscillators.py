"""Who counts with one oscillator: chips whose positions differ in their last coordinates only, as the clock says.

Such nodes drift apart only while a vector is on its way from one to the other. A lane of a host has its own.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from lpxsched.verify.clock import SHARED_BY
from lpxsched.verify.presence import slot_segments

if TYPE_CHECKING:
    from lpxsched.timetable.build import Build
    from lpxsched.timetable.columns import Flags, Integers


@lru_cache(maxsize=1)
def oscillator_of(build: Build) -> Integers:
    """Return a number for each node, equal where chips count with one oscillator."""
    told = build.manifest.clock.get("shared_by", {"value": "chip"})
    free, hosts = SHARED_BY[told["value"]], build.chips.host.tolist()
    places = [
        str(node) if host or not free else "chips " + ".".join(str(place).split(".")[:-free])
        for node, (place, host) in enumerate(zip(build.chips.position.tolist(), hosts, strict=True))
    ]
    return np.unique(np.array(places), return_inverse=True)[1].reshape(-1)


def drifting_frames(build: Build) -> Flags:
    """Return whether clocks of a frame run apart: its chips, the root that they follow, and hosts that send to them."""
    of_node, host, graph = oscillator_of(build), build.chips.host, build.graph
    parent, frame_of = build.chips.hac_parent, build.segments.frame
    nodes: list[set[int]] = [set() for _ in range(len(build.frames))]
    for segment, frame in enumerate(frame_of.tolist()):
        for chip in (chip for group in graph.groups_of(segment) for chip in group.members):
            nodes[frame] |= {chip, _root(parent, chip)}
    segments = slot_segments(build, np.flatnonzero(host[build.links.src][build.slots.link]))
    from_host = np.zeros(len(build.frames), dtype=np.bool_)
    from_host[frame_of[segments[segments >= 0]]] = True
    return from_host | np.array([len(set(of_node[sorted(mine)].tolist())) > 1 for mine in nodes], dtype=np.bool_)


def _root(parent: Integers, chip: int) -> int:
    """Return the chip without another above; of a circle, which R8 tells, whichever is met at last."""
    for _ in range(len(parent)):
        above = int(parent[chip])
        if above in (-1, chip):
            break
        chip = above
    return chip
