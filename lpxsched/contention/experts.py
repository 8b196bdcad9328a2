"""What a routing makes of the routed experts of a layer: how long they take, and what is sent to them.

A machine that decides at run time runs the experts that rows met, and those alone: an expert of n rows takes

    max(ceil((W + n r) / memory rate), ceil(n m / arithmetic rate))

cycles for W bytes of weights, r bytes and m products a row; the runs of a timetable are those of the worst routing.
Where rows are dispatched only those travel that are wanted, with labels in at least one vector from each source, so
that a receiver knows how many come.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from lpxsched.errors import InputError
from lpxsched.timetable.reader import GRAPH
from lpxsched.units import ceil_div
from lpxsched.verify.demand import running
from lpxsched.verify.operators import memory_rates, rates
from lpxsched.verify.replay.blocks import plain_kind
from lpxsched.verify.replay.mixtures import held_by
from lpxsched.verify.replay.routings import Routed, pairs_on_shard
from lpxsched.verify.work import kept_tensors

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from lpxsched.compiled.kernels import Integers
    from lpxsched.timetable.build import Build
    from lpxsched.timetable.documents import GraphOperator, GraphTensor
    from lpxsched.verify.replay.routings import HeldExperts

EXPERTS, COMBINE = "experts", "combine"
# What brings rows to positions, and what says which lie there.
PLACING, LABELLING = ("dispatch", "places"), ("label", "labels")
BYTES = "bytes"
# A label is the number of a row and its gate, each in two bytes.
LABEL_BYTES = 4


@dataclass(frozen=True, slots=True, eq=False)
class RoutedLayer:
    """The routed experts of a layer.

    Attributes
    ----------
    routed : Routed
    operator : ndarray of int64, shape (shards,)
        Their rows of ``operators.parquet``, by shard.
    cycles : ndarray of int64, shape (shards, rows + 1)
        Of one expert of each shard by the rows that it meets; 0 for none.
    fixed_cycles : ndarray of int64, shape (shards,)
    home : ndarray of int64, shape (rows,)
        The source that routes each row.
    placed, labels : dict of int to int
        Tensors of the graph that bring rows and labels from a source, by number.
    windows : int
        Visits over which a timetable spreads what comes to a capacity; here all comes at once.
    row_vectors, vector_bytes : int
        Vectors of a row, and bytes of a vector.
    """

    routed: Routed
    operator: Integers
    cycles: Integers
    fixed_cycles: Integers
    home: Integers
    placed: dict[int, int]
    labels: dict[int, int]
    windows: int
    row_vectors: int
    vector_bytes: int

    def durations(self, chosen: Integers) -> Integers:
        """Return the cycles of each shard for the experts of each row."""
        met = np.bincount(chosen.reshape(-1), minlength=self.routed.choices)[: self.routed.experts]
        total = self.fixed_cycles.copy()
        for shard, held in enumerate(self.routed.held):
            total[shard] += self.cycles[shard, met[list(held.experts)]].sum()
        return total

    def sent_vectors(self, chosen: Integers, tensor: int, shard: int) -> int:
        """Return the vectors that a tensor brings to a shard."""
        source = self.placed.get(tensor, self.labels.get(tensor))
        held = self.routed.held[shard]
        pairs = len(pairs_on_shard(held, chosen[self.home == source].reshape(-1)))
        return (
            pairs * self.row_vectors
            if tensor in self.placed
            else max(1, ceil_div(pairs * LABEL_BYTES, self.vector_bytes))
        )


def routed_layers(build: Build, segment: int) -> list[RoutedLayer]:
    """Return the layers of a segment that have routed experts."""
    layers = set(build.graph.segments[segment].layers)
    return [
        _routed_layer(build, number, operator)
        for number, operator in enumerate(build.graph.operators)
        if operator.kind == EXPERTS and operator.layer in layers
    ]


def has_routed_experts(build: Build) -> bool:
    """Return whether rows are routed among experts in some layer."""
    return any(operator.kind == EXPERTS for operator in build.graph.operators)


def combining(build: Build, experts: GraphOperator) -> list[GraphOperator]:
    """Return the operators that add up what experts give, one a block of columns."""
    given = experts.outputs[0] if experts.outputs else ""
    return [
        one
        for one in build.graph.operators
        if plain_kind(one.kind) == COMBINE and one.outputs and given in [read.tensor for read in one.inputs]
    ]


def _rows(build: Build, operator: GraphOperator, tensors: dict[str, tuple[int, GraphTensor]]) -> int:
    """Return the rows that are routed among experts, the same in all blocks of columns.

    Raises
    ------
    InputError
        Where a graph does not say what is routed among what.
    """
    if "experts" not in operator.sizes:
        raise InputError(GRAPH, "sizes must say how many experts there are", key=operator.name)
    blocks = combining(build, operator)
    rows = {tensors[one.outputs[0]][1].rows for one in blocks}
    if not rows:
        raise InputError(GRAPH, f"must give a tensor that an operator of kind {COMBINE} reads", key=operator.name)
    if len(rows) > 1:
        names = ", ".join(one.name for one in blocks)
        raise InputError(GRAPH, f"{names} must leave equally many rows, got {sorted(rows)}", key=operator.name)
    return rows.pop()


def _routed_layer(build: Build, number: int, operator: GraphOperator) -> RoutedLayer:
    tensors = {tensor.name: (at, tensor) for at, tensor in enumerate(build.graph.tensors)}
    producers = {name: one for one in build.graph.operators for name in one.outputs}
    output = tensors[operator.outputs[0]][1]
    rows = _rows(build, operator, tensors)
    per_row = operator.sizes.get("per_row", output.rows // rows)
    table = running(build)[number]
    held = held_by(operator, operator.sizes["experts"], len(table))
    if not held:
        raise InputError(GRAPH, "work and shares must say which experts lie where", key=operator.name)
    # Who decides at run time reads an expert once, for all its rows.
    free = tuple(one._replace(rows_per_run=rows) for one in held)
    routed = Routed(rows, operator.sizes["experts"], operator.sizes.get("idle", 0), per_row, free)
    sources: dict[str, dict[int, int]] = {"placed": {}, "labels": {}}
    for read in operator.inputs:
        kind, (at, tensor) = producers[read.tensor].kind, tensors[read.tensor]
        name = "placed" if kind in PLACING else "labels" if kind in LABELLING else ""
        if name:
            sources[name][at] = tensor.shard or 0
    row_vectors = next((build.graph.tensors[at].vectors_per_row for at in sources["placed"]), 0)
    return RoutedLayer(
        routed=routed,
        operator=table,
        cycles=_cycles(build, operator, table, held, rows),
        fixed_cycles=build.operators.fixed_cycles[table],
        home=_homes(build, operator, rows, producers, tensors),
        windows=operator.sizes.get("windows", 1),
        row_vectors=row_vectors,
        vector_bytes=build.manifest.vector_bytes,
        **sources,
    )


def _homes(
    build: Build,
    operator: GraphOperator,
    rows: int,
    producers: dict[str, GraphOperator],
    tensors: dict[str, tuple[int, GraphTensor]],
) -> Integers:
    """Return the source that routes each row: the chip to which it comes, or the GPUs, which route all."""
    sender = next(
        (producers[read.tensor] for read in operator.inputs if producers[read.tensor].kind == PLACING[0]), None
    )
    home = np.zeros(rows, dtype=np.int64)
    if sender is None:
        return home
    runs, per_row = sender.inputs[0].runs or [], tensors[sender.inputs[0].tensor][1].vectors_per_row
    for shard, (first, vectors) in enumerate(runs):
        home[first // per_row : (first + vectors) // per_row] = shard
    return home


def _cycles(
    build: Build, operator: GraphOperator, table: Integers, held: Sequence[HeldExperts], most_rows: int
) -> Integers:
    """Return the cycles of one expert of each shard, by its rows, without fixed ones."""
    memory, rate = memory_rates(build)[table].astype(np.float64), rates(build)[table].astype(np.float64)
    weights, runs = _run_bytes(build, operator, table, held), np.array([one.runs for one in held])
    dealt = np.maximum(runs * [one.rows_per_run for one in held], 1)
    sram, macs = build.operators.sram_bytes[table], build.operators.macs[table]
    row_bytes, row_macs = (sram - runs * weights) / dealt, macs / dealt
    rows = np.arange(most_rows + 1)
    moved = np.ceil((weights[:, None] + rows * row_bytes[:, None]) / np.maximum(memory, 1)[:, None])
    cycles = np.maximum(moved, np.ceil(rows * row_macs[:, None] / np.maximum(rate, 1)[:, None]))
    return np.where(rows, cycles, 0).astype(np.int64)


def _run_bytes(
    build: Build, operator: GraphOperator, table: Integers, held: Sequence[HeldExperts]
) -> NDArray[np.float64]:
    """Return the bytes of weights that are read for rows of one expert on each shard: as told, or its slice there."""
    if operator.shares is not None:
        return np.full(len(table), sum(term.per_run for term in operator.work if term.counts == BYTES))
    kept, experts = kept_tensors(build), np.array([len(one.experts) for one in held], dtype=np.float64)
    bytes_of = np.bincount(kept.operator, kept.bytes, minlength=len(build.operators))[table]
    return np.asarray(bytes_of / np.maximum(experts, 1))
