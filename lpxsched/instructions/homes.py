"""Where the operators of a build run, as those who run programs derive it: from ``graph.json`` and rows.

Who writes programs looks that up as ``verify.replay`` does. Here nothing of it is used, so that an operator which came
to a wrong node, or on a wrong shard, is told.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lpxsched.instructions.streams import COMPUTE

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from lpxsched.instructions.streams import NodeProgram
    from lpxsched.timetable.build import Build

# Number of an operator in the graph and shard; node and segment.
Run = tuple[int, int]
Home = tuple[int, int]
SUM = "add"


def nodes_by_shard(build: Build) -> list[list[int]]:
    """Return the nodes of the shards of each operator of the graph."""
    graph = build.graph
    groups = {group.group: group for group in graph.groups}
    of_layer = {layer.layer: groups[layer.group] for layer in graph.layers}
    return [
        of_layer[operator.layer].hosts if operator.place == "hosts" else of_layer[operator.layer].chips
        for operator in graph.operators
    ]


def homes_of(build: Build) -> dict[Run, Home]:
    """Return node and segment of each run of an operator: the rows say which there are, the graph says where."""
    graph, table = build.graph, build.operators
    nodes = nodes_by_shard(build)
    number_of = {(operator.layer, operator.kind): number for number, operator in enumerate(graph.operators)}
    segment_of = {layer: segment.segment for segment in graph.segments for layer in segment.layers}
    rows = zip(table.layer.tolist(), table.kind.tolist(), table.shard.tolist(), strict=True)
    runs = [(number_of.get((layer, kind)), layer, shard) for layer, kind, shard in rows if kind != SUM]
    return {
        (number, shard): (nodes[number][shard], segment_of[layer])
        for number, layer, shard in runs
        if number is not None and 0 <= shard < len(nodes[number])
    }


def misplaced(build: Build, programs: Sequence[NodeProgram]) -> Iterator[str]:
    """Yield operators that run elsewhere, twice or nowhere."""
    homes, names = homes_of(build), [operator.name for operator in build.graph.operators]
    run: set[Run] = set()
    for program in programs:
        for section in program.sections:
            for one in section.instructions:
                if one.code != COMPUTE:
                    continue
                key, what = (one.operator, one.shard), f"{names[one.operator]} on shard {one.shard}"
                if key not in homes:
                    yield f"node {program.node} runs {what}, which the build does not"
                elif homes[key] != (program.node, section.segment):
                    where = f"segment {section.segment}, the graph in segment {homes[key][1]} on node {homes[key][0]}"
                    yield f"node {program.node} runs {what} in {where}"
                elif key in run:
                    yield f"node {program.node} runs {what} twice"
                run.add(key)
    for number, shard in sorted(homes.keys() - run):
        yield f"nobody runs {names[number]} on shard {shard}"
