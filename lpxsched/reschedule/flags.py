"""Flags of hosts, which are taken out of a build before a repair, laid anew beside the rows that it leaves.

Of links and rows that are as before they are as before; a host, a way or a relay that is another asks for other flags.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from lpxsched.assembly.flags import FLAGS, with_flag_rows
from lpxsched.assembly.program import Program
from lpxsched.assembly.segment import Sent
from lpxsched.program.whole_model.flags import IN_PLACE
from lpxsched.schedule.flags import LaidSlots, flags_beside
from lpxsched.schedule.problem.network import network_on
from lpxsched.timetable.derived import polled_segments, slot_segments
from lpxsched.units import NEVER, NONE

if TYPE_CHECKING:
    from lpxsched.compiled.kernels import Flags, Integers
    from lpxsched.fabric.fabric import Fabric
    from lpxsched.schedule.problem.network import Network
    from lpxsched.timetable.build import Build


def lost_flags(build: Build, fabric: Fabric) -> int:
    """Return how many rows of flags lie on links of a build that are down in a fabric."""
    maker = build.tensors.producer[build.slots.tensor]
    return int(((build.operators.kind[maker] == FLAGS) & ~fabric.link_up[build.slots.link]).sum())


def with_flags_again(build: Build, fabric: Fabric, guard_cycles: Integers) -> Build:
    """Return a build without flags with those that its chips poll for, and their guards.

    Rows of a segment come later where its flags would else meet its second deskew, or chips branch after the start of
    something that writes in its place what it reads of users: it must not run in a void pass.

    Parameters
    ----------
    build : Build
    fabric : Fabric
        What is up.
    guard_cycles : ndarray of int64, shape (links,)
        That flags ask for on links that carry nothing else.
    """
    sent: list[Sent | None] = [None] * len(build.segments)
    for segment in np.flatnonzero(polled_segments(build)).tolist():
        build, sent[segment] = _flagged(build, segment, fabric, guard_cycles)
    if not any(sent):
        return build
    tables = Program(build.slots, build.operators, build.operands, build.tensors)
    program, graph = with_flag_rows(tables, build.graph, sent, vector_bytes=build.manifest.vector_bytes)
    used = np.isin(np.arange(len(build.links)), program.slots.link)
    return replace(
        build,
        slots=program.slots,
        operators=program.operators,
        operands=program.operands,
        tensors=program.tensors,
        graph=graph,
        links=replace(build.links, guard_cycles=np.where(used, guard_cycles, build.links.guard_cycles)),
    )


def _flagged(build: Build, segment: int, fabric: Fabric, guard_cycles: Integers) -> tuple[Build, Sent]:
    """Return a build whose rows leave room for the flags of a segment, and these."""
    network = _network(build, segment, fabric, guard_cycles)
    mine = slot_segments(build) == segment
    deskews = np.flatnonzero(build.deskews.frame == build.segments.frame[segment])
    cycle = build.deskews.cycle[deskews]
    release = int(build.deskews.stall[deskews[cycle == 0]].max(initial=0))
    opens = int(cycle[cycle > 0].min(initial=NEVER))
    opens = min(opens, _written_in_place(build, segment))
    # Of both ways the one that leaves rows where they are, if it is in time.
    *_, (shift, flags) = flags_beside(network, release, _rows(build, network, mine), before_cycles=opens)
    if shift:
        later, own = np.where(mine, shift, 0), np.where(build.operators.segment == segment, shift, 0)
        moved = np.zeros(len(build.deskews), dtype=np.int64)
        moved[deskews[cycle > 0]] = shift
        slots = replace(build.slots, depart=build.slots.depart + later, read=build.slots.read + later)
        build = replace(
            build,
            slots=slots,
            operators=replace(build.operators, start=build.operators.start + own),
            deskews=replace(build.deskews, cycle=build.deskews.cycle + moved),
        )
    return build, Sent.on(network, flags)


def _written_in_place(build: Build, segment: int) -> int:
    """Return when the first operator of a segment starts that writes what it reads of users."""
    keeping = {
        (operator.layer, operator.kind)
        for operator in build.graph.operators
        if any(one.name.rpartition(".")[2] in IN_PLACE for one in operator.resident)
    }
    operators, rows = build.operators, np.flatnonzero(build.operators.segment == segment)
    made_by = zip(operators.layer[rows].tolist(), operators.kind[rows].tolist(), strict=True)
    kept = np.fromiter((one in keeping for one in made_by), dtype=np.bool_, count=len(rows))
    return int(operators.start[rows][kept].min(initial=NEVER))


def _network(build: Build, segment: int, fabric: Fabric, guard_cycles: Integers) -> Network:
    """Return the links that are up between chips, relays and hosts of a segment."""
    groups = build.graph.groups_of(segment)
    host_of = {chip: host for group in groups for chip, host in zip(group.chips, group.hosts, strict=False)}
    others = [chip for group in groups for chip in group.members if chip not in host_of]
    network = network_on(fabric, list(host_of), relays=list(dict.fromkeys(others)), hosts=list(host_of.values()))
    return network.with_guards(np.maximum.reduceat(guard_cycles[network.links.values], network.links.offsets[:-1]))


def _rows(build: Build, network: Network, mine: Flags) -> LaidSlots:
    """Return slots by bundle and lane; those on links beyond the network are in nobody's way."""
    place = np.full(len(build.links), NONE, dtype=np.int64)
    place[network.links.values] = np.arange(len(network.links.values))
    rows = np.flatnonzero(mine & (place[build.slots.link] != NONE))
    at = place[build.slots.link[rows]]
    bundle = np.repeat(np.arange(network.bundles), network.lanes)[at]
    return LaidSlots(bundle, at - network.links.offsets[bundle], build.slots.vectors[rows], build.slots.depart[rows])
