"""Reduce to the end of a line against trees of the literature, each with our hop and our sum that holds its unit.

The trees are those of *Near-Optimal Wafer-Scale Reduce* (HPDC 2024, arXiv 2404.15888): star, chain, binary tree, two
phases in groups of a root of the chips, and the tree of least traffic for a depth, by dynamic programming. Each is laid
as a plan of its own, in blocks of any power of two, and its times are found as those of any other plan.
"""

from __future__ import annotations

import tempfile
from functools import cache
from itertools import pairwise
from math import isqrt
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.collectives.line_bound import traffic_bound
from benchmarks.collectives.solving import collective_problem, solved
from benchmarks.collectives.table import Table, met
from benchmarks.collectives.topologies import write_family
from lpxsched.schedule.parts import Builder, Made, beside
from lpxsched.schedule.plan import OPERATOR
from lpxsched.schedule.symmetry.groups import trivial
from lpxsched.schedule.symmetry.quotient import flow_of, quotient
from lpxsched.schedule.times.placement import depth, improved
from lpxsched.schedule.times.plan_tasks import plan_tasks

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from lpxsched.schedule.options import SolveOptions
    from lpxsched.schedule.plan import Plan
    from lpxsched.schedule.problem.instance import Instance
    from lpxsched.schedule.symmetry.quotient import Quotient

    # The chip to which each chip but the first, the root, sends its sum.
    Parents = tuple[int, ...]

SIZES = (
    *((4, vectors) for vectors in (1, 16, 256, 4096)),
    *((16, vectors) for vectors in (1, 4, 16, 64, 256, 1024)),
    *((64, vectors) for vectors in (1, 4, 16, 64, 256)),
    *((256, vectors) for vectors in (1, 16)),
    (512, 1),
)
# Trees that take more slots are not laid in such blocks.
MOST_SLOTS = 200_000
MOST_RATIO = 1.1


def tables(options: SolveOptions) -> Iterator[Table]:
    """Yield the one table."""
    forms = (*FORMS, "best tree")
    columns = ("chips", "vectors", "cycles", *forms, "of the least", "bound", "by traffic", "gap", "s", "met")
    yield Table("Reduce to the end of a line, cycles", columns, _rows(options))


def _rows(options: SolveOptions) -> Iterator[tuple[str, ...]]:
    for chips, vectors in SIZES:
        problem = line_problem(chips, vectors)
        ours = solved(problem, options, warm=False)
        forms = [
            *(least_cycles(problem, [form(chips)]) for form in FORMS.values()),
            least_cycles(problem, [by_depth(chips, most) for most in _depths(chips)]),
        ]
        _, gap, seconds, _ = ours.cells
        ratio = f"{ours.cycles / min(forms):.3f}"
        bounds = f"{ours.result.bound.cycles:,}", f"{traffic_bound(problem):,}"
        cycles = (f"{one:,}" for one in (ours.cycles, *forms))
        yield str(chips), str(vectors), *cycles, ratio, *bounds, gap, seconds, met(float(ratio) <= MOST_RATIO)


def line_problem(chips: int, vectors: int) -> Instance:
    """Return a reduce to the first chip of a line; a hop takes a cycle, and a link carries a vector a cycle."""
    ends = [(chip, chip + 1) for chip in range(chips - 1)]
    rows = [f"{a},{b}" for pair in ends for a, b in (pair, pair[::-1])]
    keys = {"name": "line", "kind": "explicit", "chips": chips, "clock_mhz": 1000, "vector_bytes": 320}
    wire = {"wire": "pipelined", "link": {"latency_ns": 0, "gbps": 2560}, "links": "line.csv"}
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "line.csv").write_text("\n".join(["src,dst", *rows, ""]), encoding="utf-8")
        return collective_problem(write_family(Path(folder), keys | wire), "reduce", vectors)


def star(chips: int) -> Parents:
    """Return the tree in which all send to the root."""
    return (0,) * chips


def chain(chips: int) -> Parents:
    """Return the tree in which each chip sends to the one before."""
    return (0, *range(chips - 1))


def binary(chips: int) -> Parents:
    """Return the tree of pairs, then pairs of pairs: the last bit of a chip's number is where it sends."""
    return tuple(chip & (chip - 1) for chip in range(chips))


def two_phases(chips: int) -> Parents:
    """Return chains in groups of a root of the chips, and a chain of the first of each."""
    group = isqrt(chips)
    return (0, *(chip - 1 if chip % group else chip - group for chip in range(1, chips)))


FORMS: dict[str, Callable[[int], Parents]] = {"star": star, "chain": chain, "binary": binary, "two phases": two_phases}


def by_depth(chips: int, most: int) -> Parents:
    """Return the tree of so many levels that crosses the fewest links (section 5 of the paper).

    E(n, d) = min over k of E(k, d) + E(n - k, d - 1) + k: the chips from k on are a tree of their own, whose root sends
    its sum to the first chip.
    """
    parents = [0] * chips
    parts = [(0, chips, most)]
    while parts:
        first, count, levels = parts.pop()
        if count > 1:
            k = _split(count, levels)[1]
            parents[first + k] = first
            parts += [(first, k, levels), (first + k, count - k, levels - 1)]
    return tuple(parents)


@cache
def _split(count: int, levels: int) -> tuple[int, int]:
    """Return E of the paper, and k."""
    if count == 1 or levels == 1:
        return count * (count - 1) // 2, count - 1
    return min((_split(k, levels)[0] + _split(count - k, levels - 1)[0] + k, k) for k in range(1, count))


def _depths(chips: int) -> list[int]:
    """Return 1, 2, 3, 4, 6, 8, 12, ... levels, fewer than chips."""
    powers = [2**power for power in range(chips.bit_length())]
    return sorted({levels for power in powers for levels in (power, power * 3 // 2) if 0 < levels < chips} | {1})


def least_cycles(problem: Instance, trees: list[Parents]) -> int:
    """Return the shortest of some trees in blocks of any power of two."""
    whole = quotient(problem, flow_of(problem.stage, padded=False), trivial(problem.network))
    vectors = problem.stage.vectors
    found = []
    for parents in trees:
        hops = sum(abs(chip - parent) for chip, parent in enumerate(parents))
        for length in [2**power for power in range(vectors.bit_length())]:
            if hops * -(-vectors // length) <= MOST_SLOTS or length == vectors:
                tasks = plan_tasks(whole, tree_plan(whole, parents, length))
                order = np.argsort(depth(tasks), kind="stable")
                found.append(improved(tasks, order, enough=1).makespan_cycles)
    return min(found)


def tree_plan(problem: Quotient, parents: Parents, length: int) -> Plan:
    """Return the plan of sums along a tree, in blocks of so many vectors."""
    network, tree = problem.instance.network, Builder(problem)
    over = {pair: n for n, pair in enumerate(zip(network.source.tolist(), network.destination.tolist(), strict=True))}
    arrived: list[list[Made]] = [[Made(OPERATOR, chip, chip)] for chip in range(len(parents))]
    for chip in range(len(parents) - 1, 0, -1):
        made = tree.add(0, chip, arrived[chip], complete=False) if len(arrived[chip]) > 1 else arrived[chip][0]
        for hop in pairwise(range(chip, parents[chip] - 1, -1)):
            made = tree.send(0, over[hop], made)
        arrived[parents[chip]].append(made)
    tree.add(0, 0, arrived[0], complete=True)
    blocks = problem.blocks(length)
    return beside([tree.plan(blocks.taken(np.array([block]))) for block in range(len(blocks))])
