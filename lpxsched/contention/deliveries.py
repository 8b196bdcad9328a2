"""What must be where: who reads of each tensor what others left, from the graph alone.

A part of a tensor that lies on the reader's own node is read there. Of others one holder sends to all that read the
part: the only one, else the nearest. Partial sums are added where their share belongs, or where their one reader is.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from lpxsched.units import NONE
from lpxsched.verify.demand import input_views, output_views, share

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lpxsched.compiled.kernels import Integers
    from lpxsched.contention.network import Network
    from lpxsched.timetable.build import Build
    from lpxsched.timetable.columns import Text
    from lpxsched.verify.demand import Views


class Pieces(NamedTuple):
    """Parts of a tensor that some operators leave or read: rows of ``operators.parquet``, first vectors and lengths."""

    operator: Integers
    first: Integers
    vectors: Integers


class Parts(NamedTuple):
    """Parts of a tensor, and who reads each.

    Attributes
    ----------
    first, vectors : ndarray of int64, shape (parts,)
    source : ndarray of int64, shape (parts,)
        Of a copy the operator that left it, of a sum the chip where it is completed.
    part, reader : ndarray of int64, shape (reads,)
        A part and an operator that reads it from another node, or reads the sum.
    """

    first: Integers
    vectors: Integers
    source: Integers
    part: Integers
    reader: Integers


@dataclass(frozen=True, slots=True, eq=False)
class Deliveries:
    """What becomes of a tensor.

    Attributes
    ----------
    tensor : int
        Its number in the graph.
    writers : ndarray of int64
        Operators that leave summands; empty where no sum is made.
    local : tuple of ndarray of int64, two of shape (pairs,)
        Who leaves and who reads on the same node.
    copies, sums : Parts
    """

    tensor: int
    writers: Integers
    local: tuple[Integers, Integers]
    copies: Parts
    sums: Parts


def deliveries_of(build: Build, segment: int, node_of: Integers, network: Network) -> Iterator[Deliveries]:
    """Yield what becomes of each tensor that a segment reads.

    Parameters
    ----------
    build : Build
    segment : int
    node_of : ndarray of int64, shape (operators,)
        The node of the network on which each operator of the segment runs.
    network : Network
    """
    left, read = (_by_tensor(build, segment, views) for views in (output_views(build), input_views(build)))
    hops = network.hops_between()
    for tensor, reads in read.items():
        if tensor not in left:
            continue
        writes, layouts = left[tensor][0], reads[1]
        if build.graph.tensors[tensor].layout == "partial" and len(writes.operator) > 1:
            yield _summed(tensor, writes, reads[0], layouts == "partial", node_of, hops)
        else:
            yield _copied(tensor, writes, reads[0], node_of, hops)


def _by_tensor(build: Build, segment: int, views: Views) -> dict[int, tuple[Pieces, Text]]:
    """Return the views of a segment by tensor, none of them empty, and their layouts."""
    rows = np.flatnonzero((build.operators.segment[views.operator] == segment) & (views.vectors > 0))
    rows = rows[np.argsort(views.tensor[rows], kind="stable")]
    tensors, first = np.unique(views.tensor[rows], return_index=True)
    return {
        tensor: (Pieces(views.operator[mine], views.first[mine], views.vectors[mine]), views.layout[mine])
        for tensor, mine in zip(tensors.tolist(), np.split(rows, first)[1:], strict=True)
    }


def _cut(pieces: Pieces, cuts: Integers) -> tuple[Integers, Integers]:
    """Return each part between two cuts that a piece holds, and the operator of the piece."""
    low, high = np.searchsorted(cuts, pieces.first), np.searchsorted(cuts, pieces.first + pieces.vectors)
    count = high - low
    part = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count) + np.repeat(low, count)
    return part, np.repeat(pieces.operator, count)


def _cuts(*pieces: Pieces) -> Integers:
    ends = [end for piece in pieces for end in (piece.first, piece.first + piece.vectors)]
    return np.unique(np.concatenate(ends))


def _copied(tensor: int, writes: Pieces, reads: Pieces, node_of: Integers, hops: Integers) -> Deliveries:
    cuts, nodes = _cuts(writes, reads), 2 * len(hops)
    part, writer = _cut(writes, cuts)
    wanted, reader = _cut(reads, cuts)
    order = np.argsort(part * nodes + node_of[writer], kind="stable")
    part, writer = part[order], writer[order]
    place = _find(part * nodes + node_of[writer], wanted * nodes + node_of[reader])
    here = place != NONE
    local = np.unique(np.stack([writer[place[here]], reader[here]]), axis=1)
    wanted, reader = wanted[~here], reader[~here]
    source = _nearest(part, writer, wanted, reader, node_of, hops)
    sends, of_send = np.unique(wanted * len(node_of) + source, return_inverse=True)
    of_part = sends // len(node_of)
    first = cuts[of_part]
    copies = Parts(first, cuts[of_part + 1] - first, sends % len(node_of), of_send.reshape(-1), reader)
    return Deliveries(tensor, writer[:0], (local[0], local[1]), copies, _none())


def _nearest(
    part: Integers, writer: Integers, wanted: Integers, reader: Integers, node_of: Integers, hops: Integers
) -> Integers:
    """Return for each part that is wanted the holder fewest hops away; of several, readers take different ones."""
    low, high = np.searchsorted(part, wanted), np.searchsorted(part, wanted, side="right")
    best, least = writer[np.minimum(low, len(writer) - 1)].copy(), np.full(len(wanted), len(hops) + 1, dtype=np.int64)
    if not len(wanted):
        return best
    for turn in range(int((high - low).max())):
        held = low + (turn + reader) % (high - low)
        distance = hops[node_of[writer[held]] % len(hops), node_of[reader] % len(hops)]
        nearer = (turn < high - low) & (distance < least)
        best, least = np.where(nearer, writer[held], best), np.where(nearer, distance, least)
    return best


def _summed(tensor: int, writes: Pieces, reads: Pieces, own: Integers, node_of: Integers, hops: Integers) -> Deliveries:
    """Return the sums of a partial tensor; what is read as a summand is read where it was left."""
    width, chip_of = len(hops), node_of % len(hops)
    order = np.argsort(chip_of[writes.operator])
    writers = writes.operator[order]
    summand = _find(chip_of[writers], chip_of[reads.operator[own]])
    local = writers[summand], reads.operator[own]
    whole = Pieces(*(column[~own] for column in reads))
    if not len(whole.operator):
        return Deliveries(tensor, writers, local, _none(), _none())
    cuts = _cuts(whole)
    part, reader = _cut(whole, cuts)
    least, most = (np.full(len(cuts) - 1, limit, dtype=np.int64) for limit in (width, NONE))
    np.minimum.at(least, part, chip_of[reader])
    np.maximum.at(most, part, chip_of[reader])
    several = np.flatnonzero(least < most)
    if len(several):
        # Each chip completes a share of what several read.
        size = cuts[several + 1] - cuts[several]
        more = [
            cuts[i] + share(int(n), len(writers), np.arange(len(writers)))[0]
            for i, n in zip(several, size, strict=True)
        ]
        cuts = np.unique(np.concatenate([cuts, *more]))
        part, reader = _cut(whole, cuts)
    used, part = np.unique(part, return_inverse=True)
    first = cuts[used]
    vectors, part = cuts[used + 1] - first, part.reshape(-1)
    return Deliveries(
        tensor,
        writers,
        local,
        _none(),
        Parts(first, vectors, _roots(writers, part, reader, chip_of, hops), part, reader),
    )


def _roots(writers: Integers, part: Integers, reader: Integers, chip_of: Integers, hops: Integers) -> Integers:
    """Return the chip that completes each part: that of its one reader or the nearest with a summand, else in turn."""
    chips = chip_of[writers]
    nearest = chips[np.argmin(hops[chips], axis=0)]
    parts = int(part.max()) + 1
    least, most = (np.full(parts, limit, dtype=np.int64) for limit in (len(hops), NONE))
    np.minimum.at(least, part, chip_of[reader])
    np.maximum.at(most, part, chip_of[reader])
    in_turn = chips[np.cumsum(least < most) % len(chips)]
    return np.asarray(np.where(least < most, in_turn, nearest[least]))


def _find(keys: Integers, wanted: Integers) -> Integers:
    """Return where wanted keys stand among sorted ones, `NONE` where they do not."""
    place = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
    return np.asarray(np.where(keys[place] == wanted, place, NONE))


def _none() -> Parts:
    return Parts(*(np.zeros(0, dtype=np.int64) for _ in range(5)))
