"""Passes of chips that poll: what goes on in one that is void, and what the flags of hosts say in each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from lpxsched.simulation.reference.actions import DEPART, DESKEW, READ
from lpxsched.simulation.reference.oscillator import PARTS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from lpxsched.simulation.reference.actions import Action
    from lpxsched.timetable.build import Build
    from lpxsched.timetable.columns import Integers

FLAGS, BRANCHES = "flags", "branch"
# No slot has more vectors: those of a pass that is void are numbered beyond.
MOST_VECTORS = 1 << 40


@dataclass(frozen=True, slots=True)
class Polling:
    """How the chips of a segment poll.

    Attributes
    ----------
    pass_cycles : int
    branch : dict of int to int
        The cycle in which each chip branches.
    host_of : dict of int to int
        The host whose flag each row of flags brings.
    goes_on : frozenset of int
        Rows that are sent and read in a pass that is void: those that leave before chips branch, and those of hosts.
    """

    pass_cycles: int
    branch: dict[int, int]
    host_of: dict[int, int]
    goes_on: frozenset[int]

    @property
    def hosts(self) -> tuple[int, ...]:
        """All hosts, in order."""
        return tuple(sorted(set(self.host_of.values())))


def polling_of(build: Build, segment: int, rows: Integers) -> Polling | None:
    """Return how a segment polls, by its operators and its rows of the timetable; None where it has no flags."""
    operators, slots, host = build.operators, build.slots, build.chips.host
    branches = np.flatnonzero((operators.segment == segment) & (operators.kind == BRANCHES))
    if not len(branches):
        return None
    maker = build.tensors.producer[slots.tensor[rows]]
    flags = rows[operators.kind[maker] == FLAGS]
    first = int(operators.start[branches].max())
    goes_on = rows[(slots.depart[rows] < first) | host[build.links.src[slots.link[rows]]]]
    return Polling(
        pass_cycles=int(build.segments.waiting_cycles[segment]),
        branch=dict(zip(operators.chip[branches].tolist(), operators.start[branches].tolist(), strict=True)),
        host_of=dict(zip(flags.tolist(), build.tensors.chip[slots.tensor[flags]].tolist(), strict=True)),
        goes_on=frozenset(goes_on.tolist()),
    )


class Passes:
    """The passes of one session: so many that are void, one host without rows in each, then one that goes through."""

    def __init__(self, deskews: Sequence[tuple[int, int]], polling: Polling | None, void: int, absent: int) -> None:
        self.deskews = deskews
        self.polling, self.void, self.absent = polling, void if polling else 0, absent
        self.heard: set[tuple[int, int, int]] = set()
        self.said: set[tuple[int, int]] = set()

    def complete(self, number: int) -> bool:
        """Return whether the rows of all hosts are there when a pass begins."""
        return number >= self.void

    def begins(self, number: int) -> int:
        """Return when a pass begins, in millionths of a cycle after the first."""
        return number * self.polling.pass_cycles * PARTS if self.polling else 0

    def unrolled(self, actions: Sequence[Action]) -> Iterator[tuple[int, Action]]:
        """Yield the actions of a node in all passes, each with the number of its pass.

        Vectors and deskews have their own numbers in the pass that goes through, higher ones in those before.
        """
        deskews = len(self.deskews)
        for number in range(self.void + 1):
            before = self.void - number
            for action in actions:
                if action.kind == DESKEW:
                    action = action._replace(number=action.number + before * deskews)
                else:
                    action = action._replace(vector=action.vector + before * MOST_VECTORS)
                yield number, action._replace(when=action.when + self.begins(number))

    def goes_on(self, number: int, action: Action) -> bool:
        """Return whether an action is done although its pass is void."""
        if self.polling is None:
            return True
        if action.kind == DESKEW:
            return action.when < self.begins(number + 1)
        return action.kind in (DEPART, READ) and action.number in self.polling.goes_on

    def send(self, node: int, number: int, row: int, vector: int, *, is_host: bool) -> None:
        """Put a flag on its way: what the host says, or what a chip was told."""
        host = self.polling.host_of.get(row) if self.polling else None
        if host is None:
            return
        hosts = self.polling.hosts if self.polling else ()
        present = self.complete(number) or host != hosts[(self.absent + number) % len(hosts)]
        if present if is_host else (node, host, number) in self.heard:
            self.said.add((row, vector))

    def hear(self, node: int, number: int, row: int, vector: int) -> None:
        """Take a flag that a chip has read."""
        if self.polling and row in self.polling.host_of and (row, vector) in self.said:
            self.heard.add((node, self.polling.host_of[row], number))

    def decide(self, node: int, number: int) -> bool:
        """Return whether a chip has been told of the rows of all hosts, and so goes on with a segment."""
        hosts = self.polling.hosts if self.polling else ()
        return all((node, host, number) in self.heard for host in hosts)
