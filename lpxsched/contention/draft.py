"""A program while it is made: groups of tasks, calls, sends and hops, and what follows what."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from lpxsched.contention.tables import RunTables

if TYPE_CHECKING:
    from lpxsched.compiled.kernels import Integers
    from lpxsched.contention.tables import Lanes

# What a program has many of, each kind numbered by itself.
KINDS = ("group", "call", "send", "read", "way", "hop")
# What follows what, named by the list of a program: the kinds of its owners and of its items.
LISTS = {
    "group_calls": ("group", "call"),
    "group_readers": ("group", "group"),
    "group_hops": ("group", "hop"),
    "call_sends": ("call", "send"),
    "call_summands": ("call", "group"),
    "send_ways": ("send", "way"),
    "way_hops": ("way", "hop"),
    "way_watched": ("way", "hop"),
    "hop_onward": ("hop", "hop"),
    "hop_readers": ("hop", "group"),
}


@dataclass(slots=True)
class Draft:
    """Columns of what is there so far, and pairs of owner and item by list."""

    packet: int
    counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(KINDS, 0))
    columns: defaultdict[str, list[Integers]] = field(default_factory=lambda: defaultdict(list))
    pairs: defaultdict[str, list[tuple[Integers, Integers]]] = field(default_factory=lambda: defaultdict(list))
    missing: list[tuple[Integers, Integers]] = field(default_factory=list)

    def add(self, kind: str, number: int, **columns: Integers | int) -> Integers:
        """Add so many of a kind, with their columns, and return their numbers."""
        first = self.counts[kind]
        self.counts[kind] += number
        for name, column in columns.items():
            self.columns[f"{kind}.{name}"].append(np.broadcast_to(np.asarray(column, dtype=np.int64), (number,)))
        return np.arange(first, first + number, dtype=np.int64)

    def follow(self, name: str, owner: Integers, item: Integers) -> None:
        """Let items follow owners, in a list of `LISTS`."""
        self.pairs[name].append((owner, item))

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

    def program(self, wires: Lanes) -> RunTables:
        """Return all of it as tables."""
        tasks, copies = self.column("group.tasks"), self.packets(self.column("hop.vectors"))
        groups = {f"group_{name}": self.column(f"group.{name}") for name in ("unit", "turnaround", "sums")}
        hops = ("bundle", "hash", "turnaround", "call", "group", "own")
        lists: dict[str, Integers] = {}
        for name, (owner, _) in LISTS.items():
            lists[f"{name}_at"], lists[name] = self._list(name, self.counts[owner])
        return RunTables(
            packet=self.packet,
            group_of=np.repeat(np.arange(len(tasks)), tasks),
            group_first=np.append(0, np.cumsum(tasks)),
            hop_of=np.repeat(np.arange(len(copies)), copies),
            hop_first=np.append(0, np.cumsum(copies)),
            bundle_first=wires.first,
            bundle_lanes=wires.lanes,
            lane_vector=wires.vector_ps,
            lane_header=wires.header_ps,
            lane_latency=wires.latency_ps,
            lane_hold=wires.hold_ps,
            **groups,
            **{f"hop_{name}": self.column(f"hop.{name}") for name in hops},
            **lists,
        )

    def _list(self, name: str, owners: int) -> tuple[Integers, Integers]:
        """Return where the items of each owner begin, and all items, those of an owner in the order of pairs."""
        nothing = np.zeros(0, dtype=np.int64)
        owner = np.concatenate([nothing, *(owner for owner, _ in self.pairs[name])])
        item = np.concatenate([nothing, *(item for _, item in self.pairs[name])])
        order = np.argsort(owner, kind="stable")
        return np.searchsorted(owner[order], np.arange(owners + 1)), item[order]
