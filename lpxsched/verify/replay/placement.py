"""Where the operators of ``graph.json`` run, which part of a tensor they see, and how the timetable repeats.

All that replay knows of groups, segments and periods stands here.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from math import lcm
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from lpxsched.units import NONE

if TYPE_CHECKING:
    from lpxsched.timetable.build import Build
    from lpxsched.timetable.columns import Integers
    from lpxsched.timetable.documents import GraphInput, GraphOperator, GraphTensor

ADD, BRANCH = "add", "branch"


class View(NamedTuple):
    """Consecutive vectors of a tensor of the graph."""

    first: int
    vectors: int

    @property
    def end(self) -> int:
        """The vector after the last one."""
        return self.first + self.vectors


@dataclass(frozen=True, slots=True)
class Placement:
    """Which row of ``operators.parquet`` is which run of the graph.

    Attributes
    ----------
    rows : dict
        Row by number of the operator in the graph and shard.
    number, shard : ndarray of int64, shape (operators,)
        The same by row; `NONE` for sums and rows that are no run of the graph.
    faults : tuple of str
        Runs that are missing, there twice, elsewhere or not asked for.
    """

    rows: dict[tuple[int, int], int]
    number: Integers
    shard: Integers
    faults: tuple[str, ...]


def segment_of(build: Build, operator: GraphOperator) -> int:
    """Return the segment in whose time an operator runs."""
    return next(row for row, segment in enumerate(build.graph.segments) if operator.layer in segment.layers)


def nodes_of(build: Build, operator: GraphOperator) -> list[int]:
    """Return the node of each shard of an operator."""
    group = build.graph.groups_of_layers()[operator.layer]
    if operator.place == "hosts":
        return group.hosts
    return group.members if operator.kind == BRANCH else group.chips


def dealt(build: Build, operator: GraphOperator) -> tuple[int, ...]:
    """Return the columns of each shard of an operator: whole blocks, the larger shares first, the last may be short."""
    nodes = nodes_of(build, operator)
    if operator.place != "chips" or not operator.columns:
        return (0,) * len(nodes)
    block = lcm(operator.column_block, *(max(1, int(build.chips.shard_columns[node])) for node in nodes))
    blocks, left = divmod(operator.columns, block)
    whole = [(blocks + (left > 0)) // len(nodes)] * len(nodes)
    for shard in range((blocks + (left > 0)) % len(nodes)):
        whole[shard] += 1
    ends = [min(operator.columns, block * sum(whole[:shard])) for shard in range(len(nodes) + 1)]
    return tuple(end - start for start, end in pairwise(ends))


def resident(operator: GraphOperator) -> list[tuple[str, str]]:
    """Return name and layout of what an operator keeps on its chips."""
    return [(one.name, one.layout) for one in operator.resident]


def axes(build: Build) -> tuple[Integers, Integers, Integers]:
    """Return the axis of time of each segment, where on it the segment begins, and its period (0: on demand).

    Segments of one frame that repeats have one axis. Segments of different axes have nothing to do with each other.
    """
    segments = build.segments
    period = build.frames.period_cycles[segments.frame]
    return np.where(period > 0, -1 - segments.frame, segments.segment), segments.phase_cycles, period


def iterations(build: Build) -> int:
    """Return how many iterations are replayed: one more than are ever under way at once."""
    period = axes(build)[2]
    under_way = -(-build.segments.makespan_cycles // np.maximum(period, 1))
    return int(np.max(np.where(period > 0, under_way + 1, 1), initial=1))


def seen(thing: GraphTensor | GraphInput, vectors: int, width: int, shard: int) -> View:
    """Return what one shard sees of a tensor in the layout that a tensor or an input names.

    Parameters
    ----------
    thing : GraphTensor or GraphInput
    vectors : int
        Vectors of the whole tensor.
    width : int
        Number of shards.
    shard : int
    """
    if thing.layout == "sharded":
        size, longer = divmod(vectors, width)
        return View(shard * size + min(shard, longer), size + (shard < longer))
    if thing.layout == "reserved" and thing.runs is not None:
        return View(*thing.runs[shard])
    if thing.layout == "single" and shard != thing.shard:
        return View(0, 0)
    return View(0, vectors)


def placement_of(build: Build) -> Placement:
    """Return which row is which run."""
    numbers = {(operator.layer, operator.kind): number for number, operator in enumerate(build.graph.operators)}
    wanted = _wanted(build)
    table = build.operators
    number, shards = (np.full(len(table), NONE, dtype=np.int64) for _ in range(2))
    rows: dict[tuple[int, int], int] = {}
    faults = []
    columns = (table.layer, table.kind, table.shard, table.chip, table.segment)
    for row, (layer, kind, shard, *where) in enumerate(zip(*(column.tolist() for column in columns), strict=True)):
        if kind == ADD:
            continue
        run = (numbers.get((layer, kind), NONE), shard)
        if run in rows or wanted.get(run) != tuple(where):
            faults.append(f"operator {row} ({kind} of layer {layer}, shard {shard}) is no run of the graph on its node")
            continue
        rows[run], number[row], shards[row] = row, *run
    faults += [
        f"{build.graph.operators[run[0]].name} does not run on shard {run[1]}" for run in sorted(wanted.keys() - rows)
    ]
    return Placement(rows, number, shards, tuple(faults))


def _wanted(build: Build) -> dict[tuple[int, int], tuple[int, int]]:
    """Return node and segment of every run that the graph asks for; hosts without a vector run nothing."""
    tensors = {tensor.name: tensor for tensor in build.graph.tensors}
    wanted = {}
    for number, operator in enumerate(build.graph.operators):
        nodes = nodes_of(build, operator)
        accesses: list[tuple[GraphTensor | GraphInput, int]]
        accesses = [(read, tensors[read.tensor].vectors) for read in operator.inputs]
        accesses += [(tensors[name], tensors[name].vectors) for name in operator.outputs]
        for shard, node in enumerate(nodes):
            views = [seen(thing, vectors, len(nodes), shard) for thing, vectors in accesses]
            if operator.place == "chips" or any(view.vectors for view in views):
                wanted[number, shard] = node, segment_of(build, operator)
    return wanted
