"""The bundles of a group over local numbers: chips first, then the far end of each chip's host link."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from lpxsched.clocks.guard import HOST_LEVELS
from lpxsched.units import NONE

if TYPE_CHECKING:
    from lpxsched.clocks.tree import AlignmentTree
    from lpxsched.partition.group import Group

BundleLinks = dict[tuple[int, int, int], NDArray[np.int64]]


class Bundle(NamedTuple):
    """A bundle over local numbers, with its ends and its links in the fabric."""

    source: int
    destination: int
    link_class: int
    fabric_ends: tuple[int, int]
    links: NDArray[np.int64]


def group_bundles(fabric_bundles: BundleLinks, group: Group) -> list[Bundle]:
    """Return the bundles of a group over local numbers, sorted by source, destination and class."""
    width = len(group.chips)
    chip_number = {chip: index for index, chip in enumerate(group.chips)}
    bundles: list[Bundle] = []
    for (source, destination, link_class), links in fabric_bundles.items():
        ends = (source, destination)
        if source in chip_number and destination in chip_number:
            bundles.append(Bundle(chip_number[source], chip_number[destination], link_class, ends, links))
        elif source in chip_number and group.hosts[chip_number[source]] == destination:
            number = chip_number[source]
            bundles.append(Bundle(number, width + number, link_class, ends, links))
        elif destination in chip_number and group.hosts[chip_number[destination]] == source:
            number = chip_number[destination]
            bundles.append(Bundle(width + number, number, link_class, ends, links))
    return sorted(bundles, key=lambda bundle: bundle[:3])


def bundle_levels(bundles: list[Bundle], tree: AlignmentTree, width: int) -> NDArray[np.int64]:
    """Return the tree edges between the ends of each bundle, 1 from a host, `NONE` to a host, where there is no guard.

    Parameters
    ----------
    bundles : list of Bundle
    tree : AlignmentTree
    width : int
        Chips of the group.
    """
    source, destination = (np.array([bundle[end] for bundle in bundles], dtype=np.int64) for end in (0, 1))
    levels = np.where(source >= width, HOST_LEVELS, NONE)
    inside = np.flatnonzero((source < width) & (destination < width))
    ends = np.array([bundles[number].fabric_ends for number in inside.tolist()], dtype=np.int64).reshape(-1, 2)
    levels[inside] = tree.levels_between(ends[:, 0], ends[:, 1])
    return levels


def class_levels(bundles: list[Bundle], levels: NDArray[np.int64], width: int) -> NDArray[np.int64]:
    """Return the tree edges that the guard of each bundle covers: between chips the most of its class in the group.

    What is symmetric in the links of a class stays symmetric in time.

    Parameters
    ----------
    bundles : list of Bundle
    levels : ndarray of int64, shape (bundles,)
        From `bundle_levels`.
    width : int
        Chips of the group.
    """
    covered = levels.copy()
    rows = [(b.link_class, b.source < width and b.destination < width) for b in bundles]
    link_class = np.array([kind if inside else NONE for kind, inside in rows], dtype=np.int64)
    for of_class in np.unique(link_class[link_class != NONE]).tolist():
        members = link_class == of_class
        covered[members] = levels[members].max()
    return covered
