"""Guards of bundles: how many edges of the tree of counters they must cover."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lpxsched.clocks.guard import HOST_LEVELS
from lpxsched.units import NONE

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lpxsched.clocks.tree import AlignmentTree
    from lpxsched.schedule.problem.network import Network


def bundle_levels(network: Network, tree: AlignmentTree) -> NDArray[np.int64]:
    """Return the tree edges between the ends of each bundle, 1 from a host, `NONE` to a host, where there is no guard.

    Nothing is scheduled to be read at a host.
    """
    levels = np.where(network.source >= network.chips, HOST_LEVELS, NONE)
    inside = np.flatnonzero(network.between_chips)
    ends = network.fabric_node[network.source[inside]], network.fabric_node[network.destination[inside]]
    levels[inside] = tree.levels_between(*ends)
    return levels


def class_levels(network: Network, levels: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the tree edges that the guard of each bundle covers: between chips the most of its class.

    What is symmetric in the links of a class stays symmetric in time.

    Parameters
    ----------
    network : Network
    levels : ndarray of int64, shape (bundles,)
        From `bundle_levels`.
    """
    covered, between = levels.copy(), network.between_chips
    for of_class in np.unique(network.link_class[between]).tolist():
        members = between & (network.link_class == of_class)
        covered[members] = levels[members].max()
    return covered
