"""R9 deskew, fourth part: chips that poll know in one cycle whether all rows are there, and when a pass is over.

A pass begins with the deskew of its segment. Each host sends a vector that says whether its rows are there (kind
`flags`), and in one cycle every chip that acts in the segment has read those of all hosts and branches (kind `branch`).
If a flag is missing chips issue nothing from that cycle on. What left before is read when the rows say so, and all that
hosts send, whose lanes follow their chips and whom nobody tells. A slot that leaves before that cycle carries what
left, was read and was summed before it, so all that is still read has been sent. What operators make is written anew by
the next pass, the step's own rows of keys, values and latents too, before anything reads them; so none may start before
its chip branches that writes what it has read of a user, a state for one, in its place.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import product
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from lpxsched.units import NONE
from lpxsched.verify.blocks import Grouped, grouped
from lpxsched.verify.demand import BRANCH, FLAGS
from lpxsched.verify.presence import pitches, slot_segments
from lpxsched.verify.violation import Violation, named, rows_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from lpxsched.timetable.build import Build
    from lpxsched.timetable.columns import Flags, Integers

RULE = "R9"
# What a step makes, in its place, of what the step before left there: a void pass would be one more step of it.
IN_PLACE = frozenset({"state", "convolution", "tokens"})


class _Segment(NamedTuple):
    """Rows of a segment: its slots, its operators, those of them that branch; and the cycle in which the last does."""

    number: int
    slots: Integers
    operators: Integers
    branches: Integers
    branch_cycle: int


def polled_segments(build: Build) -> Flags:
    """Return whether the chips of each segment poll its hosts for rows: not where they begin anew every period."""
    resident, graph = build.chips.resident, build.graph
    groups = [graph.groups_of(segment) for segment in range(len(build.segments))]
    polled = [any(group.hosts and resident[group.chips].any() for group in of_segment) for of_segment in groups]
    on_demand: Flags = build.frames.period_cycles[build.segments.frame] == 0
    return on_demand & np.array(polled, dtype=np.bool_)


def pass_ends(build: Build) -> NDArray[np.object_]:
    """Return the first cycle in which nothing of a pass without all flags happens, by segment; 0 if none polls."""
    slots, links, host = build.slots, build.links, build.chips.host
    numerator, denominator = pitches(build)
    ends = np.zeros(len(build.segments), dtype=object)
    for segment in _polled(build):
        mine = segment.slots
        rows = mine[(slots.depart[mine] < segment.branch_cycle) | host[links.src[slots.link[mine]]]]
        link, vectors = slots.link[rows], slots.vectors[rows]
        read = slots.read[rows] + (vectors - 1) * numerator[link] // denominator[link] + 1
        held = slots.depart[rows] - (-vectors * numerator[link] // denominator[link])
        last = np.where(host[links.dst[link]], held, read).max(initial=0)
        ends[segment.number] = max(segment.branch_cycle + 1, int(last))
    return ends


def polling_violations(build: Build) -> Iterator[Violation]:
    """Yield chips that branch without a flag, not when the others do, or too late for what they keep."""
    operators, polled = build.operators, polled_segments(build)
    idle = np.isin(operators.kind, (FLAGS, BRANCH)) & ~polled[operators.segment]
    for row in np.flatnonzero(idle).tolist():
        message = f"operator {row} ({operators.kind[row]}) is of segment {operators.segment[row]}, where nothing polls"
        yield Violation(RULE, message, rows_of(operators, row))
    read = _flags_read(build)
    for segment in _polled(build):
        yield from _chips(build, segment)
        hosts = sorted({host for group in build.graph.groups_of(segment.number) for host in group.hosts})
        for row, host in product(segment.branches.tolist(), hosts):
            if (row, host) not in read:
                message = f"operator {row} ({BRANCH}) reads no flag of {named(build, host)}"
                yield Violation(RULE, message, rows_of(operators, row))
        yield from _in_place(build, segment)


def _polled(build: Build) -> Iterator[_Segment]:
    """Yield the segments whose chips poll."""
    operators, polled = build.operators, np.flatnonzero(polled_segments(build)).tolist()
    if not polled:
        return
    slots, runs = _by_segment(build)
    for number in polled:
        own = runs.of(number, number + 1)
        branches = own[operators.kind[own] == BRANCH]
        last = int(operators.start[branches].max(initial=0))
        # Slots of no segment stand before those of the first one.
        yield _Segment(number, slots.of(number + 1, number + 2), own, branches, last)


@lru_cache(maxsize=1)
def _by_segment(build: Build) -> tuple[Grouped, Grouped]:
    """Return slots by one more than their segment, and operators by theirs."""
    count = len(build.segments)
    return grouped(slot_segments(build) + 1, count + 1), grouped(build.operators.segment, count)


def _chips(build: Build, segment: _Segment) -> Iterator[Violation]:
    """Yield chips that act in a segment and do not branch, cannot, or not when the last one does."""
    operators, links = build.operators, build.links
    link = build.slots.link[segment.slots]
    members = [chip for group in build.graph.groups_of(segment.number) for chip in group.members]
    acting = np.concatenate([members, operators.chip[segment.operators], links.src[link], links.dst[link]])
    chips = np.unique(acting[~build.chips.host[acting]])
    for chip in np.setdiff1d(chips, operators.chip[segment.branches]).tolist():
        message = f"segment {segment.number}: {named(build, chip)} acts in it and never branches on the flags of hosts"
        yield Violation(RULE, message, rows_of(build.segments, segment.number))
    for row in segment.branches[~build.chips.resident[operators.chip[segment.branches]]].tolist():
        message = f"operator {row} ({BRANCH}) runs on {named(build, int(operators.chip[row]))}, which cannot branch"
        yield Violation(RULE, message, rows_of(operators, row))
    for row in segment.branches[operators.start[segment.branches] != segment.branch_cycle].tolist():
        when = f"at cycle {operators.start[row]}, others at {segment.branch_cycle}: chips must decide in one cycle"
        yield Violation(RULE, f"operator {row} ({BRANCH}) branches {when}", rows_of(operators, row))


def _flags_read(build: Build) -> set[tuple[int, int]]:
    """Return the operators that branch, each with the hosts whose flags of its segment it reads."""
    operators, operands = build.operators, build.operands
    rows = np.flatnonzero((operators.kind == BRANCH)[operands.operator])
    maker, branch = build.tensors.producer[operands.tensor[rows]], operands.operator[rows]
    known = (maker != NONE) & (operators.kind[maker] == FLAGS)
    known &= operators.segment[maker] == operators.segment[branch]
    return set(zip(branch[known].tolist(), operators.chip[maker[known]].tolist(), strict=True))


def _in_place(build: Build, segment: _Segment) -> Iterator[Violation]:
    """Yield operators that may write what they read of users in a pass that is void."""
    keeping = {
        (operator.layer, operator.kind)
        for operator in build.graph.operators
        for one in operator.resident
        if one.name.rpartition(".")[2] in IN_PLACE
    }
    operators = build.operators
    early = segment.operators[operators.start[segment.operators] < segment.branch_cycle]
    for row in early.tolist():
        if (int(operators.layer[row]), str(operators.kind[row])) in keeping:
            when = f"starts at cycle {operators.start[row]}, chips branch at {segment.branch_cycle}"
            message = f"operator {row} ({operators.kind[row]}) writes in its place what it reads of users and {when}"
            yield Violation(RULE, message, rows_of(operators, row))
