"""Addresses in SRAM: no two blocks that lie somewhere at once overlap (R6).

Resident tensors come first, byte after byte in the order of their rows. Above them blocks take the smallest gap that
holds them, those that begin first before others (best fit, as in Wilson et al., Dynamic Storage Allocation, 1995), so
that room is used anew as soon as it is free. Segments on demand run one at a time and share that room. Hosts have no
limit: there every block of a segment has a place of its own.

In a frame that repeats with period P a block that lies no longer than P has one place, which others may take in the
rest of the period, but where it reaches beyond the end of one. One that lies longer has ceil(life / P) places, which
iterations take in turns.
"""

from __future__ import annotations

from bisect import insort
from dataclasses import dataclass
from heapq import heappop, heappush
from typing import TYPE_CHECKING

import numpy as np

from lpxsched.errors import NothingFoundError
from lpxsched.units import NONE, ceil_div

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from lpxsched.instructions.blocks import Blocks
    from lpxsched.timetable.build import Build
    from lpxsched.timetable.columns import Integers

ALWAYS = -1


@dataclass(frozen=True, slots=True, eq=False)
class Addresses:
    """Where everything lies.

    Attributes
    ----------
    resident : ndarray of int64, shape (tensors,)
        Address of each resident tensor in bytes, `NONE` of others.
    block : ndarray of int64, shape (blocks,)
        Address of each block in bytes.
    copies : ndarray of int64, shape (blocks,)
        Places of a block, one after the other; iteration i lies in place i modulo `copies`.
    top : ndarray of int64, shape (nodes,)
        First byte that is never used.
    """

    resident: Integers
    block: Integers
    copies: Integers
    top: Integers


def allocate(build: Build, blocks: Blocks) -> Addresses:
    """Return addresses for a build that keeps the rule of memory.

    Raises
    ------
    NothingFoundError
        Where what lies at a chip fits by its bytes, but not in runs.
    """
    resident, top = _residents(build)
    address, copies = (np.zeros(len(blocks.node), dtype=np.int64) for _ in range(2))
    base = top.copy()
    for rows, period in _together(build, blocks):
        node, long = int(blocks.node[rows[0]]), blocks.vectors[rows] * build.manifest.vector_bytes
        begin = blocks.begin[rows] + (build.segments.phase_cycles[blocks.segment[rows]] if period else 0)
        times = [_folded(one, end, period) for one, end in zip(begin.tolist(), _ends(blocks, rows, begin), strict=True)]
        copies[rows] = [count for *_, count in times]
        room = (long * copies[rows]).tolist()
        apart = bool(build.chips.host[node])
        spans = [(0, 1, size) if apart else (*time[:2], size) for time, size in zip(times, room, strict=True)]
        placed = _placed(spans)
        address[rows] = base[node] + np.array(placed, dtype=np.int64)
        top[node] = max(int(top[node]), int((address[rows] + room).max()))
    _refuse(build, top)
    return Addresses(resident, address, copies, top)


def _ends(blocks: Blocks, rows: Integers, begin: Integers) -> list[int]:
    return [int(end) for end in begin + blocks.end[rows] - blocks.begin[rows]]


def _residents(build: Build) -> tuple[Integers, Integers]:
    """Return the address of each resident tensor, and the first byte behind them at each node."""
    tensors, top = build.tensors, np.zeros(len(build.chips), dtype=np.int64)
    address = np.full(len(tensors), NONE, dtype=np.int64)
    for row in np.flatnonzero(tensors.producer == NONE).tolist():
        node = int(tensors.chip[row])
        address[row] = top[node]
        top[node] += tensors.bytes[row]
    size = build.manifest.vector_bytes
    return address, -(-top // size) * size


def _together(build: Build, blocks: Blocks) -> Iterator[tuple[Integers, int]]:
    """Yield the blocks of a node that may lie there at once, with the period of their time; 0 where it runs once."""
    period = build.frames.period_cycles[build.segments.frame[blocks.segment]]
    axis = np.where(period > 0, 0, 1 + blocks.segment)
    order = np.lexsort((np.arange(len(axis)), axis, blocks.node))
    key = blocks.node[order] * (int(axis.max(initial=0)) + 1) + axis[order]
    cuts = np.flatnonzero(np.diff(key)) + 1
    for rows in np.split(order, cuts) if len(order) else ():
        yield rows, int(period[rows[0]])


def _folded(begin: int, end: int, period: int) -> tuple[int, int, int]:
    """Return when a block holds its place modulo a period, and how many places it has; `ALWAYS` for all the time."""
    if not period:
        return begin, end, 1
    copies = max(1, ceil_div(end - begin, period))
    first, last = begin % period, begin % period + end - begin
    return (ALWAYS, period, copies) if copies > 1 or last > period else (first, last, 1)


def _placed(spans: Iterable[tuple[int, int, int]]) -> list[int]:
    """Return an offset for each span of begin, end and bytes."""
    spans = list(spans)
    offsets, top = [0] * len(spans), 0
    free: list[tuple[int, int]] = []
    ending: list[tuple[int, int, int]] = []
    for number in sorted(range(len(spans)), key=lambda row: (spans[row][0], -spans[row][2], row)):
        begin, end, size = spans[number]
        while ending and ending[0][0] <= begin:
            _, offset, gone = heappop(ending)
            free = _freed(free, offset, gone)
        fits = min(((held, offset) for offset, held in free if held >= size), default=None)
        if fits is None:
            # The last gap grows where it ends at the top.
            offset = free.pop()[0] if free and sum(free[-1]) == top else top
            top = offset + size
        else:
            held, offset = fits
            free.remove((offset, held))
            if held > size:
                insort(free, (offset + size, held - size))
        offsets[number] = offset
        heappush(ending, (end, offset, size))
    return offsets


def _freed(free: list[tuple[int, int]], offset: int, size: int) -> list[tuple[int, int]]:
    """Return gaps with one more, joined with those beside it."""
    joined: list[tuple[int, int]] = []
    insort(free, (offset, size))
    for begin, held in free:
        if joined and sum(joined[-1]) == begin:
            joined[-1] = joined[-1][0], joined[-1][1] + held
        else:
            joined.append((begin, held))
    return joined


def _refuse(build: Build, top: Integers) -> None:
    over = np.flatnonzero(~build.chips.host & (top > build.chips.sram_bytes))
    if len(over):
        chip = int(over[0])
        cause = (
            f"chip {chip} needs addresses up to {top[chip]} for what lies there in runs, "
            f"its SRAM has {build.chips.sram_bytes[chip]} bytes"
        )
        raise NothingFoundError(cause, remedy="what lies there fits vector by vector only")
