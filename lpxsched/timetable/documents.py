"""The two JSON files of a build folder, as strict pydantic models."""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal, TypeVar

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from lpxsched.files.schema import Strict

FORMAT: Literal[2] = 2


AnyValue = TypeVar("AnyValue")


def _plain(value: AnyValue) -> AnyValue:
    """Refuse what JSON can be read as but not be written from: numbers beyond floats, halves of characters."""
    try:
        json.dumps(value, allow_nan=False, ensure_ascii=False).encode()
    except (ValueError, RecursionError) as error:
        problem = "Must hold finite numbers and Unicode text, not nested too deeply"
        raise PydanticCustomError("not_plain", problem) from error
    return value


PlainText = Annotated[str, AfterValidator(_plain)]
PlainMapping = Annotated[dict[str, Any], AfterValidator(_plain)]
# Exact: a decimal as it is written, or a whole number.
Amount = Annotated[int, Field(ge=0)] | Annotated[float, Field(ge=0)]
Index = Annotated[int, Field(ge=0)]
Count = Annotated[int, Field(ge=1)]
GraphLayout = Literal["replicated", "sharded", "partial", "single", "reserved"]
# First vector and length of what each shard sees of a ``reserved`` tensor.
ShardRuns = list[Annotated[list[Index], Field(min_length=2, max_length=2)]]
Place = Literal["chips", "hosts"]


class GraphTensor(Strict):
    """A whole tensor of the layer graph and how its producer leaves it.

    `shard` holds a ``single`` one, else null; of a ``reserved`` one each shard holds its run, else null.
    """

    name: PlainText
    layer: Index
    rows: Count
    vectors_per_row: Count
    vectors: Count
    row_bytes: Count
    dtype: PlainText
    element_bits: Count
    layout: GraphLayout
    shard: Index | None = None
    runs: ShardRuns | None = None
    place: Place


class GraphInput(Strict):
    """What an operator reads, in the layout it needs at its own place; `shard` and `runs` as of `GraphTensor`."""

    tensor: PlainText
    layout: GraphLayout
    shard: Index | None = None
    runs: ShardRuns | None = None


class GraphTerm(Strict):
    """A part of an operator's work: constant + per_row r + per_column n + per_row_column r n + per_run m, rounded up.

    r are rows, n columns and m runs of the chip; `shard` alone does it, all shards where it is null.
    """

    counts: Literal["bytes", "macs", "elements"]
    unit: PlainText
    constant: Amount = 0
    per_row: Amount = 0
    per_column: Amount = 0
    per_row_column: Amount = 0
    per_run: Amount = 0
    shard: Index | None = None


class GraphResident(Strict):
    """A tensor that an operator keeps on each chip (weights of one type, KV cache); its terms count bytes."""

    name: PlainText
    dtype: PlainText
    layout: Literal["replicated", "sharded"]
    terms: list[GraphTerm]


class GraphOperator(Strict):
    """An operator of the layer graph; it runs once on each chip (or host link) of its layer's group.

    `columns` are dealt over the chips in multiples of `column_block` (and of what the chip asks for), each of which has
    all `rows`; or `shares` tells rows, columns and runs of each shard. `pipelines` tells
    how often the fixed cycles of a unit are paid. `sizes` are what its kind needs beyond inputs and work (heads, a
    window). An operator that `ends` ends its segment.
    """

    name: PlainText
    kind: PlainText
    layer: Index
    place: Place
    unit: PlainText
    inputs: list[GraphInput]
    outputs: list[PlainText]
    dtype: PlainText
    rows: Index = 0
    columns: Index = 0
    column_block: Count = 1
    shares: list[Annotated[list[Index], Field(min_length=3, max_length=3)]] | None = None
    work: list[GraphTerm] = Field(default_factory=list)
    pipelines: dict[PlainText, Index] = Field(default_factory=dict)
    resident: list[GraphResident] = Field(default_factory=list)
    sizes: dict[PlainText, Index] = Field(default_factory=dict)
    ends: bool = False


class GraphGroup(Strict):
    """The ordered chips that compute layers; `hosts` is the host of each chip, `relays` only pass vectors on."""

    group: Index
    chips: list[Index]
    hosts: list[Index]
    relays: list[Index] = Field(default_factory=list)

    @property
    def members(self) -> list[int]:
        """Its chips in the order of shards, then its relays."""
        return [*self.chips, *self.relays]


class GraphLayer(Strict):
    """The group that computes a layer. Groups may share chips."""

    layer: Index
    group: Index


class GraphSegment(Strict):
    """Layers that run in one time."""

    segment: Index
    layers: list[Index]


class GraphFile(Strict):
    """``graph.json``."""

    tensors: list[GraphTensor]
    operators: list[GraphOperator]
    groups: list[GraphGroup]
    layers: list[GraphLayer]
    segments: list[GraphSegment]

    def groups_of_layers(self) -> dict[int, GraphGroup]:
        """Return the group of each layer."""
        return {row.layer: self.groups[row.group] for row in self.layers}

    def groups_of(self, segment: int) -> list[GraphGroup]:
        """Return the groups of a segment, each once, in the order of its layers."""
        of_layer = self.groups_of_layers()
        groups = {of_layer[layer].group: of_layer[layer] for layer in self.segments[segment].layers}
        return list(groups.values())

    def windows(self) -> list[int]:
        """Return how often each segment runs for one visit at most: rows beyond a capacity come again."""
        of_layer: dict[int, int] = {}
        for operator in self.operators:
            of_layer[operator.layer] = max(of_layer.get(operator.layer, 1), operator.sizes.get("windows", 1))
        return [max((of_layer.get(layer, 1) for layer in segment.layers), default=1) for segment in self.segments]

    def chips_of(self, segment: int) -> list[int]:
        """Return the chips that compute a segment, each once, in the order of its groups; no relays."""
        return list(dict.fromkeys(chip for group in self.groups_of(segment) for chip in group.chips))


class ManifestFile(Strict):
    """``manifest.json``; what is in the free mappings is told in ``docs/build-folder.md``."""

    format: Literal[2]
    versions: dict[PlainText, PlainText]
    inputs: dict[PlainText, dict[PlainText, PlainText]]
    options: PlainMapping
    seed: int
    clock_mhz: PlainText
    vector_bytes: Count
    wire: Literal["pipelined", "busy"]
    guard_in_hop: bool
    clock: PlainMapping
    assumptions: PlainMapping
    outside: PlainMapping = Field(default_factory=dict)
    results: PlainMapping
    content_sha256: PlainText


def canonical_json(file: Strict) -> bytes:
    """Return a document as sorted, indented UTF-8 with one newline at its end."""
    return json.dumps(file.model_dump(mode="json"), indent=1, sort_keys=True, ensure_ascii=False).encode() + b"\n"
