"""Guessing of further tokens (MTP): tokens that were chosen and rows that they came of become rows of a further layer.

    head -> accept, onward -> join -> layers of a module -> head -> hand, onward -> join -> ...

A step has checked D drafts of a user and the token before them: 1 + D rows. The head *accepts* as many drafts as agree
with what it chose, and each row goes *onward* with the token that follows it. ``join`` gives a row of the module: of
the token's embedding and of the row before, each normed, one product. The first visit of a module in a step has all
rows of the step, for it must keep what the accepted ones leave in its mixers; of these the head *picks* each user's
last accepted one. Modules that are visited again have that row alone.

Chips of the head keep, for each user, how many drafts were accepted, and the tokens that follow his rows: 1 + D that
were chosen, and behind the last accepted one D that were guessed, so 1 + 2 D at most. Nothing of it moves.
"""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import TYPE_CHECKING, NamedTuple

from lpxsched.units import BITS_PER_BYTE, ceil_div
from lpxsched.workload.datatypes import ELEMENT_BITS, SCALE_BLOCK_COLUMNS, arithmetic_type, exact_bytes_of
from lpxsched.workload.parts.ends import TOKEN_TYPE, embedded_pieces
from lpxsched.workload.parts.piece import BEFORE, NORM_TYPE, OUTPUT, Entry, Piece, Shape, term
from lpxsched.workload.parts.rows import APPLY_OPERATIONS, Around, Rows, in_blocks, in_turn, leaving, part, scale
from lpxsched.workload.work import MATRIX, VECTOR, Weights, Work

if TYPE_CHECKING:
    from lpxsched.workload.graph import Layout
    from lpxsched.workload.parts.piece import Decoding

ACCEPT, CHOSEN, BEFORE_CHOSEN = "accept", "chosen", "before_chosen"


class Draft(NamedTuple):
    """Which draft of a step a visit is of.

    Attributes
    ----------
    number : int
        From 1 on; 0 is the head that checks the drafts of the step before.
    drafts, modules : int
        Drafts of a step, and modules that guess them in turn.
    """

    number: int
    drafts: int
    modules: int

    @property
    def has_all_rows(self) -> bool:
        """Whether its visits begin with all rows of a step: its module has not been visited before."""
        return self.number <= self.modules

    @property
    def is_last(self) -> bool:
        """Whether no draft follows."""
        return self.number == self.drafts

    @property
    def next(self) -> Draft:
        """The draft that follows."""
        return self._replace(number=self.number + 1)

    @property
    def before(self) -> Draft:
        """The draft before, or the head that checks."""
        return self._replace(number=self.number - 1)

    @property
    def first(self) -> int:
        """The first draft of the same module."""
        return (self.number - 1) % self.modules + 1

    @property
    def entry(self) -> Entry:
        """Where rows go that mixers of the module keep: those that were guessed are written over in the next step."""
        stay, again = 1 + self.drafts, (self.number - self.first) // self.modules
        return Entry(stay + again - 1 if again else 0, stay, stay + (self.drafts - self.first) // self.modules)

    def rows(self, decoding: Decoding) -> Decoding:
        """Return what its visits work on."""
        return decoding if self.has_all_rows else one_row(decoding)


def one_row(decoding: Decoding) -> Decoding:
    """Return a step of one row a user."""
    return replace(decoding, batch=decoding.users, rows_per_user=1)


def join_pieces(vocabulary: int, hidden: int, decoding: Decoding) -> list[Piece]:
    """Return what makes rows of chosen tokens and the rows that these came of.

    Parameters
    ----------
    vocabulary, hidden : int
    decoding : Decoding
        Of this draft.
    """
    tokens, rows = in_blocks("embedded", hidden, decoding), in_blocks(BEFORE, hidden, decoding)
    around = Around(rows, "", None, in_blocks(OUTPUT, hidden, decoding))
    dtype, columns = arithmetic_type(decoding.mixer_weights, decoding.precision.activations), 2 * hidden
    block = SCALE_BLOCK_COLUMNS.get(decoding.mixer_weights, 1)

    def project(leaves: int, first: bool) -> Work:
        weights = exact_bytes_of(leaves, decoding.mixer_weights)
        read = exact_bytes_of(1, decoding.precision.activations)
        terms, kept = leaving(leaves, (weights, read, Fraction(leaves)), decoding.precision)
        resident = Weights(decoding.mixer_weights, "sharded", kept)
        return Work(dtype, decoding.batch, columns, block, terms, ((MATRIX, 1),) * first, resident)

    joined: tuple[tuple[str, Layout], ...] = (("joined", "reserved"),)
    return [
        *embedded_pieces(vocabulary, tokens, BEFORE_CHOSEN, decoding),
        scale("token_scale", tokens, "token_scale", decoding),
        scale("row_scale", rows, "row_scale", decoding),
        _join(tokens, rows, block, decoding),
        *in_turn("project", joined, around, project, decoding, ()),
    ]


def _join(tokens: Rows, rows: Rows, block: int, decoding: Decoding) -> Piece:
    """Norm both halves of a chip's columns."""
    precision, columns = decoding.precision, tokens.hidden + rows.hidden
    weights = exact_bytes_of(1, NORM_TYPE)
    moved = exact_bytes_of(1, precision.partials) + exact_bytes_of(1, precision.activations)
    scales = exact_bytes_of(2, precision.partials)
    work = Work(
        precision.partials,
        decoding.batch,
        columns,
        block,
        (
            term("bytes", VECTOR, per_row=scales, per_column=weights, per_row_column=moved),
            term("elements", VECTOR, per_row_column=APPLY_OPERATIONS),
        ),
        ((VECTOR, 1),),
        Weights(NORM_TYPE, "sharded", (term("bytes", VECTOR, per_column=weights),)),
    )
    inputs: tuple[tuple[str, Layout], ...] = (*tokens.read(), *rows.read())
    scaled: tuple[tuple[str, Layout], ...] = (("token_scale", "replicated"), ("row_scale", "replicated"))
    shape = Shape(decoding.batch, columns, precision.activations, "reserved")
    sizes = (("token_blocks", len(tokens.names)), ("row_blocks", len(rows.names)))
    return Piece("join", VECTOR, (*inputs, *scaled), "joined", shape, work, sizes)


def pick_pieces(rows: Rows, draft: Draft, decoding: Decoding) -> tuple[list[Piece], Rows]:
    """Return what takes each user's last accepted row, and what it leaves.

    Parameters
    ----------
    rows : Rows
        All rows of a step.
    draft : Draft
    decoding : Decoding
        Of the step.
    """
    users, kept = decoding.users, _tokens(draft, decoding)
    picked = Rows(tuple("picked" + part(block) for block in range(len(rows.names))), rows.columns, rows.dtype)
    pieces = []
    for block, (name, columns) in enumerate(zip(rows.names, rows.columns, strict=True)):
        terms = (
            term("bytes", VECTOR, constant=_state(draft, users), per_row=2 * exact_bytes_of(columns, rows.dtype)),
            term("elements", VECTOR, per_row=columns),
        )
        work = Work(rows.dtype, users, terms=terms, pipelines=((VECTOR, 1),), weights=kept)
        shape = Shape(users, columns, rows.dtype, "replicated")
        inputs: tuple[tuple[str, Layout], ...] = ((name, "replicated"),)
        pieces.append(Piece("pick" + part(block), VECTOR, inputs, picked.names[block], shape, work, _sizes(draft)))
    return pieces, picked


def handing_pieces(rows: Rows, draft: Draft, width: int, decoding: Decoding) -> list[Piece]:
    """Return what keeps chosen tokens, and leaves those that follow, with their rows where a draft comes after.

    Parameters
    ----------
    rows : Rows
        Those that the next draft begins with.
    draft : Draft
    width : int
    decoding : Decoding
        Of the step.
    """
    own, users = (decoding if draft.number == 0 else one_row(decoding)), decoding.users
    following = decoding if draft.is_last else draft.next.rows(decoding)
    kind, passes = (ACCEPT, 2) if draft.number == 0 else ("hand", 1)
    # What is kept is read and written again; of drafts as many are compared as there are.
    moved = Fraction(own.batch + following.batch, own.batch)
    terms = (
        term("bytes", VECTOR, constant=2 * _state(draft, users), per_row=moved * exact_bytes_of(1, TOKEN_TYPE)),
        term("elements", VECTOR, per_row=moved),
    )
    partials, kept = decoding.precision.partials, _tokens(draft, decoding)
    work = Work(partials, own.batch, terms=terms, pipelines=((VECTOR, passes),), weights=kept)
    layout: Layout = "replicated" if draft.is_last else "sharded"
    shape = Shape(1, following.batch, TOKEN_TYPE, layout)
    tokens: tuple[tuple[str, Layout], ...] = (("tokens", "replicated"),)
    onward = [] if draft.is_last else _onward(rows, width, following)
    return [*onward, Piece(kind, VECTOR, tokens, CHOSEN, shape, work, _sizes(draft))]


def _onward(rows: Rows, width: int, decoding: Decoding) -> list[Piece]:
    """Leave a share of rows on each chip, from where all chips of another visit may gather them."""
    pieces, whole = [], decoding.vector_bytes * BITS_PER_BYTE // int(ELEMENT_BITS[rows.dtype])
    for block, (name, columns) in enumerate(zip(rows.names, rows.columns, strict=True)):
        elements = ceil_div(decoding.batch * ceil_div(columns, whole), width) * whole
        terms = (
            term("bytes", VECTOR, constant=2 * exact_bytes_of(elements, rows.dtype)),
            term("elements", VECTOR, constant=elements),
        )
        work = Work(rows.dtype, decoding.batch, terms=terms, pipelines=((VECTOR, 1),))
        shape = Shape(decoding.batch, columns, rows.dtype, "sharded")
        pieces.append(Piece("onward" + part(block), VECTOR, ((name, "replicated"),), OUTPUT + part(block), shape, work))
    return pieces


def _state(draft: Draft, users: int) -> Fraction:
    """Return the bytes of what is kept of so many users: how many drafts were accepted, and tokens that follow."""
    return exact_bytes_of(users * (2 + 2 * draft.drafts), TOKEN_TYPE)


def _tokens(draft: Draft, decoding: Decoding) -> Weights:
    kept = term("bytes", VECTOR, constant=_state(draft, decoding.kept_users))
    return Weights(TOKEN_TYPE, "replicated", (kept,), "tokens")


def _sizes(draft: Draft) -> tuple[tuple[str, int], ...]:
    return ("draft", draft.number), ("drafts", draft.drafts), ("modules", draft.modules)
