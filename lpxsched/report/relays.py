"""Chips that only pass vectors on, or sum them on the way: of a collective, and of layers laid round what failed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lpxsched.report.sharing import distinct_pairs

if TYPE_CHECKING:
    from lpxsched.report.token_time import TokenTime
    from lpxsched.timetable.build import Build

RELAY = "relay"
# Chips by segment.
Relays = tuple[tuple[int, ...], ...]


def relays_of_segments(build: Build, token: TokenTime) -> Relays:
    """Return the relays of each segment: chips that vectors of it pass, and that its groups do not compute on.

    Chips that may relay and do not are none.
    """
    links, slots = build.links, build.slots
    ends = np.concatenate([links.src[slots.link], links.dst[slots.link]])
    node, segment = distinct_pairs(ends, np.tile(token.slot_segment, 2))
    is_chip = ~build.chips.host[node]
    passed: list[set[int]] = [set() for _ in range(len(build.segments))]
    for chip, of in zip(node[is_chip].tolist(), segment[is_chip].tolist(), strict=True):
        passed[of].add(chip)
    return tuple(tuple(sorted(chips - {*build.graph.chips_of(of)})) for of, chips in enumerate(passed))


def mere_relays(build: Build, relays: Relays) -> tuple[int, ...]:
    """Return the chips that relay for some segment and compute for none, sorted."""
    computing = {chip for segment in range(len(build.segments)) for chip in build.graph.chips_of(segment)}
    return tuple(sorted({chip for of in relays for chip in of} - computing))
