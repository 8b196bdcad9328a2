"""Builds of one segment with two layers on different groups, laid by hand on the three chips of ``collectives``.

Layer 0 runs on chips 0 and 1 and leaves `data`, 2 vectors, as partial sums. Layer 1 needs it replicated on its own
group: `use` takes max(960 / 960, 320 / 160) + 4 = 6 cycles and leaves `result` sharded, which `deliver` reads where it
is. The border is one change of layout:

- overlapping, layer 1 on chips 1 and 2: chip 0 sends its summand over link 0, read at 13 and 15.5; the sum on chip 1
  takes max(1920 / 960, 2) + 4 = 6 cycles, [16, 22), and leaves at 15.5 + 3 + 6 over link 3, [25, 30), read at 38 and
  40.5. `use` runs during [22, 28) on chip 1 and [41, 47) on chip 2.
- disjoint, layer 1 on chip 2: both summands arrive there at 13 and 15.5, the sum is [16, 22), `use` [22, 28).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from lpxsched.timetable.columns import Operands, Operators, Slots, Tensors
from lpxsched.timetable.documents import GraphFile, canonical_json
from tests.builds import VECTOR_BYTES, ints, signed
from tests.verify.collectives import collective_build

if TYPE_CHECKING:
    from lpxsched.timetable.build import Build

FIRST = (0, 1)


@dataclass(frozen=True, slots=True)
class Border:
    """How `data` comes to layer 1.

    Attributes
    ----------
    second : tuple of int
        Chips of layer 1.
    slots : list
        Tensor (0, 1: summands, 2: their sum), link, departure; all of two vectors.
    adds_at : tuple of int
        Chip of the sum, its layer, and its shard there.
    starts : tuple of int
        When `use` starts on each chip of layer 1.
    """

    second: tuple[int, ...]
    slots: list[tuple[int, int, int]]
    adds_at: tuple[int, int, int]
    starts: tuple[int, ...]


OVERLAPPING = Border((1, 2), [(0, 0, 0), (2, 3, 25)], (1, 0, 1), (22, 41))
DISJOINT = Border((2,), [(0, 1, 0), (1, 3, 0)], (2, 1, 0), (22,))


def border_build(border: Border) -> Build:
    """Return the build of a border."""
    base, makespan = collective_build("all-reduce"), max(border.starts) + 6
    graph = _graph(border)
    build = replace(
        base,
        slots=Slots(*(ints(*column) for column in zip(*_slots(border), strict=True))),
        operators=_operators(border),
        operands=_operands(border),
        tensors=_tensors(border),
        segments=replace(base.segments, makespan_cycles=ints(makespan), lower_bound_cycles=ints(0)),
        graph=graph,
        graph_json=canonical_json(graph),
        manifest=base.manifest.model_copy(update={"results": {"makespan_cycles": makespan}}),
    )
    return signed(build)


def _slots(border: Border) -> list[tuple[int, ...]]:
    return [(tensor, 0, 2, link, depart, depart + 13) for tensor, link, depart in border.slots]


def _operators(border: Border) -> Operators:
    """Return sources 0 and 1, the sum 2, then `use` and `deliver` on each chip of layer 1."""
    chip, layer, shard = border.adds_at
    rows = [(FIRST[s], s, "none", "source", 0, 0, 0, "bf16", 0, 0, 0) for s in range(2)]
    rows.append((chip, shard, "vector", "add", layer, 16, 6, "bf16", 1920, 320, 4))
    for number, (where, start) in enumerate(zip(border.second, border.starts, strict=True)):
        rows.append((where, number, "vector", "use", 1, start, 6, "bf16", 960, 320, 4))
        rows.append((where, number, "none", "deliver", 1, start + 6, 0, "bf16", 0, 0, 0))
    columns: list[Any] = [np.array(column) for column in zip(*rows, strict=True)]
    zeros = np.zeros(len(rows), dtype=np.int64)
    return Operators(np.arange(len(rows)), zeros, *columns)


def _operands(border: Border) -> Operands:
    rows = [(2, 0, 0, 2, "reduce"), (2, 1, 0, 2, "reduce")]
    for number in range(len(border.second)):
        rows.append((3 + 2 * number, 2, 0, 2, "copy"))
        rows.append((4 + 2 * number, 3 + number, 0, 2 // len(border.second), "copy"))
    columns = list(zip(*rows, strict=True))
    return Operands(*(ints(*column) for column in columns[:4]), role=np.array(columns[4]))


def _tensors(border: Border) -> Tensors:
    width = len(border.second)
    rows = [("data", 0, 2, "partial", chip, chip) for chip in FIRST]
    rows.append(("data", 0, 2, "sharded", border.adds_at[0], 2))
    share = 2 // width
    rows += [("result", n * share, share, "sharded", border.second[n], 3 + 2 * n) for n in range(width)]
    name, offset, vectors, layout, chip, producer = zip(*rows, strict=True)
    return Tensors(
        np.arange(len(rows)),
        name=np.array(name),
        offset=ints(*offset),
        vectors=ints(*vectors),
        dtype=np.full(len(rows), "bf16"),
        layout=np.array(layout),
        chip=ints(*chip),
        producer=ints(*producer),
        bytes=ints(*vectors) * VECTOR_BYTES,
    )


def _graph(border: Border) -> GraphFile:
    def tensor(name: str, layer: int, layout: str) -> dict[str, Any]:
        sizes = {"rows": 2, "vectors_per_row": 1, "vectors": 2, "row_bytes": 320, "dtype": "bf16", "element_bits": 16}
        return {"name": name, "layer": layer, "layout": layout, "place": "chips", **sizes}

    def operator(kind: str, layer: int, inputs: dict[str, str], outputs: list[str], **more: Any) -> dict[str, Any]:
        reads = [{"tensor": name, "layout": layout} for name, layout in inputs.items()]
        same = {"name": kind, "kind": kind, "place": "chips", "unit": "none", "dtype": "bf16"}
        return same | {"layer": layer, "inputs": reads, "outputs": outputs} | more

    work = [
        {"counts": "bytes", "unit": "vector", "per_row": 480},
        {"counts": "elements", "unit": "vector", "per_row": 160},
    ]
    used = {"unit": "vector", "rows": 2, "work": work, "pipelines": {"vector": 1}}
    return GraphFile.model_validate(
        {
            "tensors": [tensor("data", 0, "partial"), tensor("result", 1, "sharded")],
            "operators": [
                operator("source", 0, {}, ["data"]),
                operator("use", 1, {"data": "replicated"}, ["result"], **used),
                operator("deliver", 1, {"result": "sharded"}, [], ends=True),
            ],
            "groups": [
                {"group": number, "chips": list(chips), "hosts": []}
                for number, chips in enumerate((FIRST, border.second))
            ],
            "layers": [{"layer": 0, "group": 0}, {"layer": 1, "group": 1}],
            "segments": [{"segment": 0, "layers": [0, 1]}],
        }
    )
