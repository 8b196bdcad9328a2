"""R2 causality, second part: a sum pays like a relay.

The result of a sum leaves its chip no earlier than a relayed vector that is added on the way would: for each operand
that arrived, the read of its last vector there plus the turnaround of the chip plus the duration of the sum. An
operand that is the result of a sum made on the same chip counts with its own earliest departure. On its chip the
result is there at the end of the sum.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lpxsched.timetable.columns import REDUCE
from lpxsched.units import NONE
from lpxsched.verify.partition import ADD
from lpxsched.verify.presence import arrivals, moved_operands, reads
from lpxsched.verify.ranges import latest, taken

if TYPE_CHECKING:
    from lpxsched.timetable.build import Build
    from lpxsched.timetable.columns import Integers


def leaving_cycles(build: Build) -> Integers:
    """Return the earliest cycle in which what each operator produced may leave its chip."""
    operators, operands = build.operators, build.operands
    leave = operators.start + operators.cycles
    moved = moved_operands(build)
    summands = np.flatnonzero((operands.role[moved] == REDUCE) & (operators.kind == ADD)[operands.operator[moved]])
    if not len(summands):
        return leave
    add, tensor = operands.operator[moved[summands]], operands.tensor[moved[summands]]
    turned = latest(taken(reads(build), summands), arrivals(build, relay=True))
    arrived = np.flatnonzero(turned != NONE)
    np.maximum.at(leave, add[arrived], turned[arrived] + operators.cycles[add[arrived]])
    producer = build.tensors.producer[tensor]
    here = (producer >= 0) & (build.tensors.chip[tensor] == operators.chip[add])
    chained = np.flatnonzero(here & np.append(operators.kind == ADD, False)[producer])
    return _chained(leave, producer[chained], add[chained], operators.cycles[add[chained]])


def _chained(leave: Integers, before: Integers, after: Integers, cycles: Integers) -> Integers:
    """Let each sum `after` leave no earlier than `before` and its own cycles, along whole chains.

    A chain is no longer than there are sums; R5 tells of sums in a circle.
    """
    for _ in range(len(np.unique(after))):
        last = leave.copy()
        np.maximum.at(leave, after, leave[before] + cycles)
        if np.array_equal(leave, last):
            break
    return leave
