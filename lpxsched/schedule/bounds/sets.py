"""Sets of nodes whose borders may be narrow, found without a look at any name.

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
from lpxsched.schedule.policy import MOST_DIGITS

if TYPE_CHECKING:
    from lpxsched.compiled.kernels import Flags, Integers
    from lpxsched.schedule.bounds.network import CostedNetwork
    from lpxsched.schedule.problem.instance import Instance


def candidate_sets(problem: Instance, network: CostedNetwork, centres: Integers) -> Flags:
    """Return different sets of nodes and their complements, shape (sets, nodes); none is empty or holds all."""
    found = [_digits(problem.network.fabric_node), _balls(network, centres), _components(problem)]
    sets = np.concatenate([part for part in found if len(part)])
    sets = np.concatenate([sets, ~sets])
    sets = np.unique(sets, axis=0)
    size = sets.sum(axis=1)
    return np.asarray(sets[(size > 0) & (size < problem.network.nodes)], dtype=np.bool_)


def components(problem: Instance, kept: Flags) -> Integers:
    """Return the number of the component of each node when only some bundles are kept, both ways."""
    return component_numbers(problem.network.source[kept], problem.network.destination[kept], problem.network.nodes)


def partitions(problem: Instance) -> list[Integers]:
    """Return the components that remain without one class of links, and with one class only."""
    found = []
    for link_class in np.unique(problem.network.link_class).tolist():
        here = problem.network.link_class == link_class
        found += [components(problem, ~here), components(problem, here)]
    return found


def _components(problem: Instance) -> Flags:
    parts = [number == np.arange(number.max() + 1)[:, None] for number in partitions(problem)]
    return np.concatenate(parts)


def _digits(numbers: Integers) -> Flags:
    total = int(numbers.max()) + 1
    divisors = [divisor for divisor in range(1, total + 1) if total % divisor == 0]
    sets = []
    for stride, size in ((a, b // a) for a in divisors for b in divisors if b % a == 0 and b > a):
        digit = numbers // stride % size
        values = np.unique(np.linspace(0, size - 1, min(size, MOST_DIGITS)).astype(np.int64))
        sets += [digit < values[:, None], digit == values[:, None]]
    return np.concatenate(sets) if sets else np.zeros((0, len(numbers)), dtype=np.bool_)


def _balls(network: CostedNetwork, centres: Integers) -> Flags:
    sets = []
    for cost in network.into(centres):
        radii = np.unique(cost)
        radii = radii[np.unique(np.linspace(0, len(radii) - 1, MOST_DIGITS).astype(np.int64))]
        sets += [cost <= radii[:, None], (cost < network.into(cost.argmax()[None])[0])[None]]
    return np.concatenate(sets)
