"""The segments of a build laid end to end: the timeline of one token.

Every segment counts its cycles from a time zero of its own. Along one token the layers run one after the
other, so a segment begins on this timeline where the makespans of the segments before it end.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from lpxsched.report.frames import deskew_rows
from lpxsched.timetable.derived import slot_segments

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lpxsched.timetable.build import Build
    from lpxsched.timetable.columns import Integers


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


def deskew_spans(build: Build, token: TokenTime) -> list[tuple[int, int, int]]:
    """Return segment, first cycle and first cycle after of each deskew, on the timeline of the token."""
    table, found = build.deskews, []
    for segment, frame in enumerate(build.segments.frame.tolist()):
        start = int(token.start_cycles[segment])
        rows = deskew_rows(build, frame)
        for cycle, stall in zip(table.cycle[rows].tolist(), table.stall[rows].tolist(), strict=True):
            found.append((segment, start + cycle, start + cycle + stall))
    return found


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
