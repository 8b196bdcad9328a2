"""The earliest way of one slot through the free time of links, compiled.

Labels by number of links: after round h a node's label is the earliest read there over ways of at most h links (a link
that is free later is never reached earlier, so no better way is lost). The first round in which the target is reached
in time ends the search: no way in time has fewer links.
"""

from __future__ import annotations

from typing import NamedTuple

from lpxsched.compiled.kernels import Flags, Integers, kernel
from lpxsched.schedule.times.calendars import Calendars, earliest_gap
from lpxsched.units import NEVER, NONE


class Open(NamedTuple):
    """Links that may be used, in columns, each with the calendar of its own number.

    `pitch` is over `denominator`; `hop` from departure to read; `turnaround` is that of the link's source.
    """

    link: Integers
    source: Integers
    destination: Integers
    pitch: Integers
    denominator: Integers
    hop: Integers
    turnaround: Integers


class Labels(NamedTuple):
    """What is known of nodes after each number of links, shape (rounds + 1, nodes), and where vectors are at first.

    `read` is the read of the first vector (row 0: the cycle from which it may leave a node that has it), `via` the
    place of the last link in `Open`, `NONE` where nothing changed, `depart` its departure.
    """

    read: Integers
    via: Integers
    depart: Integers


@kernel
def _ready(ways: Open, labels: Labels, vectors: int, turn: int, way: int) -> int:
    """Return when vectors may leave on a link after some rounds: a turnaround after their read, at a source at once.

    Later where they come at a longer pitch than they leave.
    """
    source = ways.source[way]
    ready = labels.read[turn, source]
    while turn > 0 and labels.via[turn, source] == NONE:
        turn -= 1
    if turn == 0:
        return int(ready)
    before = labels.via[turn, source]
    apart = ways.pitch[before] * ways.denominator[way] - ways.pitch[way] * ways.denominator[before]
    lead = -(-(vectors - 1) * apart // (ways.denominator[before] * ways.denominator[way]))
    return int(ready + ways.turnaround[way] + max(0, lead))


@kernel
def earliest_way(
    calendars: Calendars, ways: Open, passable: Flags, labels: Labels, vectors: int, target: int, due: Integers
) -> int:
    """Fill labels until the target is reached in time, or nothing changes; return the round of the target's label.

    Parameters
    ----------
    calendars : Calendars
        Of all links of the fabric.
    ways : Open
    passable : ndarray of bool, shape (nodes,)
        Nodes that may pass these vectors on, or are where they must go.
    labels : Labels
        `read` of all rounds is `NEVER` but in row 0 of nodes that have the vectors; `via` is `NONE`.
    vectors, target : int
    due : ndarray of int64, shape (links,)
        Latest read of the first vector at the target, by the place of the last link.
    """
    reached = NONE
    for turn in range(1, len(labels.read)):
        changed = False
        for node in range(labels.read.shape[1]):
            labels.read[turn, node] = labels.read[turn - 1, node]
        for way in range(len(ways.link)):
            source, destination = ways.source[way], ways.destination[way]
            if labels.read[turn - 1, source] == NEVER or not passable[destination]:
                continue
            ready = _ready(ways, labels, vectors, turn - 1, way)
            hold = -(-vectors * ways.pitch[way] // ways.denominator[way])
            depart = earliest_gap(calendars, ways.link[way], ready, hold)
            read = depart + ways.hop[way]
            if read < labels.read[turn, destination]:
                labels.read[turn, destination] = read
                labels.via[turn, destination] = way
                labels.depart[turn, destination] = depart
                changed = True
                if destination == target:
                    reached = turn
        if reached == turn and labels.read[turn, target] <= due[labels.via[turn, target]]:
            break
        if not changed:
            break
    return reached
