"""The segments of a build laid end to end: the timeline of one token.

Every segment counts its cycles from a time zero of its own. Along one token the layers run one after the
other, so a segment begins on this timeline where the makespans of the segments before it end.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from lpxsched.timetable.segments import slot_segments

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lpxsched.timetable.build import Build
    from lpxsched.timetable.columns import Integers

# Operators there take no time and hold nothing.
WITHOUT_UNIT = {"host", "none"}


@dataclass(frozen=True, slots=True, eq=False)
class TokenTime:
    """When each segment runs, and what belongs to it.

    Attributes
    ----------
    order : ndarray of int64, shape (segments,)
        Segments in the order in which a token passes them: by their first layer.
    start_cycles, end_cycles : ndarray of int64, shape (segments,)
        First cycle of each segment on the timeline of the token, and the first cycle after it.
    layers : tuple of tuple of int
        Layers of each segment.
    slot_segment : ndarray of int64, shape (slots,)
        Segment of each slot, that of the operator which produced its tensor.
    link, link_segment : ndarray of int64, shape (pairs,)
        A link and a segment that it belongs to: it joins two nodes of it, or carries its vectors. Segments that share
        chips share links.
    """

    order: Integers
    start_cycles: Integers
    end_cycles: Integers
    layers: tuple[tuple[int, ...], ...]
    slot_segment: Integers
    link: Integers
    link_segment: Integers

    @property
    def total_cycles(self) -> int:
        """Sum of all makespans, in cycles."""
        return int(self.end_cycles.max(initial=0))


def token_time(build: Build) -> TokenTime:
    """Return the timeline of one token through a build."""
    layers = _segment_layers(build)
    order = np.array(sorted(range(len(layers)), key=lambda s: (layers[s][:1], s)), dtype=np.int64)
    end = np.zeros(len(layers), dtype=np.int64)
    end[order] = np.cumsum(build.segments.makespan_cycles[order])
    slot_segment = slot_segments(build)
    link_segment, link = np.nonzero(_links_of_segments(build, slot_segment))
    return TokenTime(
        order=order,
        start_cycles=end - build.segments.makespan_cycles,
        end_cycles=end,
        layers=layers,
        slot_segment=slot_segment,
        link=link,
        link_segment=link_segment,
    )


def shared_cycles(build: Build) -> Integers:
    """Return the time in which each segment uses its links and units once: the period of its frame, else its makespan.

    Returns
    -------
    ndarray of int64, shape (segments,)
        At least 1.
    """
    period = build.frames.period_cycles[build.segments.frame]
    return np.maximum(np.where(period > 0, period, build.segments.makespan_cycles), 1)


def turn_cycles(build: Build, owner: Integers, segment: Integers, owners: int) -> Integers:
    """Return the time in which links or chips are used once by all segments that use them, at least 1.

    Segments of a frame that repeats share its period, those on demand run one after the other.

    Parameters
    ----------
    build : Build
    owner, segment : ndarray of int64, shape (uses,)
        A link or chip, and a segment that uses it.
    owners : int
        How many links or chips there are.
    """
    pairs = _pairs(owner, segment)
    cycles, repeats = shared_cycles(build), build.frames.period_cycles[build.segments.frame] > 0
    total, most = np.zeros(owners, dtype=np.int64), np.zeros(owners, dtype=np.int64)
    np.add.at(total, pairs[0], np.where(repeats, 0, cycles)[pairs[1]])
    np.maximum.at(most, pairs[0], np.where(repeats, cycles, 0)[pairs[1]])
    return np.maximum(np.maximum(total, most), 1)


def _pairs(owner: Integers, segment: Integers) -> tuple[Integers, Integers]:
    """Return each pair of an owner and a segment once, sorted."""
    segments = int(segment.max(initial=0)) + 1
    used = np.zeros((int(owner.max(initial=-1)) + 1) * segments, dtype=np.bool_)
    used[owner * segments + segment] = True
    return np.divmod(np.flatnonzero(used), segments)


def layers_of(token: TokenTime, owner: Integers, segment: Integers) -> dict[int, tuple[int, ...]]:
    """Return the layers of all segments that use each link or chip; parameters as of `turn_cycles`."""
    found: dict[int, set[int]] = {}
    for row, of_segment in zip(*(column.tolist() for column in _pairs(owner, segment)), strict=True):
        found.setdefault(row, set()).update(token.layers[of_segment])
    return {row: tuple(sorted(layers)) for row, layers in found.items()}


def only_period(build: Build) -> int:
    """Return the period of a build whose frames all repeat with the same one, else 0."""
    first, *others = np.unique(build.frames.period_cycles).tolist()
    return 0 if others else int(first)


def deskew_rows(build: Build, frame: int) -> Integers:
    """Return the rows of the deskews that a pass of a frame sees: others lie between its periods."""
    return np.flatnonzero((build.deskews.frame == frame) & (build.deskews.every_periods == 0))


class Windows(NamedTuple):
    """How many windows of a frame there are, how many of them no deskew takes, and how many of those are owned."""

    owned: int
    free: int
    every: int


def windows_of(build: Build) -> Windows | None:
    """Return the windows of a model in flight; None of what runs on demand, and of a collective."""
    owned = build.manifest.results.get("in_flight")
    if owned is None or not only_period(build):
        return None
    windows = int(build.frames.windows[0])
    # A micro-batch owns the same window of all frames.
    return Windows(int(owned), windows - max(len(gaps) for gaps in build.frames.gaps), windows)


def deskew_spans(build: Build, token: TokenTime) -> list[tuple[int, int, int]]:
    """Return segment, first cycle and first cycle after of each deskew, on the timeline of the token."""
    table, found = build.deskews, []
    for segment, frame in enumerate(build.segments.frame.tolist()):
        start = int(token.start_cycles[segment])
        rows = deskew_rows(build, frame)
        for cycle, stall in zip(table.cycle[rows].tolist(), table.stall[rows].tolist(), strict=True):
            found.append((segment, start + cycle, start + cycle + stall))
    return found


def collective_kind(build: Build) -> str | None:
    """Return the kind of collective that a build is; None for a model."""
    kind = build.manifest.options.get("kind")
    return None if kind is None else str(kind)


def _segment_layers(build: Build) -> tuple[tuple[int, ...], ...]:
    layers: list[set[int]] = [set() for _ in range(len(build.segments))]
    for segment, layer in zip(build.operators.segment.tolist(), build.operators.layer.tolist(), strict=True):
        layers[segment].add(layer)
    return tuple(tuple(sorted(members)) for members in layers)


def _links_of_segments(build: Build, slot_segment: Integers) -> NDArray[np.bool_]:
    """Return which links belong to each segment, shape (segments, links)."""
    inside = np.zeros((len(build.segments), len(build.chips)), dtype=np.bool_)
    inside[build.operators.segment, build.operators.chip] = True
    # A host serves chips of several segments; its links belong to those of their chip.
    inside[:, build.chips.host] = False
    source, destination = inside[:, build.links.src], inside[:, build.links.dst]
    with_host = build.chips.host[build.links.src] | build.chips.host[build.links.dst]
    owned = np.where(with_host, source | destination, source & destination)
    owned[slot_segment, build.slots.link] = True
    return owned
