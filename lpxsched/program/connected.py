"""Whether the chips of a group can reach each other over links among themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lpxsched.fabric.reach import joined_with

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lpxsched.fabric.fabric import Fabric
    from lpxsched.traffic.group import Group


def split_group(fabric: Fabric, groups: Sequence[Group]) -> tuple[Group, list[int], list[int]] | None:
    """Return the first group whose chips fall apart, with its two sides; None when there is none.

    Vectors are relayed by chips of their own group only, so every chip must reach every other inside the group.
    """
    for group in groups:
        sides = _sides(fabric, group.chips)
        if len(sides) > 1:
            side = max(sides, key=lambda part: (len(part), -min(part)))
            return group, side, sorted(set(group.chips) - set(side))
    return None


def is_joined(fabric: Fabric, chips: Sequence[int]) -> bool:
    """Return whether each of some chips reaches all others over links among them."""
    return len(_sides(fabric, chips)) == 1


def _sides(fabric: Fabric, chips: Sequence[int]) -> list[list[int]]:
    """Return the strong components of some chips."""
    inside = np.zeros(fabric.nodes, dtype=np.bool_)
    inside[list(chips)] = True
    kept = fabric.link_up & inside[fabric.source] & inside[fabric.destination]
    ends = fabric.source[kept], fabric.destination[kept]
    sides: list[list[int]] = []
    while inside.any():
        side = joined_with(int(inside.argmax()), *ends, fabric.nodes)
        sides.append(np.flatnonzero(side).tolist())
        inside &= ~side
    return sides
