"""Flags of hosts: when and where they go beside rows whose times a search has chosen.

Chips that poll begin a pass with one vector of each host, which says whether its rows are there, and bring it to every
chip; when all have all of them (`HostFlags.branch_cycles`) they decide alike. A pass without all flags is void: chips
issue nothing more of it, hosts, whom nobody tells, go on. Flags go first, since hosts offer rows only that are complete
in their FIFOs when a pass begins, and rows follow as few cycles later as leave links free; or they take what the rows
leave free, where pass and segment together are shorter so.
"""

from __future__ import annotations

from bisect import insort
from dataclasses import replace
from heapq import heappop, heappush
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from lpxsched.clocks.latency import pass_cycles
from lpxsched.errors import NothingFoundError
from lpxsched.schedule.problem.ragged import matching
from lpxsched.schedule.result import HostFlags
from lpxsched.units import NEVER

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lpxsched.clocks.specification import ClockSpecification
    from lpxsched.compiled.kernels import Integers
    from lpxsched.schedule.problem.instance import Instance
    from lpxsched.schedule.problem.network import Network
    from lpxsched.schedule.result import Result, Schedule


class LaidSlots(NamedTuple):
    """Slots on lanes of bundles of a network."""

    bundle: Integers
    lane: Integers
    vectors: Integers
    depart: Integers

    @staticmethod
    def of(schedule: Schedule) -> LaidSlots:
        """Return the slots of a schedule."""
        return LaidSlots(schedule.slot_bundle, schedule.slot_lane, schedule.slot_vectors, schedule.slot_depart)

    def later(self, cycles: int) -> LaidSlots:
        """Return the same slots some cycles later."""
        return self._replace(depart=self.depart + cycles)


def with_flags(result: Result, instance: Instance, clock: ClockSpecification) -> Result:
    """Return a result with the flags of all hosts of its network; it may begin a few cycles later.

    Parameters
    ----------
    result : Result
    instance : Instance
        What it is a result of.
    clock : ClockSpecification
    """
    network, release, schedule = instance.network, instance.release_cycles, result.schedule
    # What hosts have from the begin on they have while its lanes are held by flags.
    there = (instance.operator_node >= network.chips) & (schedule.operator_start == release)
    tried = []
    for shift, flags in flags_beside(network, release, LaidSlots.of(schedule)):
        moved = replace(schedule.later(shift), flags=flags)
        tried.append(replace(moved, operator_start=np.where(there, release, moved.operator_start)))
    return replace(result, schedule=min(tried, key=lambda one: one.makespan_cycles + polled_cycles(one.flags, clock)))


def flags_beside(
    network: Network, release_cycles: int, rows: LaidSlots, *, before_cycles: int = NEVER
) -> Iterator[tuple[int, HostFlags]]:
    """Yield by how much rows move later, and flags: first those that go before rows, then those that leave them.

    Parameters
    ----------
    network : Network
    release_cycles : int
        Before it nothing leaves a host.
    rows : LaidSlots
    before_cycles : int
        A cycle of the rows before which chips branch.
    """
    first = flags_on(network, release_cycles)
    shift = least_shift(network, first, rows, at_least=max(0, first.branch_cycles - before_cycles))
    yield shift, until_void(network, first, rows.later(shift))
    beside = flags_on(network, release_cycles, rows)
    if beside.branch_cycles <= before_cycles:
        yield 0, until_void(network, beside, rows)


def polled_cycles(flags: HostFlags | None, clock: ClockSpecification) -> int:
    """Return the length of a pass of chips that poll; 0 where there are no flags."""
    return 0 if flags is None else pass_cycles(clock, flags.void_cycles)


def polled_hosts(network: Network) -> dict[int, list[int]]:
    """Return the nodes of a network behind which each host of the fabric stands, in their order."""
    hosts: dict[int, list[int]] = {}
    for node in range(network.chips, network.nodes):
        hosts.setdefault(int(network.fabric_node[node]), []).append(node)
    return hosts


def flags_on(network: Network, release_cycles: int, rows: LaidSlots | None = None) -> HostFlags:
    """Return the flags of all hosts along trees of earliest reads, one after the other, in what rows leave free.

    Parameters
    ----------
    network : Network
    release_cycles : int
        Before it nothing leaves a host.
    rows : LaidSlots, optional
        Slots that stay where they are; none when left out.

    Raises
    ------
    NothingFoundError
        When a chip cannot be reached.
    """
    links = _Links(network, rows)
    slots: list[tuple[int, ...]] = []
    branch = release_cycles
    for number, (host, nodes) in enumerate(polled_hosts(network).items()):
        tree = _tree(links, nodes, release_cycles)
        if len(tree) < network.chips:
            raise NothingFoundError(f"no ways lead from node {host}, a host, to all chips that wait for its flag")
        for read, *way in tree:
            slots.append((number, *way))
            branch = max(branch, read)
    which, bundle, lane, depart = np.array(slots, dtype=np.int64).reshape(-1, 4).T
    return HostFlags(which, bundle, lane, depart, branch_cycles=branch, void_cycles=branch + 1)


class _Links:
    """When lanes are free, and where bundles lead."""

    def __init__(self, network: Network, rows: LaidSlots | None) -> None:
        self.chips, self.turnaround = network.chips, network.turnaround_cycles
        self.hop, self.hold = network.hop_cycles.tolist(), network.hold_cycles(1).tolist()
        self.lanes, self.destination = network.lanes.tolist(), network.destination.tolist()
        self.leaving: list[list[int]] = [[] for _ in range(network.nodes)]
        for bundle in np.flatnonzero(network.destination < network.chips).tolist():
            self.leaving[network.source[bundle]].append(bundle)
        self.busy: dict[tuple[int, int], list[tuple[int, int]]] = {}
        if rows is not None:
            ends = rows.depart + network.hold_cycles(rows.vectors, rows.bundle)
            for bundle, lane, begin, end in zip(
                *(column.tolist() for column in (rows.bundle, rows.lane, rows.depart, ends)), strict=True
            ):
                self.busy.setdefault((bundle, lane), []).append((begin, end))
            for spans in self.busy.values():
                spans.sort()

    def earliest(self, bundle: int, ready: int) -> tuple[int, int]:
        """Return when a vector can leave on a bundle, and on which lane."""
        return min((self._free(bundle, lane, ready), lane) for lane in range(self.lanes[bundle]))

    def _free(self, bundle: int, lane: int, ready: int) -> int:
        for begin, end in self.busy.get((bundle, lane), ()):
            if ready + self.hold[bundle] <= begin:
                break
            ready = max(ready, end)
        return ready

    def take(self, bundle: int, lane: int, depart: int) -> None:
        """Hold a lane for a vector."""
        insort(self.busy.setdefault((bundle, lane), []), (depart, depart + self.hold[bundle]))


def _tree(links: _Links, roots: list[int], release_cycles: int) -> list[tuple[int, int, int, int]]:
    """Return read, bundle, lane and departure of each slot that brings one vector to all chips, and hold its links."""
    reached = [False] * links.chips
    ways: list[tuple[int, int, int, int]] = []
    taken: list[tuple[int, int, int, int]] = []

    def leave(node: int, ready: int) -> None:
        for bundle in links.leaving[node]:
            if not reached[links.destination[bundle]]:
                depart, lane = links.earliest(bundle, ready)
                heappush(ways, (depart + links.hop[bundle], bundle, lane, depart))

    for root in roots:
        leave(root, release_cycles)
    while ways:
        read, bundle, lane, depart = heappop(ways)
        chip = links.destination[bundle]
        if reached[chip]:
            continue
        reached[chip] = True
        links.take(bundle, lane, depart)
        taken.append((read, bundle, lane, depart))
        leave(chip, read + links.turnaround)
    return taken


def least_shift(network: Network, flags: HostFlags, rows: LaidSlots, *, at_least: int = 0) -> int:
    """Return the least number of cycles by which rows move so that none meets a flag on a lane."""
    lanes = np.cumsum(network.lanes) - network.lanes
    of_row, of_flag = lanes[rows.bundle] + rows.lane, lanes[flags.bundle] + flags.lane
    flag, row = matching(of_flag, of_row)
    # Rows moved by more than `low` and less than `high` would meet the flag.
    low = flags.depart[flag] - rows.depart[row] - network.hold_cycles(rows.vectors[row], rows.bundle[row])
    high = flags.depart[flag] - rows.depart[row] + network.hold_cycles(1)[flags.bundle[flag]]
    shift = at_least
    while (meets := (low < shift) & (shift < high)).any():
        shift = int(high[meets].max())
    return shift


def until_void(network: Network, flags: HostFlags, rows: LaidSlots) -> HostFlags:
    """Return flags with the cycle at which a pass without all of them is over.

    What left before chips branched is read, and so is all that hosts send, whenever it leaves.
    """
    from_host, to_host = (end[rows.bundle] >= network.chips for end in (network.source, network.destination))
    held = rows.depart + network.hold_cycles(rows.vectors, rows.bundle)
    # The cycle after that in which the last vector is read.
    read = rows.depart + (network.hop_cycles + 1)[rows.bundle] + network.hold_cycles(rows.vectors - 1, rows.bundle)
    sent = (rows.depart < flags.branch_cycles) | from_host
    over = np.where(to_host, held, read)[sent]
    return replace(flags, void_cycles=int(over.max(initial=flags.branch_cycles + 1)))
