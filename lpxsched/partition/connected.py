"""Whether the chips of a group can reach each other over links among themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING

import networkx as nx

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lpxsched.fabric.fabric import Fabric
    from lpxsched.partition.group import Group


def split_group(fabric: Fabric, groups: Sequence[Group]) -> tuple[Group, list[int], list[int]] | None:
    """Return the first group whose chips fall apart, with its two sides; None when there is none.

    Vectors are relayed by chips of their own group only, so every chip must reach every other inside the group.
    """
    graph: nx.DiGraph[int] = nx.DiGraph()
    graph.add_nodes_from(range(fabric.nodes))
    up = fabric.link_up
    graph.add_edges_from(zip(fabric.source[up].tolist(), fabric.destination[up].tolist(), strict=True))
    for group in groups:
        inside = graph.subgraph(group.chips)
        if not nx.is_strongly_connected(inside):
            side = max(nx.strongly_connected_components(inside), key=lambda part: (len(part), -min(part)))
            return group, sorted(side), sorted(set(group.chips) - side)
    return None
