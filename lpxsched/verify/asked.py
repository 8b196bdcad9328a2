"""R3 delivery, eighth part: what a manifest says that was asked for is in graph and tables, and none of it is missing.

A build that names no files was laid by hand, and need not tell any options.
A collective is a graph of operators that leave what chips hold at first (`SOURCE`) and read what they want in the end
(`DELIVER`); the layouts of both make its kind. Chips that are down by now may have spares in their places.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lpxsched.verify.violation import told_wrong

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lpxsched.timetable.build import Build
    from lpxsched.verify.violation import Violation

RULE = "R3"
SOURCE, DELIVER = "source", "deliver"
# What every build tells, and what those of collectives and of models tell besides; `null` is told too.
ALWAYS = ("clock", "effort", "seed", "solver", "topology")
OF_COLLECTIVE = ("chips", "cyclic", "deadline", "kind", "relays", "root", "vectors")
OF_MODEL = ("attention", "batch", "context", "draft", "in_flight", "model", "moe", "partition", "router", "weights")
# Layout at first, and in the end; whether the vectors that were asked for are those of one chip.
COLLECTIVES: dict[tuple[str, ...], tuple[str, bool]] = {
    ("sharded", "replicated"): ("all-gather", True),
    ("partial", "sharded"): ("reduce-scatter", True),
    ("partial", "replicated"): ("all-reduce", False),
    ("single", "replicated"): ("broadcast", False),
    ("partial", "single"): ("reduce", False),
    ("sharded", "single"): ("gather", True),
    ("single", "sharded"): ("scatter", True),
}
ALL_TO_ALL = "all-to-all"


def asked_violations(build: Build) -> Iterator[Violation]:
    """Yield options that are missing beside the files that were read, and those of a collective that do not follow."""
    manifest, kinds = build.manifest, {one.kind for one in build.graph.operators}
    if manifest.inputs:
        needed = (*ALWAYS, *(OF_MODEL if "model" in manifest.inputs else OF_COLLECTIVE))
        missing = [key for key in needed if key not in manifest.options]
        if missing:
            yield told_wrong(RULE, f"options tell no {', '.join(missing)}")
    if kinds == {SOURCE, DELIVER} and build.graph.tensors:
        yield from _collective(build)
        yield from _participants(build)


def _collective(build: Build) -> Iterator[Violation]:
    """Yield kind, vectors and repetition that are not those of the graph and its frame."""
    graph, results, options = build.graph, build.manifest.results, build.manifest.options
    width, tensor = len(graph.groups[0].chips), graph.tensors[0]
    wanted: set[str] = {read.layout for one in graph.operators if one.kind == DELIVER for read in one.inputs}
    kind, of_one_chip = COLLECTIVES.get((tensor.layout, *wanted), ("", False))
    if len(graph.tensors) > 1:
        kind = ALL_TO_ALL
    right = {
        "kind": kind,
        "vectors": tensor.vectors // width if of_one_chip else tensor.vectors,
        "cyclic": bool(build.frames.period_cycles.any()),
    }
    named = [("options", options, key) for key in right if key in options]
    named += [("results", results, "kind")] if "kind" in results else []
    for name, told, key in named:
        if type(told[key]) is not type(right[key]) or told[key] != right[key]:
            yield told_wrong(RULE, f"{name} {key} is {told[key]!r}, graph and tables have {right[key]!r}")


def _participants(build: Build) -> Iterator[Violation]:
    """Yield chips and a root that are not those of the group; where one that was asked for is down a spare may be."""
    graph, chips, options = build.graph, build.chips, build.manifest.options
    group, up = graph.groups[0].chips, np.flatnonzero(~chips.host & ~chips.down).tolist()
    asked = options.get("chips", group)
    listed = up if asked is None else asked
    same = isinstance(listed, list) and len(listed) == len(group)
    if not same or any(one != other and one in up for one, other in zip(listed, group, strict=True)):
        yield told_wrong(RULE, f"options chips is {asked!r}, the group of graph.json has {group}")
    if "root" in options:
        yield from _root(build, options["root"], up)


def _root(build: Build, root: object, up: list[int]) -> Iterator[Violation]:
    """Yield a root that is not the one shard which holds or reads all; none is the first, or stands for no root."""
    graph, group = build.graph, build.graph.groups[0].chips
    named = [tensor.shard for tensor in graph.tensors]
    named += [read.shard for one in graph.operators for read in one.inputs]
    shards = {shard for shard in named if shard is not None}
    # Of an all-to-all each shard holds a tensor.
    roots = [group[shard] for shard in shards] if len(graph.tensors) == 1 else []
    right = not roots or group[0] in roots if root is None else root in roots or root not in up
    if not right:
        yield told_wrong(RULE, f"options root is {root!r}, in graph.json it is {roots[0] if roots else None}")
