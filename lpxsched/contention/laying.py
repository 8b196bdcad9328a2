"""A segment of a build as a program for the machine that decides at run time.

Its operators and their demands come from the graph, on the chips of its groups; nothing of the timetable is read.
Copies spread along trees of shortest ways: who passes a packet on sends it to all that come after. Summands come
together along such trees, and each chip on the way adds what has come, packet by packet, as the timetable may; or,
where that is shorter, every reader gets all summands and adds them by itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from lpxsched.contention.draft import (
    GROUP_CALLS,
    GROUP_HOPS,
    HOP_READERS,
    ONWARD,
    READERS,
    SENDS,
    SUMMANDS,
    WAY_HOPS,
    WAYS,
    Draft,
)
from lpxsched.contention.moves import moves_of
from lpxsched.contention.network import network_of, picoseconds
from lpxsched.contention.trees import branches_of
from lpxsched.units import BITS_PER_BYTE, NONE, ceil_div
from lpxsched.verify.demand import graph_operators

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lpxsched.compiled.kernels import Integers
    from lpxsched.contention.moves import Moves, Parts
    from lpxsched.contention.network import Network
    from lpxsched.contention.tables import Program
    from lpxsched.contention.trees import Branches
    from lpxsched.timetable.build import Build

MATRIX, VECTOR = "matrix", "vector"
HASHES = 2**31


class Wiring(NamedTuple):
    """How packets are made and find their way.

    Attributes
    ----------
    packet : int
        Vectors of a packet.
    header_bytes : int
    choices : int
        Ways among which each packet of a copy chooses.
    hashed : bool
        Whether each send and each sum takes one of several ways by a hash.
    seed : int
        Of the hashes.
    """

    packet: int
    header_bytes: int
    choices: int
    hashed: bool
    seed: int


@dataclass(frozen=True, slots=True, eq=False)
class Laid:
    """A segment that can be run.

    Attributes
    ----------
    program : Program
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

    program: Program
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


@dataclass(frozen=True, slots=True, eq=False)
class _Laying:
    """A segment that is being laid."""

    build: Build
    network: Network
    wiring: Wiring
    draft: Draft
    rows: Integers
    node_of: Integers
    group_of: Integers
    times: Mapping[int, int]
    random: np.random.Generator

    def calls_of(self, moves: Moves, operators: Integers) -> Integers:
        """Return the call of a tensor at each node, made for some operators; `NONE` at others."""
        callers = np.unique(operators)
        call_at = np.full(2 * self.network.width, NONE, dtype=np.int64)
        calls = self.draft.add("call", len(callers))
        call_at[self.node_of[callers]] = calls
        self.draft.follow(GROUP_CALLS, self.group_of[callers], calls)
        return call_at

    def sends(self, calls: Integers, tensor: int, parts: Parts | None, vectors: Integers) -> Integers:
        """Add a send of each call."""
        readers = np.full(len(calls), NONE, dtype=np.int64)
        if parts is not None:
            readers[parts.part[::-1]] = parts.reader[::-1]
        sends = self.draft.add("send", len(calls), tensor=tensor, vectors=vectors, reader=readers)
        self.draft.follow(SENDS, calls, sends)
        return sends

    def hops(
        self, branches: Branches, vectors: Integers, origin: dict[str, Integers], *, upward: bool = False
    ) -> Integers:
        """Add a hop for each branch, away from the root or toward it."""
        near, far = (branches.node, branches.toward) if upward else (branches.toward, branches.node)
        columns: dict[str, Integers | int] = {"call": NONE, "group": NONE, "own": NONE, "send": NONE, **origin}
        return self.draft.add(
            "hop",
            len(near),
            bundle=self.network.bundle_of[near, far],
            vectors=vectors,
            turnaround=self.network.turnaround_ps[far],
            hash=self.random.integers(HASHES, size=len(near)),
            **columns,
        )

    def ways(self, table: Integers, root: Integers) -> list[Integers]:
        """Return the next chip from each chip toward each root, by way that a packet may choose."""
        chips = root % self.network.width
        if self.wiring.hashed:
            return [table[self.random.integers(len(table), size=len(root)), chips]]
        return [table[way, chips] for way in range(min(self.wiring.choices, len(table)))]


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
    ways = max(wiring.choices, WAYS_BY_HASH if wiring.hashed else 1)
    network = network_of(build, segment, header_bytes=wiring.header_bytes, ways=ways)
    number = graph_operators(build)
    rows = np.flatnonzero((number != NONE) & (build.operators.segment == segment))
    draft, clock_mhz = Draft(wiring.packet), Fraction(build.manifest.clock_mhz)
    node_of, group_of = (np.full(len(build.operators), NONE, dtype=np.int64) for _ in range(2))
    node_of[rows] = _nodes(build, rows, network)
    cycles = build.operators.cycles[rows]
    known = {value: picoseconds(value, clock_mhz) for value in np.unique(cycles).tolist()}
    group_of[rows] = draft.add(
        "group",
        len(rows),
        tasks=1,
        sums=0,
        turnaround=0,
        unit=_units(build, rows, node_of[rows]),
        duration=np.array([known[value] for value in cycles.tolist()], dtype=np.int64),
    )
    random = np.random.Generator(np.random.PCG64(np.random.SeedSequence((wiring.seed, segment))))
    laying = _Laying(build, network, wiring, draft, rows, node_of, group_of, times, random)
    for moves in moves_of(build, segment, node_of, network):
        _lay_tensor(laying, moves)
    ends = np.array([operator.ends for operator in build.graph.operators], dtype=np.bool_)[number[rows]]
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


WAYS_BY_HASH = 4


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


def _lay_tensor(laying: _Laying, moves: Moves) -> None:
    draft, group_of = laying.draft, laying.group_of
    writer, reader = moves.local
    draft.follow(READERS, group_of[writer], group_of[reader])
    draft.wait(group_of[reader], 1)
    call_at = laying.calls_of(moves, moves.writers if len(moves.sums.first) else moves.copies.source)
    if len(moves.copies.first):
        _lay_copies(laying, moves, call_at)
    if len(moves.sums.first):
        (_lay_summands if _is_one_hop(laying, moves) else _lay_sums)(laying, moves, call_at)


def _lay_copies(laying: _Laying, moves: Moves, call_at: Integers) -> None:
    """Spread each part from who left it."""
    parts, network = moves.copies, laying.network
    parts = parts._replace(vectors=parts.vectors * laying.times.get(moves.tensor, 1))
    root = laying.node_of[parts.source]
    calls = call_at[root]
    sends = laying.sends(calls, moves.tensor, parts, parts.vectors)
    readers = laying.group_of[parts.reader]
    laying.draft.add("read", len(readers), send=sends[parts.part], group=readers)
    laying.draft.wait(readers, laying.draft.packets(parts.vectors)[parts.part])
    for table in laying.ways(network.down, root):
        ways = laying.draft.add("way", len(sends))
        laying.draft.follow(WAYS, sends, ways)
        branches = branches_of(root, table, parts.part, laying.node_of[parts.reader])
        origin = {"call": calls[branches.tree], "own": call_at[branches.node], "send": sends[branches.tree]}
        hops = laying.hops(branches, parts.vectors[branches.tree], origin)
        _spread(laying, branches, hops, parts, readers)
        first = branches.parent == NONE
        laying.draft.follow(WAY_HOPS, ways[branches.tree[first]], hops[first])


def _spread(laying: _Laying, branches: Branches, hops: Integers, parts: Parts, readers: Integers) -> None:
    """Pass packets on from hop to hop, and give them to their readers."""
    inner = branches.parent != NONE
    laying.draft.follow(ONWARD, hops[branches.parent[inner]], hops[inner])
    nodes = 2 * laying.network.width
    place = np.searchsorted(branches.tree * nodes + branches.node, parts.part * nodes + laying.node_of[parts.reader])
    laying.draft.follow(HOP_READERS, hops[place], readers)


def _add_sums(laying: _Laying, tensor: int, chip: Integers, vectors: Integers, summands: Integers) -> Integers:
    """Add the sums of parts on chips, one a packet, each of so many summands."""
    build, draft = laying.build, laying.draft
    chips, clock_mhz = build.chips, Fraction(build.manifest.clock_mhz)
    size = laying.wiring.packet * build.manifest.vector_bytes
    elements = size * BITS_PER_BYTE // build.graph.tensors[tensor].element_bits
    kinds, of_sum = np.unique(np.stack([laying.network.chips[chip], summands]), axis=1, return_inverse=True)
    durations = []
    for node, count in kinds.T.tolist():
        memory, rate = int(chips.sram_bytes_per_cycle[node]), int(chips.vector_operations_per_cycle[node])
        work = max(ceil_div((count + 1) * size, max(memory, 1)), ceil_div((count - 1) * elements, max(rate, 1)))
        cycles = work + int(chips.vector_fixed_cycles[node]) - int(chips.sum_cycles_in_hop[node])
        durations.append(picoseconds(max(cycles, 0), clock_mhz))
    groups = draft.add(
        "group",
        len(chip),
        tasks=draft.packets(vectors),
        sums=1,
        turnaround=laying.network.turnaround_ps[chip],
        unit=2 * chip + 1,
        duration=np.array(durations, dtype=np.int64)[of_sum.reshape(-1)],
    )
    draft.wait(groups, summands)
    return groups


def _lay_sums(laying: _Laying, moves: Moves, call_at: Integers) -> None:
    """Bring the summands of each part together, adding on the way, and spread the sum to its readers."""
    parts, network, draft = moves.sums, laying.network, laying.draft
    count, chips = len(parts.first), laying.node_of[moves.writers]
    (table,) = laying.ways(network.up, parts.source)[:1]
    tree, node = np.repeat(np.arange(count), len(chips)), np.tile(chips, count)
    branches = branches_of(parts.source, table, tree, node)
    # Nodes of all trees by key, the roots too: who comes there, and whether a summand is there.
    at_tree = np.concatenate([branches.tree, np.arange(count)])
    at_chip = np.concatenate([branches.node, parts.source])
    keys = at_tree * network.width + at_chip
    toward = branches.tree * network.width + branches.toward
    place_of = np.full(count * network.width, NONE, dtype=np.int64)
    place_of[keys] = np.arange(len(keys))
    come = np.bincount(place_of[toward], minlength=len(keys))
    leaf = np.isin(at_chip, chips)
    adds = np.flatnonzero(come + leaf > 1)
    group_at = np.full(len(keys), NONE, dtype=np.int64)
    group_at[adds] = _add_sums(laying, moves.tensor, at_chip[adds], parts.vectors[at_tree[adds]], (come + leaf)[adds])
    given = adds[leaf[adds]]
    draft.follow(SUMMANDS, call_at[at_chip[given]], group_at[given])
    vectors = parts.vectors[branches.tree]
    after = place_of[toward]
    inner = np.arange(len(branches.tree))
    alone = leaf[inner] & (come[inner] == 0)
    relays = group_at[inner] == NONE
    source = _first_behind(place_of[toward], relays & ~alone)
    origin = {
        "call": np.where(alone[source], call_at[branches.node[source]], NONE),
        "group": group_at[inner][source],
        "own": call_at[branches.toward],
    }
    hops = laying.hops(branches, vectors, origin, upward=True)
    sending = np.flatnonzero(alone)
    sends = laying.sends(call_at[branches.node[sending]], moves.tensor, None, vectors[sending])
    ways = draft.add("way", len(sends))
    draft.follow(WAYS, sends, ways)
    draft.follow(WAY_HOPS, ways, hops[sending])
    adding = np.flatnonzero(~relays)
    draft.follow(GROUP_HOPS, group_at[adding], hops[adding])
    into = group_at[after] != NONE
    draft.follow(HOP_READERS, hops[into], group_at[after[into]])
    draft.follow(ONWARD, hops[~into], hops[after[~into]])
    _lay_results(laying, parts, group_at[len(inner) :])


def _first_behind(after: Integers, relays: Integers) -> Integers:
    """Return the place whose packets pass each place: that of its one predecessor where it only relays."""
    source = np.arange(len(relays))
    before = np.arange(max(int(after.max(initial=0)) + 1, len(relays)))
    before[after] = np.arange(len(after))
    while relays[source].any():
        source = np.where(relays[source], before[source], source)
    return source


def _lay_results(laying: _Laying, parts: Parts, groups: Integers) -> None:
    """Give sums to their readers, on their chips and on others."""
    draft, readers = laying.draft, laying.group_of[parts.reader]
    packets = draft.packets(parts.vectors)[parts.part]
    draft.wait(readers, packets)
    here = laying.node_of[parts.reader] == parts.source[parts.part]
    draft.follow(READERS, groups[parts.part[here]], readers[here])
    away = parts._replace(part=parts.part[~here], reader=parts.reader[~here])
    if not len(away.part):
        return
    (table,) = laying.ways(laying.network.down, parts.source)[:1]
    branches = branches_of(parts.source, table, away.part, laying.node_of[away.reader])
    hops = laying.hops(branches, parts.vectors[branches.tree], {"group": groups[branches.tree]})
    _spread(laying, branches, hops, away, readers[~here])
    first = branches.parent == NONE
    draft.follow(GROUP_HOPS, groups[branches.tree[first]], hops[first])


def _is_one_hop(laying: _Laying, moves: Moves) -> bool:
    return False


def _lay_summands(laying: _Laying, moves: Moves, call_at: Integers) -> None:
    raise NotImplementedError
