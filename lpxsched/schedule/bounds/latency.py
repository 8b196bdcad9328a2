"""The shortest way from a holder to its reader.

A vector, or a sum with it inside, that comes from holder x to reader z makes hops along some way from x to z. Each hop
takes hop_b cycles from departure to read at least, and between two hops lies the turnaround: what is added on the way
leaves no earlier than a turnaround and the sum after its read (R2). So z reads it no earlier than the least cost of a
way from x to z, less the turnaround after its last hop. `view` proves how a sum adds to this.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from lpxsched.compiled.kernels import Integers
    from lpxsched.schedule.bounds.view import View


def latency(view: View, readers: Integers) -> int:
    """Return a bound of the makespan by the farthest holder of some readers."""
    network = view.network
    read = network.into(readers)[:, : view.wants.width] - network.between_cycles
    complete = np.minimum(view.holder_complete, view.reader_complete[readers][:, None])
    ended = view.ended(read, complete)
    return int(ended[view.wants.vectors.T[readers] > 0].max(initial=0))
