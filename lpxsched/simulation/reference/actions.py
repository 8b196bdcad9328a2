"""What a node does, and what comes first of what it does at the same time."""

from __future__ import annotations

from typing import NamedTuple

DEPART, READ, DESKEW, END, START, FINISH, BRANCH = range(7)
# At the same tick: what operators leave free is free to be read into, what is read and what is ready is there to be
# used, and nothing leaves before a chip has branched.
RANK = {DESKEW: 0, FINISH: 1, READ: 2, BRANCH: 3, START: 4, DEPART: 5, END: 5}


class Action(NamedTuple):
    """Something that a node does; `vector` counts over all iterations of a row, `number` is that of a deskew."""

    when: int
    kind: int
    number: int
    vector: int
