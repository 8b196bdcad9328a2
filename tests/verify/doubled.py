"""The build of two chips twice: layer 1 on chips 2 and 3 as a segment of its own, the host shared as node 4.

Links 0 to 5 are those of the first segment, links 6 to 11 the same for the second one. Or layer 1 on the same chips and
links as layer 0, a segment of the same frame.
"""

from __future__ import annotations

import json
from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from lpxsched.timetable.columns import Deskews, Frames, Segments
from lpxsched.timetable.documents import GraphFile, canonical_json
from tests.builds import ints, signed, two_chip_build

if TYPE_CHECKING:
    from lpxsched.timetable.build import Build

# node of the single build -> node in the first and in the second segment
FIRST, SECOND = np.array([0, 1, 4]), np.array([2, 3, 4])


def two_segment_build() -> Build:
    """Return the build of the module's docstring."""
    one = two_chip_build()
    operators, tensors, links = len(one.operators), len(one.tensors), len(one.links)
    graph = _graph(one)
    build = replace(
        one,
        slots=_twice(one.slots, tensor=tensors, link=links),
        operators=_renamed(_twice(one.operators, operator=operators, segment=1, layer=1), "chip"),
        operands=_twice(one.operands, operator=operators, tensor=tensors),
        tensors=_tensors(one, operators),
        chips=_chips(one),
        links=_renamed(_twice(one.links, link=links), "src", "dst"),
        segments=Segments(
            *(ints(0, 1), ints(0, 1), ints(0, 0), ints(504, 504)),
            ints(128, 128),
            ints(128, 128),
            ints(-1, -1),
        ),
        frames=Frames(ints(0, 1), ints(0, 2), ints(0, 0), ints(0, 0), (ints(), ints()), ints(0, 0)),
        deskews=Deskews(ints(0, 1), ints(0, 0), ints(2, 2), ints(0, 0)),
        graph=graph,
        graph_json=canonical_json(graph),
        manifest=one.manifest.model_copy(update={"results": {"makespan_cycles": 256}}),
    )
    return signed(build)


def shared_build() -> Build:
    """Return the build of two chips with both layers on them, two segments of one frame on demand."""
    one = two_chip_build()
    operators, tensors = len(one.operators), len(one.tensors)
    lists, both = _lists(one), {"groups": one.graph.model_dump()["groups"]}
    graph = GraphFile.model_validate(
        lists
        | both
        | {"layers": [{"layer": layer, "group": 0} for layer in range(2)]}
        | {"segments": [{"segment": row, "layers": [row]} for row in range(2)]}
    )
    build = replace(
        one,
        slots=_twice(one.slots, tensor=tensors),
        operators=_twice(one.operators, operator=operators, segment=1, layer=1),
        operands=_twice(one.operands, operator=operators, tensor=tensors),
        tensors=_layers(_twice(one.tensors, tensor=tensors), one, operators),
        chips=replace(one.chips, weight_bytes=2 * one.chips.weight_bytes),
        segments=_twice(one.segments, segment=1),
        graph=graph,
        graph_json=canonical_json(graph),
        manifest=one.manifest.model_copy(update={"results": {"makespan_cycles": 256}}),
    )
    return signed(build)


def _twice(table: Any, **shifts: int) -> Any:
    """Return the rows of a table and again the same rows, some columns of which are shifted."""
    columns = {}
    for field in fields(table):
        column = getattr(table, field.name)
        again = column + shifts[field.name] if field.name in shifts else column
        columns[field.name] = np.concatenate([column, again])
    return type(table)(**columns)


def _renamed(table: Any, *columns: str) -> Any:
    """Return a doubled table whose nodes are those of the doubled fabric."""
    half = len(table) // 2
    new = {}
    for name in columns:
        old = getattr(table, name)
        new[name] = np.concatenate([FIRST[old[:half]], SECOND[old[half:]]])
    return replace(table, **new)


def _tensors(one: Build, operators: int) -> Any:
    return _layers(_renamed(_twice(one.tensors, tensor=len(one.tensors)), "chip"), one, operators)


def _layers(tensors: Any, one: Build, operators: int) -> Any:
    """Return doubled tensors, the second half of which belongs to layer 1."""
    half = len(one.tensors)
    producer = np.where(one.tensors.producer >= 0, one.tensors.producer + operators, -1)
    names = np.array([name.replace("layer.0", "layer.1") for name in one.tensors.name.tolist()])
    return replace(
        tensors,
        producer=np.concatenate([one.tensors.producer, producer]),
        name=np.concatenate([tensors.name[:half], names]),
    )


def _chips(one: Build) -> Any:
    rows = np.array([0, 1, 0, 1, 2])
    columns = {field.name: getattr(one.chips, field.name)[rows] for field in fields(one.chips)}
    columns |= {"chip": np.arange(5, dtype=np.int64), "hac_parent": ints(0, 0, 2, 2, -1)}
    return type(one.chips)(**columns | {"position": np.array(["0.0", "0.1", "1.0", "1.1", "host 0"])})


def _graph(one: Build) -> GraphFile:
    groups = [{"group": 0, "chips": [0, 1], "hosts": [4, 4]}, {"group": 1, "chips": [2, 3], "hosts": [4, 4]}]
    layers = [{"layer": 0, "group": 0}, {"layer": 1, "group": 1}]
    segments = [{"segment": 0, "layers": [0]}, {"segment": 1, "layers": [1]}]
    return GraphFile.model_validate(_lists(one) | {"groups": groups, "layers": layers, "segments": segments})


def _lists(one: Build) -> dict[str, Any]:
    """Return tensors and operators of both layers."""
    first = one.graph.model_dump()
    second = json.loads(json.dumps(first).replace("layer.0", "layer.1").replace('"layer": 0', '"layer": 1'))
    return {key: first[key] + second[key] for key in ("tensors", "operators")}
