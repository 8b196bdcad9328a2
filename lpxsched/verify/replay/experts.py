r"""Mixtures of experts: routing that depends on the rows, and experts that run in a static number of runs.

The router gives each of B rows k of E experts and as many gates; a pair (row, expert) of the experts is a row of their
output; combine adds the pairs of a row, each times its gate, and what shared experts give. An expert is the FFN of
`rows`, of rows of its own width, with one hidden number a shard: each shard leaves the product with its own, a summand
of the dense one.

A timetable cannot depend on the routing. From the work that ``graph.json`` states, the experts have room for so many
runs, each of so many rows of one expert: a run reads one expert's columns, so there are E times (bytes read a column) /
(bytes held a column) of them, and rows / runs rows in each. The pairs are dealt into runs, expert by expert; what finds
no run is not computed, whatever the routing. Each iteration takes another of `ROUTINGS`; the last is the one that needs
the most runs: each expert one pair while there are pairs, then as many as one run more asks for.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np

from lpxsched.units import ceil_div, exact
from lpxsched.verify.replay.arithmetic import PRIME, drawn, generator, product
from lpxsched.verify.replay.field import dot
from lpxsched.verify.replay.functions import PARTIAL, REPLICATED, add_residual, in_rows
from lpxsched.verify.replay.rows import activated

if TYPE_CHECKING:
    from lpxsched.timetable.columns import Integers
    from lpxsched.timetable.documents import GraphFile, GraphOperator, GraphTensor
    from lpxsched.verify.replay.functions import Setting, Values

ROUTINGS = ("random", "same", "spread", "hot", "most runs")
RANDOM, SAME, SPREAD, HOT, MOST_RUNS = ROUTINGS
ROUTER, EXPERTS, COMBINE = "router", "experts", "combine"
# A pair is one number: expert times this, plus a gate below it.
GATES = 1 << 16
MOST_EXPERTS = PRIME // GATES


@dataclass(frozen=True, slots=True)
class Mixture:
    """A layer of experts, as its graph states it.

    Attributes
    ----------
    rows, experts, experts_per_row : int
        B, E and k.
    runs, rows_per_run : int
        What the work of the experts has room for.
    input, expert_input, routing, pairs, output : str
        Names of the tensors.
    router, expert, combine : str
        Names of the operators.
    """

    rows: int
    experts: int
    experts_per_row: int
    runs: int
    rows_per_run: int
    input: str
    expert_input: str
    routing: str
    pairs: str
    output: str
    router: str
    expert: str
    combine: str

    def lanes(self, routing: GraphTensor) -> int:
        """Return how many numbers a vector must hold so that a row of the routing holds its pairs."""
        return ceil_div(self.rows * self.experts_per_row, routing.vectors)


def mixtures(graph: GraphFile) -> list[Mixture]:
    """Return the mixtures of experts of a graph; operators of these kinds in another form are not among them."""
    tensors = {tensor.name: tensor for tensor in graph.tensors}
    writers = {name: operator for operator in graph.operators for name in operator.outputs}
    found = []
    for operator in graph.operators:
        routers = [writers.get(read.tensor) for read in operator.inputs]
        router = next((one for one in routers if one and one.kind == ROUTER), None)
        readers = [one for one in graph.operators if one.kind == COMBINE and set(_tensors(one)) & set(operator.outputs)]
        if operator.kind == EXPERTS and router and len(readers) == 1:
            found += _mixture(router, operator, readers[0], tensors)
    return found


def _mixture(
    router: GraphOperator, expert: GraphOperator, combine: GraphOperator, tensors: dict[str, GraphTensor]
) -> list[Mixture]:
    """Return the mixture of three operators, or nothing where layouts or numbers are those of something else."""
    layouts = [[read.layout for read in one.inputs] for one in (router, expert, combine)]
    if any(len(one.outputs) != 1 for one in (router, expert, combine)) or layouts[:2] != [
        [REPLICATED],
        2 * [REPLICATED],
    ]:
        return []
    x, (fed, second), (first, third) = router.inputs[0].tensor, _tensors(expert), _tensors(combine)[:2]
    (routing,), (pairs,), (output,) = router.outputs, expert.outputs, combine.outputs
    left = (tensors[routing].layout, tensors[pairs].layout, tensors[output].layout)
    rows, per_row = tensors[x].rows, Fraction(tensors[pairs].rows, tensors[x].rows)
    plan = _plan(router, expert, tensors[x])
    whole = (*plan, per_row, Fraction(rows, tensors[routing].rows))
    as_stated = layouts[2][:2] == [PARTIAL, REPLICATED] and left == (REPLICATED, PARTIAL, PARTIAL)
    as_stated &= (second, first, third) == (routing, pairs, routing) and "matrices" in expert.sizes
    # Shared experts and a residual are added as they are.
    added = [tensors[name] for name in _tensors(combine)[2:]]
    as_stated &= all(tensors[output].rows == tensors[name].rows == rows for name in (fed, *_tensors(combine)[2:]))
    as_stated &= all(in_rows(tensors[name]) for name in (x, fed, routing, pairs, output))
    as_stated &= all(one.vectors_per_row == tensors[output].vectors_per_row for one in (tensors[pairs], *added))
    if not as_stated or any(number.denominator > 1 or number < 1 for number in whole):
        return []
    experts, runs = int(plan[0]), int(plan[1])
    if not per_row <= experts <= MOST_EXPERTS:
        return []
    names = (x, fed, routing, pairs, output, router.name, expert.name, combine.name)
    return [Mixture(rows, experts, int(per_row), runs, expert.rows // runs, *names)]


def _tensors(operator: GraphOperator) -> list[str]:
    return [read.tensor for read in operator.inputs]


def _plan(router: GraphOperator, expert: GraphOperator, x: GraphTensor) -> tuple[Fraction, Fraction]:
    """Return the number of experts and of their runs, as the work tells them; 0 where it does not.

    The router multiplies each number of a row with one of each expert.
    """
    columns = Fraction(x.row_bytes * 8, x.element_bits)
    read = sum((exact(term.per_column) for term in expert.work if term.counts == "bytes"), Fraction(0))
    kept = [term for resident in expert.resident for term in resident.terms]
    held = sum((exact(term.per_column) for term in kept), Fraction(0))
    products = sum((exact(term.per_row) for term in router.work if term.counts == "macs"), Fraction(0))
    return products / columns, products / columns * read / held if held else Fraction(0)


def chosen_experts(mixture: Mixture, routing: str, scores: Integers) -> Integers:
    """Return the experts of each row, all different; shape (rows, k).

    Parameters
    ----------
    mixture : Mixture
    routing : str
        One of `ROUTINGS`.
    scores : ndarray of int64, shape (rows, experts)
        Where the routing is random, the highest are taken.
    """
    rows, k, experts = mixture.rows, mixture.experts_per_row, mixture.experts
    row, place = np.arange(rows)[:, None], np.arange(k)[None, :]
    if routing == RANDOM:
        return np.argsort(-scores, axis=1, kind="stable")[:, :k]
    if routing == SAME:
        return np.broadcast_to(place, (rows, k))
    if routing == SPREAD:
        return (row * k + place) % experts
    if routing == HOT:
        return np.where(place == 0, 0, 1 + (row * (k - 1) + place - 1) % max(1, experts - 1))
    dealt = np.repeat(np.arange(experts), _most_runs(mixture))
    return dealt.reshape(k, rows).T


def _most_runs(mixture: Mixture) -> Integers:
    """Return how many pairs each expert has where they need the most runs."""
    left = mixture.rows * mixture.experts_per_row
    pairs = np.minimum(1, np.maximum(0, left - np.arange(mixture.experts)))
    left -= int(pairs.sum())
    # First whole runs more, one expert after the other; then whatever is left.
    for step in (mixture.rows_per_run, 1):
        for expert in range(mixture.experts):
            more = min(left // step, (mixture.rows - int(pairs[expert])) // step) * step
            pairs[expert] += more
            left -= more
    return pairs


def without_run(mixture: Mixture, experts: Integers) -> Integers:
    """Return the pairs that find no run: each expert's pairs fill runs, and there are only so many runs.

    Parameters
    ----------
    mixture : Mixture
    experts : ndarray of int64, shape (pairs,)
    """
    order = np.argsort(experts, kind="stable")
    dealt = experts[order]
    number = np.arange(len(dealt)) - np.searchsorted(dealt, dealt)
    run = np.cumsum(number % mixture.rows_per_run == 0)
    return np.sort(order[run > mixture.runs])


@dataclass(frozen=True, slots=True)
class Router:
    """Chooses experts and gates; every shard does all of it."""

    setting: Setting
    mixture: Mixture

    def lanes(self) -> int:
        """Return how many numbers a vector must hold, so that a row of the routing holds its pairs."""
        return self.mixture.lanes(self.setting.tensors[self.mixture.routing])

    def dense(self, inputs: Values) -> Values:
        """Return the routing: expert and gate of each pair as one number."""
        setting, mixture = self.setting, self.mixture
        x = setting.matrix(mixture.input, inputs[mixture.input])
        random = generator(setting.seed, "weights", setting.operator.name)
        gates, scores = (product(x, drawn(random, x.shape[1], n)) for n in (mixture.experts_per_row, mixture.experts))
        routing = ROUTINGS[setting.iteration % len(ROUTINGS)]
        pairs = chosen_experts(mixture, routing, scores) * GATES + 1 + gates % (GATES - 1)
        rows, length = setting.rows(mixture.routing)
        matrix = np.zeros((rows, length), dtype=np.int64)
        matrix[:, : pairs.size // rows] = pairs.reshape(rows, -1)
        return {mixture.routing: setting.vectors(matrix)}

    def part(self, _: int, inputs: Values) -> Values:
        """Return the routing."""
        return self.dense(inputs)


def routed(setting: Setting, mixture: Mixture, inputs: Values) -> tuple[Integers, Integers]:
    """Return expert and gate of each pair."""
    matrix = setting.matrix(mixture.routing, inputs[mixture.routing])
    pairs = matrix[:, : mixture.rows * mixture.experts_per_row // len(matrix)].reshape(-1)
    return pairs // GATES % mixture.experts, pairs % GATES


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
        summand = self._summand(shard, inputs)
        summand[without_run(self.mixture, routed(self.setting, self.mixture, inputs)[0])] = 0
        return {self.mixture.pairs: self.setting.vectors(summand)}

    def _summand(self, shard: int, inputs: Values) -> Integers:
        setting, mixture = self.setting, self.mixture
        rows = setting.matrix(mixture.expert_input, inputs[mixture.expert_input])
        x = np.repeat(rows, mixture.experts_per_row, axis=0)
        experts, _ = routed(setting, mixture, inputs)
        random = generator(setting.seed, "weights", setting.operator.name, shard)
        length = setting.rows(mixture.pairs)[1]
        widths = (x.shape[1], x.shape[1], length)
        up, gate, down = (drawn(random, mixture.experts, width)[experts] for width in widths)
        hidden = activated(dot(x, gate), dot(x, up), setting.operator.sizes["matrices"])
        return np.asarray(hidden[:, None] * down % PRIME)

    def lanes(self) -> int:
        """Return how many numbers a vector must hold: any."""
        return 1


@dataclass(frozen=True, slots=True)
class Combine:
    """Adds the pairs of each row, each times its gate, and what lies beside them; a summand gives a summand."""

    setting: Setting
    mixture: Mixture

    def lanes(self) -> int:
        """Return how many numbers a vector must hold: any."""
        return 1

    def dense(self, inputs: Values) -> Values:
        """Return the rows."""
        return self._left(None, inputs)

    def part(self, shard: int, inputs: Values) -> Values:
        """Return the summand of a shard."""
        return self._left(shard, inputs)

    def _left(self, shard: int | None, inputs: Values) -> Values:
        setting, mixture = self.setting, self.mixture
        pairs = setting.matrix(mixture.pairs, inputs[mixture.pairs])
        _, gates = routed(setting, mixture, inputs)
        weighed = (pairs * gates[:, None] % PRIME).reshape(mixture.rows, mixture.experts_per_row, -1)
        vectors = setting.vectors(weighed.sum(axis=1) % PRIME)
        residual = setting.operator.sizes.get("residual", 0)
        for place, read in enumerate(setting.operator.inputs):
            vectors = vectors + inputs[read.tensor] if place > 1 and place != residual else vectors
        return {mixture.output: add_residual(setting, vectors % PRIME, shard, inputs)}
