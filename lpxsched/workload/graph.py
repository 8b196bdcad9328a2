"""The layer graph: operators and the tensors between them, with the layout each operator leaves and needs.

With attention on GPUs (attention-FFN disaggregation) a layer is::

    ingress (hosts) -> router -> experts -> combine -> egress (hosts)

Rows enter sharded over the host links, every chip of the group computes the whole router and a slice of every expert
(policy ``sharded``), and each chip's output is a summand of the result. Traffic follows from the layouts alone; see
``traffic``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from lpxsched.workload.datatypes import ELEMENT_BITS, bytes_of

if TYPE_CHECKING:
    from lpxsched.workload.datatypes import Precision
    from lpxsched.workload.routed import RoutedModel

Layout = Literal["replicated", "sharded", "partial"]
Place = Literal["chips", "hosts"]
Unit = Literal["matrix", "vector", "host"]


@dataclass(frozen=True, slots=True)
class Tensor:
    """A whole tensor, in the layout in which its producer leaves it.

    Attributes
    ----------
    name : str
    layer : int
    rows, columns : int
    dtype : str
    layout, place : str
    vector_bytes : int
        Rows are padded to whole vectors of this size.
    """

    name: str
    layer: int
    rows: int
    columns: int
    dtype: str
    layout: Layout
    place: Place
    vector_bytes: int

    @property
    def element_bits(self) -> int:
        """Bits of one element."""
        return int(ELEMENT_BITS[self.dtype])

    @property
    def row_bytes(self) -> int:
        """Bytes of one row without padding."""
        return bytes_of(self.columns, self.dtype)

    @property
    def vectors_per_row(self) -> int:
        """Vectors of one row."""
        return -(-self.row_bytes // self.vector_bytes)

    @property
    def vectors(self) -> int:
        """Vectors of the whole tensor."""
        return self.rows * self.vectors_per_row


@dataclass(frozen=True, slots=True)
class Operator:
    """An operator of the graph; it runs once on each chip, or for each chip's host link, of the layer's group.

    Attributes
    ----------
    name, kind : str
    layer : int
    place, unit : str
    inputs : tuple of (tensor name, layout)
        What it reads, in the layout that it needs at its place.
    output : str
        Name of the tensor that it produces; empty for the end of a layer.
    """

    name: str
    kind: str
    layer: int
    place: Place
    unit: Unit
    inputs: tuple[tuple[str, Layout], ...]
    output: str

    @property
    def ends(self) -> bool:
        """Whether it ends a layer."""
        return not self.output


@dataclass(frozen=True, slots=True)
class LayerGraph:
    """Operators in topological order, and their tensors by name."""

    operators: tuple[Operator, ...]
    tensors: dict[str, Tensor]

    def layer(self, layer: int) -> LayerGraph:
        """Return the part of one layer."""
        return LayerGraph(
            tuple(operator for operator in self.operators if operator.layer == layer),
            {name: tensor for name, tensor in self.tensors.items() if tensor.layer == layer},
        )


def moe_layer_graph(
    model: RoutedModel,
    *,
    batch: int,
    precision: Precision,
    vector_bytes: int,
) -> LayerGraph:
    """Return the graph of all layers, attention on GPUs, policy ``sharded``.

    Parameters
    ----------
    model : RoutedModel
    batch : int
        Rows that enter a layer together.
    precision : Precision
        Types of the rows that enter and of the summands that leave.
    vector_bytes : int
        Payload of one vector.
    """
    operators: list[Operator] = []
    tensors: dict[str, Tensor] = {}
    assigned_rows = batch * model.experts_per_token
    for layer in range(model.layers):
        prefix = f"layer.{layer}."
        shapes: tuple[tuple[str, int, int, str, Layout, Place], ...] = (
            ("input", batch, model.hidden, precision.activations, "sharded", "hosts"),
            # Two 16-bit numbers for each expert that a row meets: its index and its weight.
            ("routing", batch, 2 * model.experts_per_token, "bf16", "replicated", "chips"),
            ("expert_output", assigned_rows, model.hidden, precision.partials, "partial", "chips"),
            ("output", batch, model.hidden, precision.partials, "partial", "chips"),
        )
        for name, rows, columns, dtype, layout, place in shapes:
            tensors[prefix + name] = Tensor(prefix + name, layer, rows, columns, dtype, layout, place, vector_bytes)
        steps: tuple[tuple[str, Place, Unit, dict[str, Layout], str], ...] = (
            ("ingress", "hosts", "host", {}, "input"),
            ("router", "chips", "matrix", {"input": "replicated"}, "routing"),
            ("experts", "chips", "matrix", {"input": "replicated", "routing": "replicated"}, "expert_output"),
            ("combine", "chips", "vector", {"expert_output": "partial", "routing": "replicated"}, "output"),
            ("egress", "hosts", "host", {"output": "sharded"}, ""),
        )
        for kind, place, unit, inputs, output in steps:
            named = tuple((prefix + name, layout) for name, layout in inputs.items())
            result = prefix + output if output else ""
            operators.append(Operator(prefix + kind, kind, layer, place, unit, named, result))
    return LayerGraph(tuple(operators), tensors)
