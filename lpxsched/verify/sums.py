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
from lpxsched.verify.presence import arrivals, places, reads
from lpxsched.verify.ranges import latest

if TYPE_CHECKING:
    from lpxsched.timetable.build import Build
    from lpxsched.timetable.columns import Integers


def leaving_cycles(build: Build) -> Integers:
    """Return the earliest cycle in which what each operator produced may leave its chip."""
    operators, operands, producer = build.operators, build.operands, build.tensors.producer
    leave, adds = operators.start + operators.cycles, np.append(operators.kind == ADD, False)
    summed, chains = adds[operands.operator] & (operands.role == REDUCE), []
    for place in places(build) if adds.any() else ():
        rows = place.read[summed[place.read]]
        add, tensor = operands.operator[rows], operands.tensor[rows]
        turned = latest(reads(build, rows), arrivals(build, place.arriving, relay=True))
        arrived = np.flatnonzero(turned != NONE)
        np.maximum.at(leave, add[arrived], turned[arrived] + operators.cycles[add[arrived]])
        here = (producer[tensor] >= 0) & (build.tensors.chip[tensor] == operators.chip[add])
        chained = np.flatnonzero(here & adds[producer[tensor]])
        chains.append(np.stack([producer[tensor[chained]], add[chained]]))
    if not chains:
        return leave
    before, after = np.concatenate(chains, axis=1)
    return _chained(leave, before, after, operators.cycles)


def _chained(leave: Integers, before: Integers, after: Integers, cycles: Integers) -> Integers:
    """Let each sum `after` leave no earlier than `before` and its own of all operators' cycles, along whole chains.

    A chain is no longer than there are sums; R5 tells of sums in a circle.
    """
    for _ in range(len(np.unique(after))):
        last = leave.copy()
        np.maximum.at(leave, after, leave[before] + cycles[after])
        if np.array_equal(leave, last):
            break
    return leave
