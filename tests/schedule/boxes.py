"""Boxes of GPUs with links of 1, 2 and 4 lanes, joined at random."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING, Literal

import numpy as np

from lpxsched.traffic.collectives import Collective
from tests.schedule.bounds.problems import Wire, problem_of

if TYPE_CHECKING:
    from lpxsched.schedule.problem.instance import Instance
    from lpxsched.traffic.collectives import Kind

    Pairs = list[tuple[int, int]]

Shape = Literal["tree", "dense", "regular", "clusters"]

CHIPS = 16
# Links that a random tree has more, and a dense one; that each chip of a regular box has, and two clusters between them.
MORE, MANY_MORE, DEGREE, BETWEEN = 8, 24, 3, 3


def box(shape: Shape, seed: int, vectors: int, *, kind: Kind = "all-gather", alike: bool = False) -> Instance:
    """Return a collective in a box; `alike`, with as many lanes either way on each link."""
    random = np.random.default_rng(seed)
    pairs = sorted({"tree": _tree, "dense": _dense, "regular": _regular, "clusters": _clusters}[shape](random))
    lanes = random.choice([1, 2, 4], (len(pairs), 2))
    lanes[:, 1] = lanes[:, 0] if alike else lanes[:, 1]
    wires = [Wire(*pair, 23, there) for pair, (there, _) in zip(pairs, lanes.tolist(), strict=True)]
    wires += [Wire(*pair[::-1], 23, back) for pair, (_, back) in zip(pairs, lanes.tolist(), strict=True)]
    return problem_of(Collective(kind, CHIPS, vectors), wires)


def _dense(random: np.random.Generator) -> Pairs:
    return _tree(random, MANY_MORE)


def _tree(random: np.random.Generator, more: int = MORE) -> Pairs:
    """Return a random tree with some links more."""
    pairs = _spanning(random, np.arange(CHIPS))
    others = [pair for pair in combinations(range(CHIPS), 2) if pair not in pairs]
    return pairs + [others[place] for place in random.permutation(len(others))[:more].tolist()]


def _regular(random: np.random.Generator) -> Pairs:
    """Return a connected graph in which all chips have as many links: of pairings of their ends, the first that is."""
    while True:
        ends = np.sort(random.permutation(np.repeat(np.arange(CHIPS), DEGREE)).reshape(-1, 2), axis=1)
        pairs = list({(a, b) for a, b in ends.tolist() if a < b})
        if len(pairs) == len(ends) and _is_connected(pairs):
            return pairs


def _clusters(random: np.random.Generator) -> Pairs:
    """Return two halves, each a random tree with some links more, and a few links between them."""
    halves = np.arange(CHIPS // 2), np.arange(CHIPS // 2, CHIPS)
    pairs = [pair for half in halves for pair in _spanning(random, half)]
    inside = [pair for half in halves for pair in combinations(half.tolist(), 2) if pair not in pairs]
    across = [(a, b) for a in halves[0].tolist() for b in halves[1].tolist()]
    pairs += [inside[place] for place in random.permutation(len(inside))[: 2 * MORE].tolist()]
    return pairs + [across[place] for place in random.permutation(len(across))[:BETWEEN].tolist()]


def _spanning(random: np.random.Generator, chips: np.ndarray[tuple[int], np.dtype[np.int64]]) -> Pairs:
    order = random.permutation(chips).tolist()
    pairs = [(order[place], order[int(random.integers(place))]) for place in range(1, len(order))]
    return [(min(pair), max(pair)) for pair in pairs]


def _is_connected(pairs: Pairs) -> bool:
    met = {0}
    for _ in range(CHIPS):
        met |= {end for pair in pairs if met & set(pair) for end in pair}
    return len(met) == CHIPS
