"""Mixtures of experts whose rows go only to the chips of their experts, as a graph states them.

A source (a chip that routes rows of its own, or the GPUs, which route all) has `room` positions for each expert, in the
order of the experts. A tensor holds them, another their labels: which row lies there, and its gate. The pairs of an
expert are numbered in the order of their rows; a window takes the next `room` of them, and leaves the rest to later
ones. A step visits the layer once for each window that is replayed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from lpxsched.units import NONE, ceil_div
from lpxsched.verify.replay.functions import PARTIAL, in_rows
from lpxsched.verify.replay.mixtures import (
    EXPERTS,
    GATES,
    MOST_EXPERTS,
    block_fits,
    held_whole,
    named_input,
    readers_of,
)
from lpxsched.verify.replay.routings import Routed

if TYPE_CHECKING:
    from lpxsched.timetable.columns import Integers
    from lpxsched.timetable.documents import GraphFile, GraphInput, GraphOperator, GraphTensor, ShardRuns

RESERVED = "reserved"
# Who leaves positions, and who leaves labels: chips, or hosts for the GPUs.
PLACERS, LABELLERS = ("dispatch", "places"), ("label", "labels")
# Of more windows the first ones are replayed, and the last.
MOST_WINDOWS = 8


class Home(NamedTuple):
    """A source.

    Attributes
    ----------
    first, rows : int
        Its rows.
    room : int
        Positions of an expert.
    placed, labels : str
        Names of the tensors.
    runs : list of (int, int)
        First vector and number of the labels of each chip.
    """

    first: int
    rows: int
    room: int
    placed: str
    labels: str
    runs: ShardRuns


@dataclass(frozen=True, slots=True)
class Dispatch:
    """A layer of experts.

    Attributes
    ----------
    routed : Routed
    homes : tuple of Home
    windows : int
        Visits after which all pairs are done, as the graph says.
    placers : tuple of str
        Operators that bring rows to positions.
    labellers : tuple of str
    router : str
        The operator that routes on the chips; empty where the GPUs do.
    pairs, output : str
        Tensors that experts and combine leave.
    added : tuple of str
        Further summands that combine adds.
    residual : str
        Rows of their own to which shards add what comes of them; empty where there are none.
    expert, combine : str
        Operators.
    """

    routed: Routed
    homes: tuple[Home, ...]
    windows: int
    placers: tuple[str, ...]
    labellers: tuple[str, ...]
    router: str
    pairs: str
    output: str
    added: tuple[str, ...]
    residual: str
    expert: str
    combine: str

    def lanes(self) -> int:
        """Return how many numbers a vector must hold so that labels, and what a router chooses, find room."""
        packed = [self.labels_in_vector(home, shard) for home in self.homes for shard in range(len(self.routed.held))]
        return max(*packed, self.routed.experts_per_row)

    def labels_in_vector(self, home: Home, shard: int) -> int:
        """Return how many labels a vector of a chip holds."""
        return ceil_div(len(self.routed.held[shard].experts) * home.room, max(1, home.runs[shard][1]))

    def window(self, visit: int) -> int:
        """Return the window of one of the visits that are replayed."""
        return visit if visit < self.replayed - 1 else self.windows - 1 + max(0, visit - self.replayed + 1)

    @property
    def replayed(self) -> int:
        """How many windows are replayed."""
        return min(self.windows, MOST_WINDOWS)

    def without_window(self, chosen: Integers) -> int:
        """Return how many pairs no window takes."""
        return sum(int((numbered(home, chosen) >= self.windows * home.room).sum()) for home in self.homes)


def dispatches(graph: GraphFile) -> list[Dispatch]:
    """Return the layers of experts to which rows are dispatched, one for each block of columns that experts leave.

    Operators in another form are not among them.
    """
    tensors = {tensor.name: tensor for tensor in graph.tensors}
    writers = {name: operator for operator in graph.operators for name in operator.outputs}
    found = []
    for expert in graph.operators:
        if expert.kind == EXPERTS and expert.shares is not None and "windows" in expert.sizes:
            for reader in readers_of(graph, expert):
                found += _dispatch(expert, reader, writers, tensors)
    return found


def _names(operator: GraphOperator) -> set[str]:
    return {read.tensor for read in operator.inputs}


def _dispatch(
    expert: GraphOperator,
    combine: GraphOperator,
    writers: dict[str, GraphOperator],
    tensors: dict[str, GraphTensor],
) -> list[Dispatch]:
    """Return the layer of two operators, or nothing where layouts or numbers are those of something else."""
    placed = [read for read in expert.inputs if writers[read.tensor].kind in PLACERS]
    labels = [read for read in expert.inputs if writers[read.tensor].kind in LABELLERS]
    residual, after = named_input(combine, "residual"), named_input(combine, "after")
    added = tuple(read.tensor for read in combine.inputs if read.layout == PARTIAL and read.tensor != after)
    read_by_combine = {*expert.outputs, *added, *(read.tensor for read in labels)}
    reserved = all(read.layout == RESERVED for read in (*placed, *labels))
    if not placed or len(placed) != len(labels) or len(placed) + len(labels) != len(expert.inputs) or not reserved:
        return []
    routed = _routed(expert)
    homes = _homes(expert, placed, labels, writers, tensors) if routed else ()
    if not routed or not homes or _names(combine) - {residual, after} != read_by_combine or len(expert.outputs) != 1:
        return []
    (pairs,), (output,) = expert.outputs, combine.outputs
    room, told = sum(home.room for home in homes), (pairs, output, *added)
    as_stated = tensors[pairs].rows == routed.experts * room and tensors[output].rows == routed.rows
    as_stated &= all(in_rows(tensors[name]) for name in told) and tensors[output].layout == PARTIAL
    as_stated &= len({tensors[name].vectors_per_row for name in (pairs, *added)}) == 1
    as_stated &= block_fits(combine, tensors[output], tensors[pairs])
    as_stated &= not residual or (tensors[residual].vectors, tensors[residual].rows) == (
        tensors[output].vectors,
        routed.rows,
    )
    if not as_stated or sum(home.rows for home in homes) != routed.rows:
        return []
    router = next((writers[read.tensor].name for one in labels for read in writers[one.tensor].inputs), "")
    placers, labellers = (tuple(sorted({writers[read.tensor].name for read in reads})) for reads in (placed, labels))
    names = (pairs, output, added, residual, expert.name, combine.name)
    return [Dispatch(routed, homes, expert.sizes["windows"], placers, labellers, router, *names)]


def _routed(expert: GraphOperator) -> Routed | None:
    """Return who meets whom, by what the experts state; None where they do not."""
    rows, experts, per_row = (expert.sizes.get(name, 0) for name in ("rows", "experts", "per_row"))
    held = held_whole(expert, experts)
    right = held and 1 <= per_row <= experts <= MOST_EXPERTS and 1 <= rows < MOST_EXPERTS
    return Routed(rows, experts, 0, per_row, held) if right and "matrices" in expert.sizes else None


def _homes(
    expert: GraphOperator,
    placed: list[GraphInput],
    labels: list[GraphInput],
    writers: dict[str, GraphOperator],
    tensors: dict[str, GraphTensor],
) -> tuple[Home, ...]:
    """Return the sources; none where positions are not those of all experts."""
    homes = []
    for position, label in zip(placed, labels, strict=True):
        tensor, experts = tensors[position.tensor], expert.sizes["experts"]
        routing = [read for read in writers[label.tensor].inputs if read.runs is not None]
        first, rows = 0, expert.sizes["rows"]
        if routing and tensor.shard is not None and routing[0].runs is not None:
            per_row = tensors[routing[0].tensor].vectors_per_row
            first, rows = (number // per_row for number in routing[0].runs[tensor.shard])
        if (
            tensor.rows % experts
            or not in_rows(tensor)
            or label.runs is None
            or not 1 <= tensor.rows // experts <= rows
        ):
            return ()
        homes.append(Home(first, rows, tensor.rows // experts, position.tensor, label.tensor, label.runs))
    return tuple(homes)


def numbered(home: Home, chosen: Integers) -> Integers:
    """Return the number of each pair of a source among those of its expert, in the order of rows.

    Parameters
    ----------
    home : Home
    chosen : ndarray of int64, shape (rows, k)
        Experts of all rows.
    """
    experts = chosen[home.first : home.first + home.rows].reshape(-1)
    order = np.argsort(experts, kind="stable")
    number = np.empty(len(experts), dtype=np.int64)
    number[order] = np.arange(len(experts)) - np.searchsorted(experts[order], experts[order])
    return number


def positions(home: Home, chosen: Integers, window: int) -> tuple[Integers, Integers]:
    """Return the pairs of a source that a window takes, counted over all rows, and the positions of them."""
    number, (_, per_row) = numbered(home, chosen), chosen.shape
    taken = np.flatnonzero(number // home.room == window)
    experts = chosen[home.first : home.first + home.rows].reshape(-1)[taken]
    return home.first * per_row + taken, experts * home.room + number[taken] % home.room


def label_of(rows: Integers, gates: Integers) -> Integers:
    """Return labels; a gate is never 0, so that 0 is the label of an empty position."""
    return rows * GATES + gates


def read_label(labels: Integers) -> tuple[Integers, Integers]:
    """Return row and gate of labels; `NONE` for the row of an empty position."""
    return np.where(labels % GATES, labels // GATES, NONE), labels % GATES
