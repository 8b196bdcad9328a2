"""What the machine is made of beside its processes, and what a session shows."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import NamedTuple

# Kind of action, node, number and vector.
Event = tuple[int, int, int, int]


class Failure(NamedTuple):
    """What went wrong where and when; `slot` is -1 where it is no matter of a slot."""

    kind: str
    node: int
    cycle: float
    slot: int
    vector: int


class Wire(NamedTuple):
    """A link as it is: latency and vector time in femtoseconds and millionths of a cycle, and the buffer at its end."""

    link: int
    to: int
    latency_fs: int
    vector_time: int
    crossing: int
    depth: int


@dataclass(slots=True)
class Outcome:
    """What a session showed.

    Attributes
    ----------
    failures : list of Failure
    slack_fs : dict of tuple of int to int
        Of the row and vector, true time from the arrival to the read less the crossing; below 0: late.
    resumed : dict of tuple of int to tuple of int
        Of the deskew and node, the true time, and the tick, with which the program goes on; deskew -1 is the start.
        Those of passes that are void are numbered on, the last of them first, as vectors are.
    fullest : int
        Most vectors that waited in a FIFO.
    event_fs, started_fs, ended_fs : int
        When rows came, when the first chip began, and when the last result was there.
    finished_fs : int
        When the last node had done its part.
    counters : dict of int to int
        Corrections of the counters by then that follow their parents.
    decided : dict of tuple of int to bool
        Of the pass and chip, whether it has gone on with the segment.
    """

    failures: list[Failure] = field(default_factory=list)
    slack_fs: dict[tuple[int, int], int] = field(default_factory=dict)
    resumed: dict[tuple[int, int], tuple[int, int]] = field(default_factory=dict)
    fullest: int = 0
    event_fs: int = 0
    started_fs: int = 0
    ended_fs: int = 0
    finished_fs: int = 0
    counters: dict[int, int] = field(default_factory=dict)
    decided: dict[tuple[int, int], bool] = field(default_factory=dict)


@dataclass(slots=True)
class Fifo:
    """Vectors that wait at the end of a link, and those that came too late to be read."""

    waiting: deque[tuple[int, int, int]] = field(default_factory=deque)
    missed: dict[tuple[int, int], int] = field(default_factory=dict)
    last_fs: int = 0


@dataclass(frozen=True, slots=True)
class Start:
    """When a session begins: the counter's value, in periods of which the root's is the first, and its way of starting.

    Attributes
    ----------
    event_fs : int
        When rows come.
    ready_fs : int
        Before it nobody begins.
    boundary : int
        Counter at time zero, of the first pass where chips poll, in cycles.
    first : int
        Counter at which the root sends its token, in cycles.
    epochs : int
        Periods a level of the tree; 0: nobody sends tokens.
    """

    event_fs: int
    ready_fs: int
    boundary: int
    first: int
    epochs: int
