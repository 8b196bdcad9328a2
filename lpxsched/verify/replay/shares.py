"""Blocks of columns of experts, as shards hold them and runs read them; derived apart from the rules of `check`."""

from __future__ import annotations

from collections import Counter
from fractions import Fraction
from itertools import chain, repeat
from math import ceil
from typing import TYPE_CHECKING

from lpxsched.units import ceil_div, exact

if TYPE_CHECKING:
    from lpxsched.timetable.documents import GraphOperator

RUN_BLOCKS = "run_blocks"
# Of more blocks nothing is replayed.
MOST_BLOCKS = 1 << 22


def parts_of(expert: GraphOperator, experts: int, width: int) -> list[tuple[int, ...]]:
    """Return the experts of each of so many shards, each as often as runs read it for the same rows.

    The blocks of all experts are dealt one after the other. Nothing where shares or runs are those of other blocks.
    """
    each, at_once = ceil_div(expert.columns, expert.column_block), expert.sizes[RUN_BLOCKS]
    if not at_once or experts * each > MOST_BLOCKS or not _reads_as_told(expert):
        return []
    every = list(chain.from_iterable(repeat(number, each) for number in range(experts)))
    held = [every[shard::width] for shard in range(width)]
    if [columns for _, columns, _ in expert.shares or ()] != [len(one) * expert.column_block for one in held]:
        return []
    return [
        tuple(chain.from_iterable(repeat(number, ceil_div(blocks, at_once)) for number, blocks in Counter(one).items()))
        for one in held
    ]


def _reads_as_told(expert: GraphOperator) -> bool:
    """Return whether a run reads as many bytes as lie on a shard of as many columns."""
    kept = sum((exact(term.per_column) for resident in expert.resident for term in resident.terms), Fraction(0))
    read = sum((exact(term.per_run) for term in expert.work if term.counts == "bytes"), Fraction(0))
    return read == ceil(kept * expert.column_block * expert.sizes[RUN_BLOCKS])
