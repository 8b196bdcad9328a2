"""Flags of hosts: when and where they go beside rows whose times a search has chosen.

Chips that poll begin a pass with one vector of each host, which says whether its rows are there, and bring it to every
chip; when all have all of them (`HostFlags.branch_cycles`) they decide alike. A pass without all flags is void: chips
issue nothing more of it, hosts, whom nobody tells, go on. Flags go first, since hosts offer rows only that are complete
in their FIFOs when a pass begins, and rows follow as few cycles later as leave links free; or they take what the rows
leave free, where pass and segment together are shorter so.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from lpxsched.clocks.latency import pass_cycles
from lpxsched.compiled.kernels import Integers, kernel
from lpxsched.errors import NothingFoundError
from lpxsched.schedule.problem.ragged import matching
from lpxsched.schedule.problem.wires import Wires, hold_cycles
from lpxsched.schedule.result import HostFlags, Result, Schedule
from lpxsched.schedule.symmetry.groups import trivial, wires_of
from lpxsched.schedule.times.calendars import Calendars, Closed, calendars_of, earliest_of, empty_calendars, reserve
from lpxsched.units import NEVER, NONE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lpxsched.clocks.specification import ClockSpecification
    from lpxsched.schedule.problem.instance import Instance
    from lpxsched.schedule.problem.network import Network


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


def with_flags(result: Result, instance: Instance, clock: ClockSpecification) -> Result:
    """Return an instance's result with the flags of all hosts of its network; it may begin a few cycles later."""
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

    Nothing leaves a host before the release. Chips branch before the cycle `before_cycles` of the rows.
    """
    first = flags_on(network, release_cycles)
    shift = least_shift(network, first, rows, at_least=max(0, first.branch_cycles - before_cycles))
    yield shift, until_void(network, first, rows._replace(depart=rows.depart + shift))
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

    Nothing leaves a host before the release.

    Raises
    ------
    NothingFoundError
        When a chip cannot be reached.
    """
    wires, hosts, trees = wires_of(network, trivial(network)), polled_hosts(network), []
    calendars = _calendars(network, rows, flags=len(hosts) * network.chips)
    for host, nodes in hosts.items():
        tree = _Tree(np.full(network.chips, NEVER), *np.zeros((5, network.chips), dtype=np.int64))
        for node in nodes:
            _offer(wires, calendars, tree, node, release_cycles)
        if _reach(wires, calendars, tree) < network.chips:
            raise NothingFoundError(f"no ways lead from node {host}, a host, to all chips that wait for its flag")
        trees.append(tree)
    which = np.repeat(np.arange(len(trees), dtype=np.int64), network.chips)
    bundle, lane, depart, read = (
        np.concatenate([getattr(tree, name)[tree.order] for tree in trees] or [np.empty(0, dtype=np.int64)])
        for name in ("bundle", "calendar", "depart", "read")
    )
    branch, lane = int(read.max(initial=release_cycles)), lane - wires.first_lane[bundle]
    return HostFlags(which, bundle, lane, depart, branch_cycles=branch, void_cycles=branch + 1)


class _Tree(NamedTuple):
    """The slot over which each chip reads a flag first, and the chips in the order in which they do."""

    read: Integers
    bundle: Integers
    calendar: Integers
    depart: Integers
    is_reached: Integers
    order: Integers


def _calendars(network: Network, rows: LaidSlots | None, *, flags: int) -> Calendars:
    """Return when rows hold lanes, with room for so many flags."""
    shortest = np.repeat(network.hold_cycles(1), network.lanes)
    if rows is None:
        return empty_calendars(shortest, flags)
    # Calendars are walked from their ends on.
    rows = LaidSlots(*(column[np.argsort(rows.depart, kind="stable")] for column in rows))
    lane = network.links.offsets[rows.bundle] + rows.lane
    held = Closed(lane, rows.depart, network.hold_cycles(rows.vectors, rows.bundle))
    return calendars_of(held, shortest, room=flags)


@kernel
def _offer(wires: Wires, calendars: Calendars, tree: _Tree, node: int, ready: int) -> None:
    """Offer a flag that is at a node to all chips that the node leads to; each bundle is a resource of its own."""
    for place in range(wires.out_offsets[node], wires.out_offsets[node + 1]):
        bundle = wires.out[place]
        chip = wires.destination[bundle]
        if chip < wires.chips and tree.is_reached[chip] == 0:
            hold = hold_cycles(wires, bundle, 1)
            calendar, depart = earliest_of(calendars, wires.first_lane[bundle], wires.lanes[bundle], ready, hold)
            read = depart + wires.hop[bundle]
            if (read, bundle) < (tree.read[chip], tree.bundle[chip]):
                tree.read[chip], tree.bundle[chip] = read, bundle
                tree.calendar[chip], tree.depart[chip] = calendar, depart


@kernel
def _reach(wires: Wires, calendars: Calendars, tree: _Tree) -> int:
    """Bring a flag to one chip after the other, the earliest read first; return how many it reaches."""
    for count in range(len(tree.order)):
        chip = NONE
        for other in range(len(tree.order)):
            is_open = tree.is_reached[other] == 0 and tree.read[other] < NEVER
            if is_open and (chip < 0 or (tree.read[other], tree.bundle[other]) < (tree.read[chip], tree.bundle[chip])):
                chip = other
        if chip < 0:
            return count
        tree.is_reached[chip], tree.order[count] = 1, chip
        reserve(calendars, tree.calendar[chip], tree.depart[chip], hold_cycles(wires, tree.bundle[chip], 1))
        _offer(wires, calendars, tree, chip, tree.read[chip] + wires.turnaround)
    return len(tree.order)


def least_shift(network: Network, flags: HostFlags, rows: LaidSlots, *, at_least: int = 0) -> int:
    """Return the least number of cycles by which rows move so that none meets a flag on a lane."""
    first = network.links.offsets
    of_row, of_flag = first[rows.bundle] + rows.lane, first[flags.bundle] + flags.lane
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
