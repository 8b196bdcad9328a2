"""The layer graph: operators and the tensors between them, with the layout each operator leaves and needs.

Traffic follows from the layouts alone; see ``traffic``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from lpxsched.workload.datatypes import ELEMENT_BITS, bytes_of

Layout = Literal["replicated", "sharded", "partial", "single", "reserved"]
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
    runs : tuple of (int, int)
        First vector and number of those of each shard, where it is left or read ``reserved``.
    shard : int or None
        The one that leaves it, where the layout is ``single``.
    first_share : int
        The chip to which the first share of summands is dealt, so that those of several tensors lie beside each other.
    """

    name: str
    layer: int
    rows: int
    columns: int
    dtype: str
    layout: Layout
    place: Place
    vector_bytes: int
    runs: tuple[tuple[int, int], ...] = ()
    shard: int | None = None
    first_share: int = 0

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

    @property
    def most_vectors(self) -> int:
        """Vectors that one reader needs at most."""
        return max((vectors for _, vectors in self.runs), default=self.vectors)


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
    sizes : tuple of (str, int)
        What a replay must know to compute it, beyond its inputs and work.
    of_shards : tuple of str
        What each shard produces instead, where they are different tensors; empty for nothing.
    keeper : str
        The operator of an earlier layer, on the same chips, under whose name this one keeps what it keeps; empty for
        its own.
    """

    name: str
    kind: str
    layer: int
    place: Place
    unit: Unit
    inputs: tuple[tuple[str, Layout], ...]
    output: str
    sizes: tuple[tuple[str, int], ...] = ()
    of_shards: tuple[str, ...] = ()
    keeper: str = ""

    @property
    def outputs(self) -> tuple[str, ...]:
        """All tensors that it produces."""
        return tuple(name for name in self.of_shards or (self.output,) if name)

    def output_on(self, shard: int) -> str:
        """Return what it produces on one chip; empty for nothing."""
        return self.of_shards[shard] if self.of_shards else self.output

    @property
    def ends(self) -> bool:
        """Whether it ends a layer."""
        return not self.outputs


@dataclass(frozen=True, slots=True)
class LayerGraph:
    """Operators in topological order, and their tensors by name."""

    operators: tuple[Operator, ...]
    tensors: dict[str, Tensor]

    @property
    def windows(self) -> int:
        """How often it runs for one visit at most: rows beyond the capacity of experts come again."""
        return max((dict(operator.sizes).get("windows", 1) for operator in self.operators), default=1)

    def layer(self, layer: int) -> LayerGraph:
        """Return the part of one layer."""
        return LayerGraph(
            tuple(operator for operator in self.operators if operator.layer == layer),
            {name: tensor for name, tensor in self.tensors.items() if tensor.layer == layer},
        )
