"""A collective of copies, cut down to one block of each orbit: what greedy, routing and CP-SAT search on.

With the trivial group it is the whole problem. Nodes and bundles are those of the problem; capacity belongs to orbits
of bundles, here *resources*.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from lpxsched.schedule.problem.ragged import row_and_place
from lpxsched.schedule.problem.wires import FAR
from lpxsched.schedule.routes.matching.queues import CLASSES
from lpxsched.schedule.symmetry.groups import Represented
from lpxsched.traffic.collectives import EVERY, Collective, Pieces
from lpxsched.units import NONE

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lpxsched.compiled.kernels import Integers
    from lpxsched.schedule.problem.instance import Instance
    from lpxsched.schedule.symmetry.groups import Symmetry


HALVES = 0


@dataclass(frozen=True, slots=True, eq=False)
class Blocks:
    """Parts of pieces (the demands of a layer) that travel as one slot on one link; shape (blocks,).

    A block is a run, counted within its piece, that the source holds and the target reads: `EVERY` for all
    participants, `NONE` in a layer, whose demands tell.
    """

    piece: Integers
    first_vector: Integers
    vectors: Integers
    source: Integers
    target: Integers

    def __len__(self) -> int:
        return len(self.piece)

    def taken(self, rows: Integers) -> Blocks:
        """Return some of the blocks, in the given order."""
        return Blocks(*(getattr(self, field.name)[rows] for field in fields(self)))


def _to_everyone(source: Integers, first_vector: Integers, vectors: int) -> Pieces:
    """Return runs of one tensor that everyone reads."""
    return Pieces(0 * source, first_vector, 0 * source + vectors, source, 0 * source + EVERY)


def gathered_flow(collective: Collective) -> Pieces:
    """Return the copies of an all-reduce in which every chip gets every summand."""
    source = np.arange(collective.width, dtype=np.int64)
    return _to_everyone(source, 0 * source, collective.vectors)


def flow_of(collective: Collective, *, padded: bool) -> Pieces:
    """Return what a collective copies; for sums, what would be copied if time ran backwards.

    An all-reduce is made of shares of equal length, each summed at a chip of its own and copied from there to all;
    `padded`, of one share a chip, if only for the symmetry. The last may reach beyond its
    tensor, which a lift cuts off.
    """
    if collective.kind == "all-reduce":
        size = -(-collective.vectors // collective.width)
        shares = collective.width if padded else -(-collective.vectors // size)
        source = np.arange(shares, dtype=np.int64)
        return _to_everyone(source, source * size, size)
    pieces = collective.pieces()
    return replace(pieces, source=pieces.target, target=pieces.source) if collective.is_sum else pieces


def middle_flow(problem: Quotient) -> Pieces:
    """Return the copies of an all-reduce that is summed at one node, a chip or a relay, the nearest to all."""
    collective, way = problem.instance.stage, problem.way.astype(np.int64)
    farthest = way[:, : collective.width].max(axis=1) + way[: collective.width].max(axis=0)
    source = np.array([farthest.argmin()], dtype=np.int64)
    return _to_everyone(source, 0 * source, collective.vectors)


@dataclass(frozen=True, slots=True, eq=False)
class Ways:
    """Bundles of each block with a first guess of times, sorted by departure; shape (slots,).

    The makespan is 0 where two slots may share the times.
    """

    blocks: Blocks
    block: Integers
    bundle: Integers
    lane: Integers
    depart: Integers
    makespan_cycles: int = 0


@dataclass(frozen=True, eq=False)
class Quotient(Represented):
    """The problem of representatives: one piece of each orbit of what is copied and does not stay where it is.

    `pieces`, shape (order, pieces), tells where each element of the group takes each piece of the flow.
    """

    flow: Pieces
    pieces: Integers
    representatives: Integers

    def reversed(self) -> Quotient:
        """Return the same flow over the bundles the other way round."""
        return replace(self, instance=self.instance.reversed())

    @cached_property
    def way_class(self) -> NDArray[np.uint8]:
        """Ways ranked from the shortest, in at most `CLASSES` classes; shape (nodes, nodes)."""
        distinct = np.unique(self.way)
        ranks = np.arange(len(distinct))
        if len(distinct) > CLASSES:
            ranks = ranks * (CLASSES - 1) // (len(distinct) - 1)
        beyond = int(distinct[distinct < FAR].max(initial=0)) + 1
        class_of = np.zeros(beyond + 1, dtype=np.uint8)
        class_of[np.minimum(distinct, beyond)] = ranks
        found = np.empty(self.way.shape, dtype=np.uint8)
        for row, ways in enumerate(self.way):
            found[row] = class_of[np.minimum(ways, beyond)]
        return found

    def blocks(self, length: int, *, mirrored: bool = False) -> Blocks:
        """Return the representatives cut into blocks of at most `length` vectors; `HALVES` cuts what is left in two.

        Mirrored, the lengths of a piece come the other way round, for a search that goes backwards in time.
        """
        pieces = self.representatives
        whole = self.flow.vectors[pieces]
        if length == HALVES:
            cuts = [_halves(vectors) for vectors in whole.tolist()]
            counts = np.array([len(cut) for cut in cuts], dtype=np.int64)
            vectors = np.array([part for cut in cuts for part in cut], dtype=np.int64)
        else:
            counts = -(-whole // length)
            row, place = row_and_place(counts)
            vectors = np.minimum(length, whole[row] - place * length)
        if mirrored:
            vectors = vectors[mirror(counts)]
        piece = np.repeat(pieces, counts)
        first = np.cumsum(vectors) - vectors
        first -= np.repeat(np.cumsum(whole) - whole, counts)
        return Blocks(piece, first, vectors, self.flow.source[piece], self.flow.target[piece])


def mirror(counts: Integers) -> Integers:
    """Return the number that each block gets when the blocks of each piece, so many, are counted backwards."""
    begin = np.cumsum(counts) - counts
    return np.repeat(2 * begin + counts - 1, counts) - np.arange(int(counts.sum()))


def quotient(problem: Instance, flow: Pieces, symmetry: Symmetry) -> Quotient:
    """Return the problem of representatives under a group that leaves the flow as it is."""
    moving = np.flatnonzero((flow.source != flow.target) & (flow.vectors > 0))
    pieces = piece_map(flow, symmetry)
    representatives = moving[(pieces[:, moving] >= moving[None, :]).all(axis=0)] if len(moving) else moving
    return Quotient(problem, symmetry, flow, pieces, representatives)


def _halves(vectors: int) -> list[int]:
    """Return a half, half of the rest and so on: the last of what is summed or passed on late is short."""
    parts = []
    while vectors:
        parts.append(-(-vectors // 2))
        vectors -= parts[-1]
    return parts


def piece_map(flow: Pieces, symmetry: Symmetry) -> Integers:
    """Return where each element of the group takes each piece, shape (order, pieces); `ValueError` if nowhere."""
    pieces = np.arange(len(flow.source), dtype=np.int64)
    if symmetry.order == 1:
        return pieces[None, :]
    nodes = symmetry.node_map.shape[1]
    # The number of the first piece with each two ends; `EVERY`, -2, is the last column but one.
    piece_of = np.full((nodes, nodes + 2), NONE, dtype=np.int64)
    piece_of[flow.source[::-1], flow.target[::-1]] = pieces[::-1]
    images = np.empty((symmetry.order, len(pieces)), dtype=np.int64)
    for node_map, image in zip(symmetry.node_map, images, strict=True):
        with_every = np.append(node_map, [EVERY, NONE])
        image[:] = piece_of[with_every[flow.source], with_every[flow.target]]
        if (image == NONE).any() or (flow.vectors[image] != flow.vectors).any():
            raise ValueError("the group moves a piece to where none is")
    return images
