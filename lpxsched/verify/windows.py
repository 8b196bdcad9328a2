"""R3 delivery, fifth part: rows beyond the room of experts come again, as often as the graph says.

A source of rows has room for some of them with each expert; the worst routing sends all its rows to one. What it may
send in all is the rows that are routed at it, of what the graph deals; for hosts all rows of a step.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lpxsched.units import ceil_div
from lpxsched.verify.violation import GRAPH_FILE, Violation

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lpxsched.timetable.build import Build
    from lpxsched.timetable.documents import GraphOperator, GraphTensor

RULE = "R3"
# Who brings rows to positions.
PLACERS = ("dispatch", "places")


def window_violations(build: Build) -> Iterator[Violation]:
    """Yield experts that are said to see all rows in fewer windows than the worst routing takes."""
    tensors = {tensor.name: tensor for tensor in build.graph.tensors}
    writers = {name: operator for operator in build.graph.operators for name in operator.outputs}
    for operator in build.graph.operators:
        said = operator.sizes.get("windows")
        if said is None:
            continue
        places = [read.tensor for read in operator.inputs if writers[read.tensor].kind in PLACERS]
        needed = max((_windows(operator, tensors[name], writers[name], tensors) for name in places), default=1)
        if said < needed:
            message = f"operator {operator.name} has room for all rows in {needed} windows, sizes say {said}"
            yield Violation(RULE, f"{GRAPH_FILE}: {message}")


def _windows(
    operator: GraphOperator, placed: GraphTensor, writer: GraphOperator, tensors: dict[str, GraphTensor]
) -> int:
    """Return how many windows the rows of one source take at worst."""
    room, rows = placed.rows // max(1, operator.sizes.get("experts", 1)), _rows(operator, tensors)
    for read in writer.inputs:
        if read.runs is not None and placed.shard is not None:
            rows = min(rows, read.runs[placed.shard][1] // tensors[read.tensor].vectors_per_row)
    return ceil_div(rows, room) if room else rows


def _rows(operator: GraphOperator, tensors: dict[str, GraphTensor]) -> int:
    """Return the rows of a step: those of the summands that leave the layer."""
    return max(one.rows for one in tensors.values() if one.layer == operator.layer and one.layout == "partial")
