"""Boxes of GPUs with links of 1, 2 and 4 lanes, joined at random."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lpxsched.traffic.collectives import Collective
from tests.schedule.bounds.problems import both_ways, problem_of

if TYPE_CHECKING:
    from lpxsched.schedule.problem.instance import Instance

CHIPS = 16


def box(seed: int, vectors: int, *, links: int) -> Instance:
    """Return an all-gather on a random tree of 16 chips with some links more, each with as many lanes either way."""
    random = np.random.default_rng(seed)
    order = random.permutation(CHIPS).tolist()
    pairs = {(order[place], order[random.integers(place)]) for place in range(1, CHIPS)}
    others = [(a, b) for a in range(CHIPS) for b in range(a) if not {(a, b), (b, a)} & pairs]
    pairs |= {others[place] for place in random.permutation(len(others))[:links].tolist()}
    lanes = random.choice([1, 2, 4], len(pairs)).tolist()
    wires = [both_ways([pair], hop=23, lanes=some) for pair, some in zip(sorted(pairs), lanes, strict=True)]
    return problem_of(Collective("all-gather", CHIPS, vectors), [wire for pair in wires for wire in pair])
