"""R8 reads: for all clocks within the specification every vector has arrived before its read.

Nearly all slots are proved a link at a time. Let W = latency + late + levels residual, all in cycles, and T the
longest time of the frame from a deskew to a read. Where one deskew aligned both ends and

    read - depart >= v + W + crossing + 2 rho T / slow + 2 max(1, fast) X(T),

every vector of the slot is in time: its latest arrival (see ``hops``) exceeds P + W + crossing by at most 2 rho P /
slow + rho W + fast (X(P) + X(R)), where rho W <= 2 rho W / slow, and P + W <= R <= T. (With one oscillator they
stray by X(R - P) + ramp P (R - P), X(R) at most.) Without drift the condition is exact. Other slots are judged one by
one, in exact arithmetic: but for what clocks stray the slack of vector k is the least of functions linear in k, hence
concave in k, hence least at the first or last vector; strays grow with k, so the last vector's count for both.
"""

from __future__ import annotations

from fractions import Fraction
from itertools import chain
from typing import TYPE_CHECKING

import numpy as np

from lpxsched.units import NONE, ceil_cycles, counted
from lpxsched.verify.buffers import overfull
from lpxsched.verify.clock import limits_of
from lpxsched.verify.hops import exact_arrivals, hops_to_chips
from lpxsched.verify.order import out_of_order
from lpxsched.verify.presence import slots_by_link
from lpxsched.verify.tree import domain_violations, tree_violations
from lpxsched.verify.violation import Violation, cycles_text, named_link, rows_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lpxsched.timetable.build import Build
    from lpxsched.timetable.columns import Flags
    from lpxsched.verify.clock import Limits
    from lpxsched.verify.hops import Hops

RULE = "R8"


def read_violations(build: Build) -> list[Violation]:
    """Return every slot and every part of the tree that breaks R8."""
    of_links = [_of_links(build, hops_to_chips(build, slots)) for slots in slots_by_link(build)]
    disordered, strangers, late, full = (chain.from_iterable(found) for found in zip(*of_links, strict=True))
    aligned = domain_violations(build) if limits_of(build).align else ()
    return [*tree_violations(build), *disordered, *aligned, *strangers, *late, *full]


def _of_links(build: Build, hops: Hops) -> tuple[list[Violation], ...]:
    """Return what is out of order, between strangers, late, and too much for a buffer, of all slots of some links."""
    limits, disordered, strangers = limits_of(build), list(out_of_order(build, hops)), list[Violation]()
    if limits.align:
        strangers = list(_strangers(build, hops))
        hops = hops.take(np.flatnonzero(hops.levels != NONE))
    return disordered, strangers, list(_late(build, hops, limits)), list(overfull(build, hops, limits))


def _strangers(build: Build, hops: Hops) -> Iterator[Violation]:
    """Yield links that carry slots between chips of no one tree."""
    lost, first = np.unique(hops.link[hops.levels == NONE], return_index=True)
    slots = hops.slot[hops.levels == NONE][first]
    for link, slot in zip(lost.tolist(), slots.tolist(), strict=True):
        ends = named_link(build, link)
        message = f"link {link} ({ends}) carries slots, but no one tree of counters holds both ends: they never agree"
        yield Violation(RULE, message, (*rows_of(build.links, link), *rows_of(build.slots, slot)))


def _late(build: Build, hops: Hops, limits: Limits) -> Iterator[Violation]:
    open_hops = hops.take(np.flatnonzero(~_proved(build, hops, limits)))
    first, last = np.zeros_like(open_hops.vectors), open_hops.vectors - 1
    slacks = []
    for vector in (first, last):
        arrivals = exact_arrivals(open_hops, vector, limits)
        slacks.append(arrivals.due - arrivals.latest)
    worst = np.where(slacks[1] < slacks[0], last, first)
    slack = np.minimum(*slacks)
    for row in np.flatnonzero(slack < 0).tolist():
        link, slot, levels = open_hops.link[row], int(open_hops.slot[row]), open_hops.levels[row]
        late = cycles_text(Fraction(-slack[row], arrivals.parts))
        message = (
            f"a slot on link {link} ({named_link(build, link)}) that departs at {open_hops.depart[row]} is read at "
            f"{open_hops.read[row]}: its vector {worst[row]} may come {late} cycles late, "
            f"{counted(levels, 'level')} apart"
        )
        yield Violation(RULE, message, rows_of(build.slots, slot))


def _proved(build: Build, hops: Hops, limits: Limits) -> Flags:
    """Return whether the condition of the module's docstring proves each slot."""
    frame = build.segments.frame[hops.segment]
    longest = np.zeros(len(build.frames), dtype=np.int64)
    np.maximum.at(longest, frame, hops.last_read + 1 - hops.realigned)
    kind = np.full(len(build.links), NONE, dtype=np.int64)
    columns = (hops.latency, hops.vector_time, hops.denominator, hops.levels, longest[frame], hops.late)
    at_once = np.flatnonzero(hops.at_once)
    # One slot stands for its link. Should another frame use the link as well, R1 tells so.
    kind[hops.link[at_once]] = at_once
    used = kind[kind != NONE]
    kinds, of_link = np.unique(np.stack([column[used] for column in columns]), axis=1, return_inverse=True)
    needs = [_needed(limits, *column) for column in kinds.T.tolist()]
    need = np.full(len(build.links), np.iinfo(np.int64).max, dtype=np.int64)
    need[hops.link[used]] = np.array(needs, dtype=np.int64)[of_link]
    return np.asarray(hops.at_once & (hops.read - hops.depart >= need[hops.link]))


def _needed(
    limits: Limits, latency: int, numerator: int, denominator: int, levels: int, longest: int, late: int
) -> int:
    """Return the cycles from departure to read that prove a slot, rounded up."""
    wires = latency + limits.lates_cycles[late] + max(0, levels) * limits.residual_cycles
    wander = max(Fraction(1), limits.fastest) * limits.wander_cycles(longest)
    drift = 2 * (limits.rho * longest / limits.slowest + wander)
    return ceil_cycles(Fraction(numerator, denominator) + wires + limits.crossing_cycles + drift)
