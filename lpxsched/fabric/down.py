"""Links, chips and trays that are out of service; what is left must hang together."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from lpxsched.fabric.adjacency import adjacency
from lpxsched.fabric.distances import hops_from
from lpxsched.units import NONE

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lpxsched.fabric.fabric import Fabric
    from lpxsched.fabric.schema import DownFile
    from lpxsched.files.document import Document
    from lpxsched.files.json_locations import Location


def take_down(fabric: Fabric, down: DownFile, document: Document) -> Fabric:
    """Return the fabric with what a topology names out of service.

    Raises
    ------
    InputError
        When something named is not there, or the chips that are left cannot all reach each other.
    """
    left = without(fabric, down, document, ("down",))
    if left.node_down.any() or left.link_down.any():
        _refuse_split(left, document)
    return left


def without(fabric: Fabric, down: DownFile, document: Document, key: Location = ()) -> Fabric:
    """Return the fabric with more out of service, as a file names it under a key; it may fall apart.

    Raises
    ------
    InputError
        When something named is not there.
    """
    node_down, link_down = fabric.node_down.copy(), fabric.link_down.copy()
    for index, chip in enumerate(down.chips):
        if chip >= fabric.chips:
            raise document.error((*key, "chips", index), f"there is no chip {chip}, only 0 to {fabric.chips - 1}")
        node_down[chip] = True
    rows, columns = fabric.grid
    for index, tray in enumerate(down.trays):
        if tray >= rows:
            raise document.error((*key, "trays", index), f"there is no tray {tray}, only 0 to {rows - 1}")
        node_down[tray * columns : (tray + 1) * columns] = True
    for index, link in enumerate(down.links):
        named = (fabric.source == link[0]) & (fabric.destination == link[1])
        if len(link) > 2:
            named &= fabric.lane == link[2]
        if not named.any():
            lane = f" with lane {link[2]}" if len(link) > 2 else ""
            raise document.error((*key, "links", index), f"there is no link {link[0]} -> {link[1]}{lane}")
        link_down |= named
    return replace(fabric, node_down=node_down, link_down=link_down)


def _refuse_split(fabric: Fabric, document: Document) -> None:
    up = np.flatnonzero(~fabric.node_down[: fabric.chips])
    if not len(up):
        raise document.error(("down",), "no chip is left in service")
    joined = adjacency(fabric)
    for ways, words in ((joined, "cannot be reached from"), (joined.reversed(), "cannot reach")):
        hops = hops_from(int(up[0]), ways)
        lost = up[hops[up] == NONE]
        if len(lost):
            others = up[hops[up] != NONE]
            problem = f"splits the fabric: chips {ranges(lost)} {words} chips {ranges(others)}; leave them a way"
            raise document.error(("down",), problem)


def ranges(numbers: NDArray[np.int64]) -> str:
    """Return sorted numbers as people write them: ``0-6,9``."""
    runs = np.split(numbers, np.flatnonzero(np.diff(numbers) != 1) + 1)
    return ",".join(str(run[0]) if len(run) == 1 else f"{run[0]}-{run[-1]}" for run in runs)
