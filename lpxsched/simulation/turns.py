"""Servers that take micro-batches in the fixed order of their reservations.

The next turn is served when its micro-batch is there and the server is free, however early. One that is not there when
its turn was reserved to begin has missed it, and everyone else goes on as reserved: it is served in a later turn of its
own that is long enough, or where there is room, so that it is through before the next turn begins as reserved. An
`early` server serves whoever else is there in such room too, the earliest reservation first, who has then had his turn.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple


class Turn(NamedTuple):
    """A turn: when it begins as reserved, whose it is, his number of visits until then, and how long it lasts."""

    begin: int
    micro_batch: int
    visit: int
    lasts: int


@dataclass(slots=True)
class Server:
    """One server and who is there.

    Attributes
    ----------
    turns : list of Turn
        In the order of their beginnings.
    in_order : bool
        Whether turns count; else whoever came first is first.
    early : bool
        Whether turns that are still to come are served where there is room.
    next : int
        Turn that comes next.
    free : int
        When it is free again.
    there : dict
        Visit of each micro-batch that waits.
    had : set
        Micro-batches and visits that were served before their turns.
    own : dict
        Turn of each micro-batch and visit.
    """

    turns: list[Turn]
    in_order: bool = True
    early: bool = False
    next: int = 0
    free: int = 0
    there: dict[int, int] = field(default_factory=dict)
    had: set[tuple[int, int]] = field(default_factory=set)
    own: dict[tuple[int, int], Turn] = field(init=False)

    def __post_init__(self) -> None:
        """Look turns up by whose they are."""
        self.own = {(turn.micro_batch, turn.visit): turn for turn in self.turns}

    def served(self, now: int) -> tuple[int, int] | None:
        """Return the micro-batch and visit that the server takes now, if it is free and any may be taken."""
        if now < self.free or not self.there:
            return None
        if not self.in_order:
            return self._take(next(iter(self.there)))
        turn = self._coming(now)
        visit = self.there.get(turn.micro_batch) if turn else None
        if turn and visit is not None and visit <= turn.visit and self._lasts(turn.micro_batch, visit) <= turn.lasts:
            self.next += 1
            return self._take(turn.micro_batch)
        return self._between(now, turn)

    def wakes(self, now: int) -> int | None:
        """Return when to look again although nobody comes: as soon as the next turn is missed."""
        if not self.in_order or self.next >= len(self.turns):
            return None
        return max(now, self.turns[self.next].begin) + 1

    def _coming(self, now: int) -> Turn | None:
        """Return the next turn that nobody has had or missed; None behind the last one."""
        while self.next < len(self.turns):
            turn = self.turns[self.next]
            if now <= turn.begin and (turn.micro_batch, turn.visit) not in self.had:
                return turn
            self.next += 1
        return None

    def _between(self, now: int, turn: Turn | None) -> tuple[int, int] | None:
        """Serve the earliest reservation that is through before a turn begins as reserved."""
        may_be = [one for one in self.there.items() if self.early or self.own[one].begin < now]
        room = [one for one in may_be if turn is None or now + self._lasts(*one) <= turn.begin]
        if not room:
            return None
        found = self._take(min(room, key=self.own.__getitem__)[0])
        self.had.add(found)
        return found

    def _lasts(self, micro_batch: int, visit: int) -> int:
        return self.own[micro_batch, visit].lasts

    def _take(self, micro_batch: int) -> tuple[int, int]:
        return micro_batch, self.there.pop(micro_batch)
