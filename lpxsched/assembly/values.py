"""Which tensor is where in one scheduled layer: results of operators, sums, weights, and what each slot carries."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from lpxsched.schedule.result import SPREADING, SUMMING
from lpxsched.traffic.demands import implied_collective, is_share_read
from lpxsched.traffic.layouts import shares
from lpxsched.units import NONE

if TYPE_CHECKING:
    from lpxsched.schedule.problem.layer import LayerProblem, PlacedOperator
    from lpxsched.schedule.result import Schedule
    from lpxsched.workload.graph import Layout


class TensorRow(NamedTuple):
    """A tensor of the layer, its producer by number within the layer (`NONE` for weights)."""

    name: str
    offset: int
    vectors: int
    dtype: str
    layout: str
    node: int
    producer: int
    bytes: int


class Part(NamedTuple):
    """Consecutive vectors of a tensor, by number within the layer."""

    tensor: int
    first_vector: int
    vectors: int


@dataclass(frozen=True, slots=True, eq=False)
class LayerValues:
    """Tensors of one scheduled layer; operators of the graph are numbered first, then sums.

    Attributes
    ----------
    problem : LayerProblem
    schedule : Schedule
    tensors : list of TensorRow
    results : dict
        Tensor that an operator of the graph leaves, by its name and shard.
    sums : dict
        Tensor that a sum leaves, by block and node.
    weights : dict
        Tensor of an operator's weights, by its name and shard.
    arriving : dict
        Nodes from which summands of a block arrive at a node, by block and node.
    """

    problem: LayerProblem
    schedule: Schedule
    tensors: list[TensorRow]
    results: dict[tuple[str, int], int]
    sums: dict[tuple[int, int], int]
    weights: dict[tuple[str, int], int]
    arriving: dict[tuple[int, int], list[int]]

    def carried(self, block: int, phase: int, node: int) -> Part:
        """Return what a block is when it leaves a node."""
        demand = self.problem.demands[int(self.schedule.blocks.demand[block])]
        if phase == SPREADING:
            return self.delivered(block)
        if (block, node) in self.sums:
            return Part(self.sums[block, node], 0, int(self.schedule.blocks.vectors[block]))
        if node in demand.leaves:
            return self.summand(block, node)
        return self.carried(block, SUMMING, self.arriving[block, node][0])

    def delivered(self, block: int) -> Part:
        """Return what consumers of a block read: the sum completed at the root, or the one copy."""
        demand = self.problem.demands[int(self.schedule.blocks.demand[block])]
        if len(demand.leaves) > 1:
            return self.carried(block, SUMMING, demand.root)
        return self.summand(block, demand.root)

    def summand(self, block: int, node: int) -> Part:
        """Return a block's part of the tensor that its producer left on a leaf."""
        blocks = self.schedule.blocks
        demand = self.problem.demands[int(blocks.demand[block])]
        producer = next(op.name for op in self.problem.graph.operators if op.output == demand.tensor)
        tensor = self.results[producer, node % self.problem.instance.network.chips]
        position = demand.first_vector + int(blocks.first_vector[block])
        return Part(tensor, position - self.tensors[tensor].offset, int(blocks.vectors[block]))

    def operands(self, placed: PlacedOperator) -> list[Part]:
        """Return what an operator of the graph reads, weights left out."""
        graph = self.problem.graph
        producers = {operator.output: operator.name for operator in graph.operators}
        parts = []
        for name, layout in placed.operator.inputs:
            if implied_collective(graph.tensors[name], layout, placed.operator.place):
                parts += [self.delivered(block) for block in self._blocks_for(name, layout, placed.shard)]
            else:
                tensor = self.results[producers[name], placed.shard]
                parts.append(Part(tensor, 0, self.tensors[tensor].vectors))
        return parts

    def _blocks_for(self, name: str, layout: Layout, shard: int) -> list[int]:
        demands, chips = self.problem.demands, self.problem.instance.network.chips
        return [
            block
            for block, demand in enumerate(self.schedule.blocks.demand.tolist())
            if demands[demand].tensor == name and is_share_read(demands[demand], layout, shard, chips)
        ]

    def summed(self, block: int, node: int) -> list[Part]:
        """Return the operands of a sum: the node's own summand, if it has one, and all that arrives."""
        demand = self.problem.demands[int(self.schedule.blocks.demand[block])]
        own = [self.summand(block, node)] if node in demand.leaves else []
        return own + [self.carried(block, SUMMING, source) for source in self.arriving.get((block, node), [])]


def layer_values(problem: LayerProblem, schedule: Schedule) -> LayerValues:
    """Return all tensors of one scheduled layer."""
    tensors: list[TensorRow] = []

    def add(row: TensorRow) -> int:
        tensors.append(row)
        return len(tensors) - 1

    results = {
        (placed.operator.name, placed.shard): add(_result(problem, placed, number))
        for number, placed in enumerate(problem.operators)
        if placed.operator.output
    }
    first_sum = len(problem.operators)
    sums = {
        (block, node): add(_sum(problem, schedule, block, node, first_sum + number))
        for number, (block, node) in enumerate(
            zip(schedule.sum_block.tolist(), schedule.sum_node.tolist(), strict=True)
        )
    }
    weights = {
        (placed.operator.name, placed.shard): add(_weights(problem, placed))
        for placed in problem.operators
        if placed.cost.weight_bytes
    }
    return LayerValues(problem, schedule, tensors, results, sums, weights, _arrivals(problem, schedule))


def _result(problem: LayerProblem, placed: PlacedOperator, producer: int) -> TensorRow:
    tensor = problem.graph.tensors[placed.operator.output]
    first, vectors = 0, tensor.vectors
    size = tensor.rows * tensor.row_bytes
    if tensor.layout == "sharded":
        first, vectors = shares(tensor.vectors, problem.instance.network.chips)[placed.shard]
        size = _unpadded(first + vectors, tensor.row_bytes, tensor.vectors_per_row, tensor.vector_bytes)
        size -= _unpadded(first, tensor.row_bytes, tensor.vectors_per_row, tensor.vector_bytes)
    node = problem.node(placed.shard + problem.instance.network.chips * (placed.operator.place == "hosts"))
    return TensorRow(tensor.name, first, vectors, tensor.dtype, tensor.layout, node, producer, size)


def _unpadded(vectors: int, row_bytes: int, vectors_per_row: int, vector_bytes: int) -> int:
    """Return the bytes, without padding, in the first vectors of a tensor."""
    rows, rest = divmod(vectors, vectors_per_row)
    return rows * row_bytes + min(rest * vector_bytes, row_bytes)


def _sum(problem: LayerProblem, schedule: Schedule, block: int, node: int, producer: int) -> TensorRow:
    demand = problem.demands[int(schedule.blocks.demand[block])]
    tensor = problem.graph.tensors[demand.tensor]
    first = demand.first_vector + int(schedule.blocks.first_vector[block])
    vectors = int(schedule.blocks.vectors[block])
    ends = [
        _unpadded(end, tensor.row_bytes, tensor.vectors_per_row, tensor.vector_bytes)
        for end in (first, first + vectors)
    ]
    layout = "sharded" if node == demand.root else "partial"
    size = ends[1] - ends[0]
    return TensorRow(tensor.name, first, vectors, tensor.dtype, layout, problem.node(node), producer, size)


def _weights(problem: LayerProblem, placed: PlacedOperator) -> TensorRow:
    cost = placed.cost
    vectors = -(-cost.weight_bytes // problem.instance.add_cost.vector_bytes)
    name, node = f"{placed.operator.name}.weights", problem.node(placed.shard)
    return TensorRow(name, 0, vectors, cost.weight_dtype, cost.weight_layout, node, NONE, cost.weight_bytes)


def _arrivals(problem: LayerProblem, schedule: Schedule) -> dict[tuple[int, int], list[int]]:
    arriving: dict[tuple[int, int], list[int]] = {}
    source, destination = problem.instance.network.source, problem.instance.network.destination
    for block, phase, bundle in zip(
        schedule.slot_block.tolist(), schedule.slot_phase.tolist(), schedule.slot_bundle.tolist(), strict=True
    ):
        if phase == SUMMING:
            arriving.setdefault((block, int(destination[bundle])), []).append(int(source[bundle]))
    return arriving
