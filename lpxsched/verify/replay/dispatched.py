"""What operators compute that bring rows to positions, run experts on them and add up what they give."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from lpxsched.units import NONE
from lpxsched.verify.replay.arithmetic import PRIME, drawn, generator, product
from lpxsched.verify.replay.blocks import block_of, laid_at
from lpxsched.verify.replay.dispatch import Dispatch, label_of, positions, read_label
from lpxsched.verify.replay.experts import computed, laid, pairs_of
from lpxsched.verify.replay.functions import Setting, Values, matrix_of, paired
from lpxsched.verify.replay.mixtures import GATES
from lpxsched.verify.replay.routings import without_run
from lpxsched.verify.replay.sources import OUTSIDE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lpxsched.timetable.columns import Integers
    from lpxsched.verify.replay.dispatch import Home


# Whole outputs of an operator, made by one shard or for none by all, from inputs laid at their places in the whole.
Made = Callable[[Setting, Dispatch, "int | None", Values], Values]


@dataclass(frozen=True, slots=True)
class Dispatched:
    """An operator of such a layer; what a shard leaves is its part of what it makes.

    Attributes
    ----------
    setting : Setting
    layer : Dispatch
    made : callable
    """

    setting: Setting
    layer: Dispatch
    made: Made

    def lanes(self) -> int:
        """Return how many numbers a vector must hold."""
        return self.layer.lanes()

    def dense(self, inputs: Values) -> Values:
        """Return whole outputs."""
        return self.made(self.setting, self.layer, None, inputs)

    def part(self, shard: int, inputs: Values) -> Values:
        """Return the part of a shard, from what it sees laid at its place in the whole."""
        setting = self.setting
        whole = inputs | {
            read.tensor: laid_at(setting, read.tensor, shard, inputs[read.tensor]) for read in setting.operator.inputs
        }
        made = self.made(setting, self.layer, shard, whole)
        return {name: setting.cut(name, shard, values) for name, values in made.items()}


def routed_at_home(setting: Setting, layer: Dispatch, _: int | None, inputs: Values) -> Values:
    """Choose experts and gates of each row where it is."""
    routed, x, routing = layer.routed, setting.input_rows(0, inputs), setting.output
    random = generator(setting.seed, "weights", setting.keeper)
    gates, scores = (product(x, drawn(random, x.shape[1], n)) for n in (routed.experts_per_row, routed.choices))
    return {routing: laid(setting, routing, pairs_of(setting, routed, scores, gates))}


def chosen_by(setting: Setting, layer: Dispatch, inputs: Values) -> tuple[Integers, Integers]:
    """Return experts and gates of all rows, from the routing of chips, or by lot where the GPUs route."""
    routed = layer.routed
    if layer.router:
        pairs = setting.input_rows(-1, inputs)[:, : routed.experts_per_row]
    else:
        random = generator(setting.seed, "source", setting.round.number, layer.expert)
        gates, scores = (drawn(random, routed.rows, n) for n in (routed.experts_per_row, routed.choices))
        pairs = pairs_of(setting, routed, scores, gates)
    return pairs // GATES % routed.choices, pairs % GATES


def labelled(setting: Setting, layer: Dispatch, _: int | None, inputs: Values) -> Values:
    """Say which row lies at each position of the sources that an operator stands for, and its gate."""
    chosen, gates = chosen_by(setting, layer, inputs)
    mine = [home for home in layer.homes if home.labels in setting.operator.outputs]
    return {home.labels: _labels(setting, layer, home, chosen, gates) for home in mine}


def _labels(setting: Setting, layer: Dispatch, home: Home, chosen: Integers, gates: Integers) -> Integers:
    pairs, places = positions(home, chosen, layer.window(setting.round.window))
    labels = np.zeros(layer.routed.experts * home.room, dtype=np.int64)
    labels[places] = label_of(pairs // layer.routed.experts_per_row, gates.reshape(-1)[pairs])
    packed = np.zeros((setting.tensors[home.labels].vectors, setting.lanes), dtype=np.int64)
    for shard, held in enumerate(layer.routed.held):
        mine = labels.reshape(-1, home.room)[list(held.experts)]
        packed[_places_of_labels(layer, home, shard)] = mine.reshape(-1)
    return packed


def _places_of_labels(layer: Dispatch, home: Home, shard: int) -> tuple[Integers, Integers]:
    """Return vector and lane of the labels of a chip, in the order of its positions."""
    place, each = np.arange(len(layer.routed.held[shard].experts) * home.room), layer.labels_in_vector(home, shard)
    return home.runs[shard][0] + place // max(1, each), place % max(1, each)


def placed(setting: Setting, layer: Dispatch, _: int | None, inputs: Values) -> Values:
    """Bring rows to positions of the sources that an operator stands for; what lies at an empty one is never used."""
    chosen, _gates = chosen_by(setting, layer, inputs)
    random = generator(setting.seed, "source", setting.round.number, setting.operator.name)
    outputs = {}
    for home in [home for home in layer.homes if home.placed in setting.operator.outputs]:
        number, length = setting.rows(home.placed)
        at = drawn(random, number, length)
        pairs, places = positions(home, chosen, layer.window(setting.round.window))
        at[places] = _rows(setting, layer, inputs, length)[pairs // layer.routed.experts_per_row]
        outputs[home.placed] = setting.vectors(at)
    return outputs


def _rows(setting: Setting, layer: Dispatch, inputs: Values, length: int) -> Integers:
    """Return all rows: those that chips read, that follow from the rows outside, or any."""
    rows = layer.routed.rows
    if layer.router:
        return setting.input_rows(0, inputs)
    if OUTSIDE in inputs:
        weights = matrix_of(setting.seed, layer.expert, inputs[OUTSIDE].shape[1], length)
        return product(paired(inputs[OUTSIDE], rows, setting.seed), weights)
    return drawn(generator(setting.seed, "source", setting.round.number, setting.operator.name, "rows"), rows, length)


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
    held = np.array(layer.routed.held[shard].experts, dtype=np.int64)
    room, before = sum(home.room for home in layer.homes), 0
    for home in layer.homes:
        row, gate = read_label(inputs[home.labels][_places_of_labels(layer, home, shard)])
        place = np.flatnonzero(row != NONE)
        local, number = np.divmod(place, home.room)
        expert = held[local]
        at = expert * room + before + number
        yield Filled(home, expert * home.room + number, at, expert, row[place], gate[place])
        before += home.room


def experts_run(setting: Setting, layer: Dispatch, shard: int | None, inputs: Values) -> Values:
    """Run experts on the rows at their positions; 0 for empty ones, and for those that find no run on a shard."""
    number, length = setting.rows(layer.pairs)
    pairs = np.zeros((number, length), dtype=np.int64)
    for one in range(len(layer.routed.held)) if shard is None else [shard]:
        at, experts, x = _rows_of(setting, layer, one, inputs)
        pairs[at] = computed(setting, layer.routed, one, experts, x, length)
        if shard is not None:
            pairs[at[without_run(layer.routed.held[one], experts)]] = 0
    return {layer.pairs: setting.vectors(pairs)}


def pairs_without_run(setting: Setting, layer: Dispatch, inputs: Values) -> int:
    """Return how many pairs find no run, whole inputs given to the experts."""
    held = layer.routed.held
    return sum(len(without_run(one, _rows_of(setting, layer, at, inputs)[1])) for at, one in enumerate(held))


def _rows_of(setting: Setting, layer: Dispatch, shard: int, inputs: Values) -> tuple[Integers, Integers, Integers]:
    """Return the filled positions of a chip: their place among the pairs, experts and rows."""
    found = [*_filled(layer, shard, inputs)]
    x = [setting.matrix(one.home.placed, inputs[one.home.placed])[one.place] for one in found]
    at, experts = (np.concatenate([getattr(one, key) for one in found]) for key in ("at", "expert"))
    return at, experts, np.concatenate(x)


def combined(setting: Setting, layer: Dispatch, _: int | None, inputs: Values) -> Values:
    """Add to each row what its pairs give, each times its gate, and what else there is, from all that is there."""
    pairs = setting.matrix(layer.pairs, inputs[layer.pairs])
    total = np.zeros((layer.routed.rows, pairs.shape[1]), dtype=np.int64)
    for shard in range(len(layer.routed.held)):
        for one in _filled(layer, shard, inputs):
            weighed = pairs[one.at] * one.gate[:, None] % PRIME
            np.add.at(total, one.row % layer.routed.rows, weighed)
    total += sum(setting.matrix(name, inputs[name]) for name in layer.added)
    left = block_of(setting, total)
    left = left + setting.matrix(layer.residual, inputs[layer.residual]) if layer.residual else left
    return {layer.output: setting.vectors(left % PRIME)}
