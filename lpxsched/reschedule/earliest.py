"""What no timetable on the links that are left can do earlier: rows that must move, and makespans.

A vector that an operator left on chip a is nowhere else before the shortest way over links that are up, each with
its serialisation and latency but no guard and no other traffic, and a turnaround at each chip between. So a sum leaves
no chip, and an operator starts on none, before the last of its summands could be there, wherever sums are made; and an
operator starts no earlier than those end whose results it needs. These times follow from the graph and the chips of
its operators, not from rows: a row that leaves before its vectors could be at its source moves in every timetable.
"""

from __future__ import annotations

from graphlib import TopologicalSorter
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from lpxsched.units import NEVER

if TYPE_CHECKING:
    from lpxsched.compiled.kernels import Integers
    from lpxsched.reschedule.tasks import Moves, Work
    from lpxsched.reschedule.wires import WireTimes

# Of more nodes the ways between all of them are not looked for.
MOST_NODES = 1024


class Earliest(NamedTuple):
    """Earliest starts of operators and departures of slots.

    Attributes
    ----------
    start, depart : ndarray of int64, shape (operators,) and (slots,)
    cut_off : (int, int) or None
        Chip of an operator, and chip of one that needs its result, where no way leads from the one to the other.
    """

    start: Integers
    depart: Integers
    cut_off: tuple[int, int] | None


class _Contents(NamedTuple):
    """Operators in an order in which what they read comes first, and of which operators each holds results.

    `needed` are bits of operators that make no sums: what each operator reads; `left` the same of what it leaves.
    """

    order: list[int]
    needed: list[int]
    left: list[int]


def earliest_times(moves: Moves, work: Work, wires: WireTimes, links: Integers) -> Earliest:
    """Return times before which no timetable over some links lets operators start and slots leave.

    A timetable may open with any stall, so times are those without one.

    Parameters
    ----------
    moves : Moves
    work : Work
    wires : WireTimes
        Hops without guards.
    links : ndarray of int64
        Those that may be used.
    """
    ends = np.concatenate([wires.source[links], wires.destination[links], work.chip, moves.source])
    nodes = np.unique(ends)
    start = np.zeros(len(work.start), dtype=np.int64)
    if len(nodes) > MOST_NODES:
        return Earliest(start, np.zeros(len(moves.tensor), dtype=np.int64), None)
    ways, chip = _shortest_ways(wires, nodes, links), np.searchsorted(nodes, work.chip)
    contents, cut_off = _contents(work), None
    for operator in contents.order:
        parts = _numbers(contents.needed[operator])
        arrivals = start[parts] + work.cycles[parts] + ways[chip[parts], chip[operator]]
        start[operator] = int(arrivals.max(initial=0))
        if start[operator] >= NEVER and cut_off is None:
            cut_off = int(work.chip[parts[arrivals.argmax()]]), int(work.chip[operator])
    return Earliest(start, _departures(moves, work, (nodes, ways, chip), contents.left, start), cut_off)


def _departures(
    moves: Moves, work: Work, around: tuple[Integers, Integers, Integers], left: list[int], start: Integers
) -> Integers:
    """Return when all that slots carry can be where they leave.

    Parameters
    ----------
    moves : Moves
    work : Work
    around : tuple of ndarray of int64
        Nodes, the ways between them, and the place of the chip of each operator among them.
    left : list of int
        As `_Contents` has it.
    start : ndarray of int64, shape (operators,)
    """
    nodes, ways, chip = around
    depart = np.zeros(len(moves.tensor), dtype=np.int64)
    known: dict[tuple[int, int], int] = {}
    pairs = zip(moves.tensor.tolist(), np.searchsorted(nodes, moves.source).tolist(), strict=True)
    for slot, pair in enumerate(pairs):
        if pair not in known:
            parts = _numbers(left[work.producer[pair[0]]])
            known[pair] = int((start[parts] + work.cycles[parts] + ways[chip[parts], pair[1]]).max())
        depart[slot] = known[pair]
    return depart


def _shortest_ways(wires: WireTimes, nodes: Integers, links: Integers) -> Integers:
    """Return the shortest time from a departure to a read between any two nodes; `NEVER` where no way leads."""
    source, destination = np.searchsorted(nodes, wires.source[links]), np.searchsorted(nodes, wires.destination[links])
    direct = np.full((len(nodes), len(nodes)), NEVER, dtype=np.int64)
    np.minimum.at(direct, (source, destination), wires.hop[links])
    # Hosts pass nothing on.
    onward = np.where(wires.host[nodes], NEVER, wires.turnaround[nodes])
    ways = direct.copy()
    np.fill_diagonal(ways, 0)
    while True:
        longer = ways.copy()
        for node in np.flatnonzero(~wires.host[nodes]).tolist():
            before = np.where(np.arange(len(nodes)) == node, 0, ways[:, node] + onward[node])
            np.minimum(longer, before[:, None] + direct[node], out=longer)
        longer = np.minimum(longer, NEVER)
        if np.array_equal(longer, ways):
            return ways
        ways = longer


def _contents(work: Work) -> _Contents:
    """Return of which operators that make no sums each operator reads and leaves results."""
    operators = len(work.start)
    makers: list[set[int]] = [set() for _ in range(operators)]
    for reader, maker in zip(work.reader.tolist(), work.producer[work.tensor].tolist(), strict=True):
        makers[reader].add(maker)
    sums = set(work.reader[work.summed].tolist())
    order = list(TopologicalSorter(dict(enumerate(makers))).static_order())
    needed, left = [0] * operators, [0] * operators
    for operator in order:
        for maker in makers[operator]:
            needed[operator] |= left[maker]
        left[operator] = needed[operator] if operator in sums else 1 << operator
    return _Contents(order, needed, left)


def _numbers(bits: int) -> Integers:
    """Return the places of the bits of a number."""
    octets = np.frombuffer(bits.to_bytes((bits.bit_length() + 7) // 8, "little"), dtype=np.uint8)
    return np.flatnonzero(np.unpackbits(octets, bitorder="little"))
