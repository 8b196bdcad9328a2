"""All-gather in boxes of 16 chips whose links have 1, 2 and 4 lanes, joined at random, other lanes each way."""

from __future__ import annotations

import tempfile
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np

from benchmarks.collectives.solving import collective_problem, solved
from benchmarks.collectives.table import Table, met
from benchmarks.collectives.topologies import VECTOR_WIRE, VECTORS, write_family

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lpxsched.schedule.options import SolveOptions

    Pairs = list[tuple[int, int]]

Shape = Literal["tree", "dense", "regular", "clusters"]

CHIPS = 16
# Links that a tree has more, and a dense one; that each chip of a regular box has; that join two clusters.
MORE, MANY_MORE, DEGREE, BETWEEN = 8, 24, 3, 3
VECTORS_A_CHIP, SEEDS = (256, 1024), (0, 7)
MOST_GAP = 1.05


def tables(options: SolveOptions) -> Iterator[Table]:
    """Yield the one table."""
    columns = ("box", "vectors", "cycles", "bound", "status", "gap", "s", "solver", "met")
    yield Table("All-gather in boxes of 16 chips, other lanes each way", columns, _rows(options))


def _rows(options: SolveOptions) -> Iterator[tuple[str, ...]]:
    for shape in get_args(Shape):
        for seed, vectors in ((seed, vectors) for seed in SEEDS for vectors in VECTORS_A_CHIP):
            with tempfile.TemporaryDirectory() as folder:
                problem = collective_problem(write_box(Path(folder), shape, seed), "all-gather", vectors)
            ours = solved(problem, options)
            counts = (str(vectors), str(ours.cycles), str(ours.result.bound.cycles))
            yield f"{shape} {seed}", *counts, *ours.cells, met(ours.result.gap <= MOST_GAP)


def write_box(folder: Path, shape: Shape, seed: int) -> str:
    """Write a box as a fabric, link by link, and return its path."""
    rows = [f"{a},{b},{lanes}" for a, b, lanes in sorted(links(shape, seed))]
    (folder / "box.csv").write_text("\n".join(["src,dst,lanes", *rows, ""]), encoding="utf-8")
    keys = {"name": "box", "kind": "explicit", "chips": CHIPS, "link": VECTOR_WIRE, "links": "box.csv"}
    return write_family(folder, keys | VECTORS)


def links(shape: Shape, seed: int, *, alike: bool = False) -> list[tuple[int, int, int]]:
    """Return the links of a box, one each way, and their lanes; `alike`, as many either way."""
    random = np.random.default_rng(seed)
    pairs = sorted({"tree": _tree, "dense": _dense, "regular": _regular, "clusters": _clusters}[shape](random))
    lanes = random.choice([1, 2, 4], (len(pairs), 2)).tolist()
    found = [(a, b, there) for (a, b), (there, _) in zip(pairs, lanes, strict=True)]
    return found + [(b, a, there if alike else back) for (a, b), (there, back) in zip(pairs, lanes, strict=True)]


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
