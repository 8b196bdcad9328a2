"""A schedule of a collective as rows: values, slots, sums, deliveries; nothing here is shared with a solver."""

from __future__ import annotations

from collections import defaultdict
from fractions import Fraction
from math import ceil
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from lpxsched.schedule.problem.instance import Instance
    from lpxsched.schedule.transfer_result import TransferSchedule

EVERY = -2


class Value(NamedTuple):
    """What is made on `node` at `ready`: `vectors` vectors from `offset` on of a tensor."""

    tensor: int
    offset: int
    vectors: int
    node: int
    ready: int


class Slot(NamedTuple):
    """A run on one lane: `leaves(k)` and `read(k)` are the times of its k-th vector, vector `first + k` of `value`."""

    value: int
    first: int
    vectors: int
    bundle: int
    lane: int
    source: int
    destination: int
    depart: int
    hop: int
    pitch: Fraction

    @property
    def hold(self) -> int:
        """Return how long the lane is held."""
        return ceil(self.vectors * self.pitch)

    def leaves(self, k: int) -> Fraction:
        """Return when vector k begins to leave."""
        return self.depart + k * self.pitch

    def read(self, k: int) -> Fraction:
        """Return when vector k is read at the far end."""
        return self.depart + self.hop + k * self.pitch


class Sum(NamedTuple):
    """A sum of (value, first) operands; its result is value number `value`."""

    value: int
    node: int
    start: int
    cycles: int
    offset: int
    vectors: int
    complete: bool
    operands: list[tuple[int, int]]


class Delivery(NamedTuple):
    """What a node reads in the end."""

    node: int
    value: int
    first: int
    vectors: int


def cells(*columns: NDArray[Any]) -> Iterator[tuple[Any, ...]]:
    """Return the rows of some columns."""
    return zip(*(column.tolist() for column in columns), strict=True)


def initial_values(problem: Instance) -> Iterator[Value]:
    """Yield what chips hold at first, by tensor and then shard."""
    width = problem.stage.width
    for number, tensor in enumerate(problem.stage.tensors):
        if tensor.layout == "single":
            yield Value(number, 0, tensor.vectors, tensor.shard, 0)
            continue
        share = tensor.vectors // width if tensor.layout == "sharded" else tensor.vectors
        for shard in range(width):
            yield Value(number, shard * share if tensor.layout == "sharded" else 0, share, shard, 0)


def slots_of(problem: Instance, schedule: TransferSchedule) -> Iterator[Slot]:
    """Yield all slots with the ends and the times of their bundles."""
    what = schedule.slot_value, schedule.slot_first, schedule.slot_vectors
    for *run, bundle, lane, depart in cells(*what, schedule.slot_bundle, schedule.slot_lane, schedule.slot_depart):
        numerator, denominator = problem.network.pitch_numerator[bundle], problem.network.pitch_denominator[bundle]
        ends = int(problem.network.source[bundle]), int(problem.network.destination[bundle])
        hop, pitch = int(problem.network.hop_cycles[bundle]), Fraction(int(numerator), int(denominator))
        yield Slot(*run, bundle, lane, *ends, depart, hop, pitch)


def sums_of(schedule: TransferSchedule, initial: int) -> Iterator[Sum]:
    """Yield all sums; their results are numbered from `initial` on."""
    sums = schedule.sums
    operands: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for number, value, first in cells(sums.operand_sum, sums.operand_value, sums.operand_first):
        operands[number].append((value, first))
    rows = cells(sums.node, sums.start, sums.cycles, sums.offset, sums.vectors, sums.complete)
    for number, row in enumerate(rows):
        yield Sum(initial + number, *row, operands[number])


def deliveries_of(schedule: TransferSchedule) -> Iterator[Delivery]:
    """Yield all deliveries."""
    what = schedule.delivery_value, schedule.delivery_first, schedule.delivery_vectors
    for row in cells(schedule.delivery_node, *what):
        yield Delivery(*row)


def wanted(problem: Instance) -> Iterator[tuple[int, int, int]]:
    """Yield (node, tensor, vector) of all that is read in the end, what stays where it is included."""
    pieces = problem.stage.pieces()
    for tensor, first, vectors, target in cells(pieces.tensor, pieces.first_vector, pieces.vectors, pieces.target):
        for node in range(problem.network.width) if target == EVERY else (target,):
            for vector in range(first, first + vectors):
                yield node, tensor, vector
