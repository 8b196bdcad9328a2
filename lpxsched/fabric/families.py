"""Link lists of the families of topologies, from their parameters."""

from __future__ import annotations

from itertools import combinations
from math import comb
from typing import NamedTuple

Ends = tuple[int, int]


class Wiring(NamedTuple):
    """Undirected pairs of nodes joined by equal bundles of lanes, by link class.

    Attributes
    ----------
    chips, hosts : int
        Numbers of nodes; hosts are numbered from `chips` on.
    grid : tuple of int
        Trays and positions in a tray.
    pairs : dict
        For each link class its joined pairs; a pair stands for `lanes` links in each direction.
    """

    chips: int
    hosts: int
    grid: tuple[int, int]
    pairs: dict[str, list[Ends]]


def lpx_pairs(trays: int, chips_per_tray: int, chips_per_host: int) -> dict[str, int]:
    """Return how many pairs of each class `lpx` makes, without making them."""
    hosts_per_tray = -(-chips_per_tray // chips_per_host)
    return {
        "tray": trays * comb(chips_per_tray, 2),
        "spine": comb(trays, 2) * chips_per_tray,
        "host": trays * chips_per_tray,
        "fpga": comb(trays, 2) * hosts_per_tray,
    }


def lpx(trays: int, chips_per_tray: int, chips_per_host: int) -> Wiring:
    """Return the wiring of an LPX rack.

    Every two chips of a tray are joined (class ``tray``), every two chips of equal position in two trays (``spine``),
    each chip to the FPGA of its part of the tray (``host``), and FPGAs of equal number in two trays (``fpga``).
    """
    chips = trays * chips_per_tray
    hosts_per_tray = -(-chips_per_tray // chips_per_host)
    tray_pairs = [
        (tray * chips_per_tray + a, tray * chips_per_tray + b)
        for tray in range(trays)
        for a, b in combinations(range(chips_per_tray), 2)
    ]
    spine_pairs = [
        (a * chips_per_tray + position, b * chips_per_tray + position)
        for a, b in combinations(range(trays), 2)
        for position in range(chips_per_tray)
    ]
    host_pairs = [
        (chip, chips + chip // chips_per_tray * hosts_per_tray + chip % chips_per_tray // chips_per_host)
        for chip in range(chips)
    ]
    fpga_pairs = [
        (chips + a * hosts_per_tray + k, chips + b * hosts_per_tray + k)
        for a, b in combinations(range(trays), 2)
        for k in range(hosts_per_tray)
    ]
    pairs = {"tray": tray_pairs, "spine": spine_pairs, "host": host_pairs, "fpga": fpga_pairs}
    return Wiring(chips, trays * hosts_per_tray, (trays, chips_per_tray), pairs)


def tsp_pairs(chips_per_node: int) -> dict[str, int]:
    """Return how many pairs of each class `tsp` makes, without making them."""
    return {"local": comb(chips_per_node, 2), "host": chips_per_node}


def tsp(chips_per_node: int, chips_per_host: int) -> Wiring:
    """Return the wiring of one TSP node: every two chips joined (``local``), each chip to its host (``host``)."""
    hosts = -(-chips_per_node // chips_per_host)
    pairs = {
        "local": list(combinations(range(chips_per_node), 2)),
        "host": [(chip, chips_per_node + chip // chips_per_host) for chip in range(chips_per_node)],
    }
    return Wiring(chips_per_node, hosts, (1, chips_per_node), pairs)
