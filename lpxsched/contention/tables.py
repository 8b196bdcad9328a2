"""What a segment does at run time, as tables for the kernel; times in ps, lists as ranges of one array.

*Operators* and *sums* are groups of tasks: an operator is one task, the sums of a part of a tensor on a chip are one a
packet. A *call* is what a chip does of one change of layout: it enters a start-up after the operator that left the
tensor. Then its *sends* leave: packets that take one of some *ways*, trees of *hops*. A *copy* is a packet on a hop.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Integers = NDArray[np.int64]


class Lanes(NamedTuple):
    """Lanes of bundles, and of each lane the time of a vector, of a header, the latency, and a hold beyond a packet."""

    first: Integers
    lanes: Integers
    vector_ps: Integers
    header_ps: Integers
    latency_ps: Integers
    hold_ps: Integers


class RunTables(NamedTuple):
    """A segment; of a list ``x`` the items of owner i are ``x[x_at[i]:x_at[i + 1]]``.

    Attributes
    ----------
    packet : int
        Vectors of a packet.
    group_of : ndarray of int64, shape (tasks,)
    group_first, group_unit, group_turnaround, group_sums : ndarray of int64, shape (groups,)
        First task, unit (-1: none), what results wait before they leave, and 1 where packet p is a task of its own.
    group_calls, group_readers, group_hops : lists by group
        What a task that is done calls, whom it notifies on its chip, and the hops on which it puts its packet.
    call_sends, call_summands : lists by call
        What it sends, and the sums of its own chip that take its summand.
    send_ways : list by send
    way_hops, way_watched : lists by way
        Its first hops, and those from its first chip, by whose lanes packets choose.
    hop_of : ndarray of int64, shape (copies,)
    hop_bundle, hop_first, hop_hash, hop_turnaround : ndarray of int64, shape (hops,)
        Bundle, first copy, hash of the lane, and turnaround at the end.
    hop_call, hop_group, hop_own : ndarray of int64, shape (hops,)
        Where packets come from, a call or a group of sums, the other is -1; the call of the chip at the end for the
        same tensor, -1 for none.
    hop_onward, hop_readers : lists by hop
        Hops and groups that follow.
    bundle_first, bundle_lanes : ndarray of int64, shape (bundles,)
    lane_vector, lane_header, lane_latency, lane_hold : ndarray of int64, shape (lanes,)
        As of `Lanes`.
    """

    packet: int
    group_of: Integers
    group_first: Integers
    group_unit: Integers
    group_turnaround: Integers
    group_sums: Integers
    group_calls_at: Integers
    group_calls: Integers
    group_readers_at: Integers
    group_readers: Integers
    group_hops_at: Integers
    group_hops: Integers
    call_sends_at: Integers
    call_sends: Integers
    call_summands_at: Integers
    call_summands: Integers
    send_ways_at: Integers
    send_ways: Integers
    way_hops_at: Integers
    way_hops: Integers
    way_watched_at: Integers
    way_watched: Integers
    hop_of: Integers
    hop_bundle: Integers
    hop_first: Integers
    hop_hash: Integers
    hop_turnaround: Integers
    hop_call: Integers
    hop_group: Integers
    hop_own: Integers
    hop_onward_at: Integers
    hop_onward: Integers
    hop_readers_at: Integers
    hop_readers: Integers
    bundle_first: Integers
    bundle_lanes: Integers
    lane_vector: Integers
    lane_header: Integers
    lane_latency: Integers
    lane_hold: Integers


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
