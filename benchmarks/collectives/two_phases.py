"""All-reduce in two phases over direct links: reduce-scatter, then all-gather, as Abts et al., ISCA 2022, have it.

Every chip sends share j of the tensor straight to chip j, which adds the shares up block by block and sends each sum
straight to all others. Every link carries its part of both phases one behind the other, so blocks of the second phase
leave while the last blocks of the first are still on their way.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from lpxsched.schedule.result import Schedule, Sums

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from lpxsched.schedule.problem.instance import Instance

# Blocks a share is cut into: few leave links idle while a block is added, each costs a rounding of the time on a link.
BLOCKS = (1, 2, 4, 8, 16, 32)


class Block(NamedTuple):
    """Part of a share: where all shares of it are summed, and when they leave, are summed, and leave as a sum."""

    chip: int
    first: int
    vectors: int
    departs: int
    start: int
    cycles: int
    departs_again: int


def two_phases(problem: Instance) -> Schedule:
    """Return the shortest such schedule over all cuts of a share.

    Parameters
    ----------
    problem : Instance
        An all-reduce on chips that are fully connected by equal links, one for each ordered pair.
    """
    return min((_cut_into(problem, count) for count in BLOCKS), key=lambda schedule: schedule.makespan_cycles)


def _cut_into(problem: Instance, count: int) -> Schedule:
    width, vectors = problem.network.width, problem.stage.vectors
    shares = [(vectors * chip // width, vectors * (chip + 1) // width) for chip in range(width)]
    cuts = [_cuts(*share, count) for share in shares]
    # No link has to carry the second phase before all have carried the first.
    second_phase = max(sum(_hold(problem, length) for _, length in lengths) for lengths in cuts)
    blocks = [block for chip in range(width) for block in _blocks(problem, chip, cuts[chip], second_phase)]
    return _schedule(problem, blocks)


def _cuts(begin: int, end: int, count: int) -> list[tuple[int, int]]:
    """Return first vector and length of each part that is not empty."""
    ends = [begin + (end - begin) * part // count for part in range(count + 1)]
    return [(first, after - first) for first, after in pairwise(ends) if after > first]


def _blocks(problem: Instance, chip: int, cuts: list[tuple[int, int]], second_phase: int) -> list[Block]:
    blocks = []
    departs, unit, link = 0, 0, second_phase
    for first, vectors in cuts:
        start = max(unit, departs + _last_read(problem, vectors))
        cycles = problem.add_cost.cycles(problem.network.width, vectors)
        unit = start + cycles
        link = max(link, unit)
        blocks.append(Block(chip, first, vectors, departs, start, cycles, link))
        departs += _hold(problem, vectors)
        link += _hold(problem, vectors)
    return blocks


def _hold(problem: Instance, vectors: int) -> int:
    return int(problem.network.hold_cycles(vectors)[0])


def _last_read(problem: Instance, vectors: int) -> int:
    """Return from a departure to the cycle by which all vectors are read."""
    return int(problem.network.hop_cycles[0]) + _hold(problem, vectors - 1)


def _schedule(problem: Instance, blocks: list[Block]) -> Schedule:
    width = problem.network.width
    ends = zip(problem.network.source.tolist(), problem.network.destination.tolist(), strict=True)
    bundle = {pair: number for number, pair in enumerate(ends)}
    slots, operands, reads = [], [], []
    for number, block in enumerate(blocks):
        others = [other for other in range(width) if other != block.chip]
        total = 2 * width + number
        slots += [(other, block.first, block.vectors, bundle[other, block.chip], block.departs) for other in others]
        slots += [(total, 0, block.vectors, bundle[block.chip, other], block.departs_again) for other in others]
        operands += [(number, other, block.first) for other in range(width)]
        reads += [(width + other, total, 0, block.vectors) for other in range(width)]
    value, first, vectors, over, departs = _columns(slots, 5)
    node, block_first, block_vectors, _, start, cycles, _ = _columns(blocks, 7)
    complete = np.ones(len(blocks), dtype=np.bool_)
    delivered = np.zeros(2 * width, dtype=np.int64)
    for block in blocks:
        there = np.full(width, block.departs_again + _last_read(problem, block.vectors))
        there[block.chip] = block.start + block.cycles
        delivered[width:] = np.maximum(delivered[width:], there)
    reader, read, read_first, read_vectors = _columns(reads, 4)
    return Schedule(
        makespan_cycles=int(delivered.max()),
        period_cycles=0,
        operator_start=delivered,
        slot_value=value,
        slot_first=first,
        slot_vectors=vectors,
        slot_bundle=over,
        slot_lane=np.zeros(len(slots), dtype=np.int64),
        slot_depart=departs,
        sums=Sums(
            node, start, cycles, np.zeros_like(node), block_first, block_vectors, complete, *_columns(operands, 3)
        ),
        read_operator=reader,
        read_value=read,
        read_first=read_first,
        read_vectors=read_vectors,
    )


def _columns(rows: Sequence[tuple[int, ...]], count: int) -> list[NDArray[np.int64]]:
    return list(np.array(rows, dtype=np.int64).reshape(-1, count).T.copy())
