r"""Softmax attention on the chips of a group, its heads dealt over them.

Heads stay on their chip from the projection to the output projection::

    rows -> qkv -> rotate -> scores -> softmax -> values -> (gate) -> out

The heads are dealt in *bundles* of equally many query heads with the one head of keys and values that they share. A
bundle is all query heads of a key head where the group has no more chips than key heads; else it is a part of them,
the largest number of parts that does not leave a chip with two bundles of one key head, and the chips of such parts
each keep the keys and values of their head. Or they keep a part of its context each (`by_context`), which reads 1 /
parts of the cache, but projects all query heads and asks for an all-gather of the group: whichever is shorter.

A row sees T rows, itself included: all of its context, or those of the window. The rows of one step see windows that
begin one after the other, so that of s rows T + s - 1 are kept of a user's keys and values, in the type of the cache,
and no more than his context. One column of the deal is a column of a key head; for a bundle of q query heads it stands
for q columns of queries, q T products with keys and as many with values.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from lpxsched.units import ceil_div
from lpxsched.workload.costs import cycles, shard_cost
from lpxsched.workload.datatypes import arithmetic_type, exact_bytes_of
from lpxsched.workload.parts.by_context import merge_piece, statistics_piece, with_statistics
from lpxsched.workload.parts.dealt import STAYS, Dealt, Last, Passes, elementwise, output_projection, projection, scaled
from lpxsched.workload.parts.piece import Piece, term
from lpxsched.workload.work import MATRIX, VECTOR, Weights

if TYPE_CHECKING:
    from collections.abc import Sequence
    from fractions import Fraction

    from lpxsched.fabric.chip import Chip
    from lpxsched.workload.graph import Layout
    from lpxsched.workload.model import Attention
    from lpxsched.workload.parts.piece import Decoding
    from lpxsched.workload.parts.rows import Around
    from lpxsched.workload.work import Work

# Two products with sine and cosine, and the rounding.
ROTATE_OPERATIONS = 3
# The largest score, the exponential of the distance to it, the sum, and the scale with the rounding.
SOFTMAX_OPERATIONS = 4
# Exponential, one more, its inverse, the product with the rounding.
GATE_OPERATIONS = 4


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
class _Attention(Dealt):
    """Attention as it is dealt over a group: a unit is a bundle, of the columns of its key head."""

    mixer: Attention
    parts: int = 1

    @property
    def seen(self) -> int:
        """Rows that a row sees of those that a unit keeps."""
        return ceil_div(rows_seen(self.mixer, self.decoding), self.parts)

    @property
    def queries(self) -> int:
        """Query heads of a bundle."""
        return self.mixer.heads * self.parts // self.units

    def numbers(self, heads: int) -> int:
        """Return the numbers of so many heads of a bundle."""
        return heads * self.unit_columns

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
            ("bundles", self.units),
            ("parts", self.parts),
            *self.decoding.row_sizes,
            ("context", self.decoding.context),
            ("window", mixer.window),
            ("keys_are_values", int(mixer.keys_are_values)),
            ("gated", int(mixer.gated)),
        )

    @property
    def cache_bytes(self) -> Fraction:
        """Bytes of keys, or of values, of all users of a step by dealt column."""
        kept = ceil_div(rows_kept(self.mixer, self.decoding), self.parts)
        return exact_bytes_of(self.decoding.users * kept, self.decoding.kv)


def rows_seen(mixer: Attention, decoding: Decoding) -> int:
    """Return how many rows a row sees."""
    return min(decoding.context, mixer.window or decoding.context)


def rows_kept(mixer: Attention, decoding: Decoding) -> int:
    """Return how many rows of a user are kept: all that the rows of one step see."""
    return min(decoding.context, rows_seen(mixer, decoding) + decoding.new_rows - 1)


def attention_pieces(mixer: Attention, around: Around, chip: Chip, width: int, decoding: Decoding) -> list[Piece]:
    """Return attention with its output projection, to whose sum the first chip adds the residual.

    Key heads that chips share are kept whole, or by context where operators and a hop then take less.
    """
    number = bundles(mixer.heads, mixer.kv_heads, width).number
    whole = _pieces(_Attention(number, mixer.head_columns, decoding, mixer), around, width)
    parts, hop = width // mixer.kv_heads, decoding.hop_cycles
    if parts == 1 or not parts or hop is None or rows_seen(mixer, decoding) < parts:
        return whole
    split = _pieces(_Attention(mixer.kv_heads * parts, mixer.head_columns, decoding, mixer, parts), around, width)
    return split if _cycles(split, chip, width) + hop < _cycles(whole, chip, width) else whole


def _cycles(pieces: Sequence[Piece], chip: Chip, width: int) -> int:
    """Return what operators one after the other take on the first chip, which has no less than any other."""
    shares = [(piece, piece.work.on(width, chip.shard_columns)[0]) for piece in pieces]
    return sum(cycles(shard_cost(piece.work, chip, share, 0), piece.unit, chip) for piece, share in shares)


def _pieces(dealt: _Attention, around: Around, width: int) -> list[Piece]:
    mixer, queries = dealt.mixer, dealt.queries
    projected = dealt.numbers(dealt.projected)
    pieces = [
        *projection("qkv", around.rows, projected, dealt, biases=mixer.biases),
        scaled(_rotate(dealt), around.scale, projected, dealt),
        _scores(dealt),
    ]
    softmax, given = softmax_piece(queries * dealt.seen, dealt), "heads"
    if dealt.parts > 1:
        pieces += [with_statistics(softmax, queries, dealt), statistics_piece(queries, dealt, width), _values(dealt)]
        pieces.append(merge_piece(queries, dealt.numbers(queries), dealt.parts, dealt))
        given = "merged"
    else:
        pieces += [softmax, _values(dealt)]
    pieces += [_gate(dealt, given)] if mixer.gated else []
    given = "gated" if mixer.gated else given
    last = Last(dealt.numbers(dealt.queries), mixer.biases)
    return [*pieces, *output_projection("out", given, around, dealt, last)]


def softmax_piece(scores: int, dealt: Dealt) -> Piece:
    """Return the weights of so many scores by row and unit."""
    precision = dealt.decoding.precision
    moved = exact_bytes_of(scores, precision.partials) + exact_bytes_of(scores, precision.activations)
    # The largest score, the sum, and the scale wait for each other.
    passes = Passes(moved, SOFTMAX_OPERATIONS * scores, 3)
    return elementwise("softmax", (("scores", STAYS),), "weights", scores, dealt, passes)


def _rotate(dealt: _Attention) -> Piece:
    """Turn queries and keys by their place in the sequence; the new keys and values go to the cache."""
    precision, queries, gated = dealt.decoding.precision, dealt.queries, dealt.mixer.gated
    made = dealt.numbers(queries * (1 + gated) + 2)
    moved = exact_bytes_of(dealt.numbers(dealt.projected), precision.partials)
    moved += exact_bytes_of(made, precision.activations) + exact_bytes_of(dealt.numbers(2), dealt.decoding.kv)
    operations = dealt.numbers(ROTATE_OPERATIONS * (queries + 1) + 1 + queries * gated)
    inputs: tuple[tuple[str, Layout], ...] = (("projected", STAYS),)
    return elementwise("rotate", inputs, "rotated", made, dealt, Passes(moved, operations))


def _cache(dealt: _Attention, name: str) -> Weights:
    kept = dealt.cache_bytes * dealt.decoding.micro_batches
    return Weights(dealt.decoding.kv, "sharded", (term("bytes", MATRIX, per_column=kept),), name)


def _products(dealt: _Attention, moved: Fraction, *pipelines: str, cache: str) -> Work:
    """Work of each query head with the keys, or the values, of all rows that it sees; bytes of the rest by row."""
    decoding = dealt.decoding
    terms = (
        term("bytes", MATRIX, per_column=dealt.cache_bytes, per_row_column=dealt.each(moved)),
        term("macs", MATRIX, per_row_column=dealt.queries * dealt.seen),
    )
    dtype = arithmetic_type(decoding.kv, decoding.precision.activations)
    return dealt.work(dtype, terms, *pipelines, weights=_cache(dealt, cache))


def _scores(dealt: _Attention) -> Piece:
    precision, scores = dealt.decoding.precision, dealt.queries * dealt.seen
    moved = exact_bytes_of(dealt.numbers(dealt.queries), precision.activations)
    work = _products(dealt, moved + exact_bytes_of(scores, precision.partials), MATRIX, cache="keys")
    shape = dealt.stays(scores, precision.partials)
    return Piece("scores", MATRIX, (("rotated", STAYS),), "scores", shape, work, dealt.sizes)


def _values(dealt: _Attention) -> Piece:
    precision, heads = dealt.decoding.precision, dealt.numbers(dealt.queries)
    moved = exact_bytes_of(dealt.queries * dealt.seen + heads, precision.activations)
    work = _products(dealt, moved, MATRIX, VECTOR, cache="values")
    inputs: tuple[tuple[str, Layout], ...] = (("weights", STAYS), ("rotated", STAYS))
    return Piece("values", MATRIX, inputs, "heads", dealt.stays(heads, precision.activations), work, dealt.sizes)


def _gate(dealt: _Attention, given: str) -> Piece:
    """Multiply what heads give by the sigmoid of their gates."""
    heads = dealt.numbers(dealt.queries)
    moved = exact_bytes_of(3 * heads, dealt.decoding.precision.activations)
    inputs: tuple[tuple[str, Layout], ...] = ((given, STAYS), ("rotated", STAYS))
    return elementwise("gate", inputs, "gated", heads, dealt, Passes(moved, GATE_OPERATIONS * heads))
