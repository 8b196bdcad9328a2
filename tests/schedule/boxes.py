"""Boxes of GPUs with links of 1, 2 and 4 lanes, joined at random."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.collectives.boxes import CHIPS, links
from lpxsched.traffic.collectives import Collective
from tests.schedule.bounds.problems import Wire, problem_of

if TYPE_CHECKING:
    from benchmarks.collectives.boxes import Shape
    from lpxsched.schedule.problem.instance import Instance
    from lpxsched.traffic.collectives import Kind


def box(shape: Shape, seed: int, vectors: int, *, kind: Kind = "all-gather", alike: bool = False) -> Instance:
    """Return a collective in a box; `alike`, with as many lanes either way on each link."""
    wires = [Wire(a, b, 23, lanes) for a, b, lanes in links(shape, seed, alike=alike)]
    return problem_of(Collective(kind, CHIPS, vectors), wires)
