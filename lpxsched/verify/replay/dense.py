"""The dense run: every tensor of the graph whole, and every summand as it should be, without chips, slots or times."""

from __future__ import annotations

from dataclasses import replace
from graphlib import CycleError, TopologicalSorter
from typing import TYPE_CHECKING

from lpxsched.errors import InputError
from lpxsched.verify.replay.dispatch import dispatches
from lpxsched.verify.replay.dispatched import DispatchedExperts, Label
from lpxsched.verify.replay.experts import routing_of
from lpxsched.verify.replay.functions import GRAPH_FILE, PARTIAL, Setting
from lpxsched.verify.replay.kinds import functions_of
from lpxsched.verify.replay.mixtures import mixtures
from lpxsched.verify.replay.placement import dealt, nodes_of, seen
from lpxsched.verify.replay.routings import without_run

if TYPE_CHECKING:
    from lpxsched.timetable.build import Build
    from lpxsched.timetable.columns import Integers
    from lpxsched.timetable.documents import GraphInput, GraphOperator, GraphTensor
    from lpxsched.verify.replay.functions import Values

FEWEST_LANES = 2


class Dense:
    """What every operator should read and leave in one iteration.

    Parameters
    ----------
    build : Build
    seed, iteration : int

    Raises
    ------
    InputError
        Where the graph does not say what its operators compute.

    Attributes
    ----------
    lanes : int
        Numbers that stand for a vector.
    functions : list of Function
        One for each operator of the graph.
    mixtures : list of Mixture
    dispatches : list of Dispatch
    whole : dict
        Every tensor of the graph, by name.
    """

    def __init__(self, build: Build, seed: int, iteration: int) -> None:
        self.operators = build.graph.operators
        self.tensors = {tensor.name: tensor for tensor in build.graph.tensors}
        self.widths = [len(nodes_of(build, operator)) for operator in self.operators]
        self.mixtures, self.dispatches = mixtures(build.graph), dispatches(build.graph)
        settings = [
            Setting(operator, self._around(operator), width, FEWEST_LANES, seed, iteration, dealt(build, operator))
            for operator, width in zip(self.operators, self.widths, strict=True)
        ]
        functions = functions_of(settings, self.mixtures, self.dispatches)
        self.lanes = max([FEWEST_LANES, *(function.lanes() for function in functions)])
        self.functions = functions_of(
            [replace(one, lanes=self.lanes) for one in settings], self.mixtures, self.dispatches
        )
        self.writer = {name: number for number, one in enumerate(self.operators) for name in one.outputs}
        self._summands: dict[tuple[int, int], Values] = {}
        self.whole: Values = {}
        for number in self._order():
            self.whole |= self.functions[number].dense(self._read(number))

    def expected(self, number: int, shard: int) -> Values:
        """Return what a shard of an operator should read: its parts of whole tensors, and its own summands."""
        return {read.tensor: self._expected(read, number, shard) for read in self.operators[number].inputs}

    def leaves(self, number: int, shard: int) -> Values:
        """Return what a shard of an operator should leave."""
        if (number, shard) not in self._summands:
            self._summands[number, shard] = self.functions[number].part(shard, self.expected(number, shard))
        return self._summands[number, shard]

    def without_run(self) -> list[str]:
        """Return what experts have no room for."""
        told = []
        for layer in self.mixtures:
            pairs, _ = routing_of(self.functions[self.writer[layer.pairs]].setting, layer, self.whole)
            for held in dict.fromkeys(layer.routed.held):
                short, room = len(without_run(held, pairs)), f"{held.runs} runs of {held.rows_per_run} rows"
                if short:
                    of = f"{short} of {len(pairs)} pairs of a row and an expert"
                    told.append(f"{layer.expert}: {of} find no room in {room}")
        return told + self._without_room()

    def _without_room(self) -> list[str]:
        """Return what no window has room for, and what a window brings that experts have no room for."""
        told = []
        for layer in self.dispatches:
            writers = (self.writer[layer.homes[0].labels], self.writer[layer.pairs])
            label, expert = (self.functions[number] for number in writers)
            assert isinstance(label, Label)
            assert isinstance(expert, DispatchedExperts)
            late, short = (
                layer.without_window(label.chosen(self._read(writers[0]))),
                expert.short(self._read(writers[1])),
            )
            if late:
                told.append(
                    f"{layer.expert}: {late} pairs of a row and an expert find no room in {layer.windows} windows"
                )
            if short:
                told.append(f"{layer.expert}: {short} pairs of a row and an expert find no run")
        return told

    def _read(self, number: int) -> Values:
        return {read.tensor: self.whole[read.tensor] for read in self.operators[number].inputs}

    def _expected(self, read: GraphInput, number: int, shard: int) -> Integers:
        if read.layout == PARTIAL and self.tensors[read.tensor].layout == PARTIAL:
            return self.leaves(self.writer[read.tensor], shard)[read.tensor]
        whole = self.whole[read.tensor]
        view = seen(read, len(whole), self.widths[number], shard)
        return whole[view.first : view.end]

    def _around(self, operator: GraphOperator) -> dict[str, GraphTensor]:
        names = [*(read.tensor for read in operator.inputs), *operator.outputs]
        return {name: self.tensors[name] for name in names}

    def _order(self) -> list[int]:
        """Return the operators, writers before readers."""
        sorter: TopologicalSorter[int] = TopologicalSorter()
        for number, operator in enumerate(self.operators):
            for read in operator.inputs:
                if read.tensor not in self.writer:
                    raise InputError(GRAPH_FILE, f"reads {read.tensor}, which no operator leaves", key=operator.name)
            sorter.add(number, *(self.writer[read.tensor] for read in operator.inputs))
        try:
            return list(sorter.static_order())
        except CycleError as error:
            names = [self.operators[number].name for number in error.args[1]]
            raise InputError(GRAPH_FILE, f"operators wait for each other in a circle: {', '.join(names)}") from error
