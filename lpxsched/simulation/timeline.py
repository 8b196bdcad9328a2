"""The slots of a build as flat exact columns, each end counted from the deskew that aligned it last.

Vectors to hosts are taken whenever they come, so their slots have no scheduled read and are not here.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

import numpy as np

from lpxsched.errors import InputError
from lpxsched.timetable.derived import slot_segments
from lpxsched.units import NONE

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lpxsched.simulation.alignment import Alignment
    from lpxsched.simulation.limits import Limits
    from lpxsched.timetable.build import Build
    from lpxsched.timetable.columns import Flags, Integers


@dataclass(frozen=True, slots=True, eq=False)
class Timeline:
    """One column a slot; columns of two rows tell of the first vector of a slot and of its last.

    Attributes
    ----------
    row, link, segment, vectors, read, src, dst, latency_cycles : ndarray of int64, shape (slots,)
        `row` is that of the timetable; `src` is the lane itself where a host sends.
    delay : ndarray of int64, shape (slots,)
        Place in `Limits.delays_cycles` of how much longer the link may take.
    shared : ndarray of bool, shape (slots,)
        Both ends count with one oscillator.
    vector_time_numerator, pitch_numerator, denominator : ndarray of int64, shape (slots,)
        v, and the time from one vector to the next: v, or v + latency on busy wires; both over `denominator`.
    index : ndarray of int64, shape (2, slots)
        k: 0, and vectors - 1.
    src_deskew, dst_deskew : ndarray of int64, shape (2, slots)
        The last deskew before vector k leaves, and before it is read; one for all segments of a frame that repeats.
    depart_cycles : ndarray of int64, shape (2, slots)
        From the end of `src_deskew` to the departure of the slot's vector 0.
    read_cycles : ndarray of int64, shape (2, slots)
        From the end of `dst_deskew` to the read of the slot's vector 0.
    apart_cycles : ndarray of int64, shape (2, slots)
        From the end of `src_deskew` to the end of `dst_deskew`; 0 unless vector k is in flight across a
        deskew.
    levels : ndarray of int64, shape (2, slots)
        Residuals by which the two alignments can differ: tree edges between the ends, or from both ends up to
        the root when they were aligned by different deskews.
    """

    row: Integers
    link: Integers
    segment: Integers
    vectors: Integers
    read: Integers
    src: Integers
    dst: Integers
    latency_cycles: Integers
    delay: Integers
    shared: Flags
    vector_time_numerator: Integers
    pitch_numerator: Integers
    denominator: Integers
    index: Integers
    src_deskew: Integers
    dst_deskew: Integers
    depart_cycles: Integers
    read_cycles: Integers
    apart_cycles: Integers
    levels: Integers

    @property
    def slots(self) -> int:
        """Number of slots."""
        return len(self.link)

    def only(self, slot: int) -> Timeline:
        """Return one slot alone."""
        return Timeline(*(getattr(self, field.name)[..., slot : slot + 1] for field in fields(self)))

    @property
    def vector_time_cycles(self) -> NDArray[np.float64]:
        """Return v, shape (slots,)."""
        return self.vector_time_numerator / self.denominator

    @property
    def pitch_cycles(self) -> NDArray[np.float64]:
        """Return the time from one vector of a slot to the next, shape (slots,)."""
        return self.pitch_numerator / self.denominator

    @property
    def sent_cycles(self) -> NDArray[np.float64]:
        """From the sender's deskew to the end of the serialisation of vector k, shape (2, slots)."""
        return self.depart_cycles + self.index * self.pitch_cycles + self.vector_time_cycles

    @property
    def due_cycles(self) -> NDArray[np.float64]:
        """From the receiver's deskew to the read of vector k, shape (2, slots)."""
        return self.read_cycles + self.index * self.pitch_cycles


def slots_to_chips(build: Build) -> Integers:
    """Return the rows of the timetable whose vectors are read at scheduled times."""
    slots, links = build.slots, build.links
    rows = np.flatnonzero(~build.chips.host[links.dst[slots.link]])
    if not len(rows):
        problem = "has no slot to a chip, so nothing can be late; compile something that sends"
        raise InputError(slots.file, problem)
    return rows


def read_timeline(build: Build, alignment: Alignment, limits: Limits, rows: Integers) -> Timeline:
    """Return some slots of a build, of those from `slots_to_chips`.

    Raises
    ------
    InputError
        When a slot carries something that no operator produced, or the ends of its link are aligned by different trees.
    """
    slots, links = build.slots, build.links
    segment, link = produced_segments(build, rows), slots.link[rows]
    vectors, depart, read = slots.vectors[rows], slots.depart[rows], slots.read[rows]
    src, dst = alignment.sender[link], links.dst[link]
    numerator, denominator = links.vector_time_numerator[link], links.vector_time_denominator[link]
    waits = links.latency_cycles[link] if build.manifest.wire == "busy" else 0
    pitch = numerator + waits * denominator
    index = np.stack([np.zeros_like(vectors), vectors - 1])
    # Deskews end at whole cycles, so the whole part of a time tells which of them lies before it.
    whole = index * pitch // denominator
    src_deskew = alignment.deskew_before(segment, depart + whole)
    dst_deskew = alignment.deskew_before(segment, read + whole)
    src_end, dst_end = alignment.end_cycle[src_deskew], alignment.end_cycle[dst_deskew]
    depth = np.maximum(alignment.tree.depth, 0)
    return Timeline(
        row=rows,
        link=link,
        segment=segment,
        vectors=vectors,
        read=read,
        src=src,
        dst=dst,
        latency_cycles=links.latency_cycles[link],
        delay=limits.place_of(links.link_class)[link],
        shared=alignment.oscillator[src] == alignment.oscillator[dst],
        vector_time_numerator=numerator,
        pitch_numerator=pitch,
        denominator=denominator,
        index=index,
        src_deskew=_of_frame(build, alignment, src_deskew),
        dst_deskew=_of_frame(build, alignment, dst_deskew),
        depart_cycles=depart - src_end,
        read_cycles=read - dst_end,
        apart_cycles=dst_end - src_end,
        levels=np.where(src_deskew == dst_deskew, levels_of_links(build, alignment, link), depth[src] + depth[dst]),
    )


def _of_frame(build: Build, alignment: Alignment, deskew: Integers) -> Integers:
    """Return the same deskews, of frames that repeat the one that all their segments have in common."""
    frame = build.segments.frame[alignment.segment]
    joint = np.arange(len(frame))
    for number in np.flatnonzero(build.frames.period_cycles > 0).tolist():
        mine = np.flatnonzero(frame == number)
        joint[mine] = mine[:1]
    return joint[deskew]


def produced_segments(build: Build, rows: Integers) -> Integers:
    """Return the segment of some slots, each of which carries what an operator produced.

    Raises
    ------
    InputError
        When no operator did.
    """
    segment = slot_segments(build)[rows]
    wrong = np.flatnonzero(segment < 0)
    if len(wrong):
        problem = f"row {int(rows[wrong[0]])} carries a tensor that no operator produced"
        raise InputError(build.slots.file, problem, key="tensor")
    return segment


def levels_of_links(build: Build, alignment: Alignment, link: Integers) -> Integers:
    """Return the tree edges between the ends of the link of each slot."""
    used, slot = np.unique(link, return_inverse=True)
    src, dst = alignment.sender[used], build.links.dst[used]
    outside = (alignment.tree.depth[src] == NONE) & (alignment.tree.depth[dst] == NONE)
    wrong = np.flatnonzero((alignment.root[src] != alignment.root[dst]) & ~outside)
    if len(wrong):
        number = int(used[wrong[0]])
        ends = f"nodes {build.links.src[number]} and {build.links.dst[number]} of link {number}"
        problem = f"{ends} hang from different roots, so they never agree"
        raise InputError(build.chips.file, problem, key="hac_parent")
    return alignment.tree.levels_between(src, dst)[slot]
