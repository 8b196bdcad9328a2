"""A program while it is made: groups of tasks, calls, sends and hops, and what follows what."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from lpxsched.contention.tables import Calls, Groups, Hops, Lists, Program, lists_of

if TYPE_CHECKING:
    from lpxsched.compiled.kernels import Integers
    from lpxsched.contention.tables import Wires

# What follows what: each is a kind of owner and of item.
READERS, GROUP_CALLS, GROUP_HOPS, SENDS, SUMMANDS, WAYS, WAY_HOPS, WATCHED, ONWARD, HOP_READERS = range(10)

KINDS = ("group", "call", "send", "read", "way", "hop")


@dataclass(slots=True)
class Draft:
    """Columns of what is there so far, and pairs of owner and item by kind."""

    packet: int
    counts: dict[str, int] = field(
        default_factory=lambda: dict.fromkeys(("group", "call", "send", "read", "way", "hop"), 0)
    )
    columns: defaultdict[str, list[Integers]] = field(default_factory=lambda: defaultdict(list))
    pairs: defaultdict[int, list[tuple[Integers, Integers]]] = field(default_factory=lambda: defaultdict(list))
    missing: list[tuple[Integers, Integers]] = field(default_factory=list)

    def add(self, kind: str, number: int, **columns: Integers | int) -> Integers:
        """Add so many of a kind, with their columns, and return their numbers."""
        first = self.counts[kind]
        self.counts[kind] += number
        for name, column in columns.items():
            self.columns[f"{kind}.{name}"].append(np.broadcast_to(np.asarray(column, dtype=np.int64), (number,)))
        return np.arange(first, first + number, dtype=np.int64)

    def follow(self, kind: int, owner: Integers, item: Integers) -> None:
        """Let items follow owners."""
        self.pairs[kind].append((owner, item))

    def wait(self, group: Integers, times: Integers | int) -> None:
        """Let each task of some groups wait for so much more."""
        self.missing.append((group, np.broadcast_to(np.asarray(times, dtype=np.int64), group.shape)))

    def packets(self, vectors: Integers) -> Integers:
        """Return how many packets hold vectors."""
        return -(-vectors // self.packet)

    def column(self, name: str) -> Integers:
        """Return a whole column."""
        parts = self.columns[name]
        return np.concatenate(parts) if parts else np.zeros(0, dtype=np.int64)

    def awaited(self) -> Integers:
        """Return for how much each group waits."""
        total = np.zeros(self.counts["group"], dtype=np.int64)
        for group, times in self.missing:
            np.add.at(total, group, times)
        return total

    def program(self, wires: Wires) -> Program:
        """Return all of it as tables."""
        tasks = self.column("group.tasks")
        copies = self.packets(self.column("hop.vectors"))
        groups = Groups(
            first=np.append(0, np.cumsum(tasks)),
            unit=self.column("group.unit"),
            turnaround=self.column("group.turnaround"),
            sums=self.column("group.sums"),
            group_of=np.repeat(np.arange(len(tasks)), tasks),
            calls=self._lists(GROUP_CALLS, "group"),
            readers=self._lists(READERS, "group"),
            hops=self._lists(GROUP_HOPS, "group"),
        )
        calls = Calls(
            sends=self._lists(SENDS, "call"),
            summands=self._lists(SUMMANDS, "call"),
            ways_of=self._lists(WAYS, "send"),
            ways=self._lists(WAY_HOPS, "way"),
            watched=self._lists(WATCHED, "way"),
        )
        hops = Hops(
            bundle=self.column("hop.bundle"),
            first=np.append(0, np.cumsum(copies)),
            hash=self.column("hop.hash"),
            turnaround=self.column("hop.turnaround"),
            call=self.column("hop.call"),
            group=self.column("hop.group"),
            own=self.column("hop.own"),
            onward=self._lists(ONWARD, "hop"),
            readers=self._lists(HOP_READERS, "hop"),
            hop_of=np.repeat(np.arange(len(copies)), copies),
        )
        return Program(groups, calls, hops, wires, self.packet)

    def _lists(self, kind: int, owner: str) -> Lists:
        nothing = np.zeros(0, dtype=np.int64)
        owners = np.concatenate([nothing, *(owners for owners, _ in self.pairs[kind])])
        items = np.concatenate([nothing, *(items for _, items in self.pairs[kind])])
        return lists_of(owners, items, self.counts[owner])
