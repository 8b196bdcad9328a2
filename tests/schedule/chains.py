"""Layers that are chains of collectives, an operator on each chip before, between and behind them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from lpxsched.traffic.layouts import shares
from tests.schedule.circulants import circulant
from tests.schedule.instances import ADD_COST, Demand, Operator, instance_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from lpxsched.schedule.problem.instance import AddCost, Instance
    from lpxsched.schedule.problem.network import Network
    from lpxsched.traffic.collectives import Kind

    Stage = tuple[Kind, int]


KINDS: tuple[Kind, ...] = ("all-gather", "reduce-scatter", "all-reduce", "all-to-all")


def ring(chips: int, steps: Iterable[int] = (1,)) -> Network:
    """Return chips each of which is linked to those some steps further."""
    bundles = [bundle for bundle in circulant(chips, steps) if max(bundle.source, bundle.destination) < chips]
    return instance_of(chips, bundles, [], []).network


def chain(
    network: Network, stages: Sequence[Stage], cycles: Sequence[int], *, add_cost: AddCost = ADD_COST
) -> Instance:
    """Return a layer on chips that are linked as in a network.

    Parameters
    ----------
    network : Network
        Its chips all take part.
    stages : sequence of (kind, vectors)
        Vectors of the whole tensor, dealt in shares; of an all-to-all, of each piece.
    cycles : sequence of int
        Of the operators before the first stage and behind each, which all hold the matrix unit.
    """
    chips = network.width
    operators = [Operator(chip, cycles=cycles[0]) for chip in range(chips)]
    demands: list[Demand] = []
    for number, (kind, vectors) in enumerate(stages):
        makers, first = tuple(range(number * chips, (number + 1) * chips)), len(demands)
        demands += _demands(kind, vectors, chips, makers)
        for chip in range(chips):
            read = [d for d in range(first, len(demands)) if chip in (demands[d].root, *demands[d].consumers)]
            if kind == "all-to-all":
                read = [d for d in read if demands[d].root != chip]
            operators.append(Operator(chip, cycles=cycles[number + 1], after=(makers[chip],), demands=tuple(read)))
    layer = instance_of(chips, [], operators, demands, add_cost=add_cost)
    return replace(layer, network=network)


def _demands(kind: Kind, vectors: int, chips: int, makers: tuple[int, ...]) -> list[Demand]:
    every = tuple(range(chips))
    if kind == "all-to-all":
        pairs = [(one, other) for one in every for other in every if one != other]
        return [Demand(vectors, one, (one,), (makers[one],), (other,)) for one, other in pairs]
    others = {chip: tuple(np.delete(every, chip).tolist()) for chip in every}
    dealt = [(chip, n) for chip, (_, n) in enumerate(shares(vectors, chips)) if n]
    if kind == "all-gather":
        return [Demand(n, chip, (chip,), (makers[chip],), others[chip]) for chip, n in dealt]
    return [Demand(n, chip, every, makers, others[chip] if kind == "all-reduce" else ()) for chip, n in dealt]
