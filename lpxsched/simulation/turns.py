"""Servers that take micro-batches in the fixed order of their reservations.

The next turn is served when its micro-batch is there and the server is free, however early. One that is not there when
its turn was reserved to begin has missed it, and everyone else goes on as reserved: it is served in a later turn of its
own, or where there is room before the next turn begins as reserved.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple


class Turn(NamedTuple):
    """A turn: when it begins as reserved, whose it is, and his number of visits until then."""

    begin: int
    micro_batch: int
    visit: int


@dataclass(slots=True)
class Server:
    """One server and who is there.

    Attributes
    ----------
    turns : list of Turn
        In the order of their beginnings.
    most : int
        Longest time that anyone keeps it.
    next : int
        Turn that comes next.
    free : int
        When it is free again.
    there : dict
        Visit of each micro-batch that waits.
    in_order : bool
        Whether turns count; else whoever came first is first.
    """

    turns: list[Turn]
    most: int
    in_order: bool = True
    next: int = 0
    free: int = 0
    there: dict[int, int] = field(default_factory=dict)

    def served(self, now: int) -> tuple[int, int] | None:
        """Return the micro-batch and visit that the server takes now, if it is free and any may be taken."""
        if now < self.free or not self.there:
            return None
        if not self.in_order:
            return self._take(next(iter(self.there)))
        while self.next < len(self.turns):
            turn = self.turns[self.next]
            visit = self.there.get(turn.micro_batch)
            if visit is not None and visit <= turn.visit:
                self.next += 1
                return self._take(turn.micro_batch)
            if now <= turn.begin:
                break
            self.next += 1
        return self._between(now)

    def wakes(self, now: int) -> int | None:
        """Return when to look again although nobody comes: as soon as the next turn is missed."""
        if not self.in_order or self.next >= len(self.turns):
            return None
        return max(now, self.turns[self.next].begin) + 1

    def _between(self, now: int) -> tuple[int, int] | None:
        """Serve whoever missed his turn where everyone else begins as reserved all the same."""
        begin = self.turns[self.next].begin if self.next < len(self.turns) else now + self.most
        ahead = {turn.micro_batch for turn in self.turns[self.next : self.next + 1]}
        late = [one for one, visit in self.there.items() if one not in ahead and self._missed(one, visit)]
        return self._take(late[0]) if late and now + self.most <= begin else None

    def _missed(self, micro_batch: int, visit: int) -> bool:
        """Return whether the turn of a visit lies before the next one."""
        for turn in self.turns[self.next :]:
            if turn.micro_batch == micro_batch:
                return turn.visit > visit
        return True

    def _take(self, micro_batch: int) -> tuple[int, int]:
        return micro_batch, self.there.pop(micro_batch)
