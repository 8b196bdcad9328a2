"""Ways round what is down: each lost slot's vectors again, in the free time of links, before their users need them.

Slots that stay keep link and cycle and close their links. Lost ones come in the order of their departures; each takes
the way of fewest links that is in time, from any node that has its vectors, whole or cut in parts. Where none is in
time it takes the earliest; then its users start later, and `shifts` finds out how much.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from heapq import heappop, heappush
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from lpxsched.reschedule.free_time import with_room
from lpxsched.reschedule.holdings import Holding, Holdings, Pitch, holdings_of, ready_cycles
from lpxsched.reschedule.tasks import precedences
from lpxsched.reschedule.ways import Labels, Open, earliest_way
from lpxsched.schedule.times.calendars import reserve
from lpxsched.units import NEVER, NONE, lead_cycles

if TYPE_CHECKING:
    from lpxsched.compiled.kernels import Flags, Integers
    from lpxsched.reschedule.tasks import Moves, Work
    from lpxsched.reschedule.wires import WireTimes
    from lpxsched.schedule.times.calendars import Calendars

# Ways of more links are not looked for.
MOST_LINKS = 256


class Hop(NamedTuple):
    """A new slot: vectors `first` to `end` - 1 of a tensor on a link."""

    tensor: int
    first: int
    end: int
    link: int
    depart: int
    instead_of: int


class Part(NamedTuple):
    """A run of a lost slot on its way: new slots, and when the lost slot would have left to be as late."""

    run: tuple[int, int]
    hops: list[Hop]
    start: int
    feeds: list[int]


@dataclass(frozen=True, slots=True, eq=False)
class Room:
    """Where new slots may go.

    Attributes
    ----------
    open : Open
        Links that may be used.
    passable : ndarray of bool, shape (nodes,)
        Nodes that may pass vectors on.
    shifts : tuple of int
        Cycles after which the timetable repeats, 0 among them.
    fastest : (int, int)
        The shortest pitch of these links.
    kinds, kind : ndarray of int64, shape (kinds,) and (places in `open`,)
        A link of each pitch, and the pitch of each.
    """

    open: Open
    passable: Flags
    shifts: tuple[int, ...]
    fastest: Pitch
    kinds: Integers
    kind: Integers


@dataclass(slots=True)
class Detours:
    """The state of a search: rows of one segment, when they start, and what was found.

    Attributes
    ----------
    moves, work, wires : Moves, Work, WireTimes
    lost : ndarray of bool, shape (slots,)
    runs : dict
        Runs of vectors that a lost slot still has to bring.
    room : Room
    calendars : Calendars
    start : list of int
        Of slots, then operators; grows with what is late.
    hops : list of Hop
    late, nowhere : list of int
        Lost slots whose users must wait, and those that no way replaces yet.
    before : list of int
        The starts of before the repair.
    latest_feed : int
        The latest of these of a task that a new way waits for.
    unsettled : list of (int, int)
        A heap of tasks that are late, by these starts: what waits for them does not know yet.
    """

    moves: Moves
    work: Work
    wires: WireTimes
    lost: Flags
    runs: dict[int, list[tuple[int, int]]]
    room: Room
    calendars: Calendars
    start: list[int]
    followers: dict[int, list[tuple[int, int]]] = field(default_factory=lambda: defaultdict(list))
    holdings: Holdings = field(default_factory=Holdings)
    hops: list[Hop] = field(default_factory=list)
    late: list[int] = field(default_factory=list)
    nowhere: list[int] = field(default_factory=list)
    before: list[int] = field(default_factory=list)
    latest_feed: int = 0
    unsettled: list[tuple[int, int]] = field(default_factory=list)

    def search(self) -> None:
        """Find a way for each lost slot."""
        self._prepare()
        rows = np.flatnonzero(self.lost)
        order = rows[np.lexsort((self.moves.link[rows], self.moves.depart[rows]))].tolist()
        self.nowhere = [slot for slot in order if slot in self.runs]
        # One that is replaced may bring what another has been looking for.
        while self.nowhere:
            open_slots = list(self.nowhere)
            for slot in open_slots:
                self._replace(slot)
            if self.nowhere == open_slots:
                break

    def _prepare(self) -> None:
        self.before = list(self.start)
        waits = precedences(self.moves, self.work, self.wires)
        into_lost = np.append(self.lost, np.zeros(len(self.work.start), dtype=np.bool_))[waits.after]
        for before, after, delay in zip(*(column[~into_lost].tolist() for column in waits), strict=True):
            self.followers[before].append((after, delay))
        tensors = np.unique(self.moves.tensor[self.lost]).tolist()
        self.holdings = holdings_of(self.moves, self.work, self.wires, tensors, self.lost)

    def _replace(self, slot: int) -> None:
        """Take the first cut in parts that is in time, or the earliest of all."""
        due = self._due(slot)
        best: tuple[int, list[Part], Calendars] | None = None
        for parts in _cuts(self.runs[slot]):
            calendars = with_room(self.calendars, len(parts) * len(self.room.shifts) * len(self.room.passable))
            found = self._ways(slot, parts, calendars, due)
            if found and (best is None or max(part.start for part in found) < best[0]):
                best = max(part.start for part in found), found, calendars
            if best is None or best[0] <= due:
                break
        if best is not None:
            self.nowhere.remove(slot)
            self._take(slot, *best, late=best[0] > due)

    def _due(self, slot: int) -> int:
        """Return when the slot would have to leave at the latest for its users to keep their cycles."""
        waiting = self.followers[slot]
        self._settle(max((self.before[after] for after, _ in waiting), default=self.before[slot]))
        return min((self.start[after] - delay for after, delay in waiting), default=NEVER)

    def _ways(self, slot: int, parts: list[tuple[int, int]], calendars: Calendars, due: int) -> list[Part]:
        """Return a way for each part, entered into the calendars; none where one has none."""
        found = []
        sources = self._sources(slot)
        for part in parts:
            way = self._way(slot, part, calendars, due, sources)
            if way is None:
                return []
            for hop in way.hops:
                hold = int(self.wires.hold_cycles(hop.link, hop.end - hop.first))
                for shift in self.room.shifts:
                    reserve(calendars, hop.link, hop.depart + shift, hold)
            found.append(way)
        return found

    def _sources(self, slot: int) -> list[Holding]:
        """Return what nodes hold of a lost slot's tensor without waiting for it."""
        held = self.holdings.of_tensor[int(self.moves.tensor[slot])]
        # Tasks came in the order of these cycles before, but for lost slots, which wait for what feeds them now.
        last = max([self.latest_feed, *(self.before[one.task] for one in held)])
        waiting, stack = {slot}, [slot]
        while stack:
            for after, _ in self.followers[stack.pop()]:
                if after not in waiting and self.before[after] <= last:
                    waiting.add(after)
                    stack.append(after)
        return [one for one in held if one.task not in waiting]

    def _way(
        self, slot: int, run: tuple[int, int], calendars: Calendars, due: int, sources: list[Holding]
    ) -> Part | None:
        nodes, tensor = len(self.wires.turnaround), int(self.moves.tensor[slot])
        rounds = min(MOST_LINKS, nodes)
        shape = rounds + 1, nodes
        labels = Labels(np.full(shape, NEVER), np.full(shape, NONE), np.zeros(shape, dtype=np.int64))
        feeds = self._enter_sources(labels, run, sources)
        passable = self._passable(slot, tensor, run)
        target, length = int(self.moves.destination[slot]), run[1] - run[0]
        dues = self._latest_reads(slot, run, due)
        turn = earliest_way(calendars, self.room.open, passable, labels, length, target, dues)
        if turn == NONE:
            return None
        hops: list[Hop] = []
        node, last = target, turn
        while True:
            while last > 0 and labels.via[last, node] == NONE:
                last -= 1
            if last == 0:
                break
            way = int(labels.via[last, node])
            depart = int(labels.depart[last, node])
            hops.append(Hop(tensor, *run, int(self.room.open.link[way]), depart, slot))
            node, last = int(self.room.open.source[way]), last - 1
        read = hops[0].depart + int(self.room.open.hop[labels.via[turn, target]]) if hops else 0
        start = read - self._read_after(slot, run, hops[0].link)
        return Part(run, hops[::-1], start, feeds[node])

    def _enter_sources(self, labels: Labels, run: tuple[int, int], sources: list[Holding]) -> dict[int, list[int]]:
        """Say from when on a slot of the run may leave nodes that have all of it; return what each waits for."""
        at: dict[int, list[Holding]] = defaultdict(list)
        for held in sources:
            at[held.node].append(held)
        feeds = {}
        for node, pieces in at.items():
            found = ready_cycles(pieces, run, self.start, self.room.fastest)
            if found is not None:
                labels.read[0, node], feeds[node] = found
        return feeds

    def _passable(self, slot: int, tensor: int, run: tuple[int, int]) -> Flags:
        """Return which nodes may pass vectors on: none that has some of them, or waits for them."""
        passable = self.room.passable.copy()
        for held in self.holdings.touching(tensor, *run):
            passable[held.node] = False
        open_slots = np.array(self.nowhere, dtype=np.int64)
        waiting = open_slots[self.moves.tensor[open_slots] == tensor]
        passable[self.moves.destination[waiting]] = False
        passable[self.moves.destination[slot]] = True
        return passable

    def _read_after(self, slot: int, run: tuple[int, int], link: int) -> int:
        """Return the cycles from a lost slot's departure to a read of the run's first vector that is as late."""
        lost = int(self.moves.link[slot])
        pitch, parts = int(self.wires.pitch[lost]), int(self.wires.denominator[lost])
        before = (run[0] - int(self.moves.first[slot])) * pitch // parts
        arriving = int(self.wires.pitch[link]), int(self.wires.denominator[link])
        return int(self.moves.hop[slot]) + before - lead_cycles(run[1] - run[0], arriving, (pitch, parts))

    def _latest_reads(self, slot: int, run: tuple[int, int], due: int) -> Integers:
        """Return the latest read of the run's first vector in time, by the place of the last link."""
        after = [self._read_after(slot, run, link) for link in self.room.kinds.tolist()]
        return np.minimum(NEVER, due + np.array(after, dtype=np.int64)[self.room.kind])

    def _take(self, slot: int, start: int, parts: list[Part], calendars: Calendars, *, late: bool) -> None:
        self.calendars = calendars
        tensor = int(self.moves.tensor[slot])
        for part in parts:
            self.hops += part.hops
            for hop in part.hops:
                node = int(self.wires.destination[hop.link])
                offset = hop.depart - start + int(self.wires.hop[hop.link] + self.wires.turnaround[node])
                pitch = int(self.wires.pitch[hop.link]), int(self.wires.denominator[hop.link])
                if not self.wires.host[node]:
                    self.holdings.add(tensor, Holding(node, *part.run, slot, offset, pitch))
            for feed in part.feeds:
                self.followers[feed].append((slot, start - self.start[feed]))
                self.latest_feed = max(self.latest_feed, self.before[feed])
        self.start[slot] = max(start, self.start[slot]) if late else start
        if late:
            self.late.append(slot)
            heappush(self.unsettled, (self.before[slot], slot))

    def _settle(self, until: int) -> None:
        """Let what waits for late tasks start later, up to a cycle of before."""
        while self.unsettled and self.unsettled[0][0] <= until:
            _, task = heappop(self.unsettled)
            for after, delay in self.followers[task]:
                if self.start[after] < self.start[task] + delay:
                    self.start[after] = self.start[task] + delay
                    heappush(self.unsettled, (self.before[after], after))


def _cuts(runs: list[tuple[int, int]]) -> list[list[tuple[int, int]]]:
    """Return runs whole, then each in 2, 4, 8 .. parts of nearly equal length, down to single vectors."""
    cuts, count = [], 1
    while count == 1 or count < 2 * max(end - first for first, end in runs):
        edges = [
            [first + (end - first) * part // min(count, end - first) for part in range(min(count, end - first) + 1)]
            for first, end in runs
        ]
        cuts.append([part for of_run in edges for part in pairwise(of_run)])
        count *= 2
    return cuts
