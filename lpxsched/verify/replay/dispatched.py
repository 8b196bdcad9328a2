"""What operators compute that bring rows to positions, run experts on them and add up what they give."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from lpxsched.units import NONE
from lpxsched.verify.replay.arithmetic import PRIME, drawn, generator, product
from lpxsched.verify.replay.dispatch import label_of, positions, read_label
from lpxsched.verify.replay.experts import computed, laid, pairs_of
from lpxsched.verify.replay.functions import PARTIAL, matrix_of, paired
from lpxsched.verify.replay.mixtures import GATES
from lpxsched.verify.replay.placement import seen
from lpxsched.verify.replay.routings import without_run
from lpxsched.verify.replay.sources import OUTSIDE

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from lpxsched.timetable.columns import Integers
    from lpxsched.verify.replay.dispatch import Dispatch, Home
    from lpxsched.verify.replay.functions import Setting, Values


@dataclass(frozen=True, slots=True)
class Dispatched:
    """An operator of such a layer; what a shard leaves is its part of what all leave."""

    setting: Setting
    layer: Dispatch

    def lanes(self) -> int:
        """Return how many numbers a vector must hold."""
        return self.layer.lanes()

    def part(self, shard: int, inputs: Values) -> Values:
        """Return the part of a shard, from what it sees laid at its place in the whole."""
        setting = self.setting
        whole = inputs | {
            read.tensor: laid_at(setting, read.tensor, shard, inputs[read.tensor]) for read in setting.operator.inputs
        }
        return {name: setting.cut(name, shard, values) for name, values in self.dense(whole).items()}

    def dense(self, inputs: Values) -> Values:
        """Return whole outputs."""
        raise NotImplementedError

    def window(self) -> int:
        """Return which window the round replays."""
        return self.layer.window(self.setting.round.window)


def laid_at(setting: Setting, name: str, shard: int, values: Integers) -> Integers:
    """Return what a shard sees of an input at its place in the whole, nothing elsewhere."""
    read = next(read for read in setting.operator.inputs if read.tensor == name)
    whole = np.zeros((setting.tensors[name].vectors, setting.lanes), dtype=np.int64)
    view = seen(read, len(whole), setting.width, shard)
    whole[view.first : view.end] = values
    return whole


@dataclass(frozen=True, slots=True)
class HomeRouter(Dispatched):
    """Chooses experts and gates of each row where it is."""

    def dense(self, inputs: Values) -> Values:
        """Return the routing."""
        setting, routed = self.setting, self.layer.routed
        (name,), (routing,) = inputs, setting.operator.outputs
        x = setting.matrix(name, inputs[name])
        random = generator(setting.seed, "weights", setting.operator.name)
        gates, scores = (product(x, drawn(random, x.shape[1], n)) for n in (routed.experts_per_row, routed.choices))
        return {routing: laid(setting, routing, pairs_of(setting, routed, scores, gates))}


def _routing(function: Dispatched, inputs: Values) -> tuple[Integers, Integers]:
    """Return experts and gates of all rows, from the routing of chips, or by lot where the GPUs route."""
    setting, routed, layer = function.setting, function.layer.routed, function.layer
    if layer.router:
        name = setting.operator.inputs[-1].tensor
        pairs = setting.matrix(name, inputs[name])[:, : routed.experts_per_row]
    else:
        random = generator(setting.seed, "source", setting.round.number, layer.expert)
        gates, scores = (drawn(random, routed.rows, n) for n in (routed.experts_per_row, routed.choices))
        pairs = pairs_of(setting, routed, scores, gates)
    return pairs // GATES % routed.choices, pairs % GATES


@dataclass(frozen=True, slots=True)
class Label(Dispatched):
    """Says which row lies at each position, and its gate."""

    def dense(self, inputs: Values) -> Values:
        """Return the labels of each source that this operator stands for."""
        chosen, gates = _routing(self, inputs)
        mine = [home for home in self.layer.homes if home.labels in self.setting.operator.outputs]
        return {home.labels: self._labels(home, chosen, gates) for home in mine}

    def chosen(self, inputs: Values) -> Integers:
        """Return the experts of all rows."""
        return _routing(self, inputs)[0]

    def _labels(self, home: Home, chosen: Integers, gates: Integers) -> Integers:
        setting, layer = self.setting, self.layer
        pairs, places = positions(home, chosen, self.window())
        labels = np.zeros(layer.routed.experts * home.room, dtype=np.int64)
        labels[places] = label_of(pairs // layer.routed.experts_per_row, gates.reshape(-1)[pairs])
        packed = np.zeros((setting.tensors[home.labels].vectors, setting.lanes), dtype=np.int64)
        for shard, held in enumerate(layer.routed.held):
            mine = labels[held.first * home.room : (held.first + held.experts) * home.room]
            packed[_places_of_labels(layer, home, shard)] = mine
        return packed


def _places_of_labels(layer: Dispatch, home: Home, shard: int) -> tuple[Integers, Integers]:
    """Return vector and lane of the labels of a chip, in the order of its positions."""
    place, each = np.arange(layer.routed.held[shard].experts * home.room), layer.labels_in_vector(home, shard)
    return home.runs[shard][0] + place // max(1, each), place % max(1, each)


@dataclass(frozen=True, slots=True)
class Place(Dispatched):
    """Brings rows to positions; what lies at an empty one is never used."""

    def dense(self, inputs: Values) -> Values:
        """Return the positions of each source that this operator stands for."""
        setting, layer = self.setting, self.layer
        chosen, _ = _routing(self, inputs)
        mine = [home for home in layer.homes if home.placed in setting.operator.outputs]
        random = generator(setting.seed, "source", setting.round.number, setting.operator.name)
        outputs = {}
        for home in mine:
            positions_of_home, length = setting.rows(home.placed)
            placed = drawn(random, positions_of_home, length)
            rows = self._rows(inputs, length)
            pairs, places = positions(home, chosen, self.window())
            placed[places] = rows[pairs // layer.routed.experts_per_row]
            outputs[home.placed] = setting.vectors(placed)
        return outputs

    def _rows(self, inputs: Values, length: int) -> Integers:
        setting = self.setting
        if self.layer.router:
            name = setting.operator.inputs[0].tensor
            return setting.matrix(name, inputs[name])
        rows = self.layer.routed.rows
        if OUTSIDE in inputs:
            weights = matrix_of(setting.seed, self.layer.expert, inputs[OUTSIDE].shape[1], length)
            return product(paired(inputs[OUTSIDE], rows, setting.seed), weights)
        return drawn(
            generator(setting.seed, "source", setting.round.number, setting.operator.name, "rows"), rows, length
        )


class Filled(NamedTuple):
    """Filled positions of a source on a chip: among its own, among all pairs, and expert, row and gate of each."""

    home: Home
    place: Integers
    at: Integers
    expert: Integers
    row: Integers
    gate: Integers


def _filled(layer: Dispatch, shard: int, inputs: Values) -> Iterator[Filled]:
    """Yield the filled positions of a chip, source after source within an expert."""
    held, room, before = layer.routed.held[shard], sum(home.room for home in layer.homes), 0
    for home in layer.homes:
        row, gate = read_label(inputs[home.labels][_places_of_labels(layer, home, shard)])
        place = np.flatnonzero(row != NONE)
        local, number = np.divmod(place, home.room)
        expert = held.first + local
        yield Filled(
            home, held.first * home.room + place, expert * room + before + number, expert, row[place], gate[place]
        )
        before += home.room


@dataclass(frozen=True, slots=True)
class DispatchedExperts(Dispatched):
    """Runs experts on the rows at their positions, source after source within an expert."""

    def dense(self, inputs: Values) -> Values:
        """Return what all positions give, without runs; 0 for empty ones."""
        return {self.layer.pairs: self._made(inputs, range(len(self.layer.routed.held)))}

    def part(self, shard: int, inputs: Values) -> Values:
        """Return what the positions of a shard give; 0 also for those without a run."""
        setting, pairs, held = self.setting, self.layer.pairs, self.layer.routed.held[shard]
        whole = {name: laid_at(setting, name, shard, values) for name, values in inputs.items()}
        made = self._made(whole, [shard])
        at, experts, _ = self._filled(shard, whole)
        setting.matrix(pairs, made)[at[without_run(held, experts)]] = 0
        return {pairs: setting.cut(pairs, shard, made)}

    def _made(self, inputs: Values, shards: Iterable[int]) -> Integers:
        setting, layer = self.setting, self.layer
        rows, length = setting.rows(layer.pairs)
        pairs = np.zeros((rows, length), dtype=np.int64)
        for shard in shards:
            at, experts, x = self._filled(shard, inputs)
            pairs[at] = computed(setting, layer.routed, shard, experts, x, length)
        return setting.vectors(pairs)

    def short(self, inputs: Values) -> int:
        """Return how many pairs find no run."""
        held = self.layer.routed.held
        return sum(len(without_run(one, self._filled(shard, inputs)[1])) for shard, one in enumerate(held))

    def _filled(self, shard: int, inputs: Values) -> tuple[Integers, Integers, Integers]:
        """Return the filled positions of a chip: their place among the pairs, experts and rows."""
        setting, found = self.setting, [*_filled(self.layer, shard, inputs)]
        x = [setting.matrix(one.home.placed, inputs[one.home.placed])[one.place] for one in found]
        at, experts = (np.concatenate([getattr(one, key) for one in found]) for key in ("at", "expert"))
        return at, experts, np.concatenate(x)


@dataclass(frozen=True, slots=True)
class DispatchedCombine(Dispatched):
    """Adds to each row what its pairs give, each times its gate, and what else there is."""

    def part(self, shard: int, inputs: Values) -> Values:
        """Return the summand of a shard."""
        whole = {
            read.tensor: inputs[read.tensor]
            if read.layout == PARTIAL
            else laid_at(self.setting, read.tensor, shard, inputs[read.tensor])
            for read in self.setting.operator.inputs
        }
        return self.dense(whole)

    def dense(self, inputs: Values) -> Values:
        """Return the rows, from all positions that are there."""
        setting, layer = self.setting, self.layer
        pairs = setting.matrix(layer.pairs, inputs[layer.pairs])
        total = np.zeros(setting.rows(layer.output), dtype=np.int64)
        for shard in range(len(layer.routed.held)):
            for one in _filled(layer, shard, inputs):
                weighed = pairs[one.at] * one.gate[:, None] % PRIME
                np.add.at(total, one.row % layer.routed.rows, weighed)
        total += sum(setting.matrix(name, inputs[name]) for name in layer.added)
        return {layer.output: setting.vectors(total % PRIME)}
