"""Whole models of a few visits on groups of chips, as ``lpxsched/pipeline.py`` makes their problems."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from lpxsched.clocks.specification import load_clock
from lpxsched.clocks.tree import AlignmentTree, alignment_tree, time_domains
from lpxsched.fabric.profile import load_fabric
from lpxsched.program.whole_model.flags import FlagWays, flag_ways_on
from lpxsched.schedule.problem.layer import layer_problems
from lpxsched.traffic.group import Group
from lpxsched.workload.costs import shard_costs
from lpxsched.workload.datatypes import Precision
from lpxsched.workload.lpu_graph import lpu_graph, lpu_work
from lpxsched.workload.lpu_visits import Visit
from lpxsched.workload.model import Attention, Ffn, Layer, StoredTypes
from lpxsched.workload.parts.piece import Decoding

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lpxsched.clocks.specification import ClockSpecification
    from lpxsched.fabric.fabric import Fabric
    from lpxsched.schedule.problem.layer import LayerProblem
    from lpxsched.workload.costs import Cost
    from lpxsched.workload.graph import LayerGraph

STORED = StoredTypes("fp8", "fp8", "fp8", "fp8")
HIDDEN, TOKENS = 640, 512
STEP = Decoding(1, 64, "fp8", Precision("fp8", "fp8", "bf16"), "fp8", 320)
EMBEDDING, HEAD = Visit("embedding", HIDDEN, TOKENS), Visit("head", HIDDEN, TOKENS)
LAYER = Visit(Layer((Attention(8, 4, 32),), (Ffn(1280, 3),), None, None, STORED), HIDDEN)


class Visits(NamedTuple):
    """Visits on their groups, and what their problems are made from."""

    fabric: Fabric
    tree: AlignmentTree
    graph: LayerGraph
    groups: tuple[Group, ...]
    problems: list[LayerProblem]
    ways: FlagWays | None


def visits_on(
    topology: str,
    chips_of_visits: Sequence[Sequence[int]],
    *,
    clock: str | ClockSpecification = "xo-100ppm",
    blocks: int = STEP.blocks,
) -> Visits:
    """Return an embedding, equal dense layers and a head, each on its chips; the first and the last meet hosts."""
    step = replace(STEP, blocks=blocks)
    fabric = load_fabric(topology)
    specification = load_clock(clock) if isinstance(clock, str) else clock
    used = sorted({chip for chips in chips_of_visits for chip in chips})
    tree = alignment_tree(fabric, specification, time_domains(fabric, [used]))
    visits, last = (EMBEDDING, *[LAYER] * (len(chips_of_visits) - 2), HEAD), len(chips_of_visits) - 1
    hosts = fabric.host_of_chip()
    groups = tuple(
        Group(visit, tuple(chips), tuple(hosts[chip] for chip in chips) if visit in (0, last) else ())
        for visit, chips in enumerate(chips_of_visits)
    )
    graph = lpu_graph(visits, fabric.chip, [len(chips) for chips in chips_of_visits], step)

    def costs(group: Group) -> list[dict[str, Cost]]:
        width = len(group.chips)
        return shard_costs(lpu_work(visits[group.layer], fabric.chip, width, step), fabric.chip, width)

    problems = layer_problems(fabric, groups, graph, costs, clock=specification, tree=tree)
    ways = flag_ways_on(fabric, problems, clock=specification, tree=tree)
    return Visits(fabric, tree, graph, groups, problems, ways)
