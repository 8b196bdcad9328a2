"""Where tokens become rows and rows become tokens: embedding, last norm, LM head and the choice of the best.

Both matrices are dealt by tokens. The embedding leaves summands, of which all but that of the chip with the token are
zero: so that it borders on the first layer as any layer does on the next. The head keeps logits where they are made;
each chip finds its best token, a vector a row, and after an all-gather of these every chip knows the best of all.
"""

from __future__ import annotations

from fractions import Fraction

from lpxsched.workload.datatypes import arithmetic_type, exact_bytes_of
from lpxsched.workload.parts.piece import BEFORE, OUTPUT, Decoding, Piece, Shape, norm, summand_row, term
from lpxsched.workload.work import HOST, MATRIX, VECTOR, Weights, Work

TOKEN_TYPE = "int32"
# A token and its logit.
BEST_COLUMNS = 2


def embedding_pieces(vocabulary: int, hidden: int, decoding: Decoding) -> list[Piece]:
    """Return the operators that turn tokens from a host into rows."""
    batch, precision = decoding.batch, decoding.precision
    row = exact_bytes_of(hidden, decoding.mixer_weights)
    work = Work(
        dtype=precision.partials,
        rows=batch,
        columns=vocabulary,
        terms=(
            term(
                "bytes",
                VECTOR,
                per_row=exact_bytes_of(1, TOKEN_TYPE) + row + exact_bytes_of(hidden, precision.partials),
            ),
            term("elements", VECTOR, per_row=hidden),
        ),
        pipelines=((VECTOR, 1),),
        weights=Weights(decoding.mixer_weights, "sharded", (term("bytes", VECTOR, per_column=row),)),
    )
    tokens = Shape(1, batch, TOKEN_TYPE, "sharded", "hosts")
    sizes = (("tokens", vocabulary),)
    return [
        Piece("ingress", HOST, (), "tokens", tokens, Work("none"), sizes, "hosts"),
        Piece("embedding", VECTOR, (("tokens", "replicated"),), OUTPUT, summand_row(decoding, hidden), work, sizes),
    ]


def head_pieces(vocabulary: int, hidden: int, width: int, decoding: Decoding) -> list[Piece]:
    """Return the operators that turn rows into tokens for a host."""
    sizes, batch = (("tokens", vocabulary),), decoding.batch
    best = Shape(width * batch, BEST_COLUMNS, TOKEN_TYPE, "sharded")
    tokens = Shape(1, batch, TOKEN_TYPE, "replicated")
    return [
        norm("final_norm", BEFORE, "head_input", hidden, decoding),
        _logits(vocabulary, hidden, decoding),
        Piece("argmax", VECTOR, (("logits", "reserved"),), "best", best, _argmax(vocabulary, decoding), sizes),
        Piece("sample", VECTOR, (("best", "replicated"),), "tokens", tokens, _sample(width, decoding), sizes),
        Piece("egress", HOST, (("tokens", "sharded"),), "", None, Work("none"), (), "hosts"),
    ]


def _logits(vocabulary: int, hidden: int, decoding: Decoding) -> Piece:
    precision = decoding.precision
    weights = exact_bytes_of(hidden, decoding.mixer_weights)
    work = Work(
        dtype=arithmetic_type(decoding.mixer_weights, precision.activations),
        rows=decoding.batch,
        columns=vocabulary,
        terms=(
            term(
                "bytes",
                MATRIX,
                per_row=exact_bytes_of(hidden, precision.activations),
                per_column=weights,
                per_row_column=exact_bytes_of(1, precision.partials),
            ),
            term("macs", MATRIX, per_row_column=hidden),
        ),
        pipelines=((MATRIX, 1),),
        weights=Weights(decoding.mixer_weights, "sharded", (term("bytes", MATRIX, per_column=weights),)),
    )
    shape = Shape(decoding.batch, vocabulary, precision.partials, "reserved")
    return Piece("lm_head", MATRIX, (("head_input", "replicated"),), "logits", shape, work, (("tokens", vocabulary),))


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
