"""Latent attention (MLA) with absorbed projections on the chips of a group, its heads dealt over them.

Keys and values of all heads are one latent row, which every chip keeps and makes for itself: a slice of the projections
would cost an all-gather, which takes longer than to read some ten megabytes::

    rows -> down -> latent_norm -> absorb -> latent_rotate -> latent_scores -> softmax -> latent_values -> latent_out

The matrix that gives a head's keys of the latent rows is absorbed into its queries, so that scores are products of
latent columns, and that of its values into the output projection. A row sees all of its context: an indexer that picks
rows is left out, whose choice could only shorten what is read.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lpxsched.workload.datatypes import arithmetic_type, exact_bytes_of
from lpxsched.workload.parts.attention import ROTATE_OPERATIONS, softmax_piece
from lpxsched.workload.parts.dealt import STAYS, Dealt, Last, Passes, elementwise, output_projection, scaled
from lpxsched.workload.parts.piece import NORM_OPERATIONS, NORM_TYPE, Piece, Shape, replicated_row, term
from lpxsched.workload.parts.rows import Rows, accumulated
from lpxsched.workload.work import MATRIX, VECTOR, Weights, Work

if TYPE_CHECKING:
    from fractions import Fraction

    from lpxsched.workload.graph import Layout
    from lpxsched.workload.model import LatentAttention
    from lpxsched.workload.parts.piece import Decoding
    from lpxsched.workload.parts.rows import Around


@dataclass(frozen=True, slots=True)
class _Latent(Dealt):
    """Latent attention as it is dealt: a unit is a head, of the columns of its values."""

    mixer: LatentAttention

    @property
    def kept(self) -> int:
        """Columns of a latent row that are kept: keys and values of all heads, and the part that is turned."""
        return self.mixer.kv_rank + self.mixer.rotary_columns

    @property
    def latent(self) -> int:
        """Columns of latent rows, that of queries included."""
        return self.mixer.query_rank + self.kept

    @property
    def sizes(self) -> tuple[tuple[str, int], ...]:
        """What a replay must know; one head of keys is shared by all."""
        return (
            ("heads", self.units),
            ("kv_heads", 1),
            ("head_columns", self.unit_columns),
            ("bundles", self.units),
            ("parts", 1),
            *self.decoding.row_sizes,
            ("context", self.decoding.context),
            ("window", 0),
            ("keys_are_values", 0),
            ("gated", 0),
            ("latent_queries", int(self.mixer.query_rank > 0)),
        )


def latent_pieces(mixer: LatentAttention, around: Around, decoding: Decoding) -> list[Piece]:
    """Return latent attention, to whose sum the first chip adds the residual."""
    dealt = _Latent(mixer.heads, mixer.value_columns, decoding, mixer)
    inner = mixer.kv_rank * mixer.value_columns
    last = Last(mixer.kv_rank, inner=mixer.value_columns, inner_weights=inner)
    rotate = _rotate(dealt)
    return [
        *_down(dealt, around.rows),
        _norm(dealt, around.scale),
        *_absorb(dealt, around.rows),
        # Where queries come from rows at once their norm is still due.
        rotate if mixer.query_rank else scaled(rotate, around.scale, dealt.kept, dealt),
        _scores(dealt),
        softmax_piece(decoding.context, dealt),
        _values(dealt),
        *output_projection("latent_out", "latent_heads", around, dealt, last),
    ]


def _down(dealt: _Latent, rows: Rows) -> list[Piece]:
    """Give the latent rows, whole on every chip."""
    decoding, precision, given = dealt.decoding, dealt.decoding.precision, dealt.latent

    def work(columns: int, last: bool) -> Work:
        weights = exact_bytes_of(columns * given, decoding.mixer_weights)
        moved = exact_bytes_of(columns, rows.dtype) + exact_bytes_of(given * last, precision.partials)
        return Work(
            dtype=arithmetic_type(decoding.mixer_weights, precision.activations),
            rows=decoding.batch,
            terms=(
                term("bytes", MATRIX, constant=weights, per_row=moved),
                term("macs", MATRIX, per_row=columns * given),
            ),
            pipelines=((MATRIX, 1),) * last,
            weights=Weights(decoding.mixer_weights, "replicated", (term("bytes", MATRIX, constant=weights),)),
        )

    shape = Shape(decoding.batch, given, precision.partials, "replicated")
    return accumulated("down", rows, "latent_rows", shape, work, dealt.sizes)


def _norm(dealt: _Latent, scaled_by: str) -> Piece:
    """Norm both latent rows and turn the part that is turned; the new row of keys and values goes to the cache.

    The scale of the row that they come from concerns the turned part alone: a norm takes it back.
    """
    decoding, precision, mixer = dealt.decoding, dealt.decoding.precision, dealt.mixer
    weights = exact_bytes_of(mixer.query_rank + mixer.kv_rank, NORM_TYPE)
    moved = exact_bytes_of(dealt.latent, precision.partials) + exact_bytes_of(dealt.latent, precision.activations)
    operations = NORM_OPERATIONS * (mixer.query_rank + mixer.kv_rank) + (ROTATE_OPERATIONS + 1) * mixer.rotary_columns
    moved += exact_bytes_of(1, precision.partials)
    work = Work(
        dtype=precision.partials,
        rows=decoding.batch,
        terms=(
            term("bytes", VECTOR, constant=weights, per_row=moved + exact_bytes_of(dealt.kept, decoding.kv)),
            term("elements", VECTOR, per_row=operations),
        ),
        pipelines=((VECTOR, 2),),
        weights=Weights(NORM_TYPE, "replicated", (term("bytes", VECTOR, constant=weights),)),
    )
    inputs: tuple[tuple[str, Layout], ...] = (("latent_rows", "replicated"), (scaled_by, "replicated"))
    sizes = (*dealt.sizes, ("scale", 1))
    return Piece("latent_norm", VECTOR, inputs, "latents", replicated_row(decoding, dealt.latent), work, sizes)


def _absorb(dealt: _Latent, rows: Rows) -> list[Piece]:
    """Give each head's query as columns of the latent rows, and those that are turned."""
    decoding, precision, mixer = dealt.decoding, dealt.decoding.precision, dealt.mixer
    rows = Rows(("latents",), (mixer.query_rank,), precision.activations) if mixer.query_rank else rows

    def work(columns: int, last: bool) -> Work:
        elements = columns * (mixer.plain_columns + mixer.rotary_columns) + mixer.plain_columns * mixer.kv_rank * last
        weights = dealt.each(exact_bytes_of(elements, decoding.mixer_weights))
        terms = (
            term(
                "bytes",
                MATRIX,
                per_row=exact_bytes_of(columns, rows.dtype),
                per_column=weights,
                per_row_column=dealt.each(exact_bytes_of(dealt.kept * last, precision.partials)),
            ),
            term("macs", MATRIX, per_row_column=dealt.each(elements)),
        )
        kept = Weights(decoding.mixer_weights, "sharded", (term("bytes", MATRIX, per_column=weights),))
        dtype = arithmetic_type(decoding.mixer_weights, precision.activations)
        return dealt.work(dtype, terms, *[MATRIX, VECTOR, MATRIX] * last, weights=kept)

    return accumulated("absorb", rows, "absorbed", dealt.stays(dealt.kept, precision.partials), work, dealt.sizes)


def _rotate(dealt: _Latent) -> Piece:
    precision, rotary = dealt.decoding.precision, dealt.mixer.rotary_columns
    moved = exact_bytes_of(dealt.kept, precision.partials) + exact_bytes_of(dealt.kept, precision.activations)
    passes = Passes(moved, ROTATE_OPERATIONS * rotary + dealt.mixer.kv_rank)
    return elementwise("latent_rotate", (("absorbed", STAYS),), "turned", dealt.kept, dealt, passes)


def _products(dealt: _Latent, columns: int, moved: Fraction, *pipelines: str, kept: bool) -> Work:
    """Work of each head with so many columns of the kept rows; further bytes by row and unit."""
    decoding = dealt.decoding
    rows = decoding.users * decoding.context
    terms = (
        term("bytes", MATRIX, constant=exact_bytes_of(rows * columns, decoding.kv), per_row_column=dealt.each(moved)),
        term("macs", MATRIX, per_row_column=dealt.each(decoding.context * columns)),
    )
    all_rows = decoding.kept_users * decoding.context
    cache = term("bytes", MATRIX, constant=exact_bytes_of(all_rows * columns, decoding.kv))
    weights = Weights(decoding.kv, "replicated", (cache,), "latents") if kept else None
    dtype = arithmetic_type(decoding.kv, decoding.precision.activations)
    return dealt.work(dtype, terms, *pipelines, weights=weights)


def _scores(dealt: _Latent) -> Piece:
    precision, seen = dealt.decoding.precision, dealt.decoding.context
    moved = exact_bytes_of(dealt.kept, precision.activations) + exact_bytes_of(seen, precision.partials)
    work = _products(dealt, dealt.kept, moved, MATRIX, kept=True)
    inputs: tuple[tuple[str, Layout], ...] = (("turned", STAYS), ("latents", "replicated"))
    return Piece("latent_scores", MATRIX, inputs, "scores", dealt.stays(seen, precision.partials), work, dealt.sizes)


def _values(dealt: _Latent) -> Piece:
    """Give each head's latent columns of values, from the rows that the scores keep."""
    precision, rank = dealt.decoding.precision, dealt.mixer.kv_rank
    moved = exact_bytes_of(dealt.decoding.context + rank, precision.activations)
    work = _products(dealt, rank, moved, MATRIX, VECTOR, kept=False)
    inputs: tuple[tuple[str, Layout], ...] = (("weights", STAYS), ("latents", "replicated"))
    shape = dealt.stays(rank, precision.activations)
    return Piece("latent_values", MATRIX, inputs, "latent_heads", shape, work, dealt.sizes)
