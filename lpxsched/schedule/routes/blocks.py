"""How demands are cut into blocks: what travels as one slot on one link, and is summed by one operator.

Long blocks keep a stream at the exact rate of its link, short ones let a sum and the next hop start early. Which cut
is best depends on lanes and on pipeline latencies, so several are tried; see `solve_layer`.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from lpxsched.schedule.policy import BLOCK_RUNS, MOST_BLOCKS
from lpxsched.schedule.symmetry.quotient import Blocks
from lpxsched.units import NONE

if TYPE_CHECKING:
    from lpxsched.schedule.problem.instance import Instance


@dataclass(frozen=True, slots=True)
class Cut:
    """A rule that cuts demands into blocks: copied ones into blocks of a longest length, summed ones into growing ones.

    Of these each so many `lanes` are of equal length, then `growth` times that; all where there are 0 lanes.
    """

    copy_vectors: int
    reduce_vectors: int
    lanes: int = 0
    growth: int = 1

    def lengths(self, vectors: int, *, reduction: bool) -> list[int]:
        """Return the lengths of the blocks of a demand of `vectors` vectors."""
        length, rest, lengths = self.reduce_vectors if reduction else self.copy_vectors, vectors, []
        while rest:
            lengths.append(min(length, rest))
            rest -= lengths[-1]
            if reduction and self.lanes and len(lengths) % self.lanes == 0:
                length *= self.growth
        return lengths


def cut_blocks(instance: Instance, cut: Cut) -> Blocks:
    """Return the blocks of all demands under a rule."""
    rows = []
    for demand, vectors in enumerate(instance.demand_vectors.tolist()):
        first = 0
        for length in cut.lengths(vectors, reduction=instance.is_reduction(demand)):
            rows.append((demand, first, length))
            first += length
    piece, starts, lengths = np.array(rows, dtype=np.int64).reshape(-1, 3).T.copy()
    return Blocks(piece, starts, lengths, instance.demand_root[piece], np.full_like(piece, NONE))


def candidate_cuts(instance: Instance) -> list[Cut]:
    """Return the cuts worth trying, long blocks first: whole streams, equal blocks, and growing blocks.

    Blocks grow since a link drains slower than several lanes fill it: while the first blocks drain, longer ones
    arrive. The less faster it is filled, the slower they should grow: see `slower_cuts`.
    """
    longest = int(instance.demand_vectors.max(initial=1))
    lanes = sorted({int(lanes) for lanes in instance.network.lanes})
    copies = [length for length in (longest, -(-longest // 2), 1) if length]
    reductions = [(2**power, 0, 1) for power in range(longest.bit_length())]
    reductions += [(first, lane, growth) for first in (1, 2) for lane in lanes for growth in (2, 3, 4)]
    cuts = [Cut(copy, *reduction) for copy in dict.fromkeys(copies) for reduction in dict.fromkeys(reductions)]
    return _small(instance, cuts)


def slower_cuts(instance: Instance) -> list[Cut]:
    """Return further cuts for solvers that can afford them: whole streams, and blocks that grow after longer runs."""
    longest = int(instance.demand_vectors.max(initial=1))
    cuts = [Cut(longest, first, run, growth) for first in (1, 2) for run in BLOCK_RUNS for growth in (2, 3, 4)]
    return _small(instance, cuts)


def _small(instance: Instance, cuts: list[Cut]) -> list[Cut]:
    """Return the cuts that do not make too many blocks, or of too large ones the smallest."""
    sizes = [_count(instance, cut) for cut in cuts]
    small = [cut for cut, size in zip(cuts, sizes, strict=True) if size <= MOST_BLOCKS]
    return small or [cuts[int(np.argmin(sizes))]]


def _count(instance: Instance, cut: Cut) -> int:
    """Return the number of blocks of all demands."""
    kinds = Counter(zip(instance.demand_vectors.tolist(), (instance.demand_leaves.counts > 1).tolist(), strict=True))
    return sum(number * len(cut.lengths(vectors, reduction=is_sum)) for (vectors, is_sum), number in kinds.items())
