r"""The slots that bring vectors to chips, and by how much clocks may shift their arrivals, in exact arithmetic.

Node i has a clock of mean rate 1 - d/2 + delta_i, |delta_i| <= rho, and counts program time with it; in q cycles after
a deskew it strays from that by X(q) at most (see ``clock``). Let P be the program time from the sender's last deskew to
the end of the serialisation of vector k, R that from the receiver's last deskew to its read, D from the one deskew to
the other (0 for most slots), L the latency, and e the difference of the two alignments, at most levels x residual. With
slow = 1 - d/2 - rho and fast = 1 - d/2 + rho the vector is there in true time after the receiver's deskew at

    A = e + P / rate_src - D / rate_root + L + j + strays,     -early <= j <= late,

and in the receiver's cycles at rate_dst A, plus what crossing to its clock takes. All errors are free within their
limits, and A is monotone in each, so the latest and earliest arrival stand at corners:

    latest   max(slow A, fast A) + crossing,  A = L + late + levels residual + X + P / slow - D / fast
    earliest min(slow A, fast A),             A = L - early - levels residual - X + P / fast - D / slow

with X = X(P) + X(R), of the root X(D) too, rounded up to a thousandth of a cycle.
(P < 0, before the first deskew, swaps its two corners; R9 tells that as well.) Where a frame repeats, the iteration
counts that begins longest after its deskew. Both deskews of a slot are those
before its first vector: R9 lets no deskew meet a slot. Aligned by one deskew, the ends differ by the tree edges between
them, since what both share from their nearest common ancestor upwards cancels; by two deskews, by both depths. A lane
of a host follows the chip at its other end: it hangs from it by one edge of its own.

Ends that one deskew aligned and that count with one oscillator go alike until the vector is sent, when its rate has
moved by ramp P. Until R it strays by S = X(R - P) + ramp P (R - P) at most: with C = L + late + levels residual + S the
vector comes at P + max(slow C, fast C) + crossing at the latest, and with c = L - early - levels residual - S at P +
min(slow c, fast c) at the earliest.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import lru_cache
from math import lcm
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from lpxsched.units import NONE, ceil_cycles
from lpxsched.verify.clock import limits_of
from lpxsched.verify.deskews import last_deskew
from lpxsched.verify.each_period import aligned_by, deskewed_each_period
from lpxsched.verify.frames import turns
from lpxsched.verify.gaps import since_deskew
from lpxsched.verify.oscillators import oscillator_of
from lpxsched.verify.presence import pitches, slot_segments
from lpxsched.verify.tree import Tree

if TYPE_CHECKING:
    from lpxsched.timetable.build import Build
    from lpxsched.timetable.columns import Flags, Integers
    from lpxsched.verify.clock import Limits

# Strays are rounded up to such parts of a cycle.
STRAY_PARTS = 1000

Exact = NDArray[np.object_]


@dataclass(frozen=True, slots=True, eq=False)
class Hops:
    """Slots to chips, one a row.

    Attributes
    ----------
    slot, link, segment, vectors, depart, read, latency : ndarray of int64, shape (hops,)
    vector_time, pitch, denominator : ndarray of int64, shape (hops,)
        v and the time from one vector to the next, both over `denominator`.
    aligned, realigned : ndarray of int64, shape (hops,)
        End of the last deskew before vector 0 leaves, and before it is read; 0 where there is none, below 0 where
        it lies before the iteration.
    late : ndarray of int64, shape (hops,)
        Place in `Limits.lates_cycles` of how much longer the link may take.
    levels : ndarray of int64, shape (hops,)
        Residuals by which both alignments can differ; `NONE` where no one tree holds both ends.
    shared : ndarray of bool, shape (hops,)
        Both ends count with one oscillator.
    """

    slot: Integers
    link: Integers
    segment: Integers
    vectors: Integers
    depart: Integers
    read: Integers
    latency: Integers
    vector_time: Integers
    pitch: Integers
    denominator: Integers
    aligned: Integers
    realigned: Integers
    late: Integers
    levels: Integers
    shared: Flags

    def __len__(self) -> int:
        return len(self.slot)

    @property
    def at_once(self) -> Flags:
        """Whether one deskew aligned both ends."""
        return np.asarray(self.aligned == self.realigned)

    @property
    def last_read(self) -> Integers:
        """The cycle in which the last vector is read."""
        return self.read + (self.vectors - 1) * self.pitch // self.denominator

    def take(self, rows: Integers) -> Hops:
        """Return some of the hops."""
        return Hops(*(getattr(self, field.name)[rows] for field in fields(Hops)))


def hops_to_chips(build: Build, rows: Integers) -> Hops:
    """Return those of some slots that go to chips and whose segment is known."""
    slots, links, deskews = build.slots, build.links, build.deskews
    slot = rows[(slot_segments(build, rows) >= 0) & ~build.chips.host[links.dst[slots.link[rows]]]]
    link, segment = slots.link[slot], slot_segments(build, slot)
    end, of_node = deskews.cycle + deskews.stall, oscillator_of(build)
    ends = np.append(end, 0)
    # In frames that repeat one deskew, before the iteration, aligned both ends, or one that comes in every period.
    frame, repeats, before = (
        build.segments.frame[segment],
        turns(build).period[segment] > 0,
        -since_deskew(build)[segment],
    )
    numerator, denominator = pitches(build)
    each, moments = deskewed_each_period(build)[frame], (slots.depart[slot], slots.read[slot])
    aligned, realigned = (
        np.where(
            each,
            aligned_by(build, segment, moment),
            np.where(repeats, before, ends[last_deskew(deskews, end, frame, moment)]),
        )
        for moment in moments
    )
    return Hops(
        slot=slot,
        link=link,
        segment=segment,
        vectors=slots.vectors[slot],
        depart=slots.depart[slot],
        read=slots.read[slot],
        latency=links.latency_cycles[link],
        vector_time=links.vector_time_numerator[link],
        pitch=numerator[link],
        denominator=denominator[link],
        aligned=aligned,
        realigned=realigned,
        late=_lates(build)[link],
        levels=np.where(aligned == realigned, *(levels[link] for levels in _levels(build))),
        shared=(of_node[links.src] == of_node[links.dst])[link],
    )


@lru_cache(maxsize=1)
def _lates(build: Build) -> Integers:
    return limits_of(build).late_of(build.links.link_class)


@lru_cache(maxsize=1)
def _levels(build: Build) -> tuple[Integers, Integers]:
    """Return the residuals between both ends of each link to a chip, aligned by one deskew and by two."""
    tree, src, dst = Tree.of(build), build.links.src, build.links.dst
    from_host = build.chips.host[src]
    together = tree.levels_between(np.where(from_host, dst, src), dst)
    apart = np.where(from_host, tree.depth[dst], tree.depth[src]) + tree.depth[dst]
    return (
        np.where(together == NONE, NONE, together + from_host),
        np.where(together == NONE, NONE, apart + from_host),
    )


@dataclass(frozen=True, slots=True, eq=False)
class Arrivals:
    """Exact times of some vectors, counted from the receiver's deskew, as whole numbers of parts of a cycle."""

    due: Exact
    latest: Exact
    earliest: Exact
    parts: int


def exact_arrivals(hops: Hops, vector: Integers, limits: Limits) -> Arrivals:
    """Return when vector k of each slot is read, and the latest and earliest time at which it may arrive.

    With slow = l / n and fast = u / n all is whole in parts of 1 / (unit l u n).

    Parameters
    ----------
    hops : Hops
    vector : ndarray of int64, shape (hops,)
        The k of each slot.
    limits : Limits
    """
    n = lcm(limits.slowest.denominator, limits.fastest.denominator)
    slow, fast = int(limits.slowest * n), int(limits.fastest * n)
    errors = (limits.residual_cycles, limits.early_cycles, limits.crossing_cycles, *limits.lates_cycles)
    unit = lcm(*np.unique(hops.denominator).tolist(), *(error.denominator for error in errors))
    unit = lcm(unit, STRAY_PARTS) if limits.wanders else unit
    residual, early, crossing, *lates = (int(error * unit) for error in errors)
    scale = unit // hops.denominator.astype(object)
    passed = vector.astype(object) * hops.pitch * scale
    sent = (hops.depart - hops.aligned).astype(object) * unit + passed + hops.vector_time * scale
    due = (hops.read - hops.realigned).astype(object) * unit + passed
    apart = hops.realigned - hops.aligned
    # Those of the slot's last vector, which has strayed most.
    ends = (hops.vectors - 1 - vector).astype(object) * hops.pitch * scale
    strays = _strays(limits, unit, (sent + ends) // unit + 1, (due + ends) // unit + 1, apart)
    latency, errs = hops.latency.astype(object) * unit, hops.levels.astype(object) * residual + strays
    between, late = apart.astype(object) * unit, np.array(lates, dtype=object)[hops.late]
    forth = sent >= 0
    latest = slow * fast * (latency + late + errs) + n * np.where(forth, fast, slow) * sent - n * slow * between
    earliest = slow * fast * (latency - early - errs) + n * np.where(forth, slow, fast) * sent - n * fast * between
    whole = slow * fast * n
    latest = np.where(latest >= 0, fast, slow) * latest
    earliest = np.where(earliest >= 0, slow, fast) * earliest
    together = hops.shared & hops.at_once
    if together.any():
        way, before = np.maximum(due - sent, 0) // unit + 1, np.abs(sent + ends) // unit + 1
        errs = errs - strays + _strays_on_way(limits, unit, way, before)
        last, first = latency + late + errs, latency - early - errs
        on_way = (
            slow * fast * np.where(last >= 0, fast, slow) * last,
            slow * fast * np.where(first >= 0, slow, fast) * first,
        )
        latest = np.where(together, whole * sent + on_way[0], latest)
        earliest = np.where(together, whole * sent + on_way[1], earliest)
    return Arrivals(whole * due, latest + whole * crossing, earliest, unit * whole)


def _strays(limits: Limits, unit: int, *intervals: Exact | Integers) -> Exact:
    """Return by how much clocks stray from their mean rates in some intervals each, in all, in parts, rounded up."""
    strays = np.zeros(len(intervals[0]), dtype=object)
    if not limits.wanders:
        return strays
    for column in intervals:
        lengths, place = np.unique(np.abs(column).astype(np.int64), return_inverse=True)
        whole = [ceil_cycles(limits.wander_cycles(length) * STRAY_PARTS) for length in lengths.tolist()]
        strays += np.array(whole, dtype=object)[place.reshape(-1)] * (unit // STRAY_PARTS)
    return strays


def _strays_on_way(limits: Limits, unit: int, way: Exact, before: Exact) -> Exact:
    """Return by how much one clock strays in a time, so long after its deskew, in parts, rounded up."""
    if not limits.wanders:
        return np.zeros(len(way), dtype=object)
    pairs, place = np.unique(np.stack([way, before]).astype(np.int64), axis=1, return_inverse=True)
    whole = [
        ceil_cycles((limits.wander_cycles(length) + limits.ramp * since * length) * STRAY_PARTS)
        for length, since in pairs.T.tolist()
    ]
    return np.array(whole, dtype=object)[place.reshape(-1)] * (unit // STRAY_PARTS)
