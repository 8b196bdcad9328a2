"""Vectors that begin or end at a chip, where only some may in a cycle (R7).

Let z read N_x vectors of each holder x, different vectors for different holders, and let Z be a set of holders. The
vectors of Z end at z no earlier than the least way w from Z to z, so in the cycles w .. T, of which each ends e of them
at most: e (T - w + 1) >= N_Z. The same holds for what begins at a holder, with time reversed, and e P >= N_Z in each
period P. For one holder, N_x vectors end (or begin) at z even if they are sums: what is sent from a chip as a part of a
sum was summed there, or is the summand itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from lpxsched.schedule.bounds.ends import Entering
    from lpxsched.schedule.bounds.view import View


def ending_cycles(view: View, end: Entering, limit: int) -> int:
    """Return the bound of the makespan by what ends at a reader, at most `limit` vectors a cycle."""
    network = view.network
    way = network.into(np.array([end.reader]))[0][end.holders] - network.between_cycles
    vectors = view.wants.vectors[end.holders, end.reader]
    single = way + -(-vectors // limit) - 1
    several = way[end.sets - 1] + -(-np.cumsum(vectors)[end.sets - 1] // limit) - 1
    return int(max(single.max(initial=0), several.max(initial=0)))


def ending_period(view: View, reader: int, limit: int) -> int:
    """Return the bound of the period by what ends at a reader, at most `limit` vectors a cycle."""
    wanted = view.wants.vectors[:, reader]
    return int(-(-(wanted.sum() if view.wants.holders_differ else wanted.max()) // limit))
