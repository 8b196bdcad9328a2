"""The dense run: every tensor of a segment whole, and every summand as it should be, without chips, slots or times."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lpxsched.errors import InputError
from lpxsched.units import counted
from lpxsched.verify.replay.dispatched import chosen_by, pairs_without_run
from lpxsched.verify.replay.drafts import Turn
from lpxsched.verify.replay.experts import routing_of
from lpxsched.verify.replay.functions import GRAPH_FILE, PARTIAL
from lpxsched.verify.replay.placement import seen
from lpxsched.verify.replay.routings import without_run
from lpxsched.verify.replay.sources import OUTSIDE
from lpxsched.verify.replay.units import Units

if TYPE_CHECKING:
    from lpxsched.timetable.columns import Integers
    from lpxsched.timetable.documents import GraphInput
    from lpxsched.verify.replay.functions import Values
    from lpxsched.verify.replay.model import Model
    from lpxsched.verify.replay.rounds import Round


class Dense:
    """What every operator of a segment should read and leave in one round.

    Parameters
    ----------
    model : Model
    now : Round
    segment : int
    outside : ndarray of int64, optional
        The rows that hosts have for the segment; those of the first step may be drawn.
    before : Dense, optional
        The segment's dense run in the step before, whose chips kept what this one finds.

    Attributes
    ----------
    functions : dict of Function
        By number of the operator in the graph.
    whole : dict
        Every tensor that the operators leave, by name.
    keepers : dict
        The operators that keep something, one after the other, by its name.
    """

    def __init__(
        self,
        model: Model,
        now: Round,
        segment: int = 0,
        *,
        outside: Integers | None = None,
        before: Dense | None = None,
    ) -> None:
        self.model, self.now, self.segment = model, now, segment
        self.functions = model.functions(segment, now)
        self._outside: Values = {} if outside is None else {OUTSIDE: outside}
        self._before = before
        self._summands: dict[tuple[int, int], Values] = {}
        self._kept: dict[tuple[int, str], Integers] = {}
        self.whole: Values = {}
        self.keepers: dict[str, list[int]] = {}
        for number in model.order[segment]:
            left = self._left(number)
            outputs = self.functions[number].setting.operator.outputs
            self.whole |= {name: self._sized(number, name, left.pop(name)) for name in outputs}
            self._kept |= {(number, name): values for name, values in left.items()}
            for name in left:
                self.keepers.setdefault(name, []).append(number)

    def beside(self, number: int, shard: int | None) -> Values:
        """Return what an operator uses that is no tensor: rows outside, and what its shard kept last."""
        function = self.functions[number]
        if not function.setting.operator.inputs:
            return self._outside
        kept = function.before(shard) if isinstance(function, Units | Turn) else {}
        for name in kept:
            if not self.begins_with(number, name):
                kept[name] = self._kept_by(self._before_it(number, name)[-1], name, shard)
            elif self._before is not None:
                kept[name] = self._before._kept_by(self._before.keepers[name][-1], name, shard)
        return kept

    def begins_with(self, number: int, name: str) -> bool:
        """Return whether an operator is the first of a step that keeps something."""
        return not self._before_it(number, name)

    def _before_it(self, number: int, name: str) -> list[int]:
        keepers = self.keepers.get(name, [])
        return keepers[: keepers.index(number)] if number in keepers else keepers

    def _kept_by(self, number: int, name: str, shard: int | None) -> Integers:
        return self._kept[number, name] if shard is None else self.leaves(number, shard)[name]

    def expected(self, number: int, shard: int) -> Values:
        """Return what a shard of an operator should read: its parts of whole tensors, and its own summands."""
        return {read.tensor: self._expected(read, number, shard) for read in self.model.operators[number].inputs}

    def leaves(self, number: int, shard: int) -> Values:
        """Return what a shard of an operator should leave."""
        if (number, shard) not in self._summands:
            inputs = self.expected(number, shard) | self.beside(number, shard)
            self._summands[number, shard] = self.functions[number].part(shard, inputs)
        return self._summands[number, shard]

    def without_run(self) -> list[str]:
        """Return what experts have no room for."""
        told = []
        for layer in self.model.mixtures:
            if self.model.writer[layer.pairs] not in self.functions:
                continue
            pairs, _ = routing_of(self.functions[self.model.writer[layer.pairs]].setting, layer, self.whole)
            for held in dict.fromkeys(layer.routed.held):
                short, room = len(without_run(held, pairs)), f"{held.runs} runs of {held.rows_per_run} rows"
                if short:
                    of = f"{short} of {len(pairs)} pairs of a row and an expert"
                    told.append(f"{layer.expert}: {of} find no room in {room}")
        return [*dict.fromkeys(told), *self._without_room()]

    def _without_room(self) -> list[str]:
        """Return what no window has room for, and what a window brings that experts have no room for."""
        told = []
        for layer in self.model.dispatches:
            writers = [self.model.writer[name] for name in (layer.homes[0].labels, layer.pairs)]
            if writers[1] not in self.functions:
                continue
            label, expert = (self.functions[number].setting for number in writers)
            late = layer.without_window(chosen_by(label, layer, self._read(writers[0]))[0])
            short = pairs_without_run(expert, layer, self._read(writers[1]))
            pairs = "pairs of a row and an expert find no"
            if late:
                told.append(f"{layer.expert}: {late} {pairs} room in {layer.windows} windows")
            if short:
                told.append(f"{layer.expert}: {short} {pairs} run")
        return told

    def _left(self, number: int) -> Values:
        try:
            return self.functions[number].dense(self._read(number) | self.beside(number, None))
        except ValueError as error:
            # Of arrays whose shapes do not fit each other.
            problem = "rows, columns or shares do not fit what it reads and leaves"
            raise InputError(GRAPH_FILE, problem, key=self.model.operators[number].name) from error

    def _sized(self, number: int, name: str, values: Integers) -> Integers:
        """Return what an operator leaves, if that is as many vectors as the graph says."""
        said = self.model.tensors[name].vectors
        if len(values) != said:
            problem = f"leaves {counted(len(values), 'vector')} of {name}, which has {said}"
            raise InputError(GRAPH_FILE, problem, key=self.model.operators[number].name)
        return values

    def _read(self, number: int) -> Values:
        return {read.tensor: self.whole[read.tensor] for read in self.model.operators[number].inputs}

    def _expected(self, read: GraphInput, number: int, shard: int) -> Integers:
        model = self.model
        if read.layout == PARTIAL and model.tensors[read.tensor].layout == PARTIAL:
            return self.leaves(model.writer[read.tensor], shard)[read.tensor]
        whole = self.whole[read.tensor]
        view = seen(read, len(whole), model.settings[number].width, shard)
        return whole[view.first : view.end]
