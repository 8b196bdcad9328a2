"""Cuts between sets of nodes, for vectors with one holder and one reader each.

Let S be a set of nodes, X any holders outside and Z any readers inside. Each of the N_XZ vectors from X to Z makes a
departure on some bundle b = (u, v) into S. It leaves u no earlier than the least cost of a way from X to u, and what is
read at v still needs the time between hops and a way from v to Z: together the least cost of a way from v to Z, since
a cost counts that time once for every hop. So the lemma of `crossings` holds for the bundles into S with W = N_XZ and

    idle_b = (least cost of a way from X to u) + hop_b + (least cost of a way from v to Z).

X are all holders at least so far from S, Z all readers at least so far inside, for several distances. Of all candidate
sets those with the most vectors for their lanes are looked at. They are found without a look at any name:

- Digits: for every stride and size, a node's digit is (number // stride) % size; the nodes below each digit, and those
  of each digit. They are half-spaces, rows and sub-grids where nodes are numbered like a grid.
- Balls: the nodes within a distance of a chip, and those nearer to it than to the chip farthest from it.
- Components that remain when the links of one class, or of all but one class, are taken away: the groups of a
  dragonfly, trays, nodes, racks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lpxsched.fabric.reach import component_numbers
from lpxsched.schedule.policy import MOST_DIGITS, MOST_LEVELS

if TYPE_CHECKING:
    from lpxsched.compiled.kernels import Flags, Integers
    from lpxsched.schedule.bounds.view import View
    from lpxsched.schedule.problem.instance import Instance


def candidate_sets(problem: Instance, view: View, centres: Integers) -> Flags:
    """Return different sets of nodes and their complements, shape (sets, nodes); none is empty or holds all."""
    found = [number == np.arange(number.max() + 1)[:, None] for number in partitions(problem)]
    found += [_digits(problem.network.fabric_node), _balls(view, centres)]
    sets = np.concatenate([part for part in found if len(part)])
    sets = np.concatenate([sets, ~sets])
    sets = np.unique(sets, axis=0)
    size = sets.sum(axis=1)
    return np.asarray(sets[(size > 0) & (size < problem.network.nodes)], dtype=np.bool_)


def partitions(problem: Instance) -> list[Integers]:
    """Return the component of each node that remains without one class of links, and with one class only."""
    network, found = problem.network, []
    for link_class in np.unique(network.link_class).tolist():
        here = network.link_class == link_class
        for kept in (~here, here):
            found.append(component_numbers(network.source[kept], network.destination[kept], network.nodes))
    return found


def _digits(numbers: Integers) -> Flags:
    total = int(numbers.max()) + 1
    divisors = [divisor for divisor in range(1, total + 1) if total % divisor == 0]
    sets = []
    for stride, size in ((a, b // a) for a in divisors for b in divisors if b % a == 0 and b > a):
        digit = numbers // stride % size
        values = np.unique(np.linspace(0, size - 1, min(size, MOST_DIGITS)).astype(np.int64))
        sets += [digit < values[:, None], digit == values[:, None]]
    return np.concatenate(sets) if sets else np.zeros((0, len(numbers)), dtype=np.bool_)


def _balls(view: View, centres: Integers) -> Flags:
    sets = []
    for cost in view.into(centres):
        radii = np.unique(cost)
        radii = radii[np.unique(np.linspace(0, len(radii) - 1, MOST_DIGITS).astype(np.int64))]
        sets += [cost <= radii[:, None], (cost < view.into(cost.argmax()[None])[0])[None]]
    return np.concatenate(sets)


# Rates of lanes are compared in vectors per so many cycles.
LONG_CYCLES = 1 << 20


def busiest(view: View, sets: Flags, most: int) -> Flags:
    """Return the sets into which the most vectors must go for the rate of the lanes into them."""
    network, width = view.network, view.wants.width
    rate = np.zeros((network.nodes, network.nodes), dtype=np.int64)
    per_lane = LONG_CYCLES * view.lanes.dense_of // view.lanes.dense
    np.add.at(rate, (network.source, network.destination), network.lanes * np.maximum(per_lane, 1))
    lanes, vectors = _crossing(sets, rate), _crossing(sets[:, :width], view.wants.vectors)
    worth = vectors * LONG_CYCLES // np.maximum(lanes, 1)
    order = np.lexsort((np.arange(len(sets)), -worth))
    return np.asarray(sets[order[(worth[order] > 0) & (lanes[order] > 0)][:most]])


def cut_cycles(view: View, inside: Flags, known: int) -> int:
    """Return the bound by a cut around a set of nodes, or a known one that is no less."""
    network, vectors = view.network, view.wants.vectors
    holders, readers = np.flatnonzero(~inside[: len(vectors)]), np.flatnonzero(inside[: len(vectors)])
    into = np.flatnonzero(~inside[network.source] & inside[network.destination])
    lanes = view.lanes.at(into)
    released = view.into(network.source[into])[:, holders].T
    left = view.into(readers)[:, network.destination[into]]
    best = known
    for some_holders in _far(released):
        earliest = released[some_holders].min(axis=0)
        for some_readers in _far(left):
            needed = vectors[np.ix_(holders[some_holders], readers[some_readers])].sum()
            idle = earliest + view.hop[into] + left[some_readers].min(axis=0)
            if lanes.room(np.array([best]), idle).sum() < needed:
                best = int(lanes.shortest(needed[None], idle[None])[0])
    return best


def _crossing(sets: Flags, amount: Integers) -> Integers:
    """Return the total of an amount from outside to inside each set; exact, since sums stay far below 2 ** 53."""
    inside = sets.astype(np.float64)
    return np.asarray(((1 - inside) @ amount.astype(np.float64) * inside).sum(axis=1).astype(np.int64))


def _far(cost: Integers) -> list[Integers]:
    """Return the rows that are at least so far from every bundle, for several distances."""
    nearest = cost.min(axis=1)
    levels = np.unique(nearest)[:MOST_LEVELS]
    return [np.flatnonzero(nearest >= level) for level in levels.tolist()]
