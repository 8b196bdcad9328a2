"""Which summands enter each tensor: sums expanded down to leaves, one bit a shard, all sums of a depth at a time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from lpxsched.verify.blocks import Grouped, grouped
from lpxsched.verify.partition import ADD

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lpxsched.timetable.build import Build
    from lpxsched.timetable.columns import Flags, Integers

Words = NDArray[np.uint64]
WORD_BYTES = 8


@dataclass(frozen=True, slots=True, eq=False)
class Summands:
    """What enters the tensors of a build.

    Attributes
    ----------
    words : ndarray of uint64, shape (tensors, words)
        The shards of which a leaf enters, from the lowest bit on.
    repeats : tuple of (int, list of int)
        Operands with those of their shards that entered the same sum before them, sorted by operand.
    in_circle : bool
        Some sums sum each other, and were not expanded.
    """

    words: Words
    repeats: tuple[tuple[int, list[int]], ...]
    in_circle: bool

    def shards(self, tensor: int) -> list[int]:
        """Return the shards that enter a tensor."""
        return _bits(int.from_bytes(self.words[tensor].tobytes(), "little"))


def summands_of(build: Build) -> Summands:
    """Expand all sums, those of operands before what they enter."""
    operands, operators, producer = build.operands, len(build.operators), build.tensors.producer
    adds = build.operators.kind == ADD
    words, repeats = _leaves(build, adds), list[tuple[int, list[int]]]()
    rows = np.flatnonzero(adds[operands.operator])
    of_add, before = grouped(operands.operator[rows], operators).among(rows), producer[operands.tensor[rows]]
    chained = np.flatnonzero((before >= 0) & np.append(adds, False)[before])
    followers = grouped(before[chained], operators).among(rows[chained])
    waits = np.bincount(operands.operator[rows[chained]], minlength=operators)
    made = np.flatnonzero(producer >= 0)
    products = grouped(producer[made], operators).among(made)
    ready, expanded = np.flatnonzero(adds & (waits == 0)), 0
    while len(ready):
        for some in of_add.blocks(ready):
            repeats += _sum(build, words, some, of_add, products)
        expanded += len(ready)
        following = operands.operator[followers.each(ready)[0]]
        np.subtract.at(waits, following, 1)
        ready = np.unique(following[waits[following] == 0])
    return Summands(words, tuple(sorted(repeats)), expanded < int(adds.sum()))


def whole_groups(build: Build, words: int) -> Words:
    """Return the bits of all chips of the group that computed each tensor of the graph, one row each."""
    groups = build.graph.groups_of_layers()
    every = [(1 << len(groups[tensor.layer].chips)) - 1 for tensor in build.graph.tensors]
    data = b"".join(shards.to_bytes(words * WORD_BYTES, "little") for shards in every)
    return np.frombuffer(data, dtype="<u8").reshape(-1, words)


def _leaves(build: Build, adds: Flags) -> Words:
    """Return the bit of the shard that made each tensor; none for weights and sums."""
    producer, most = build.tensors.producer, len(build.chips)
    made = np.flatnonzero((producer >= 0) & ~np.append(adds, False)[producer])
    shard = np.maximum(build.operators.shard[producer[made]], 0)
    made, shard = made[shard < most], shard[shard < most]
    largest = max((len(group.chips) for group in build.graph.groups), default=1)
    words = np.zeros((len(producer), 1 + max(int(shard.max(initial=0)), largest - 1) // 64), dtype=np.uint64)
    words[made, shard // 64] = np.uint64(1) << (shard % 64).astype(np.uint64)
    return words


def _sum(
    build: Build, words: Words, adds: Integers, of_add: Grouped, products: Grouped
) -> Iterator[tuple[int, list[int]]]:
    """Write what enters some sums into `words`; yield what enters one of them again."""
    rows, counts = of_add.each(adds)
    parts, some = words[build.operands.tensor[rows]], counts > 0
    first, total = (np.cumsum(counts) - counts)[some], np.zeros((len(adds), words.shape[1]), dtype=np.uint64)
    if len(first):
        total[some] = np.bitwise_or.reduceat(parts, first)
        entered = np.add.reduceat(np.bitwise_count(parts).sum(axis=1, dtype=np.int64), first)
        again = entered != np.bitwise_count(total[some]).sum(axis=1, dtype=np.int64)
        for add in adds[some][again].tolist():
            yield from _repeated(build, words, of_add.of(add, add + 1).tolist())
    made, times = products.each(adds)
    words[made] = np.repeat(total, times, axis=0)


def _repeated(build: Build, words: Words, rows: list[int]) -> Iterator[tuple[int, list[int]]]:
    """Yield operands of one sum with the shards that entered it before them."""
    total = 0
    for row in rows:
        part = int.from_bytes(words[build.operands.tensor[row]].tobytes(), "little")
        if total & part:
            yield row, _bits(total & part)
        total |= part


def _bits(shards: int) -> list[int]:
    return [bit for bit in range(shards.bit_length()) if shards >> bit & 1]
