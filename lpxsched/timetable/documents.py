"""The two JSON files of a build folder, as strict pydantic models."""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal

from pydantic import Field

from lpxsched.files.schema import Strict

FORMAT: Literal[1] = 1

Index = Annotated[int, Field(ge=0)]
Count = Annotated[int, Field(ge=1)]
Layout = Literal["replicated", "sharded", "partial"]
Place = Literal["chips", "hosts"]


class GraphTensor(Strict):
    """A whole tensor of the layer graph and how its producer leaves it."""

    name: str
    layer: Index
    rows: Count
    vectors_per_row: Count
    vectors: Count
    row_bytes: Count
    dtype: str
    element_bits: Count
    layout: Layout
    place: Place


class GraphInput(Strict):
    """What an operator reads, in the layout it needs at its own place."""

    tensor: str
    layout: Layout


class GraphOperator(Strict):
    """An operator of the layer graph; it runs once on each chip (or host link) of its layer's segment."""

    name: str
    kind: str
    layer: Index
    place: Place
    unit: str
    inputs: list[GraphInput]
    outputs: list[str]


class GraphSegment(Strict):
    """Layers and the chips on which they run; `hosts` is the host of each chip."""

    segment: Index
    layers: list[Index]
    chips: list[Index]
    hosts: list[Index]


class GraphFile(Strict):
    """``graph.json``."""

    tensors: list[GraphTensor]
    operators: list[GraphOperator]
    segments: list[GraphSegment]


class ManifestFile(Strict):
    """``manifest.json``; what is in the free mappings is told in ``docs/build-folder.md``."""

    format: Literal[1]
    versions: dict[str, str]
    inputs: dict[str, dict[str, str]]
    options: dict[str, Any]
    seed: int
    period: int
    clock_mhz: str
    vector_bytes: Count
    wire: Literal["pipelined", "busy"]
    clock: dict[str, Any]
    assumptions: dict[str, Any]
    results: dict[str, Any]
    content_sha256: str


def canonical_json(file: Strict) -> bytes:
    """Return a document as sorted, indented UTF-8 with one newline at its end."""
    return json.dumps(file.model_dump(mode="json"), indent=1, sort_keys=True, ensure_ascii=False).encode() + b"\n"
