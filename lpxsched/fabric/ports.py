"""Numbered ports: where each lane is plugged in at both of its ends."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lpxsched.fabric.fabric import Fabric


def port_numbers(fabric: Fabric) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the port at the source and at the destination of each link, counted from 0 on each node.

    A node's ports are numbered by link class, then by the node at the other end, then by lane. Both directions of a
    lane use one port at each end.
    """
    out = _keys(fabric, fabric.source, fabric.destination)
    into = _keys(fabric, fabric.destination, fabric.source)
    ports = np.unique(np.concatenate([out, into]))
    first = np.searchsorted(ports, np.arange(fabric.nodes) * _keys_per_node(fabric))
    numbers = np.arange(len(ports)) - first[ports // _keys_per_node(fabric)]
    return numbers[np.searchsorted(ports, out)], numbers[np.searchsorted(ports, into)]


def ports_of_chips(fabric: Fabric) -> NDArray[np.int64]:
    """Return how many ports each chip uses, shape (chips,)."""
    source_port, destination_port = port_numbers(fabric)
    used = np.zeros(fabric.nodes, dtype=np.int64)
    np.maximum.at(used, fabric.source, source_port + 1)
    np.maximum.at(used, fabric.destination, destination_port + 1)
    return used[: fabric.chips]


def _keys_per_node(fabric: Fabric) -> int:
    return max(1, len(fabric.link_classes)) * fabric.nodes * (int(fabric.lane.max(initial=0)) + 1)


def _keys(fabric: Fabric, node: NDArray[np.int64], peer: NDArray[np.int64]) -> NDArray[np.int64]:
    lanes = int(fabric.lane.max(initial=0)) + 1
    return ((node * max(1, len(fabric.link_classes)) + fabric.link_class) * fabric.nodes + peer) * lanes + fabric.lane
