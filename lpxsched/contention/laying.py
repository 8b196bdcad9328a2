"""A segment of a build as a program for the machine that decides at run time.

Its operators and their demands come from the graph, on the chips of its groups; of the timetable no
slot and no start is read, only how long operators run.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np

from lpxsched.contention.deliveries import deliveries_of
from lpxsched.contention.draft import Draft
from lpxsched.contention.network import network_of, picoseconds
from lpxsched.contention.site import Site
from lpxsched.contention.spreading import Spread, send
from lpxsched.contention.summing import lay_sums
from lpxsched.units import NONE
from lpxsched.verify.demand import graph_operators
from lpxsched.verify.work import MATRIX, VECTOR

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lpxsched.compiled.kernels import Integers
    from lpxsched.contention.deliveries import Deliveries
    from lpxsched.contention.network import Network
    from lpxsched.contention.site import Wiring
    from lpxsched.contention.tables import RunTables
    from lpxsched.timetable.build import Build

# Ways from which a hash chooses, and ways that are told where no packet chooses.
WAYS_BY_HASH, ONE_WAY = 4, 1


@dataclass(frozen=True, slots=True, eq=False)
class Laid:
    """A segment that can be run.

    Attributes
    ----------
    program : RunTables
    network : Network
    operator : ndarray of int64, shape (operators,)
        Rows of ``operators.parquet`` of the first groups, one each.
    duration_ps : ndarray of int64, shape (groups,)
    awaited : ndarray of int64, shape (groups,)
        What each task of a group waits for.
    ends : ndarray of int64
        Groups whose last end is that of the segment.
    send_tensor, send_vectors, send_reader : ndarray of int64, shape (sends,)
        Tensor of the graph of which each send moves a part, the vectors of that, and the first operator that reads it,
        `NONE` of a summand.
    read_send, read_group : ndarray of int64, shape (reads,)
        A send and a group that reads it, of copies.
    hop_send, hop_vectors : ndarray of int64, shape (hops,)
        The send to which each hop belongs, `NONE` of those of sums, and its vectors.
    """

    program: RunTables
    network: Network
    operator: Integers
    duration_ps: Integers
    awaited: Integers
    ends: Integers
    send_tensor: Integers
    send_vectors: Integers
    send_reader: Integers
    read_send: Integers
    read_group: Integers
    hop_send: Integers
    hop_vectors: Integers


def lay(build: Build, segment: int, wiring: Wiring, times: Mapping[int, int]) -> Laid:
    """Return a segment as a program.

    Parameters
    ----------
    build : Build
    segment : int
    wiring : Wiring
    times : dict of int to int
        Tensors of which more may be copied than the graph says, and how many times that at most.

    Raises
    ------
    InputError
        When chips of the segment do not reach each other.
    """
    network, draft = _network(build, segment, wiring), Draft(wiring.packet)
    number = graph_operators(build)
    rows = np.flatnonzero((number != NONE) & (build.operators.segment == segment))
    node_of, group_of = (np.full(len(build.operators), NONE, dtype=np.int64) for _ in range(2))
    node_of[rows] = _nodes(build, rows, network)
    group_of[rows] = draft.add(
        "group",
        len(rows),
        tasks=1,
        sums=0,
        turnaround=0,
        unit=_units(build, rows, node_of[rows]),
        duration=_durations_ps(build, rows),
    )
    random = np.random.Generator(np.random.PCG64(np.random.SeedSequence((wiring.seed, segment))))
    site = Site(build, network, wiring, draft, node_of, group_of, times, random)
    for moves in deliveries_of(build, segment, node_of, network):
        _lay_tensor(site, moves)
    ends = [build.graph.operators[of].ends for of in number[rows].tolist()]
    return Laid(
        program=draft.program(network.wires),
        network=network,
        operator=rows,
        duration_ps=draft.column("group.duration"),
        awaited=draft.awaited(),
        ends=group_of[rows[ends]],
        send_tensor=draft.column("send.tensor"),
        send_vectors=draft.column("send.vectors"),
        send_reader=draft.column("send.reader"),
        read_send=draft.column("read.send"),
        read_group=draft.column("read.group"),
        hop_send=draft.column("hop.send"),
        hop_vectors=draft.column("hop.vectors"),
    )


def _network(build: Build, segment: int, wiring: Wiring) -> Network:
    ways = WAYS_BY_HASH if wiring.hashed else max(wiring.choices, ONE_WAY)
    return network_of(build, segment, header_bytes=wiring.header_bytes, ways=ways)


def _durations_ps(build: Build, rows: Integers) -> Integers:
    clock_mhz, cycles = Fraction(build.manifest.clock_mhz), build.operators.cycles[rows].tolist()
    known = {value: picoseconds(value, clock_mhz) for value in set(cycles)}
    return np.array([known[value] for value in cycles], dtype=np.int64)


def _nodes(build: Build, rows: Integers, network: Network) -> Integers:
    """Return the node of each operator: its chip, or the host of the chip that is its shard."""
    place = np.full(len(build.chips), NONE, dtype=np.int64)
    place[network.chips] = np.arange(network.width)
    nodes = place[build.operators.chip[rows]]
    groups = build.graph.groups_of_layers()
    on_hosts = np.flatnonzero(build.chips.host[build.operators.chip[rows]])
    for at in on_hosts.tolist():
        row = rows[at]
        chip = groups[int(build.operators.layer[row])].chips[int(build.operators.shard[row])]
        nodes[at] = network.width + place[chip]
    return nodes


def _units(build: Build, rows: Integers, nodes: Integers) -> Integers:
    """Return the unit of each operator: two a chip, `NONE` where any number may run at once."""
    unit = build.operators.unit[rows]
    return np.select([unit == MATRIX, unit == VECTOR], [2 * nodes, 2 * nodes + 1], NONE)


def _lay_tensor(site: Site, moves: Deliveries) -> None:
    """Lay what becomes of a tensor: who reads it where it was left, copies, sums."""
    draft, group_of = site.draft, site.group_of
    writer, reader = moves.local
    draft.follow("group_readers", group_of[writer], group_of[reader])
    draft.wait(group_of[reader], 1)
    if len(moves.copies.first):
        _lay_copies(site, moves)
    if len(moves.sums.first):
        lay_sums(site, moves, site.calls(moves.writers))


def _lay_copies(site: Site, moves: Deliveries) -> None:
    """Send each part from who left it to all that read it elsewhere."""
    parts = moves.copies
    spread = Spread(
        root=site.node_of[parts.source],
        vectors=parts.vectors * site.times.get(moves.tensor, 1),
        tree=parts.part,
        node=site.node_of[parts.reader],
        group=site.group_of[parts.reader],
    )
    site.draft.wait(spread.group, site.draft.packets(spread.vectors)[spread.tree])
    reader = np.empty_like(parts.first)
    reader[parts.part] = parts.reader
    send(site, moves.tensor, spread, site.calls(parts.source), reader)
