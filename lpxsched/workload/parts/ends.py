"""Where tokens become rows and rows become tokens: embedding, last norm, LM head and the choice of the best.

Both matrices are dealt by tokens. The embedding leaves summands, of which all but that of the chip with the token are
zero: so that it borders on the first layer as any layer does on the next. The head keeps logits where they are made;
each chip finds its best token, a vector a row, and after an all-gather of these every chip knows the best of all.
"""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

from lpxsched.workload.datatypes import arithmetic_type, exact_bytes_of
from lpxsched.workload.parts.piece import OUTPUT, Decoding, Piece, Shape, term
from lpxsched.workload.parts.rows import Rows, accumulated, follows, in_blocks, part, rounded
from lpxsched.workload.work import HOST, MATRIX, VECTOR, Weights, Work

if TYPE_CHECKING:
    from lpxsched.workload.graph import Layout

TOKEN_TYPE = "int32"
# A token and its logit.
BEST_COLUMNS = 2


def embedding_pieces(vocabulary: int, hidden: int, decoding: Decoding) -> list[Piece]:
    """Return the operators that turn tokens from a host into rows, one block of columns after the other."""
    tokens = Shape(1, decoding.batch, TOKEN_TYPE, "sharded", "hosts")
    ingress = Piece("ingress", HOST, (), "tokens", tokens, Work("none"), (("tokens", vocabulary),), "hosts")
    return [ingress, *embedded_pieces(vocabulary, in_blocks(OUTPUT, hidden, decoding), "tokens", decoding)]


def embedded_pieces(vocabulary: int, rows: Rows, tokens: str, decoding: Decoding) -> list[Piece]:
    """Return the operators that leave summands of the rows of tokens, one block of columns after the other."""
    pieces, sizes = list[Piece](), (("tokens", vocabulary),)
    for block, (name, columns) in enumerate(zip(rows.names, rows.columns, strict=True)):
        after: tuple[tuple[str, Layout], ...] = ((rows.names[block - 1], "partial"),) if block else ()
        shape = Shape(decoding.batch, columns, rows.dtype, "partial")
        work = _embedding(vocabulary, columns, decoding, first=not block)
        inputs: tuple[tuple[str, Layout], ...] = ((tokens, "replicated"), *after)
        piece = Piece("embedding" + part(block), VECTOR, inputs, name, shape, work, sizes)
        pieces.append(follows(piece, 1) if block else piece)
    return pieces


def _embedding(vocabulary: int, columns: int, decoding: Decoding, *, first: bool) -> Work:
    """Work of a block of columns of the rows of tokens; the first fills the pipeline."""
    partials, row = decoding.precision.partials, exact_bytes_of(columns, decoding.mixer_weights)
    moved = exact_bytes_of(1, TOKEN_TYPE) + row + exact_bytes_of(columns, partials)
    return Work(
        dtype=partials,
        rows=decoding.batch,
        columns=vocabulary,
        terms=(term("bytes", VECTOR, per_row=moved), term("elements", VECTOR, per_row=columns)),
        pipelines=((VECTOR, 1),) * first,
        weights=Weights(decoding.mixer_weights, "sharded", (term("bytes", VECTOR, per_column=row),)),
    )


def head_pieces(vocabulary: int, rows: Rows, width: int, decoding: Decoding) -> list[Piece]:
    """Return the operators that turn rows into tokens, on every chip.

    A norm's scale is the same for all logits of a row, and so changes nothing in which is the largest.
    """
    sizes, batch = (("tokens", vocabulary),), decoding.batch
    best = Shape(width * batch, BEST_COLUMNS, TOKEN_TYPE, "sharded")
    tokens = Shape(1, batch, TOKEN_TYPE, "replicated")
    rounding, read = rounded("head_round", rows, "head_rows", decoding.mixer_weights, decoding)
    return [
        *rounding,
        *_logits(vocabulary, read, decoding),
        Piece("argmax", VECTOR, (("logits", "reserved"),), "best", best, _argmax(vocabulary, decoding), sizes),
        Piece("sample", VECTOR, (("best", "replicated"),), "tokens", tokens, _sample(width, decoding), sizes),
    ]


def egress_piece(tokens: str) -> Piece:
    """Return what takes tokens to a host."""
    return Piece("egress", HOST, ((tokens, "sharded"),), "", None, Work("none"), (), "hosts")


def _logits(vocabulary: int, rows: Rows, decoding: Decoding) -> list[Piece]:
    precision = decoding.precision

    def work(columns: int, last: bool) -> Work:
        weights = exact_bytes_of(columns, decoding.mixer_weights)
        return Work(
            dtype=arithmetic_type(decoding.mixer_weights, precision.activations),
            rows=decoding.batch,
            columns=vocabulary,
            terms=(
                term(
                    "bytes",
                    MATRIX,
                    per_row=exact_bytes_of(columns, rows.dtype),
                    per_column=weights,
                    per_row_column=exact_bytes_of(int(last), precision.partials),
                ),
                term("macs", MATRIX, per_row_column=columns),
            ),
            pipelines=((MATRIX, 1),) * last,
            weights=Weights(decoding.mixer_weights, "sharded", (term("bytes", MATRIX, per_column=weights),)),
        )

    shape = Shape(decoding.batch, vocabulary, precision.partials, "reserved")
    return accumulated("lm_head", rows, "logits", shape, work, (("tokens", vocabulary),))


def _argmax(vocabulary: int, decoding: Decoding) -> Work:
    """Work of the best token of each row on a chip."""
    logit = exact_bytes_of(1, decoding.precision.partials)
    return Work(
        dtype=decoding.precision.partials,
        rows=decoding.batch,
        columns=vocabulary,
        terms=(
            term("bytes", VECTOR, per_row=exact_bytes_of(BEST_COLUMNS, TOKEN_TYPE), per_row_column=logit),
            term("elements", VECTOR, per_row_column=1),
        ),
        pipelines=((VECTOR, 1),),
    )


def _sample(width: int, decoding: Decoding) -> Work:
    """Work of the best of the best tokens of all chips."""
    return Work(
        dtype=decoding.precision.partials,
        rows=decoding.batch,
        terms=(
            term("bytes", VECTOR, per_row=exact_bytes_of(BEST_COLUMNS * width + 1, TOKEN_TYPE)),
            term("elements", VECTOR, per_row=Fraction(width)),
        ),
        pipelines=((VECTOR, 1),),
    )
