r"""Mixtures of experts: operators whose work depends on a routing, which is another one in each step (`routings`).

The router gives each row k experts and as many gates; a pair (row, expert) of the experts is a row of their output;
combine adds the pairs of a row, each times its gate, and what else it reads. An expert is the FFN of `rows` with one
hidden number a shard that holds it: each shard leaves the product with its own, a summand of the dense one. Experts
without weights give the row itself, brought to the width of the output by a fixed matrix; the first shard adds it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from lpxsched.verify.replay.arithmetic import PRIME, drawn, generator, product
from lpxsched.verify.replay.blocks import add_residual, block_of
from lpxsched.verify.replay.field import dot
from lpxsched.verify.replay.mixtures import GATES
from lpxsched.verify.replay.routings import ROUTINGS, chosen_experts, pairs_on_shard, without_run
from lpxsched.verify.replay.rows import activated

if TYPE_CHECKING:
    from lpxsched.timetable.columns import Integers
    from lpxsched.verify.replay.functions import Setting, Values
    from lpxsched.verify.replay.mixtures import Mixture
    from lpxsched.verify.replay.routings import Routed


def pairs_of(setting: Setting, routed: Routed, scores: Integers, gates: Integers) -> Integers:
    """Return expert and gate of each pair as one number, shape (rows, k)."""
    routing = ROUTINGS[setting.round.number % len(ROUTINGS)]
    return np.asarray(chosen_experts(routed, routing, scores) * GATES + 1 + gates % (GATES - 1))


def laid(setting: Setting, name: str, pairs: Integers) -> Integers:
    """Return pairs as the vectors of a tensor."""
    rows, length = setting.rows(name)
    matrix = np.zeros((rows, length), dtype=np.int64)
    matrix[:, : pairs.size // rows] = pairs.reshape(rows, -1)
    return setting.vectors(matrix)


@dataclass(frozen=True, slots=True)
class Router:
    """Chooses experts and gates; every shard does all of it."""

    setting: Setting
    mixture: Mixture

    def lanes(self) -> int:
        """Return how many numbers a vector must hold, so that a row of the routing holds its pairs."""
        return self.mixture.lanes(self.setting.tensors[self.mixture.routing])

    def dense(self, inputs: Values) -> Values:
        """Return the routing."""
        setting, routed = self.setting, self.mixture.routed
        x = np.concatenate([setting.matrix(name, values) for name, values in inputs.items()], axis=1)
        random = generator(setting.seed, "weights", setting.keeper)
        gates, scores = (product(x, drawn(random, x.shape[1], n)) for n in (routed.experts_per_row, routed.choices))
        return {self.mixture.routing: laid(setting, self.mixture.routing, pairs_of(setting, routed, scores, gates))}

    def part(self, _: int, inputs: Values) -> Values:
        """Return the routing."""
        return self.dense(inputs)


@dataclass(frozen=True, slots=True)
class Routes:
    """Experts and gates that come with the rows."""

    setting: Setting
    mixture: Mixture

    def lanes(self) -> int:
        """Return how many numbers a vector must hold, so that a row of the routing holds its pairs."""
        return self.mixture.lanes(self.setting.tensors[self.mixture.routing])

    def dense(self, _: Values) -> Values:
        """Return the routing."""
        setting, routed = self.setting, self.mixture.routed
        random = generator(setting.seed, "source", setting.round.number, setting.operator.name)
        gates, scores = (drawn(random, routed.rows, n) for n in (routed.experts_per_row, routed.choices))
        return {self.mixture.routing: laid(setting, self.mixture.routing, pairs_of(setting, routed, scores, gates))}

    def part(self, shard: int, inputs: Values) -> Values:
        """Return the routing that comes over one link."""
        return {name: self.setting.cut(name, shard, values) for name, values in self.dense(inputs).items()}


def routing_of(setting: Setting, mixture: Mixture, inputs: Values) -> tuple[Integers, Integers]:
    """Return expert and gate of each pair."""
    matrix = setting.matrix(mixture.routing, inputs[mixture.routing])
    pairs = matrix[:, : mixture.routed.rows * mixture.routed.experts_per_row // len(matrix)].reshape(-1)
    return pairs // GATES % mixture.routed.choices, pairs % GATES


@dataclass(frozen=True, slots=True)
class Experts:
    """Runs experts on the rows that the routing gives them."""

    setting: Setting
    mixture: Mixture

    def lanes(self) -> int:
        """Return how many numbers a vector must hold: any."""
        return 1

    def dense(self, inputs: Values) -> Values:
        """Return the output of every pair, from all hidden numbers and without runs."""
        total = sum(self._summand(shard, inputs) for shard in range(self.setting.width))
        return {self.mixture.pairs: self.setting.vectors(np.asarray(total % PRIME))}

    def part(self, shard: int, inputs: Values) -> Values:
        """Return the summand of a shard; what finds no run is 0."""
        summand, (experts, _) = self._summand(shard, inputs), routing_of(self.setting, self.mixture, inputs)
        summand[without_run(self.mixture.routed.held[shard], experts)] = 0
        return {self.mixture.pairs: self.setting.vectors(summand)}

    def _summand(self, shard: int, inputs: Values) -> Integers:
        setting, mixture = self.setting, self.mixture
        experts, _ = routing_of(setting, mixture, inputs)
        mine = pairs_on_shard(mixture.routed.held[shard], experts)
        x = setting.matrix(mixture.input, inputs[mixture.input])[mine // mixture.routed.experts_per_row]
        summand = np.zeros((len(experts), setting.rows(mixture.pairs)[1]), dtype=np.int64)
        summand[mine] = computed(setting, mixture.routed, shard, experts[mine], x, summand.shape[1])
        return summand


def computed(setting: Setting, routed: Routed, shard: int, experts: Integers, x: Integers, length: int) -> Integers:
    """Return what a shard's experts make of rows, one each."""
    random = generator(setting.seed, "weights", setting.keeper, shard)
    up, gate, down = (drawn(random, routed.experts, n)[experts] for n in (x.shape[1], x.shape[1], length))
    hidden = activated(dot(x, gate), dot(x, up), setting.operator.sizes["matrices"])
    return np.asarray(hidden[:, None] * down % PRIME)


@dataclass(frozen=True, slots=True)
class Combine:
    """Adds the pairs of each row, each times its gate, and whatever else it reads; a summand gives a summand.

    Of whole rows it leaves one block of columns.
    """

    setting: Setting
    mixture: Mixture

    def lanes(self) -> int:
        """Return how many numbers a vector must hold: any."""
        return 1

    def dense(self, inputs: Values) -> Values:
        """Return the rows."""
        return self.part(0, inputs)

    def part(self, shard: int, inputs: Values) -> Values:
        """Return the summand of a shard."""
        setting, mixture, routed = self.setting, self.mixture, self.mixture.routed
        pairs = setting.matrix(mixture.pairs, inputs[mixture.pairs])
        experts, gates = routing_of(setting, mixture, inputs)
        weighed = (block_of(setting, pairs) * gates[:, None] % PRIME).reshape(routed.rows, routed.experts_per_row, -1)
        added = [block_of(setting, setting.matrix(name, inputs[name])) for name in mixture.added]
        total = weighed.sum(axis=1) + sum(added)
        if mixture.same and not shard:
            idle = np.where(experts >= routed.experts, gates, 0).reshape(routed.rows, -1).sum(axis=1) % PRIME
            x = setting.matrix(mixture.same, inputs[mixture.same])
            alike = drawn(generator(setting.seed, "weights", setting.keeper), x.shape[1], total.shape[1])
            total += product(x, alike) * idle[:, None] % PRIME
        return {mixture.output: add_residual(setting, setting.vectors(total % PRIME), shard, inputs)}
