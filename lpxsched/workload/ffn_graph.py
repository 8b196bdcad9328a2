"""The layer graph of FFNs whose rows come from GPUs.

With mixers on GPUs (attention-FFN disaggregation) a layer of routed experts, and a dense one, are::

    ingress (hosts) -> router_in -> router -> experts -> combine -> egress (hosts)
    ingress (hosts) -> dense -> egress (hosts)

Shared experts (``shared``) read the same rows and are added by ``combine``. Before latent experts ``narrow`` makes rows
narrower, and after them ``widen`` widens each chip's summand and adds the shared ones.

Rows enter sharded over the host links, every chip of the group computes the whole router, a slice of every FFN and its
part of the experts (slices of all, or some whole), and its output is a summand of the result. A dense FFN beside
experts (``dense``) leaves a sum by itself. Where the GPUs route, ids and gates come with the rows, a vector for each.
How rows reach only the chips of their experts is in
`dispatch`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from lpxsched.workload.datatypes import ROUTER_TYPE
from lpxsched.workload.dispatch import Surroundings, dispatch_graph
from lpxsched.workload.graph import LayerGraph, Operator, Tensor

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lpxsched.workload.datatypes import Precision
    from lpxsched.workload.ffns import FfnLayer, FfnModel
    from lpxsched.workload.graph import Layout, Place, Unit
    from lpxsched.workload.model import Experts, Ffn


class _Shape(NamedTuple):
    """A tensor of a layer, without its layer and its vectors."""

    rows: int
    columns: int
    dtype: str
    layout: Layout
    place: Place


class Step(NamedTuple):
    """An operator of a layer, and what it reads and leaves."""

    kind: str
    place: Place
    unit: Unit
    inputs: dict[str, Layout]
    output: str
    sizes: tuple[tuple[str, int], ...] = ()


def ffn_graph(
    model: FfnModel,
    *,
    batch: int,
    precision: Precision,
    vector_bytes: int,
    widths: Sequence[int] | None = None,
) -> LayerGraph:
    """Return the graph of all layers that have an FFN, mixers on GPUs.

    Parameters
    ----------
    model : FfnModel
    batch : int
        Rows that enter a layer together.
    precision : Precision
        Types of the rows that enter and of the summands that leave.
    vector_bytes : int
        Payload of one vector.
    widths : sequence of int, optional
        Chips of the group of each layer, on which positions of the policy ``dispatch`` depend; without them an expert
        lies on each chip, so that no chip has less.
    """
    operators: list[Operator] = []
    tensors: dict[str, Tensor] = {}
    for number, layer in enumerate(model.layers):
        if layer.experts and layer.policy.moe == "dispatch":
            width = widths[number] if widths else layer.experts.number
            made = dispatch_graph(Surroundings(number, layer, batch, precision, vector_bytes, width))
            operators += (one.operator for one in made)
            tensors |= {tensor.name: tensor for one in made for tensor in one.tensors}
            continue
        prefix = f"layer.{number}."
        for name, shape in ffn_shapes(layer, batch, precision).items():
            tensors[prefix + name] = Tensor(prefix + name, number, *shape, vector_bytes)
        for step in ffn_steps(layer):
            named = tuple((prefix + name, layout) for name, layout in step.inputs.items())
            result = prefix + step.output if step.output else ""
            name = prefix + step.kind
            operators.append(Operator(name, step.kind, number, step.place, step.unit, named, result, step.sizes))
    return LayerGraph(tuple(operators), tensors)


def ffn_shapes(layer: FfnLayer, batch: int, precision: Precision) -> dict[str, _Shape]:
    """Return what the operators of an FFN leave, by name, and what enters it."""
    rows_in = _Shape(batch, layer.hidden, precision.activations, "sharded", "hosts")
    summand = _Shape(batch, layer.hidden, precision.partials, "partial", "chips")
    shapes = {"input": rows_in}
    experts = layer.experts
    if experts:
        latent = experts.latent_columns
        if latent:
            shapes["latent"] = _Shape(batch, latent, precision.activations, "replicated", "chips")
        # Two 16-bit numbers for each expert that a row meets: its index and its weight.
        routing = _Shape(batch, 2 * experts.per_token, ROUTER_TYPE, "replicated", "chips")
        by_gpu = layer.policy.router == "gpu"
        if not by_gpu:
            shapes["logits"] = _Shape(batch, experts.choices, precision.partials, "replicated", "chips")
        shapes["routing"] = routing._replace(layout="sharded", place="hosts") if by_gpu else routing
        by_pair = summand._replace(rows=batch * experts.per_token, columns=latent or layer.hidden)
        shapes["expert_output"] = by_pair
        if layer.shared:
            shapes["shared_output"] = summand
        if latent:
            shapes["latent_output"] = by_pair._replace(rows=batch)
        if layer.dense:
            shapes["dense_output"] = summand
    return shapes | {"output": summand}


def ffn_steps(layer: FfnLayer) -> list[Step]:
    """Return the operators of an FFN between an ingress and an egress, in topological order."""
    rows: dict[str, Layout] = {"input": "replicated"}
    experts, by_gpu = layer.experts, layer.policy.router == "gpu"
    dense = "dense_output" if experts else "output"
    sums: dict[str, Layout] = dict.fromkeys(("output", dense) if layer.dense else ("output",), "sharded")
    steps = [Step("ingress", "hosts", "host", {}, "input")]
    steps += [Step("routes", "hosts", "host", {}, "routing")] if experts and by_gpu else []
    if layer.dense:
        steps.append(Step("dense", "chips", "matrix", rows, dense, _matrices(layer.dense)))
    if experts:
        steps += _expert_steps(rows, experts, layer.shared, by_gpu=by_gpu)
    return [*steps, Step("egress", "hosts", "host", sums, "")]


def _router_steps(rows: dict[str, Layout]) -> list[Step]:
    """Return logits and choice of experts."""
    logits: dict[str, Layout] = {"logits": "replicated"}
    return [
        Step("router_in", "chips", "matrix", rows, "logits"),
        Step("router", "chips", "vector", logits, "routing"),
    ]


def _matrices(ffn: Ffn | Experts) -> tuple[tuple[str, int], ...]:
    return (("matrices", ffn.matrices),)


def _expert_steps(rows: dict[str, Layout], experts: Experts, shared: Ffn | None, *, by_gpu: bool) -> list[Step]:
    latent = experts.latent_columns > 0
    routing: dict[str, Layout] = {"routing": "replicated"}
    beside: dict[str, Layout] = {"shared_output": "partial"} if shared else {}
    narrow: dict[str, Layout] = {"latent": "replicated"}
    last: dict[str, Layout] = {} if latent else beside
    # What experts without weights give is the row itself.
    same: dict[str, Layout] = rows if experts.idle else {}
    steps = [Step("narrow", "chips", "matrix", rows, "latent")] if latent else []
    steps += [] if by_gpu else _router_steps(rows)
    steps += [Step("shared", "chips", "matrix", rows, "shared_output", _matrices(shared))] if shared else []
    inputs = (narrow if latent else rows) | routing
    sizes = (*_matrices(experts), ("experts", experts.number), ("idle", experts.idle))
    steps.append(Step("experts", "chips", "matrix", inputs, "expert_output", sizes))
    summed: dict[str, Layout] = {"expert_output": "partial"}
    result = "latent_output" if latent else "output"
    steps.append(Step("combine", "chips", "vector", summed | routing | last | same, result))
    wide: dict[str, Layout] = {"latent_output": "partial"}
    return steps + ([Step("widen", "chips", "matrix", wide | beside, "output")] if latent else [])
