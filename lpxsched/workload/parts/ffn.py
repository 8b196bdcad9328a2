"""FFNs of a layer whose rows are on its chips already: those of `graph.ffn_graph`, and the residual."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lpxsched.workload.costs import layer_work
from lpxsched.workload.ffn_graph import ffn_shapes, ffn_steps
from lpxsched.workload.parts.piece import Piece, Shape, with_residual

if TYPE_CHECKING:
    from lpxsched.fabric.chip import Chip
    from lpxsched.workload.ffns import FfnLayer
    from lpxsched.workload.parts.piece import Decoding


def ffn_pieces(layer: FfnLayer, read: str, residual: str, chip: Chip, width: int, decoding: Decoding) -> list[Piece]:
    """Return the operators of an FFN, to whose sum the first chip adds the rows of `residual`."""
    batch, precision = decoding.batch, decoding.precision
    works = layer_work(layer, chip, width, batch=batch, precision=precision)
    shapes = ffn_shapes(layer, batch, precision)
    pieces = [
        Piece(
            kind=step.kind,
            unit=step.unit,
            inputs=tuple((read if name == "input" else name, layout) for name, layout in step.inputs.items()),
            output=step.output,
            shape=Shape(*shapes[step.output]),
            work=works[step.kind],
            sizes=step.sizes,
        )
        for step in ffn_steps(layer)
        if step.place == "chips"
    ]
    return [*pieces[:-1], with_residual(pieces[-1], residual, layer.hidden, decoding)]
