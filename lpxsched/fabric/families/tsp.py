"""Groq TSP systems: one node, nodes joined to each other, racks of nodes (Abts et al., ISCA 2022).

A node is 8 fully connected TSPs with 4 global ports each. Nodes and racks are seen from each other in relative order
(the port for the node or rack o places further on is the same everywhere), so translations leave the wiring as it is.
"""

from __future__ import annotations

from hashlib import sha256
from itertools import combinations

from lpxsched.fabric.families.wiring import Pairs, Wiring, as_pairs, host_pairs

GLOBAL_PORTS = 4
CABLES_IN_RACK = 2
# Of the four global ports of a TSP.
PORTS_IN_RACK = PORTS_BETWEEN_RACKS = 2
# The least number whose shuffle gives 145 racks a diameter of 6.
PORT_SHUFFLE = 182


def tsp_node(chips: int, chips_per_host: int) -> Wiring:
    """Join every two TSPs of one node."""
    return _wiring((chips,), chips_per_host, {})


def tsp_nodes(nodes: int, chips: int, chips_per_host: int) -> Wiring:
    """Join every two of up to 33 nodes by one cable; global port p of a node is on its TSP p // 4."""

    def end(node: int, other: int) -> int:
        port = (other - node) % nodes - 1
        return node * chips + port // GLOBAL_PORTS

    between = as_pairs((end(a, b), end(b, a)) for a, b in combinations(range(nodes), 2))
    return _wiring((nodes, chips), chips_per_host, {"global": between})


def tsp_racks(racks: int, nodes: int, chips: int, chips_per_host: int) -> Wiring:
    """Join every two nodes of a rack by two cables, and every two racks by one.

    Of a TSP's four global ports two lead into the rack and two to other racks. Which TSP a cable ends on is not
    public. In plain order 10,440 TSPs would have diameter 7; the shuffle taken here gives 6 (see ``docs/fabrics.md``).
    It is the same on each node and each rack.
    """
    rack_chips = nodes * chips
    node_ports = _shuffled(f"rack {PORT_SHUFFLE}", PORTS_IN_RACK * chips)
    rack_ports = _shuffled(f"{PORT_SHUFFLE}", PORTS_BETWEEN_RACKS * rack_chips)

    def in_rack(rack: int, node: int, other: int, cable: int) -> int:
        port = node_ports[CABLES_IN_RACK * ((other - node) % nodes - 1) + cable]
        return rack * rack_chips + node * chips + port // PORTS_IN_RACK

    def between(rack: int, other: int) -> int:
        port = rack_ports[(other - rack) % racks - 1]
        return rack * rack_chips + port // PORTS_BETWEEN_RACKS

    inside = as_pairs(
        (in_rack(rack, a, b, cable), in_rack(rack, b, a, cable))
        for rack in range(racks)
        for a, b in combinations(range(nodes), 2)
        for cable in range(CABLES_IN_RACK)
    )
    outside = as_pairs((between(a, b), between(b, a)) for a, b in combinations(range(racks), 2))
    return _wiring((racks, nodes, chips), chips_per_host, {"rack": inside, "global": outside})


def _shuffled(name: str, ports: int) -> list[int]:
    """Return ports in an order that is the same on every machine: by the SHA-256 of name and number."""
    return sorted(range(ports), key=lambda port: sha256(f"{name}.{port}".encode()).digest())


def _wiring(shape: tuple[int, ...], chips_per_host: int, further: dict[str, Pairs]) -> Wiring:
    """Add local links and hosts."""
    hosts, to_hosts = host_pairs(shape, chips_per_host)
    starts = range(0, hosts and len(to_hosts), shape[-1])
    local = as_pairs((start + a, start + b) for start in starts for a, b in combinations(range(shape[-1]), 2))
    return Wiring(shape, hosts, {"local": local, **further, "host": to_hosts})
