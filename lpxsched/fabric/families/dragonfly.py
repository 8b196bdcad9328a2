"""Dragonflies: fully connected groups, joined by global links."""

from __future__ import annotations

from itertools import combinations

from lpxsched.fabric.families.wiring import Wiring, as_pairs


def dragonfly(chips_per_group: int, global_links_per_chip: int, groups: int) -> Wiring:
    """Join every two chips of a group, and every two groups by one link.

    Global links follow the palm tree: link k of group g, on its chip k // (links a chip), leads to group g + k + 1
    modulo the number of groups, so that every group sees the others in the same order.
    """
    local = [
        (group * chips_per_group + a, group * chips_per_group + b)
        for group in range(groups)
        for a, b in combinations(range(chips_per_group), 2)
    ]

    def gateway(group: int, other: int) -> int:
        link = (other - group - 1) % groups
        return group * chips_per_group + link // global_links_per_chip

    between = [(gateway(a, b), gateway(b, a)) for a, b in combinations(range(groups), 2)]
    return Wiring((groups, chips_per_group), 0, {"local": as_pairs(local), "global": as_pairs(between)})
