"""What is laid over a fabric: the layers of a model for so many rows, and the problem of a layer on some chips."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from lpxsched.workload.costs import layer_work, shard_costs
from lpxsched.workload.ffn_graph import ffn_graph

if TYPE_CHECKING:
    from lpxsched.fabric.chip import Chip
    from lpxsched.traffic.group import Group
    from lpxsched.workload.costs import Cost
    from lpxsched.workload.datatypes import Precision
    from lpxsched.workload.ffns import FfnModel
    from lpxsched.workload.graph import LayerGraph
    from lpxsched.workload.work import Work


@dataclass(frozen=True, slots=True, eq=False)
class Load:
    """The layers of a model.

    Attributes
    ----------
    model : FfnModel
    graph : LayerGraph
    chip : Chip
        What every layer runs on.
    batch : int
        Rows of a step.
    precision : Precision
        Types of what lies there.
    """

    model: FfnModel
    graph: LayerGraph
    chip: Chip
    batch: int
    precision: Precision

    @property
    def layers(self) -> int:
        """Number of layers."""
        return len(self.model.layers)

    def kind(self, layer: int) -> int:
        """Return the first layer that is like a layer."""
        return self.model.layers.index(self.model.layers[layer])

    def kinds(self) -> dict[int, list[int]]:
        """Return the layers of each kind, by the first of them."""
        layers: dict[int, list[int]] = {}
        for layer in range(self.layers):
            layers.setdefault(self.kind(layer), []).append(layer)
        return layers

    @property
    def depends_on_width(self) -> bool:
        """Whether the tensors of a layer depend on how many chips compute it."""
        return any(layer.experts and layer.policy.moe == "dispatch" for layer in self.model.layers)

    def graph_on(self, kind: int, width: int) -> LayerGraph:
        """Return the graph of a kind of layer on so many chips."""
        if not self.depends_on_width:
            return self.graph.layer(kind)
        vector_bytes = next(iter(self.graph.tensors.values())).vector_bytes
        widths = [width] * self.layers
        built = ffn_graph(
            self.model, batch=self.batch, precision=self.precision, vector_bytes=vector_bytes, widths=widths
        )
        return built.layer(kind)

    def works(self, group: Group) -> dict[str, Work]:
        """Return the work of each operator kind of a group's layer."""
        return self.works_on(self.kind(group.layer), len(group.chips))

    def works_on(self, kind: int, width: int) -> dict[str, Work]:
        """Return the work of each operator of a kind of layer on so many chips."""
        return _works(self, kind, width)

    def costs(self, group: Group) -> list[dict[str, Cost]]:
        """Return the cost of each operator kind on each chip of a group."""
        return costs_on(self, self.kind(group.layer), len(group.chips))


@lru_cache(maxsize=4096)
def _works(load: Load, kind: int, width: int) -> dict[str, Work]:
    return layer_work(load.model.layers[kind], load.chip, width, batch=load.batch, precision=load.precision)


@lru_cache(maxsize=64)
def costs_on(load: Load, kind: int, width: int) -> list[dict[str, Cost]]:
    """Return the cost of each operator of a kind of layer on each of so many chips."""
    return shard_costs(_works(load, kind, width), load.chip, width)
