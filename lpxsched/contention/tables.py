"""What a segment does at run time, as tables for the kernel; times in ps, lists as ranges of one array.

*Operators* and *sums* are groups of tasks: an operator is one task, the sums of a part of a tensor on a chip are one a
packet. A *call* is what a chip does of one change of layout: it enters a start-up after the operator that left the
tensor. Then its *sends* leave: packets that take one of some *ways*, trees of *hops*. A *copy* is a packet on a hop.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from lpxsched.compiled.kernels import Integers


class Lists(NamedTuple):
    """A list of numbers for each of some things: those of thing i are ``items[at[i]:at[i + 1]]``."""

    at: Integers
    items: Integers


def lists_of(owners: Integers, items: Integers, number: int) -> Lists:
    """Return the items of each of so many owners, in the order in which they are given."""
    order = np.argsort(owners, kind="stable")
    at = np.searchsorted(owners[order], np.arange(number + 1))
    return Lists(at.astype(np.int64), items[order].astype(np.int64))


class Groups(NamedTuple):
    """Groups of tasks: the first task, the unit on which they run, what they wait before their results leave.

    `sums` is 1 where packet p is a task of its own, and `group_of` the group of each task. A task that is done calls
    `calls`, notifies `readers` on its chip and puts its packet on `hops`.
    """

    first: Integers
    unit: Integers
    turnaround: Integers
    sums: Integers
    group_of: Integers
    calls: Lists
    readers: Lists
    hops: Lists


class Calls(NamedTuple):
    """What a call sends, and to which sums of its own chip it gives its summand.

    `ways` lists the first hops of each way, `watched` those from its first chip, by which packets choose.
    """

    sends: Lists
    summands: Lists
    ways_of: Lists
    ways: Lists
    watched: Lists


class Hops(NamedTuple):
    """Hops: their bundle, their first copy, hash of their lane, turnaround at their end, and what follows there.

    `call` and `group` are where their packets come from, a call or a group of sums, the other is -1; `own` is the call
    of the chip at their end for the same tensor, -1 for none.
    """

    bundle: Integers
    first: Integers
    hash: Integers
    turnaround: Integers
    call: Integers
    group: Integers
    own: Integers
    onward: Lists
    readers: Lists
    hop_of: Integers


class Wires(NamedTuple):
    """Lanes of bundles, and of each lane the time of a vector, of a header, the latency, and a hold beyond a packet."""

    lane: Integers
    lanes: Integers
    vector: Integers
    header: Integers
    latency: Integers
    hold: Integers


class Program(NamedTuple):
    """A segment, and how many vectors a packet holds."""

    groups: Groups
    calls: Calls
    hops: Hops
    wires: Wires
    packet: int


class Step(NamedTuple):
    """What differs from step to step, and how wires are served.

    Attributes
    ----------
    duration : ndarray of int64, shape (groups,)
    start_up : ndarray of int64, shape (calls,)
    sent : ndarray of int64, shape (sends,)
        Vectors of each send.
    carried : ndarray of int64, shape (hops,)
        Vectors that go over each hop.
    missing : ndarray of int64, shape (tasks,)
        What each task still waits for; the kernel counts it down to 0.
    routing, arbitration : int
    seed : int
    """

    duration: Integers
    start_up: Integers
    sent: Integers
    carried: Integers
    missing: Integers
    routing: int
    arbitration: int
    seed: int
