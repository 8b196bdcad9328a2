"""Experts of a layer whose rows are on its chips already, and what is beside them, with a residual.

The router multiplies rows as they come, and what it gives is scaled before the choice; meanwhile the vector unit norms
the rows for the experts.
"""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import TYPE_CHECKING

from lpxsched.workload.costs import layer_work
from lpxsched.workload.datatypes import ROUTER_TYPE, exact_bytes_of
from lpxsched.workload.ffn_graph import ffn_shapes, ffn_steps
from lpxsched.workload.parts.piece import Piece, Shape, with_residual
from lpxsched.workload.parts.rows import Rows, accumulated, follows, norm, part, scale
from lpxsched.workload.routed import widening
from lpxsched.workload.router import choice_work, logits_work
from lpxsched.workload.work import VECTOR, Work

if TYPE_CHECKING:
    from lpxsched.fabric.chip import Chip
    from lpxsched.workload.ffn_graph import Step
    from lpxsched.workload.ffns import FfnLayer
    from lpxsched.workload.graph import Layout
    from lpxsched.workload.model import Experts
    from lpxsched.workload.parts.piece import Decoding
    from lpxsched.workload.work import Term


def expert_pieces(layer: FfnLayer, rows: Rows, output: Rows, chip: Chip, width: int, decoding: Decoding) -> list[Piece]:
    """Return norm, router, experts and what adds them up; the first chip adds the rows that they read.

    Parameters
    ----------
    layer : FfnLayer
    rows : Rows
        Not normed.
    output : Rows
        Summands.
    chip : Chip
    width : int
        Chips of the group.
    decoding : Decoding
    """
    batch, precision = decoding.batch, decoding.precision
    works = layer_work(layer, chip, width, batch=batch, precision=precision)
    shapes = ffn_shapes(layer, batch, precision)
    experts = layer.experts
    assert experts is not None
    normed, _ = norm("ffn_norm", rows, "ffn_scale", "ffn_input", decoding)
    pieces = [
        scale("ffn_scale", rows, "ffn_scale", decoding),
        *_logits(experts, rows, decoding),
        normed,
        _router(experts, shapes["routing"].rows, decoding),
    ]
    steps = [step for step in ffn_steps(layer) if step.place == "chips" and step.kind not in ("router_in", "router")]
    for step in steps[:-1]:
        inputs, shape = _inputs(step), Shape(*shapes[step.output])
        pieces.append(Piece(step.kind, step.unit, inputs, step.output, shape, works[step.kind], step.sizes))
    last = steps[-1]
    whole = Piece(last.kind, last.unit, _inputs(last), last.output, None, works[last.kind], last.sizes)
    for block, columns in enumerate(output.columns):
        piece = block_of_sums(whole, layer, output, block, decoding)
        pieces.append(with_residual(piece, rows.names[block], columns, decoding))
    return pieces


def _inputs(step: Step) -> tuple[tuple[str, Layout], ...]:
    return tuple(("ffn_input" if name == "input" else name, layout) for name, layout in step.inputs.items())


def block_of_sums(whole: Piece, layer: FfnLayer, output: Rows, block: int, decoding: Decoding) -> Piece:
    """Return the operator that leaves a block of columns of what experts give; the first block fills the pipeline.

    The size ``first_vector`` says with which vector of a row the block begins.
    """
    experts, columns = layer.experts, output.columns[block]
    assert experts is not None
    if whole.kind == "widen":
        typed, joined = layer.precision("experts", decoding.precision), layer.shared is not None
        work = widening(columns, experts.latent_columns, decoding.batch, typed, joined=joined)
    else:
        part_of = Fraction(columns, layer.hidden)
        work = replace(whole.work, terms=tuple(_times(one, part_of) for one in whole.work.terms))
    shape, name = Shape(decoding.batch, columns, output.dtype, "partial"), output.names[block]
    piece = replace(whole, kind=whole.kind + part(block), output=name, shape=shape, work=work, tensors=())
    if not block:
        return piece
    before = exact_bytes_of(sum(output.columns[:block]), output.dtype)
    sizes = (*piece.sizes, ("first_vector", int(before / decoding.vector_bytes)))
    after: tuple[str, Layout] = (output.names[block - 1], "partial")
    piece = replace(piece, work=replace(work, pipelines=()), inputs=(*piece.inputs, after), sizes=sizes)
    return follows(piece, len(whole.inputs))


def _times(one: Term, part_of: Fraction) -> Term:
    """Return a part of a term all of which grows with the columns."""
    names = ("constant", "per_row", "per_column", "per_row_column", "per_run")
    return replace(one, **{name: getattr(one, name) * part_of for name in names})


def _logits(experts: Experts, rows: Rows, decoding: Decoding) -> list[Piece]:
    """Give the logits of all choices, on every chip."""
    batch, partials = decoding.batch, decoding.precision.partials

    def work(columns: int, is_last: bool) -> Work:
        return logits_work(experts, columns, rows.dtype, batch, partials, is_last=is_last)

    return accumulated("router_in", rows, "logits", Shape(batch, experts.choices, partials, "replicated"), work, ())


def _router(experts: Experts, rows: int, decoding: Decoding) -> Piece:
    """Choose the k best of the logits of each row, and give their gates."""
    work = choice_work(experts, decoding.batch, decoding.precision.partials, scaled=True)
    inputs: tuple[tuple[str, Layout], ...] = (("logits", "replicated"), ("ffn_scale", "replicated"))
    shape = Shape(rows, 2 * experts.per_token, ROUTER_TYPE, "replicated")
    return Piece("router", VECTOR, inputs, "routing", shape, work)
