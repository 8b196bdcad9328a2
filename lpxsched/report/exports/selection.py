"""What of a build is exported: slots and operators of some layers, chips and cycles, with their times.

Times are those of the token, from the first layer on. What repeats with one period is told as it runs, in the time of
its frames: pass after pass, until a whole period holds all that overlap in it. Frames leave windows out at different
times, so the first windows are taken of which they leave out the fewest.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from lpxsched.report.frames import only_period
from lpxsched.report.token_time import token_time
from lpxsched.timetable.derived import held_cycles

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from lpxsched.report.token_time import TokenTime
    from lpxsched.timetable.build import Build
    from lpxsched.timetable.columns import Flags, Frames, Integers


class Placed(NamedTuple):
    """Rows of a table, each as often as passes of it are told, with their times in cycles.

    Attributes
    ----------
    row, window, start, end : ndarray of int64, shape (rows,)
        `window` is the number of the pass, 0 where nothing repeats.
    """

    row: Integers
    window: Integers
    start: Integers
    end: Integers


@dataclass(frozen=True, slots=True, eq=False)
class Selection:
    """Rows of a build with their times.

    Attributes
    ----------
    build : Build
    slots : Placed
        From the departure to the end of the hold, in the order of links and departures.
    slot_read : ndarray of int64, shape (slots,)
    operators : Placed
    windows : range
        Passes that are told.
    passes, left_out : int
        Of the segments asked for in these windows, and how many of them fall into windows that their frames leave out.
    """

    build: Build
    slots: Placed
    slot_read: Integers
    operators: Placed
    windows: range
    passes: int
    left_out: int


class _Pass(NamedTuple):
    """One pass: its window, when each segment starts, and which of them run."""

    window: int
    start: Integers
    runs: Flags


def select(
    build: Build,
    layers: Collection[int] | None = None,
    chips: Collection[int] | None = None,
    cycles: tuple[int, int] | None = None,
) -> Selection:
    """Return what belongs to any of the layers, at any of the chips, in any of the cycles; None asks for all.

    A slot belongs to the chips at both ends of its link, and to the layers of its segment.
    """
    token, slots, operators = token_time(build), build.slots, build.operators
    times = (
        (token.slot_segment, slots.depart, held_cycles(build)),
        (operators.segment, operators.start, operators.cycles),
    )
    windows, passes = _passes(build, token, times, cycles)
    inside = np.array([layers is None or any(one in layers for one in of) for of in token.layers], dtype=np.bool_)
    wanted = _wanted(build, token, inside, layers, chips)
    sent, run = (_placed(passes, rows, *of, cycles) for rows, of in zip(wanted, times, strict=True))
    order = np.lexsort((sent.start, slots.link[sent.row]))
    sent = Placed(*(column[order] for column in sent))
    read = sent.start + slots.read[sent.row] - slots.depart[sent.row]
    asked, told = len(passes) * int(inside.sum()), sum(int(each.runs[inside].sum()) for each in passes)
    return Selection(build, sent, read, run, windows, passes=asked, left_out=asked - told)


def _wanted(
    build: Build, token: TokenTime, inside: Flags, layers: Collection[int] | None, chips: Collection[int] | None
) -> tuple[Flags, Flags]:
    """Return which slots of some segments and which operators belong to the layers and chips asked for."""
    slots, operators = build.slots, build.operators
    sent, run = inside[token.slot_segment], np.ones(len(operators), dtype=np.bool_)
    if layers is not None:
        run &= np.isin(operators.layer, sorted(layers))
    if chips is not None:
        chosen = np.isin(np.arange(len(build.chips)), sorted(chips))
        sent &= chosen[build.links.src[slots.link]] | chosen[build.links.dst[slots.link]]
        run &= chosen[operators.chip]
    return sent, run


def _passes(
    build: Build,
    token: TokenTime,
    times: Sequence[tuple[Integers, Integers, Integers]],
    cycles: tuple[int, int] | None,
) -> tuple[range, list[_Pass]]:
    """Return the passes that some cycles meet; windows that a frame leaves out are none of its segments'."""
    period, frames = only_period(build), build.frames
    if not period:
        return range(1), [_Pass(0, token.start_cycles, np.ones(len(build.segments), dtype=np.bool_))]
    phase = build.segments.phase_cycles
    over = max(int((phase[segment] + begin + length).max(initial=0)) for segment, begin, length in times)
    if cycles is None:
        windows = _fullest(frames, -(-max(over, 1) // period))
    else:
        windows = range(max((cycles[0] - over) // period, 0), -(-cycles[1] // period))
    passes = []
    for window in windows:
        turns = zip(frames.windows.tolist(), frames.gaps, strict=True)
        runs = np.array([window % max(number, 1) not in gaps for number, gaps in turns], dtype=np.bool_)
        passes.append(_Pass(window, phase + window * period, runs[build.segments.frame]))
    return windows, passes


def _fullest(frames: Frames, many: int) -> range:
    """Return so many windows in a row of which frames leave out the fewest, the first such."""
    number = max(int(frames.windows.max(initial=1)), 1)
    left = np.zeros(number, dtype=np.int64)
    for windows, gaps in zip(frames.windows.tolist(), frames.gaps, strict=True):
        left += np.isin(np.arange(number) % max(windows, 1), gaps)
    in_a_row = np.convolve(np.resize(left, number + many - 1), np.ones(many, dtype=np.int64), mode="valid")
    first = int(in_a_row.argmin())
    return range(first, first + many)


def _placed(
    passes: Sequence[_Pass],
    wanted: Flags,
    segment: Integers,
    begin: Integers,
    length: Integers,
    cycles: tuple[int, int] | None,
) -> Placed:
    rows, found = np.flatnonzero(wanted), [Placed(*(np.zeros(0, dtype=np.int64) for _ in range(4)))]
    for each in passes:
        start = each.start[segment[rows]] + begin[rows]
        inside = each.runs[segment[rows]]
        if cycles is not None:
            inside &= (start < cycles[1]) & (start + np.maximum(length[rows], 1) > cycles[0])
        start = start[inside]
        found.append(Placed(rows[inside], np.full(len(start), each.window), start, start + length[rows[inside]]))
    return Placed(*(np.concatenate(columns) for columns in zip(*found, strict=True)))
