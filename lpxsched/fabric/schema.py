"""Topology files as written in YAML, one pydantic model a kind."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator
from pydantic_core import PydanticCustomError

from lpxsched.files.schema import Strict, Tagged

Count = Annotated[int, Field(ge=1, le=1_000_000)]
Size = Annotated[int, Field(ge=1, le=2**31)]
Extent = Annotated[int, Field(ge=0, le=1_000_000)]
ClockMhz = Annotated[float, Field(ge=1e-3, le=1e6)]
Gbps = Annotated[float, Field(ge=1e-9, le=1e9)]
HopTime = Annotated[float, Field(gt=0, le=1e9)]
Time = Annotated[float, Field(ge=0, le=1e9)]
HostTiming = Literal["follower", "slave"]


class WireFile(Strict):
    """One class of links.

    Either ``hop_ns``, the published time of a hop from SRAM to SRAM with the serialisation of one vector inside, or
    ``latency_ns`` without it. ``gbps`` is the rate of the payload, ``line_gbps`` that of the line before coding.
    """

    lanes: Tagged[Count] = Tagged(value=1)
    hop_ns: Tagged[HopTime] | None = None
    latency_ns: Tagged[Time] | None = None
    gbps: Tagged[Gbps]
    line_gbps: Tagged[Gbps] | None = None

    @model_validator(mode="after")
    def _one_time_and_a_fast_line(self) -> WireFile:
        if (self.hop_ns is None) == (self.latency_ns is None):
            raise PydanticCustomError("one_time", "needs exactly one of hop_ns and latency_ns")
        if self.line_gbps and self.line_gbps.value < self.gbps.value:
            raise PydanticCustomError("slow_line", "needs line_gbps of at least gbps, its payload")
        return self


class HostFile(WireFile):
    """Links between chips and hosts.

    ``host_timing`` says what times a host's lanes: a ``follower`` takes the clock of the chip at the other end, lane by
    lane. What lies beyond a host is told by another file, the hand-over.
    """

    chips_per_host: Tagged[Count]
    host_timing: Tagged[HostTiming] = Tagged(value="follower")

    @field_validator("host_timing")
    @classmethod
    def _follower_only(cls, timing: Tagged[HostTiming]) -> Tagged[HostTiming]:
        if timing.value != "follower":
            raise PydanticCustomError("host_timing", "only follower can be timed; write follower")
        return timing


class DownFile(Strict):
    """What is out of service.

    ``links`` are ``[source, destination]`` (all lanes) or ``[source, destination, lane]``, one direction each;
    ``trays`` are rows of the grid of chips.
    """

    links: list[Annotated[list[Extent], Field(min_length=2, max_length=3)]] = Field(default_factory=list)
    chips: list[Extent] = Field(default_factory=list)
    trays: list[Extent] = Field(default_factory=list)


class TopologyFile(Strict):
    """Keys that every kind has.

    ``hac_latency_ns`` is the latency of a link as the counters that align chips see it; without it the largest latency
    of the links of an alignment tree counts. ``guard_in_hop`` says that ``hop_ns`` is a scheduled hop: jitter and
    crossing lie in it.
    """

    name: str
    chip: str = "lp30"
    wire: Literal["pipelined", "busy"] = "pipelined"
    vector_bytes: Tagged[Size]
    wire_bytes: Tagged[Size] | None = None
    clock_mhz: Tagged[ClockMhz] | None = None
    turnaround_cycles: Tagged[Extent] = Tagged(value=0)
    hac_latency_ns: Tagged[Time] | None = None
    guard_in_hop: Tagged[bool] = Tagged(value=False)
    ports: Tagged[Count] | None = None
    inject_per_cycle: Tagged[Count] | None = None
    eject_per_cycle: Tagged[Count] | None = None
    down: DownFile = DownFile()


class LpxFile(TopologyFile):
    """``kind: lpx``: trays of fully connected chips, a spine, racks in a chain or a ring."""

    kind: Literal["lpx"]
    racks: Tagged[Count] = Tagged(value=1)
    rack_topology: Tagged[Literal["chain", "ring"]] = Tagged(value="chain")
    trays: Tagged[Count]
    chips_per_tray: Tagged[Count]
    tray: WireFile
    spine: WireFile
    rack: WireFile | None = None
    host: HostFile


class TspFile(TopologyFile):
    """``kind: tsp``: one node, up to 33 nodes, or racks of `nodes` nodes each.

    A single rack is told from as many nodes by ``in_racks``: its nodes are joined twice, and keep ports for others.
    """

    kind: Literal["tsp"]
    racks: Tagged[Count] = Tagged(value=1)
    nodes: Tagged[Count] = Tagged(value=1)
    in_racks: Tagged[bool] = Tagged(value=False)
    chips_per_node: Tagged[Count]
    local: WireFile
    between: WireFile | None = None
    host: HostFile


class OneWireFile(TopologyFile):
    """A family whose links are all equal."""

    link: WireFile


class FullMeshFile(OneWireFile):
    """``kind: full-mesh``: every two chips."""

    kind: Literal["full-mesh"]
    chips: Tagged[Count]


class RingFile(OneWireFile):
    """``kind: ring``: each chip and the next."""

    kind: Literal["ring"]
    chips: Tagged[Count]


class CirculantFile(OneWireFile):
    """``kind: circulant``: chips i and i + o, for each offset o."""

    kind: Literal["circulant"]
    chips: Tagged[Count]
    offsets: Tagged[Annotated[list[Count], Field(min_length=1)]]


class HypercubeFile(OneWireFile):
    """``kind: hypercube``: chips whose numbers differ in one bit."""

    kind: Literal["hypercube"]
    dimensions: Tagged[Annotated[int, Field(ge=1, le=14)]]


class GridFile(TopologyFile):
    """``kind: mesh``, ``torus`` or ``hyperx``: one wire for all axes under ``link``, or one an axis under ``axes``."""

    kind: Literal["mesh", "torus", "hyperx"]
    shape: Tagged[Annotated[list[Count], Field(min_length=1, max_length=8)]]
    link: WireFile | None = None
    axes: list[WireFile] | None = None

    @property
    def wires(self) -> list[WireFile]:
        """The wire of each axis."""
        return self.axes or [self.link for _ in self.shape.value if self.link]


class DragonflyFile(TopologyFile):
    """``kind: dragonfly``: fully connected groups, every two groups joined by one global link."""

    kind: Literal["dragonfly"]
    chips_per_group: Tagged[Count]
    global_links_per_chip: Tagged[Count]
    groups: Tagged[Count]
    local: WireFile
    between: WireFile


class BoardflyFile(TopologyFile):
    """``kind: boardfly``: fully connected trays, trays joined to groups and groups to each other by one link each."""

    kind: Literal["boardfly"]
    groups: Tagged[Count]
    trays_per_group: Tagged[Count]
    chips_per_tray: Tagged[Count]
    ports: Tagged[Count]
    tray: WireFile
    group: WireFile
    between: WireFile


class LinkDefaults(Strict):
    """Defaults of an explicit topology's links."""

    lanes: Tagged[Count] = Tagged(value=1)
    latency_ns: Tagged[Time] | None = None
    gbps: Tagged[Gbps] | None = None


class ExplicitFile(TopologyFile):
    """``kind: explicit``: links from a CSV beside the file."""

    kind: Literal["explicit"]
    chips: Tagged[Count]
    clock_mhz: Tagged[ClockMhz]
    wire: Literal["pipelined", "busy"]
    link: LinkDefaults = LinkDefaults()
    links: str


FamilyFile = (
    LpxFile
    | TspFile
    | FullMeshFile
    | RingFile
    | CirculantFile
    | HypercubeFile
    | GridFile
    | DragonflyFile
    | BoardflyFile
)
AnyTopologyFile = FamilyFile | ExplicitFile

KINDS: dict[str, type[AnyTopologyFile]] = {
    "full-mesh": FullMeshFile,
    "ring": RingFile,
    "mesh": GridFile,
    "torus": GridFile,
    "hypercube": HypercubeFile,
    "hyperx": GridFile,
    "circulant": CirculantFile,
    "dragonfly": DragonflyFile,
    "boardfly": BoardflyFile,
    "lpx": LpxFile,
    "tsp": TspFile,
    "explicit": ExplicitFile,
}
