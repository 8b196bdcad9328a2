r"""Mixtures of experts: operators whose work depends on a routing, which is another one in each iteration (`routings`).

The router gives each row k experts and as many gates; a pair (row, expert) of the experts is a row of their output;
combine adds the pairs of a row, each times its gate, and what else it reads. An expert is ``D (A x)^2``, squared number
by number, with one hidden number a shard that holds it: each shard leaves the product with its own, a summand of the
dense one. Experts without weights give the row itself, brought to the width of the output by a fixed matrix; the first
shard adds it.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from itertools import accumulate
from typing import TYPE_CHECKING

import numpy as np

from lpxsched.units import ceil_div, exact
from lpxsched.verify.replay.arithmetic import PRIME, drawn, generator, product
from lpxsched.verify.replay.functions import PARTIAL, REPLICATED, in_rows
from lpxsched.verify.replay.routings import ROUTINGS, Held, Routed, chosen_experts, here, without_run

if TYPE_CHECKING:
    from lpxsched.timetable.columns import Integers
    from lpxsched.timetable.documents import GraphFile, GraphOperator, GraphTensor
    from lpxsched.verify.replay.functions import Setting, Values

ROUTER, ROUTES, EXPERTS, COMBINE = "router", "routes", "experts", "combine"
# A pair is one number: expert times this, plus a gate below it.
GATES = 1 << 16
MOST_EXPERTS = PRIME // GATES


@dataclass(frozen=True, slots=True)
class Mixture:
    """A layer of experts, as its graph states it.

    Attributes
    ----------
    routed : Routed
    input, routing, pairs, output : str
        Names of the tensors that experts and combine read and leave.
    added : tuple of str
        Further summands that combine adds.
    same : str
        What experts without weights give back; empty where there are none.
    router, expert, combine : str
        Names of the operators.
    """

    routed: Routed
    input: str
    routing: str
    pairs: str
    output: str
    added: tuple[str, ...]
    same: str
    router: str
    expert: str
    combine: str

    def lanes(self, tensors: dict[str, GraphTensor]) -> int:
        """Return how many numbers a vector must hold so that a row of the routing holds its pairs."""
        return ceil_div(self.routed.rows * self.routed.experts_per_row, tensors[self.routing].vectors)


def mixtures(graph: GraphFile) -> list[Mixture]:
    """Return the mixtures of experts of a graph; operators of these kinds in another form are not among them."""
    tensors = {tensor.name: tensor for tensor in graph.tensors}
    writers = {name: operator for operator in graph.operators for name in operator.outputs}
    widths = {layer: len(group.chips) for layer, group in graph.groups_of_layers().items()}
    found = []
    for operator in graph.operators:
        routings = [name for name in _layouts(operator) if name in writers and writers[name].kind in (ROUTER, ROUTES)]
        readers = [one for one in graph.operators if one.kind == COMBINE and set(_layouts(one)) & set(operator.outputs)]
        if operator.kind == EXPERTS and len(routings) == len(readers) == 1:
            three = (writers[routings[0]], operator, readers[0])
            found += _mixture(three, routings[0], tensors, widths[operator.layer])
    return found


def _layouts(operator: GraphOperator) -> dict[str, str]:
    return {read.tensor: read.layout for read in operator.inputs}


def _mixture(
    three: tuple[GraphOperator, GraphOperator, GraphOperator], routing: str, tensors: dict[str, GraphTensor], width: int
) -> list[Mixture]:
    """Return the mixture of router, experts and combine, or nothing where layouts or numbers are others."""
    router, expert, combine = three
    rows_read = [name for name in _layouts(expert) if name != routing]
    if [len(one.outputs) for one in three] != [1, 1, 1] or len(rows_read) != 1:
        return []
    (x,), (pairs,), (output,) = rows_read, expert.outputs, combine.outputs
    others = {name: layout for name, layout in _layouts(combine).items() if name not in (routing, pairs)}
    same = [name for name, layout in others.items() if layout == REPLICATED]
    added = tuple(name for name, layout in others.items() if layout == PARTIAL)
    wanted = {x: REPLICATED, routing: REPLICATED}, {pairs: PARTIAL, routing: REPLICATED, **others}
    as_stated = (_layouts(expert), _layouts(combine)) == wanted and len(same) + len(added) == len(others)
    as_stated &= all(tensors[name].layout == PARTIAL for name in (pairs, output, *added))
    as_stated &= all(in_rows(tensors[name]) for name in (x, routing, pairs, output, *added, *same))
    as_stated &= len({tensors[name].vectors_per_row for name in (pairs, output, *added)}) == 1
    as_stated &= len({tensors[name].rows for name in (x, output, *added, *same)}) == 1
    per_row = Fraction(tensors[pairs].rows, tensors[x].rows)
    routed = _routed(expert, tensors[x].rows, per_row, width) if per_row.denominator == 1 else None
    if not as_stated or routed is None or tensors[x].rows % tensors[routing].rows or bool(same) != bool(routed.idle):
        return []
    names = (x, routing, pairs, output, added, "".join(same), router.name, expert.name, combine.name)
    return [Mixture(routed, *names)]


def _routed(expert: GraphOperator, rows: int, per_row: Fraction, width: int) -> Routed | None:
    """Return who meets whom, by what the experts state; None where they do not."""
    experts, idle = expert.sizes.get("experts", 0), expert.sizes.get("idle", 0)
    held = _slices(expert, experts, width) if expert.shares is None else _whole(expert, experts)
    if not held or not 1 <= per_row <= experts + idle <= MOST_EXPERTS:
        return None
    return Routed(rows, experts, idle, int(per_row), held)


def _slices(expert: GraphOperator, experts: int, width: int) -> tuple[Held, ...]:
    """Return all experts on every shard, with as many runs as often one's columns are read of those that are held."""
    read = sum((exact(term.per_column) for term in expert.work if term.counts == "bytes"), Fraction(0))
    kept = [term for resident in expert.resident for term in resident.terms]
    held = sum((exact(term.per_column) for term in kept), Fraction(0))
    runs = experts * read / held if held else Fraction(0)
    if runs.denominator > 1 or runs < 1:
        return ()
    return (Held(0, experts, int(runs), expert.rows // int(runs)),) * width


def _whole(expert: GraphOperator, experts: int) -> tuple[Held, ...]:
    """Return the experts that shards hold whole, in the order of the shards."""
    shares = expert.shares or []
    numbers = [held for _, held, _ in shares]
    if sum(numbers) != experts:
        return ()
    return tuple(
        Held(first, held, runs, max(1, rows // max(1, runs)))
        for first, (rows, held, runs) in zip(accumulate(numbers, initial=0), shares, strict=False)
    )


def pairs_of(setting: Setting, routed: Routed, scores: Integers, gates: Integers) -> Integers:
    """Return expert and gate of each pair as one number, shape (rows, k)."""
    routing = ROUTINGS[setting.iteration % len(ROUTINGS)]
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

    def dense(self, inputs: Values) -> Values:
        """Return the routing."""
        setting, routed = self.setting, self.mixture.routed
        x = np.concatenate([setting.matrix(name, values) for name, values in inputs.items()], axis=1)
        random = generator(setting.seed, "weights", setting.operator.name)
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

    def dense(self, _: Values) -> Values:
        """Return the routing."""
        setting, routed = self.setting, self.mixture.routed
        random = generator(setting.seed, "source", setting.iteration, setting.operator.name)
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
        mine = here(mixture.routed.held[shard], experts)
        x = setting.matrix(mixture.input, inputs[mixture.input])[mine // mixture.routed.experts_per_row]
        summand = np.zeros((len(experts), setting.rows(mixture.pairs)[1]), dtype=np.int64)
        summand[mine] = computed(setting, mixture.routed, shard, experts[mine], x, summand.shape[1])
        return summand


def computed(setting: Setting, routed: Routed, shard: int, experts: Integers, x: Integers, length: int) -> Integers:
    """Return what a shard's experts make of rows, one each."""
    random = generator(setting.seed, "weights", setting.operator.name, shard)
    up, down = (drawn(random, routed.experts, n)[experts] for n in (x.shape[1], length))
    hidden = (x * up % PRIME).sum(axis=1) % PRIME
    return np.asarray((hidden * hidden % PRIME)[:, None] * down % PRIME)


@dataclass(frozen=True, slots=True)
class Combine:
    """Adds the pairs of each row, each times its gate, and whatever else it reads; a summand gives a summand."""

    setting: Setting
    mixture: Mixture

    def dense(self, inputs: Values) -> Values:
        """Return the rows."""
        return self.part(0, inputs)

    def part(self, shard: int, inputs: Values) -> Values:
        """Return the summand of a shard."""
        setting, mixture, routed = self.setting, self.mixture, self.mixture.routed
        pairs = setting.matrix(mixture.pairs, inputs[mixture.pairs])
        experts, gates = routing_of(setting, mixture, inputs)
        weighed = (pairs * gates[:, None] % PRIME).reshape(routed.rows, routed.experts_per_row, -1)
        total = weighed.sum(axis=1) + sum(setting.matrix(name, inputs[name]) for name in mixture.added)
        if mixture.same and not shard:
            idle = np.where(experts >= routed.experts, gates, 0).reshape(routed.rows, -1).sum(axis=1) % PRIME
            x = setting.matrix(mixture.same, inputs[mixture.same])
            alike = drawn(generator(setting.seed, "weights", setting.operator.name), x.shape[1], total.shape[1])
            total += product(x, alike) * idle[:, None] % PRIME
        return {mixture.output: setting.vectors(total % PRIME)}
