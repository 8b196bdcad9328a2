"""R8 reads, third part: a link delivers in order, so its vectors are read in the order in which they leave.

A read takes the first vector that waits. Let w be the time of a slot from its departure to its read, and one slot of n
vectors leave d cycles before the next one on its link: the last vector of the first is read w + (n - 1) p after it
left, p the time from one vector to the next, and the first of the second d + w', which must be later. Where all
neighbours are in order, modulo the period where a frame repeats, all slots are. What leaves at once has no order; R1
tells of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lpxsched.verify.frames import turns
from lpxsched.verify.shifts import modulo, neighbours
from lpxsched.verify.violation import Violation, named_link, rows_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lpxsched.timetable.build import Build
    from lpxsched.verify.hops import Hops

RULE = "R8"


def out_of_order(build: Build, hops: Hops) -> Iterator[Violation]:
    """Yield slots of which a vector is read at or before one that left before it on the same link."""
    turn = turns(build)
    period, depart = turn.period[hops.segment], hops.depart + turn.phase[hops.segment]
    one, other, apart = neighbours(turn.holders(hops.link, hops.segment), depart, period)
    waits, last = hops.read - hops.depart, hops.last_read - hops.depart
    for row in np.flatnonzero((apart > 0) & (last[one] >= apart + waits[other])).tolist():
        a, b = int(one[row]), int(other[row])
        link = int(hops.link[a])
        message = (
            f"link {link} ({named_link(build, link)}) delivers in order: the slot that departs at {depart[a]} is read "
            f"until {depart[a] + last[a]}, the next one, which departs at {depart[a] + apart[row]}, from "
            f"{depart[a] + apart[row] + waits[b]} on{modulo(int(period[a]))}"
        )
        yield Violation(RULE, message, rows_of(build.slots, *dict.fromkeys((int(hops.slot[a]), int(hops.slot[b])))))
