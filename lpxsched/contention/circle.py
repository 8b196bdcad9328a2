"""Micro-batches in flight as one program: each goes round all segments, and what lies outside, again and again.

Lanes and units of the fabric are there once, so micro-batches are in each other's way wherever they meet. Of each there
is a copy of every segment, and a chain between: mixers, on the GPUs that serve it in order of arrival, the way to the
hosts, at whose end the segment opens, the segment, the way back. Its first task of all, its *gate*, is done when the
next step begins.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from lpxsched.contention.draft import LISTS, Draft
from lpxsched.contention.network import PS_PER_NS
from lpxsched.contention.tables import Lanes
from lpxsched.errors import InputError
from lpxsched.timetable.reader import MANIFEST
from lpxsched.units import NONE
from lpxsched.verify.outside import TYPICAL, Outside, outside_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from fractions import Fraction

    from lpxsched.compiled.kernels import Integers
    from lpxsched.contention.laying import Laid
    from lpxsched.contention.tables import RunTables
    from lpxsched.timetable.build import Build

# Copies of packets, of all micro-batches: some 100 bytes each.
MOST_COPIES = 60_000_000


class Between(NamedTuple):
    """What lies between segments, in ps.

    Attributes
    ----------
    mixers_ps : ndarray of int64, shape (segments + 1,)
        On the GPUs before each segment, and after the last one.
    into_ps, out_ps : ndarray of int64, shape (segments,)
        To the hosts of each segment, and back.
    servers : ndarray of int64, shape (micro-batches,)
        Which of the GPUs serve each micro-batch, counted from 0.
    """

    mixers_ps: Integers
    into_ps: Integers
    out_ps: Integers
    servers: Integers


class Place(NamedTuple):
    """Where one segment of one micro-batch lies in the program.

    Attributes
    ----------
    groups, tasks, calls, sends, hops : slice
        Its numbers of each kind.
    opens : int
        The task at whose end it opens.
    ends : ndarray of int64
        Tasks whose last end is that of the segment.
    """

    groups: slice
    tasks: slice
    calls: slice
    sends: slice
    hops: slice
    opens: int
    ends: Integers


@dataclass(frozen=True, slots=True, eq=False)
class Circle:
    """Micro-batches in flight.

    Attributes
    ----------
    program : RunTables
        Gates are the first tasks, one a micro-batch.
    duration_ps, awaited : ndarray of int64, shape (groups,)
        Of the chains; 0 where a step of a segment says it.
    chains : ndarray of int64, shape (micro-batches, groups of a chain)
        Groups of each chain, the gate first.
    places : list of list of Place
        By micro-batch and segment.
    """

    program: RunTables
    duration_ps: Integers
    awaited: Integers
    chains: Integers
    places: list[list[Place]]


def between_of(build: Build) -> Between:
    """Return what lies between the segments of a build in flight, at the values that its files tell.

    Raises
    ------
    InputError
        When it does not say what lies outside.
    """
    outside = outside_of(build)
    if not isinstance(outside, Outside):
        raise InputError(MANIFEST, outside, key="outside")
    parts = (outside.attention, outside.into, outside.out)
    mixers, into, out = (_picoseconds([ends[TYPICAL] for ends in part]) for part in parts)
    # With no mixers outside, each micro-batch is as good as on a server of its own.
    results = build.manifest.results
    servers = results.get("servers", range(len(results["residues"])))
    return Between(mixers, into, out, np.array(servers, dtype=np.int64))


def _picoseconds(times_ns: Sequence[Fraction]) -> Integers:
    return np.array([round(time_ns * PS_PER_NS) for time_ns in times_ns], dtype=np.int64)


def circle_of(laid: Sequence[Laid], between: Between) -> Circle:
    """Return micro-batches that go round some segments.

    Raises
    ------
    InputError
        When there are too many of them to hold.
    """
    micro_batches = len(between.servers)
    _refuse_many(laid, micro_batches)
    wires, bundles = _joined_wires(laid)
    nodes = 1 + max(int(max(one.network.chips.max(), one.network.hosts.max())) for one in laid)
    draft = Draft(laid[0].program.packet)
    gates = _add_chain(draft, micro_batches, NONE, 0)
    chains, firsts = [], []
    for gate, server in zip(gates.tolist(), between.servers.tolist(), strict=True):
        chain, gpus = [gate], 2 * nodes + server
        for number, one in enumerate(laid):
            mixers = _link(draft, chain[-1], int(between.mixers_ps[number]), gpus)
            opens = _link(draft, mixers, int(between.into_ps[number]))
            firsts.append(dict(draft.counts))
            _add_segment(draft, one, bundles[number], opens)
            back = _add_chain(draft, 1, NONE, int(between.out_ps[number]))
            ends = one.ends + firsts[-1]["group"]
            draft.follow("group_readers", ends, np.repeat(back, len(ends)))
            draft.wait(back, len(ends))
            chain += [mixers, opens, int(back[0])]
        chain.append(_link(draft, chain[-1], int(between.mixers_ps[-1]), gpus))
        draft.follow("group_readers", np.array(chain[-1:]), np.array([gate]))
        draft.wait(np.array([gate]), 1)
        chains.append(chain)
    program = draft.program(wires)
    places = [_place(program, one, first) for one, first in zip(list(laid) * micro_batches, firsts, strict=True)]
    return Circle(
        program,
        draft.column("group.duration"),
        draft.awaited(),
        np.array(chains),
        [places[begin : begin + len(laid)] for begin in range(0, len(places), len(laid))],
    )


def _place(program: RunTables, laid: Laid, first: dict[str, int]) -> Place:
    """Return where a segment lies whose numbers begin at some; the group before its first one opens it."""
    own = laid.program
    numbers = {"group": len(own.group_unit), **_counts(laid)}
    groups, calls, sends, hops = (
        slice(first[kind], first[kind] + numbers[kind]) for kind in ("group", "call", "send", "hop")
    )
    task = int(program.group_first[groups.start])
    tasks = slice(task, task + int(own.group_first[-1]))
    return Place(groups, tasks, calls, sends, hops, task - 1, task + own.group_first[laid.ends])


def _counts(laid: Laid) -> dict[str, int]:
    """Return how many a segment has of each kind but groups."""
    program = laid.program
    return {
        "call": len(program.call_sends_at) - 1,
        "send": len(program.send_ways_at) - 1,
        "way": len(program.way_hops_at) - 1,
        "hop": len(program.hop_bundle),
    }


def _refuse_many(laid: Sequence[Laid], micro_batches: int) -> None:
    copies = sum(len(one.program.hop_of) for one in laid)
    if copies * micro_batches > MOST_COPIES:
        problem = (
            f"{micro_batches} micro-batches with {copies:,} packets on links each are too many to run at once; "
            f"compile with --in-flight {max(1, MOST_COPIES // copies)} or fewer"
        )
        raise InputError(MANIFEST, problem, key="results.in_flight")


def _add_chain(draft: Draft, number: int, unit: int, duration_ps: int) -> Integers:
    """Add groups of one task each that stand for what lies outside."""
    return draft.add("group", number, tasks=1, sums=0, turnaround=0, unit=unit, duration=duration_ps)


def _link(draft: Draft, before: int, duration_ps: int, unit: int = NONE) -> int:
    """Add a group of a chain that waits for the one before, and return it."""
    group = _add_chain(draft, 1, unit, duration_ps)
    draft.follow("group_readers", np.array([before]), group)
    draft.wait(group, 1)
    return int(group[0])


def _joined_wires(laid: Sequence[Laid]) -> tuple[Lanes, list[Integers]]:
    """Return the lanes of all segments, each once, and the bundle behind each bundle of each segment."""
    seen: dict[int, int] = {}
    first: list[int] = []
    lanes, columns, bundles, total = [], [], [], 0
    for one in laid:
        wires, numbers = one.network.wires, []
        for begin, count in zip(wires.first.tolist(), wires.lanes.tolist(), strict=True):
            # A bundle is the same where its first link is.
            link = int(one.network.lane_links[begin])
            if link not in seen:
                seen[link] = len(first)
                first.append(total)
                lanes.append(count)
                columns.append(np.stack(wires[2:])[:, begin : begin + count])
                total += count
            numbers.append(seen[link])
        bundles.append(np.array(numbers, dtype=np.int64))
    joined = Lanes(np.array(first), np.array(lanes), *np.ascontiguousarray(np.concatenate(columns, axis=1)))
    return joined, bundles


def _add_segment(draft: Draft, laid: Laid, bundles: Integers, opens: int) -> None:
    """Add a segment, all of whose operators wait until it opens."""
    program, first, numbers = laid.program, dict(draft.counts), _counts(laid)
    draft.add(
        "group",
        len(program.group_unit),
        tasks=np.diff(program.group_first),
        unit=_units(laid),
        turnaround=program.group_turnaround,
        sums=program.group_sums,
        duration=0,
    )
    for kind in ("call", "send", "way"):
        draft.add(kind, numbers[kind])
    draft.add(
        "hop",
        numbers["hop"],
        bundle=bundles[program.hop_bundle],
        vectors=laid.hop_vectors,
        hash=program.hop_hash,
        turnaround=program.hop_turnaround,
        call=_moved(program.hop_call, first["call"]),
        group=_moved(program.hop_group, first["group"]),
        own=_moved(program.hop_own, first["call"]),
    )
    for name, (owner, item) in LISTS.items():
        at, items = getattr(program, f"{name}_at"), getattr(program, name)
        draft.follow(name, first[owner] + np.repeat(np.arange(len(at) - 1), np.diff(at)), first[item] + items)
    operators = first["group"] + np.arange(len(laid.operator))
    draft.follow("group_readers", np.full(len(operators), opens), operators)


def _units(laid: Laid) -> Integers:
    """Return the unit of each group, numbered over all nodes of the build."""
    network, unit = laid.network, laid.program.group_unit
    nodes = np.concatenate([network.chips, network.hosts])
    return np.where(unit == NONE, NONE, 2 * nodes[unit // 2] + unit % 2)


def _moved(numbers: Integers, by: int) -> Integers:
    return np.where(numbers == NONE, NONE, numbers + by)
