r"""Softmax attention on the chips of a group, its heads dealt over them.

Heads stay on their chip from the projection to the output projection::

    rows -> qkv -> rotate -> scores -> softmax -> values -> (gate) -> out

The heads are dealt in *bundles* of equally many query heads with the one head of keys and values that they share. A
bundle is all query heads of a key head where the group has no more chips than key heads; else it is a part of them,
the largest number of parts that does not leave a chip with two bundles of one key head, and the chips of such parts
each keep the keys and values of their head: to split them by context instead would read 1 / parts of them, but asks
for a second reduction of the group, which takes longer than to read some tens of megabytes.

A row sees T rows, itself included: all of its context, or those of the window, which is all that is kept of a user's
keys and values, in the type of the cache. One column of the deal is a column of a key head; for a bundle of q query
heads it stands for q columns of queries, q T products with keys and as many with values.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, NamedTuple

from lpxsched.workload.datatypes import arithmetic_type, exact_bytes_of
from lpxsched.workload.parts.piece import Piece, Shape, bias_bytes, summand_row, term, with_residual
from lpxsched.workload.work import MATRIX, VECTOR, Term, Weights, Work

if TYPE_CHECKING:
    from lpxsched.workload.graph import Layout
    from lpxsched.workload.model import Attention
    from lpxsched.workload.parts.piece import Decoding

# Two products with sine and cosine, and the rounding.
ROTATE_OPERATIONS = 3
# The largest score, the exponential of the distance to it, the sum, and the scale with the rounding.
SOFTMAX_OPERATIONS = 4
# Exponential, one more, its inverse, the product with the rounding.
GATE_OPERATIONS = 4
STAYS: Layout = "reserved"


class Bundles(NamedTuple):
    """How heads are dealt: so many bundles, each of so many query heads and one key head."""

    number: int
    queries: int


def bundles(heads: int, kv_heads: int, width: int) -> Bundles:
    """Return how heads are dealt over a group of `width` chips."""
    shared = heads // kv_heads
    parts = max(part for part in range(1, shared + 1) if shared % part == 0 and (part == 1 or kv_heads * part <= width))
    return Bundles(kv_heads * parts, shared // parts)


@dataclass(frozen=True, slots=True)
class _Dealt:
    """Attention as it is dealt over a group."""

    mixer: Attention
    bundles: Bundles
    hidden: int
    decoding: Decoding

    @property
    def seen(self) -> int:
        """Rows that a row sees."""
        return min(self.decoding.context, self.mixer.window or self.decoding.context)

    @property
    def queries(self) -> int:
        """Query heads of a bundle."""
        return self.bundles.queries

    @property
    def columns(self) -> int:
        """Columns that are dealt."""
        return self.bundles.number * self.mixer.head_columns

    @property
    def projected(self) -> int:
        """Heads that the projection of a bundle gives: queries, gates, keys and values."""
        return self.queries * (1 + self.mixer.gated) + 2 - self.mixer.keys_are_values

    @property
    def sizes(self) -> tuple[tuple[str, int], ...]:
        """What a replay must know."""
        mixer = self.mixer
        return (
            ("heads", mixer.heads),
            ("kv_heads", mixer.kv_heads),
            ("head_columns", mixer.head_columns),
            ("bundles", self.bundles.number),
            ("rows_per_user", self.decoding.rows_per_user),
            ("context", self.decoding.context),
            ("window", mixer.window),
            ("keys_are_values", int(mixer.keys_are_values)),
            ("gated", int(mixer.gated)),
        )

    def score_bytes(self, dtype: str) -> Fraction:
        """Return the bytes of scores by row and dealt column."""
        return exact_bytes_of(self.queries * self.seen, dtype) / self.mixer.head_columns

    @property
    def cache_bytes(self) -> Fraction:
        """Bytes of keys, or of values, of all users by dealt column."""
        return exact_bytes_of(self.decoding.users * self.seen, self.decoding.kv)

    def work(self, dtype: str, terms: tuple[Term, ...], *pipelines: str, weights: Weights | None = None) -> Work:
        """Return a work over the dealt columns."""
        times = tuple((unit, pipelines.count(unit)) for unit in dict.fromkeys(pipelines))
        return Work(dtype, self.decoding.batch, self.columns, self.mixer.head_columns, terms, times, weights)

    def stays(self, heads: int, dtype: str) -> Shape:
        """Return what stays on a chip: so many numbers by row and dealt column."""
        return Shape(self.decoding.batch, heads * self.columns, dtype, STAYS)


def attention_pieces(
    mixer: Attention, read: str, residual: str, output: str, hidden: int, width: int, decoding: Decoding
) -> list[Piece]:
    """Return attention with its output projection, to whose sum the first chip adds the rows of `residual`."""
    dealt = _Dealt(mixer, bundles(mixer.heads, mixer.kv_heads, width), hidden, decoding)
    pieces = [_project(dealt, read), _rotate(dealt), _scores(dealt), _softmax(dealt), _values(dealt)]
    return [*pieces, *([_gate(dealt)] if mixer.gated else []), _out(dealt, residual, output)]


def _project(dealt: _Dealt, read: str) -> Piece:
    decoding, precision, hidden = dealt.decoding, dealt.decoding.precision, dealt.hidden
    heads = dealt.projected
    weights = exact_bytes_of(heads * hidden, decoding.mixer_weights) + bias_bytes(heads, biases=dealt.mixer.biases)
    work = dealt.work(
        arithmetic_type(decoding.mixer_weights, precision.activations),
        (
            term(
                "bytes",
                MATRIX,
                per_row=exact_bytes_of(hidden, precision.activations),
                per_column=weights,
                per_row_column=exact_bytes_of(heads, precision.partials),
            ),
            term("macs", MATRIX, per_row_column=heads * hidden),
        ),
        MATRIX,
        weights=Weights(decoding.mixer_weights, "sharded", (term("bytes", MATRIX, per_column=weights),)),
    )
    shape = dealt.stays(heads, precision.partials)
    return Piece("qkv", MATRIX, ((read, "replicated"),), "projected", shape, work, dealt.sizes)


def _rotate(dealt: _Dealt) -> Piece:
    """Turn queries and keys by their place in the sequence; the new keys and values go to the cache."""
    decoding, precision, heads = dealt.decoding, dealt.decoding.precision, dealt.projected
    made = dealt.queries * (1 + dealt.mixer.gated) + 2
    moved = exact_bytes_of(heads, precision.partials) + exact_bytes_of(made, precision.activations)
    moved += exact_bytes_of(2, decoding.kv)
    operations = ROTATE_OPERATIONS * (dealt.queries + 1) + 1 + dealt.queries * dealt.mixer.gated
    work = dealt.work(
        precision.partials,
        (
            term("bytes", VECTOR, per_row_column=moved),
            term("elements", VECTOR, per_row_column=operations),
        ),
        VECTOR,
    )
    shape = dealt.stays(made, precision.activations)
    return Piece("rotate", VECTOR, (("projected", STAYS),), "rotated", shape, work, dealt.sizes)


def _cache(dealt: _Dealt, name: str) -> Weights:
    decoding = dealt.decoding
    kept = term("bytes", MATRIX, per_column=dealt.cache_bytes)
    return Weights(decoding.kv, "sharded", (kept,), name)


def _scores(dealt: _Dealt) -> Piece:
    decoding, precision = dealt.decoding, dealt.decoding.precision
    moved = exact_bytes_of(dealt.queries, precision.activations) + dealt.score_bytes(precision.partials)
    work = dealt.work(
        arithmetic_type(decoding.kv, precision.activations),
        (
            term("bytes", MATRIX, per_column=dealt.cache_bytes, per_row_column=moved),
            term("macs", MATRIX, per_row_column=dealt.queries * dealt.seen),
        ),
        MATRIX,
        weights=_cache(dealt, "keys"),
    )
    shape = Shape(decoding.batch, dealt.mixer.heads * dealt.seen, precision.partials, STAYS)
    return Piece("scores", MATRIX, (("rotated", STAYS),), "scores", shape, work, dealt.sizes)


def _softmax(dealt: _Dealt) -> Piece:
    precision = dealt.decoding.precision
    numbers = Fraction(dealt.queries * dealt.seen, dealt.mixer.head_columns)
    work = dealt.work(
        precision.partials,
        (
            term(
                "bytes",
                VECTOR,
                per_row_column=dealt.score_bytes(precision.partials) + dealt.score_bytes(precision.activations),
            ),
            term("elements", VECTOR, per_row_column=SOFTMAX_OPERATIONS * numbers),
        ),
        # The largest score, the sum, and the scale wait for each other.
        *(VECTOR, VECTOR, VECTOR),
    )
    shape = Shape(dealt.decoding.batch, dealt.mixer.heads * dealt.seen, precision.activations, STAYS)
    return Piece("softmax", VECTOR, (("scores", STAYS),), "weights", shape, work, dealt.sizes)


def _values(dealt: _Dealt) -> Piece:
    decoding, precision = dealt.decoding, dealt.decoding.precision
    moved = dealt.score_bytes(precision.activations) + exact_bytes_of(dealt.queries, precision.activations)
    work = dealt.work(
        arithmetic_type(decoding.kv, precision.activations),
        (
            term("bytes", MATRIX, per_column=dealt.cache_bytes, per_row_column=moved),
            term("macs", MATRIX, per_row_column=dealt.queries * dealt.seen),
        ),
        MATRIX,
        VECTOR,
        weights=_cache(dealt, "values"),
    )
    inputs: tuple[tuple[str, Layout], ...] = (("weights", STAYS), ("rotated", STAYS))
    shape = dealt.stays(dealt.queries, precision.activations)
    return Piece("values", MATRIX, inputs, "heads", shape, work, dealt.sizes)


def _gate(dealt: _Dealt) -> Piece:
    """Multiply what heads give by the sigmoid of their gates."""
    precision, queries = dealt.decoding.precision, dealt.queries
    work = dealt.work(
        precision.partials,
        (
            term("bytes", VECTOR, per_row_column=exact_bytes_of(3 * queries, precision.activations)),
            term("elements", VECTOR, per_row_column=GATE_OPERATIONS * queries),
        ),
        VECTOR,
    )
    inputs: tuple[tuple[str, Layout], ...] = (("heads", STAYS), ("rotated", STAYS))
    return Piece("gate", VECTOR, inputs, "gated", dealt.stays(queries, precision.activations), work, dealt.sizes)


def _out(dealt: _Dealt, residual: str, output: str) -> Piece:
    decoding, precision, hidden = dealt.decoding, dealt.decoding.precision, dealt.hidden
    weights = exact_bytes_of(dealt.queries * hidden, decoding.mixer_weights)
    bias = bias_bytes(hidden, biases=dealt.mixer.biases)
    kept = (
        term("bytes", MATRIX, per_column=weights),
        Term("bytes", MATRIX, constant=bias, shard=0),
    )
    work = dealt.work(
        arithmetic_type(decoding.mixer_weights, precision.activations),
        (
            term(
                "bytes",
                MATRIX,
                per_row=exact_bytes_of(hidden, precision.partials),
                per_column=weights,
                per_row_column=exact_bytes_of(dealt.queries, precision.activations),
            ),
            kept[1],
            term("macs", MATRIX, per_row_column=dealt.queries * hidden),
        ),
        MATRIX,
        weights=Weights(decoding.mixer_weights, "sharded", kept if bias else kept[:1]),
    )
    read = "gated" if dealt.mixer.gated else "heads"
    shape = summand_row(decoding, hidden)
    piece = Piece("out", MATRIX, ((read, STAYS),), output, shape, work, dealt.sizes)
    return with_residual(piece, residual, hidden, decoding)
