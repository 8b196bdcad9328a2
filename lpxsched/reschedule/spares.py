"""Spare chips: each chip that is down and computes gets one that takes over all that it did, weights and all.

A spare is up, in none of the groups of the chip that it stands for, in no frame or in one that can become one with that
of this chip, and has room for its weights. Of several it is the one with the most links to the hosts of this chip,
then to all chips and hosts of these groups, then one that does nothing else, then the lowest. That all else fits its
SRAM too is for the checker to say. Where all links of a host are down, that of the spare takes its rows, as long as no
host takes more shards than the busiest did before: what is assumed of the hand-over holds then.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from lpxsched.errors import InfeasibleError, NothingFoundError
from lpxsched.units import counted

if TYPE_CHECKING:
    from lpxsched.compiled.kernels import Flags, Integers
    from lpxsched.fabric.fabric import Fabric
    from lpxsched.timetable.build import Build
    from lpxsched.timetable.documents import GraphFile, GraphGroup


def spare_roles(build: Build, fabric: Fabric) -> Integers:
    """Return the node that stands in the place of each: a spare for chips that are down and run operators.

    Raises
    ------
    InfeasibleError
        When all chips that are left are in the group of one that is down.
    NothingFoundError
        When a chip has no spare with room for its weights.
    """
    role, room = np.arange(fabric.nodes, dtype=np.int64), build.chips.sram_bytes - build.chips.weight_bytes
    busy = np.isin(np.arange(fabric.nodes), build.operators.chip)
    for chip in np.flatnonzero(fabric.node_down & busy).tolist():
        weights = int(build.chips.weight_bytes[chip])
        taken = np.isin(np.arange(fabric.nodes), role[fabric.node_down])
        free = ~fabric.node_down & ~build.chips.host & (room >= weights) & ~taken & _frames_join(build, chip)
        mine = [group for group in build.graph.groups if chip in group.members]
        free &= ~_members(mine, role)
        if not (~fabric.node_down & ~build.chips.host & ~taken & ~_members(mine, role)).any():
            cause = (
                f"chip {chip} is down, and all chips that are up compute in its group already: none can be its spare"
            )
            raise InfeasibleError(cause)
        if not free.any():
            effort = f"chip {chip} is down, and no spare chip has room for its {weights:,} bytes of weights"
            raise NothingFoundError(effort, remedy="compile on the fabric that is left")
        hosts = [host for group in mine for one, host in zip(group.chips, group.hosts, strict=False) if one == chip]
        joined = _links_to(fabric, [node for group in mine for node in (*group.members, *group.hosts)])
        rank = np.lexsort((np.arange(fabric.nodes), busy, -joined, -_links_to(fabric, hosts), ~free))
        role[chip] = rank[0]
        room[rank[0]] -= weights
        _replace_hosts(fabric, role, hosts, int(rank[0]))
    _refuse_crowded_hosts(build, role)
    return role


def _replace_hosts(fabric: Fabric, role: Integers, hosts: list[int], spare: int) -> None:
    """Let the host of a spare stand in the place of hosts to which no link from a chip is up."""
    up = fabric.link_up & (fabric.source < fabric.chips)
    near = fabric.destination[up & (fabric.source == spare) & (fabric.destination >= fabric.chips)]
    for host in hosts:
        if len(near) and role[host] == host and not (up & (fabric.destination == host)).any():
            role[host] = near.min()


def _refuse_crowded_hosts(build: Build, role: Integers) -> None:
    for group in build.graph.groups:
        before, after = (Counter(hosts) for hosts in (group.hosts, role[group.hosts].tolist() if group.hosts else []))
        if after != before and max(after.values()) > max(before.values()):
            effort = f"a host would take the rows of {counted(max(after.values()), 'chip')} of group {group.group}"
            raise NothingFoundError(f"{effort}, more than any did before", remedy="compile on the fabric that is left")


def _members(groups: list[GraphGroup], role: Integers) -> Flags:
    return np.isin(np.arange(len(role)), role[[chip for group in groups for chip in group.members]])


def _frames_join(build: Build, chip: int) -> Flags:
    """Return which nodes are in the frame of a chip, in one on demand as this is, or in none."""
    frame_of = np.full(len(build.chips), -1, dtype=np.int64)
    for segment, frame in enumerate(build.segments.frame.tolist()):
        frame_of[[node for group in build.graph.groups_of(segment) for node in group.members]] = frame
    on_demand = np.append(build.frames.period_cycles == 0, True)
    mine = frame_of[chip]
    return np.asarray((frame_of == mine) | (on_demand[frame_of] & on_demand[mine]))


def _links_to(fabric: Fabric, nodes: list[int]) -> Integers:
    """Return how many links, up and of both directions, each node has to some nodes."""
    wanted = np.isin(np.arange(fabric.nodes), nodes)
    up = fabric.link_up
    out = np.bincount(fabric.source[up & wanted[fabric.destination]], minlength=fabric.nodes)
    return out + np.bincount(fabric.destination[up & wanted[fabric.source]], minlength=fabric.nodes)


def with_spares(build: Build, fabric: Fabric, role: Integers) -> Build:
    """Return a build in which spares have the place of chips that are down, and these relay nothing.

    Slots are left as they are: those at a chip that is down are lost.
    """
    graph = _graph(build.graph, fabric, role)
    chips, moved = build.chips, np.flatnonzero(role != np.arange(fabric.nodes))
    weights = chips.weight_bytes.copy()
    np.add.at(weights, role[moved], weights[moved])
    weights[moved] = 0
    operators = replace(build.operators, chip=role[build.operators.chip])
    operators = replace(operators, shard=_shards(build, graph, operators.chip))
    return replace(
        build,
        graph=graph,
        operators=operators,
        tensors=replace(build.tensors, chip=role[build.tensors.chip]),
        chips=replace(chips, weight_bytes=weights),
    )


def _graph(graph: GraphFile, fabric: Fabric, role: Integers) -> GraphFile:
    def without(group: GraphGroup) -> GraphGroup:
        relays = [int(role[chip]) for chip in group.relays if not fabric.node_down[role[chip]]]
        hosts = role[group.hosts].tolist() if group.hosts else []
        return group.model_copy(update={"chips": role[group.chips].tolist(), "hosts": hosts, "relays": relays})

    return graph.model_copy(update={"groups": [without(group) for group in graph.groups]})


def _shards(build: Build, graph: GraphFile, chip: Integers) -> Integers:
    """Return the shards of operators when relays before theirs may be gone."""
    shard, groups = build.operators.shard.copy(), graph.groups_of_layers()
    for row, layer in enumerate(build.operators.layer.tolist()):
        group = groups[layer]
        if shard[row] >= len(group.chips) and not build.chips.host[chip[row]]:
            shard[row] = len(group.chips) + group.relays.index(int(chip[row]))
    return shard
