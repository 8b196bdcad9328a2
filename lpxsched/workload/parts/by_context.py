r"""Attention whose key heads are shared by context: each of several chips keeps a part of the rows of one key head.

    rows -> qkv -> rotate -> scores -> softmax -> values ----------------> merge -> (gate) -> out
                                           \-> statistics -> (all-gather) -/

A unit of the deal is a key head with all its query heads and every P-th row of their context: the row at place t is
kept by part t mod P, so that no part keeps more than 1 / P of them, rounded up. A part takes the softmax of its own
scores, and tells for each head how much all of its exponentials are, relative to its largest score (one number, a
logarithm). What all parts of a head tell says what each is worth. What heads give is multiplied by that, and the output
projection adds the parts, as it adds heads. All parts project all query heads, and back.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from lpxsched.workload.datatypes import exact_bytes_of
from lpxsched.workload.parts.dealt import STAYS, Dealt, Passes, elementwise
from lpxsched.workload.parts.piece import Piece, Shape, term
from lpxsched.workload.work import VECTOR

if TYPE_CHECKING:
    from lpxsched.workload.graph import Layout

# The largest of what parts tell, the exponential of the distance to it, the sum.
MERGE_OPERATIONS = 3


def statistics_piece(queries: int, dealt: Dealt, width: int) -> Piece:
    """Return what tells of each query head of a unit how much its exponentials are; a row of each chip is a vector.

    Parameters
    ----------
    queries : int
        Query heads of a unit.
    dealt : Dealt
    width : int
        Chips of the group, no more than one unit each.
    """
    partials = dealt.decoding.precision.partials
    moved = 2 * exact_bytes_of(queries, partials)
    terms = (term("bytes", VECTOR, per_row_column=dealt.each(moved)),)
    work = dealt.work(partials, (*terms, term("elements", VECTOR, per_row_column=dealt.each(queries))), VECTOR)
    shape = Shape(width * dealt.decoding.batch, queries, partials, "sharded")
    return Piece("statistics", VECTOR, (("weights", STAYS),), "told", shape, work, dealt.sizes)


def merge_piece(queries: int, numbers: int, parts: int, dealt: Dealt) -> Piece:
    """Return what multiplies the numbers of the query heads of a unit by what it is worth among so many parts."""
    precision = dealt.decoding.precision
    moved = 2 * exact_bytes_of(numbers, precision.activations) + exact_bytes_of(parts * queries, precision.partials)
    inputs: tuple[tuple[str, Layout], ...] = (("heads", STAYS), ("told", "replicated"))
    passes = Passes(moved, MERGE_OPERATIONS * parts * queries + numbers, MERGE_OPERATIONS + 1)
    return elementwise("merge", inputs, "merged", numbers, dealt, passes)


def with_statistics(softmax: Piece, queries: int, dealt: Dealt) -> Piece:
    """Return a softmax of a part of the scores that also leaves, of each query head, how much its exponentials are."""
    partials, shape = dealt.decoding.precision.partials, softmax.shape
    assert shape is not None
    more = (
        term("bytes", VECTOR, per_row_column=dealt.each(exact_bytes_of(queries, partials))),
        # The logarithm of the sum, added to the largest score.
        term("elements", VECTOR, per_row_column=dealt.each(2 * queries)),
    )
    work = replace(softmax.work, terms=(*softmax.work.terms, *more))
    # In the type of sums it takes as much room as some activations.
    room = int(exact_bytes_of(queries, partials) / exact_bytes_of(1, shape.dtype)) * dealt.units
    return replace(softmax, shape=shape._replace(columns=shape.columns + room), work=work)
