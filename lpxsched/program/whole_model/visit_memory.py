"""How many bytes a visit of a whole model needs on each chip: what stays, and what its largest operator works on."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from lpxsched.traffic.layouts import shares
from lpxsched.units import NONE
from lpxsched.workload.costs import shard_costs
from lpxsched.workload.lpu_graph import lpu_graph, lpu_work

if TYPE_CHECKING:
    from lpxsched.fabric.chip import Chip
    from lpxsched.workload.graph import Operator, Tensor
    from lpxsched.workload.lpu_visits import Visit
    from lpxsched.workload.parts.piece import Decoding


@dataclass(frozen=True, slots=True)
class Needs:
    """The bytes that a visit needs on each chip of its group.

    Attributes
    ----------
    resident : tuple of int
        Weights, keys and values, states: by shard. What an earlier visit keeps is left out.
    working : int
        Of the operator with the largest working set, at least.
    """

    resident: tuple[int, ...]
    working: int


def visit_needs(visit: Visit, chip: Chip, width: int, decoding: Decoding, first: Visit) -> Needs:
    """Return what a visit needs on a group of `width` chips; what it reads is as long as what the first one leaves."""
    if visit.part == "join" and visit.draft:
        first = replace(visit, part="head", draft=visit.draft.before, home=NONE)
    costs = shard_costs(lpu_work(visit, chip, width, decoding), chip, width)
    graph = lpu_graph((first, visit), chip, (width, width), decoding)

    def working(operator: Operator) -> int:
        # Of what chips leave each by itself, the first chip has its own.
        left = operator.output_on(0)
        made = [(left, graph.tensors[left].layout)] if left else []
        return sum(_held(graph.tensors[name], layout, width) for name, layout in (*operator.inputs, *made))

    ran = [operator for operator in graph.operators if operator.layer == 1 and operator.place == "chips"]
    own = {operator.kind for operator in ran if not operator.keeper}
    resident = tuple(sum(cost.weight_bytes for kind, cost in shard.items() if kind in own) for shard in costs)
    return Needs(resident, max(map(working, ran)) * decoding.vector_bytes)


def _held(tensor: Tensor, layout: str, width: int) -> int:
    """Return the vectors of a tensor in a layout on the first chip of a group."""
    if layout == "reserved":
        return tensor.runs[0][1]
    return shares(tensor.vectors, width)[0][1] if layout == "sharded" else tensor.vectors
