"""Boardflies: fully connected trays, trays joined to groups, groups joined to each other (TPU 8i, Hot Chips 2026)."""

from __future__ import annotations

from itertools import combinations

from lpxsched.fabric.families.wiring import Wiring, as_pairs


def boardfly(groups: int, trays: int, chips: int, outer_ports: int) -> Wiring:
    """Join every two chips of a tray, every two trays of a group by one link, and every two groups by one.

    What is left of a chip's ports leads out of its tray: first one link to each other tray of the group, then those to
    other groups, dealt over the trays in turn. Trays and groups see each other
    in relative order. Which chip a cable ends on is not public.

    Parameters
    ----------
    groups, trays, chips : int
        Groups, trays of a group, chips of a tray.
    outer_ports : int
        Links of a chip that lead out of its tray.
    """
    group_chips = trays * chips

    def tray_end(group: int, tray: int, other: int) -> int:
        port = (other - tray) % trays - 1
        return group * group_chips + tray * chips + port // outer_ports

    def group_end(group: int, other: int) -> int:
        link = (other - group) % groups - 1
        port = trays - 1 + link // trays
        return group * group_chips + link % trays * chips + port // outer_ports

    starts = range(0, groups * group_chips, chips)
    pairs = {
        "tray": [(start + a, start + b) for start in starts for a, b in combinations(range(chips), 2)],
        "group": [
            (tray_end(group, a, b), tray_end(group, b, a))
            for group in range(groups)
            for a, b in combinations(range(trays), 2)
        ],
        "global": [(group_end(a, b), group_end(b, a)) for a, b in combinations(range(groups), 2)],
    }
    return Wiring((groups, trays, chips), 0, {name: as_pairs(listed) for name, listed in pairs.items()})
